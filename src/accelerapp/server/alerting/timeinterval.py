"""Time intervals of the routes, as Alertmanager's configuration reference defines them."""

from __future__ import annotations

import calendar
import datetime
from dataclasses import dataclass

#: The first and the last of a range, both included.
Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """Ranges that a moment must all be in, each kind by one of its ranges; a kind that is None is not asked.

    `times` are minutes of the day, without the last one; weekdays count from Sunday, 0; negative days of the month
    from its end, -1. `location` is None where the machine's own time zone counts.
    """

    times: tuple[Range, ...] | None = None
    weekdays: tuple[Range, ...] | None = None
    days_of_month: tuple[Range, ...] | None = None
    months: tuple[Range, ...] | None = None
    years: tuple[Range, ...] | None = None
    location: datetime.tzinfo | None = datetime.UTC

    def contains(self, now: float) -> bool:
        """Tell whether a time in Unix seconds is in the interval."""
        moment = datetime.datetime.fromtimestamp(now, self.location)
        minute = moment.hour * 60 + moment.minute
        return (
            (self.times is None or any(start <= minute < end for start, end in self.times))
            and (self.days_of_month is None or any(_on_day(days, moment) for days in self.days_of_month))
            and _within(self.months, moment.month)
            and _within(self.weekdays, moment.isoweekday() % 7)
            and _within(self.years, moment.year)
        )


@dataclass(frozen=True, slots=True)
class NamedIntervals:
    """What a route names: a moment is in it that is in one of its intervals."""

    name: str
    intervals: tuple[TimeInterval, ...]

    def contains(self, now: float) -> bool:
        return any(interval.contains(now) for interval in self.intervals)


def _within(ranges: tuple[Range, ...] | None, value: int) -> bool:
    return ranges is None or any(first <= value <= last for first, last in ranges)


def _on_day(days: Range, moment: datetime.datetime) -> bool:
    # Alertmanager counts a month's days by its hours, so that one with the change to summer time has a day less there.
    length = calendar.monthrange(moment.year, moment.month)[1]
    first, last = (day if day > 0 else length + day + 1 for day in days)
    return first <= moment.day <= last
