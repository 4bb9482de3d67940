"""Times written by Go's layouts, such as `2006-01-02 15:04:05 MST`."""

from __future__ import annotations

import datetime
import re
from typing import Final

_PART: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|__2|_2(?!006)|15|1|2006|[2345]|PM|pm"
    r"|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07|[.,](?:0+|9+)(?!\d)"
)


def format_time(moment: datetime.datetime, nanoseconds: int, layout: str) -> str:
    """Write a time by a layout of Go's package time; `nanoseconds` is its fraction of a second."""

    def written(found: re.Match[str]) -> str:
        part = found.group()
        if part[0] in "-Z":
            return _offset(moment, part)
        if part[0] in ".,":
            return _fraction(nanoseconds, part)
        return _part(moment, part)

    return _PART.sub(written, layout)


def _part(moment: datetime.datetime, part: str) -> str:
    hour = moment.hour % 12 or 12
    parts = {
        "January": f"{moment:%B}",
        "Jan": f"{moment:%b}",
        "1": str(moment.month),
        "01": f"{moment.month:02}",
        "Monday": f"{moment:%A}",
        "Mon": f"{moment:%a}",
        "2": str(moment.day),
        "_2": f"{moment.day:2}",
        "02": f"{moment.day:02}",
        "__2": f"{moment.timetuple().tm_yday:3}",
        "002": f"{moment.timetuple().tm_yday:03}",
        "15": f"{moment.hour:02}",
        "3": str(hour),
        "03": f"{hour:02}",
        "4": str(moment.minute),
        "04": f"{moment.minute:02}",
        "5": str(moment.second),
        "05": f"{moment.second:02}",
        "2006": f"{moment.year:04}",
        "06": f"{moment.year % 100:02}",
        "PM": "AM" if moment.hour < 12 else "PM",
        "pm": "am" if moment.hour < 12 else "pm",
        "MST": moment.tzname() or "UTC",
    }
    return parts[part]


def _offset(moment: datetime.datetime, part: str) -> str:
    offset = moment.utcoffset() or datetime.timedelta()
    if part[0] == "Z" and not offset:
        return "Z"
    seconds = abs(int(offset.total_seconds()))
    sign = "-" if offset < datetime.timedelta() else "+"
    fields = [f"{seconds // 3600:02}", f"{seconds // 60 % 60:02}", f"{seconds % 60:02}"]
    digits = sum(character.isdigit() for character in part)
    return sign + (":" if ":" in part else "").join(fields[: digits // 2])


def _fraction(nanoseconds: int, part: str) -> str:
    digits = f"{nanoseconds:09}"[: len(part) - 1].ljust(len(part) - 1, "0")
    if part[1] == "9":
        digits = digits.rstrip("0")
    return part[0] + digits if digits else ""
