"""Reading parameters as servers in Go do, with the words of Go's `strconv` and `time` where they are wrong."""

from __future__ import annotations

import re
from typing import Final

_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MOST: Final = 2**63 - 1


class GoValueError(ValueError):
    """A text is not what it should be; the message is Go's."""


def go_int(text: str, bits: int = 64) -> int:
    """Read a decimal number as `strconv.ParseInt` does."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise GoValueError(f"strconv.ParseInt: parsing {_quoted(text)}: invalid syntax")
    number = int(text) if len(text) < 30 else 2**100
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise GoValueError(f"strconv.ParseInt: parsing {_quoted(text)}: value out of range")
    return number


def go_hexadecimal(text: str) -> int:
    """Read a number of at most 64 bits as `strconv.ParseUint` does with base 16."""
    if not re.fullmatch(r"[0-9a-fA-F]+", text):
        raise GoValueError(f"strconv.ParseUint: parsing {_quoted(text)}: invalid syntax")
    return int(text, 16)


def go_bool(text: str) -> bool:
    """Read a truth value as `strconv.ParseBool` does."""
    if text not in _TRUE | _FALSE:
        raise GoValueError(f"strconv.ParseBool: parsing {_quoted(text)}: invalid syntax")
    return text in _TRUE


def go_duration(text: str) -> int:
    """Read a duration such as `1h2.5s` as `time.ParseDuration` does, and return nanoseconds."""
    invalid = GoValueError(f"time: invalid duration {_quoted(text)}")
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total = 0
    while rest:
        match = _PART.match(rest)
        if match is None or not (match[1] or match[2]):
            raise invalid
        whole, fraction, unit = match[1] or "0", match[2] or "", match[3]
        if not unit:
            raise GoValueError(f"time: missing unit in duration {_quoted(text)}")
        if unit not in _UNITS:
            raise GoValueError(f"time: unknown unit {_quoted(unit)} in duration {_quoted(text)}")
        if len(whole) > 20:
            raise invalid
        total += int(whole) * _UNITS[unit] + int(fraction[:18] or "0") * _UNITS[unit] // 10 ** len(
            fraction[:18]
        )
        if total > _MOST:
            raise invalid
        rest = rest[match.end() :]
    return sign * total


def _quoted(text: str) -> str:
    """Return a text as Go quotes it in such an error, cut to what a message can hold."""
    shown = text[:200].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{shown}"'
