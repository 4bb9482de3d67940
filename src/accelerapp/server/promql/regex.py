"""Regular expressions in queries: anchored at both ends, `.` matches newlines too."""

from __future__ import annotations

from typing import Any

from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.regex import InvalidPatternError, compile_re2

#: What RE2 says, and what Go's own implementation of it says instead.
_REASONS = {
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "unexpected )": "unexpected )",
    "trailing \\": "trailing backslash at end of expression",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "invalid escape sequence": "invalid escape sequence",
    "invalid character class range": "invalid character class range",
    "invalid character class": "invalid character class",
}


def compile_anchored(pattern: str) -> Any:
    """Compile a pattern; the answer's methods are those of Python's `re`.

    Raises PromQLError with the reason in Go's words.
    """
    try:
        compiled = compile_re2(f"^(?s:{pattern})$")
        # Parentheses that only close and open the group around them are no pattern on their own.
        if ")" in pattern:
            compile_re2(pattern)
    except InvalidPatternError as error:
        raise PromQLError(_in_go(pattern, str(error))) from error
    return compiled


def _in_go(pattern: str, reason: str) -> str:
    try:
        compile_re2(pattern)
    except InvalidPatternError as error:
        reason = str(error)
    for prefix, words in _REASONS.items():
        if reason == prefix or reason.startswith(f"{prefix}: "):
            return f"{words}: `{reason[len(prefix) + 2 :]}`"
    return reason
