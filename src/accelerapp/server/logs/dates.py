"""Times in queries: ISO 8601 as far as it is written, milliseconds, and `now-15m`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_SECOND: Final = 1_000_000_000
_UNITS: Final = {
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
    "w": 7 * 86_400 * _SECOND,
}
_NOW = re.compile(r"now(?:([+-])(\d{1,6})([smhdw]))?(?:/([smhd]))?")
_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_MILLISECONDS = re.compile(r"\d{11,14}")


def read_time(text: str, now_ns: int) -> tuple[int, int] | None:
    """Return the first and the last nanosecond of what a text names; None where it names no time.

    `2026-11-26` is a whole day, in UTC if no zone is given. `now-1h` is an hour before `now_ns`, `now/d` today;
    as in Elasticsearch's date mathematics, of which months and years are left out.
    """
    if match := _NOW.fullmatch(text):
        sign, count, unit, rounded = match.groups()
        at = now_ns + (int(count) * _UNITS[unit] * (-1 if sign == "-" else 1) if count else 0)
        if rounded is None:
            return at, at
        begin = at - at % _UNITS[rounded]
        return begin, begin + _UNITS[rounded] - 1
    if _MILLISECONDS.fullmatch(text):
        return int(text) * 1_000_000, int(text) * 1_000_000 + 999_999
    match = _ISO.fullmatch(text)
    return _iso(match) if match else None


def _iso(match: re.Match[str]) -> tuple[int, int] | None:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        begin = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=UTC,
        )
        if month is None:
            end = begin.replace(year=begin.year + 1)
        elif day is None:
            end = (begin + timedelta(days=31)).replace(day=1)
        else:
            step = (
                {"seconds": 1}
                if second
                else {"minutes": 1}
                if minute
                else {"hours": 1}
                if hour
                else {"days": 1}
            )
            end = begin + timedelta(**step)
    except (ValueError, OverflowError):
        return None
    offset = _offset(zone) if zone and zone != "Z" else 0
    first = (int(begin.timestamp()) - offset) * _SECOND
    last = (int(end.timestamp()) - offset) * _SECOND - 1
    if fraction:
        first += int(fraction.ljust(9, "0"))
        last = first + 10 ** (9 - len(fraction)) - 1
    return first, last


def _offset(zone: str) -> int:
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds
