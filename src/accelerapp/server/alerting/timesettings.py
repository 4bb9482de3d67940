"""What a time interval may contain in alertmanager.yml."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, model_validator

from accelerapp.server.alerting.timeinterval import NamedIntervals, Range, TimeInterval
from accelerapp.server.configfile import ConfigModel, Text

_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_WEEKDAYS: Final = {
    name: number
    for number, name in enumerate(
        ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    )
}
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ),
        1,
    )
}
#: A negative day is taken to be of the shortest month when a range is checked for its order.
_SHORTEST_MONTH: Final = 28


def _minute(value: object) -> object:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError(f"{value!r} is no time of day; write it as '08:30', up to '24:00'")
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


def _member(text: str, names: Mapping[str, int], numbers: range | None, what: str) -> int:
    if text in names:
        return names[text]
    if numbers is not None and re.fullmatch(r"[+-]?[0-9]+", text) and int(text) in numbers:
        return int(text)
    raise ValueError(f"{text!r} is no {what}")


def _range(names: Mapping[str, int], numbers: range | None, what: str) -> Callable[[object], tuple[int, int]]:
    def read(value: object) -> tuple[int, int]:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValueError(f"found {value!r} where a {what} or a range of them is expected")
        parts = str(value).lower().split(":")
        if len(parts) > 2:
            raise ValueError(f"{value!r} is no range; write first:last")
        found = [_member(part, names, numbers, what) for part in parts]
        first, last = found[0], found[-1]
        if _order(first) > _order(last) or (first < 0 < last):
            raise ValueError(f"the range {value!r} ends before it begins; write two ranges")
        return first, last

    return read


def _order(number: int) -> int:
    return number if number >= 0 else _SHORTEST_MONTH + number


def _day(value: object) -> tuple[int, int]:
    first, last = _range({}, range(-31, 32), "day of the month")(value)
    if not first or not last:
        raise ValueError("a month has no day 0; days count from 1, or from its end, -1")
    return first, last


def _location(value: object) -> object:
    if value in ("", "UTC"):
        return datetime.UTC
    if value == "Local":
        return None
    try:
        return zoneinfo.ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"the location {value!r} is not known; write one such as Europe/Berlin or UTC"
        ) from error


Minute = Annotated[int, BeforeValidator(_minute)]
WeekdayRange = Annotated[Range, BeforeValidator(_range(_WEEKDAYS, None, "weekday"))]
DayRange = Annotated[Range, BeforeValidator(_day)]
MonthRange = Annotated[Range, BeforeValidator(_range(_MONTHS, range(1, 13), "month"))]
YearRange = Annotated[Range, BeforeValidator(_range({}, range(10_000), "year"))]


class TimeRangeSettings(ConfigModel):
    start_time: Minute
    end_time: Minute

    @model_validator(mode="after")
    def _ordered(self) -> TimeRangeSettings:
        if self.start_time >= self.end_time:
            raise ValueError(
                "the time ends before it begins; for a night write one until '24:00' and a second"
            )
        return self


class TimeIntervalSettings(ConfigModel):
    times: list[TimeRangeSettings] | None = None
    weekdays: list[WeekdayRange] | None = None
    days_of_month: list[DayRange] | None = None
    months: list[MonthRange] | None = None
    years: list[YearRange] | None = None
    location: Annotated[Any, BeforeValidator(_location)] = datetime.UTC

    def interval(self) -> TimeInterval:
        def ranges(given: list[Range] | None) -> tuple[Range, ...] | None:
            return None if given is None else tuple(given)

        times = None if self.times is None else [(each.start_time, each.end_time) for each in self.times]
        return TimeInterval(
            times=ranges(times),
            weekdays=ranges(self.weekdays),
            days_of_month=ranges(self.days_of_month),
            months=ranges(self.months),
            years=ranges(self.years),
            location=self.location,
        )


class NamedIntervalsSettings(ConfigModel):
    name: Text = ""
    time_intervals: list[TimeIntervalSettings] = Field(default_factory=list)

    def named(self) -> NamedIntervals:
        return NamedIntervals(self.name, tuple(each.interval() for each in self.time_intervals))
