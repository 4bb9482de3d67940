"""Regular expressions in queries: anchored at both ends, `.` matches newlines too."""

from __future__ import annotations

from typing import Any

from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.regex import InvalidPatternError, compile_re2


def compile_anchored(pattern: str) -> Any:
    """Compile a pattern; the answer's methods are those of Python's `re`.

    Raises PromQLError with RE2's reason.
    """
    try:
        return compile_re2(f"^(?s:{pattern})$")
    except InvalidPatternError as error:
        raise PromQLError(str(error)) from error
