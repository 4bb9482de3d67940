"""Durations and timestamps as the files and APIs of Prometheus and Alertmanager write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

#: The units of a duration, largest first, each with its milliseconds and whether it is only written where it
#: divides the duration without a rest.
_UNITS: Final = (
    ("y", 365 * 86_400_000, True),
    ("w", 7 * 86_400_000, True),
    ("d", 86_400_000, False),
    ("h", 3_600_000, False),
    ("m", 60_000, False),
    ("s", 1000, False),
    ("ms", 1, False),
)
_DURATION: Final = re.compile("".join(rf"(?:([0-9]{{1,15}}){unit})?" for unit, _, _ in _UNITS))

#: Prometheus keeps durations as 64-bit nanoseconds.
MAX_DURATION_MS: Final = (2**63 - 1) // 1_000_000


def parse_duration(text: str) -> float:
    """Read a duration such as `1h30m` and return seconds.

    Units are y, w, d, h, m, s, ms, each at most once and in this order; `0` needs no unit, as in Prometheus'
    configuration reference. Raises ValueError.
    """
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(
            f'"{text}" is not a duration; write numbers with units in descending order: y, w, d, h, m, s, ms'
        )
    milliseconds = sum(int(count or 0) * unit[1] for count, unit in zip(match.groups(), _UNITS, strict=True))
    if milliseconds > MAX_DURATION_MS:
        raise ValueError(f'the duration "{text}" is too long; the longest is about 292 years')
    return milliseconds / 1000


def format_duration(seconds: float) -> str:
    """Write a duration given in seconds as Prometheus does, rounded to milliseconds: `1h30m`, `750ms`, `0s`."""
    return format_milliseconds(round(seconds * 1000))


def format_milliseconds(milliseconds: int) -> str:
    """Write a duration given in milliseconds; one below zero, as offsets can be, begins with a minus."""
    if milliseconds == 0:
        return "0s"
    parts = []
    rest = abs(milliseconds)
    for name, size, exact in _UNITS:
        if exact and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return ("-" if milliseconds < 0 else "") + "".join(parts)


def rfc3339(seconds: float | None) -> str:
    """Write Unix seconds in UTC as Go's JSON does, the zero time of Go where there is none."""
    if seconds is None:
        return "0001-01-01T00:00:00Z"
    text = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"
