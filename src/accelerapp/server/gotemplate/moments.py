"""Go's time.Time and time.Duration, with the methods that templates call on them."""

from __future__ import annotations

import datetime
import math
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from accelerapp.server.gotemplate.layouts import format_time
from accelerapp.server.gotemplate.values import Object

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
#: Year 1, which is the time that is not set.
_ZERO_SECONDS: Final = -62_135_596_800
_RFC3339: Final = "2006-01-02T15:04:05.999999999Z07:00"
_PRINTED: Final = "2006-01-02 15:04:05.999999999 -0700 MST"


class Duration(int, Object):
    """Nanoseconds."""

    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "Hours": lambda self: self / (3600 * _SECOND),
        "Minutes": lambda self: self / (60 * _SECOND),
        "Seconds": lambda self: self / _SECOND,
        "Milliseconds": lambda self: _towards_zero(self, 1_000_000),
        "Microseconds": lambda self: _towards_zero(self, 1000),
        "Nanoseconds": int,
        "Abs": lambda self: Duration(abs(self)),
        "Round": lambda self, unit: Duration(_rounded(self, unit)),
        "Truncate": lambda self, unit: Duration(_towards_zero(self, unit) * unit if unit > 0 else self),
        "String": lambda self: self.text(),
    }

    def amount(self) -> float:
        return self / _SECOND

    def text(self) -> str:
        size = abs(int(self))
        sign = "-" if self < 0 else ""
        if size < _SECOND:
            if not size:
                return "0s"
            unit, length = next(
                (unit, length)
                for unit, length in (("ms", 1_000_000), ("µs", 1000), ("ns", 1))
                if size >= length
            )
            return f"{sign}{_decimal(size, length)}{unit}"
        minutes, rest = divmod(size, 60 * _SECOND)
        hours, minutes = divmod(minutes, 60)
        seconds = f"{_decimal(rest, _SECOND)}s"
        if hours:
            return f"{sign}{hours}h{minutes}m{seconds}"
        return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _towards_zero(value: int, unit: int) -> int:
    return int(math.copysign(abs(value) // unit, value)) if unit else 0


def _rounded(value: int, unit: int) -> int:
    if unit <= 0:
        return int(value)
    away = (abs(value) + unit // 2) // unit * unit
    return -away if value < 0 else away


@dataclass(frozen=True, slots=True)
class Time(Object):
    """Unix nanoseconds with the time zone in which they are shown."""

    nanoseconds: int = _ZERO_SECONDS * _SECOND
    zone: datetime.tzinfo = datetime.UTC

    @classmethod
    def of(cls, seconds: float) -> Time:
        """Return the time of Unix seconds, to the microsecond."""
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        return cls((moment - _EPOCH) // datetime.timedelta(microseconds=1) * 1000)

    def moment(self) -> datetime.datetime:
        """Return the time without what is below a second."""
        try:
            utc = _EPOCH + datetime.timedelta(seconds=self.nanoseconds // _SECOND)
            return utc.astimezone(self.zone)
        except OverflowError as error:
            raise ValueError("the time is outside the years 1 to 9999") from error

    def format(self, layout: str) -> str:
        return format_time(self.moment(), self.nanoseconds % _SECOND, layout)

    def text(self) -> str:
        return self.format(_PRINTED)

    def rfc3339(self) -> str:
        """Write the time as Go's JSON does."""
        return self.format(_RFC3339)

    def into(self, name: str) -> Time:
        """Return the same time as a place shows it, such as Europe/Berlin; raises ValueError."""
        if name in ("", "UTC"):
            return replace(self, zone=datetime.UTC)
        try:
            return replace(self, zone=zoneinfo.ZoneInfo(name))
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {name}") from error

    methods: ClassVar[Mapping[str, Callable[..., Any]]]


def _field(name: str) -> Callable[[Time], Any]:
    return lambda time: getattr(time.moment(), name)


Time.methods = {
    "Format": Time.format,
    "String": Time.text,
    "UTC": lambda time: time.into("UTC"),
    "Local": lambda time: replace(time, zone=datetime.datetime.now().astimezone().tzinfo or datetime.UTC),
    "Unix": lambda time: time.nanoseconds // _SECOND,
    "UnixMilli": lambda time: time.nanoseconds // 1_000_000,
    "UnixMicro": lambda time: time.nanoseconds // 1000,
    "UnixNano": lambda time: time.nanoseconds,
    "Add": lambda time, duration: replace(time, nanoseconds=time.nanoseconds + int(duration)),
    "Sub": lambda time, other: Duration(time.nanoseconds - other.nanoseconds),
    "Before": lambda time, other: time.nanoseconds < other.nanoseconds,
    "After": lambda time, other: time.nanoseconds > other.nanoseconds,
    "Equal": lambda time, other: time.nanoseconds == other.nanoseconds,
    "IsZero": lambda time: time.nanoseconds == _ZERO_SECONDS * _SECOND,
    "Weekday": lambda time: time.format("Monday"),
    "Month": lambda time: time.format("January"),
    "Nanosecond": lambda time: time.nanoseconds % _SECOND,
    "YearDay": lambda time: time.moment().timetuple().tm_yday,
    **{name.title(): _field(name) for name in ("year", "day", "hour", "minute", "second")},
}
