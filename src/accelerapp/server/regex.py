"""Regular expressions that users supply: RE2, whose matching takes linear time and whose syntax is Prometheus' own."""

from __future__ import annotations

import functools
from typing import Any

import re2  # type: ignore[import-untyped]


class InvalidPatternError(ValueError):
    """A pattern is not valid RE2; the message is RE2's reason."""


@functools.lru_cache(maxsize=1000)
def compile_re2(pattern: str, *, dot_matches_newline: bool = False) -> Any:
    """Compile a pattern; the answer's methods are those of Python's `re`. Raises InvalidPatternError."""
    options = re2.Options()
    options.dot_nl = dot_matches_newline
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not valid"
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise InvalidPatternError(said) from error
