"""What the alerting side keeps at most, and what it refused beyond that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

#: Alerts known at a time, whatever their state.
MAX_ALERTS: Final = 10_000
#: Groups of one route at a time; each has a timer, and may notify at the same moment as all the others.
MAX_GROUPS_OF_A_ROUTE: Final = 1000
_PERIOD: Final = 60.0


@dataclass(frozen=True, slots=True)
class Refused:
    """What a limit refused last; `at` is Unix seconds."""

    at: float
    offender: str


class Refusals:
    """Counts what a limit refused, and says so in the log once a minute with the latest offender.

    `now` returns Unix seconds.
    """

    def __init__(self, what: str, now: Callable[[], float]) -> None:
        self.count = 0
        self.last: Refused | None = None
        self._what = what
        self._now = now
        self._said_at = float("-inf")
        self._unsaid = 0

    def add(self, offender: str) -> None:
        self.count += 1
        self._unsaid += 1
        now = self._now()
        self.last = Refused(now, offender[:500])
        if now - self._said_at < _PERIOD:
            return
        log.warning("%d times refused: %s; the latest was %s", self._unsaid, self._what, offender)
        self._said_at, self._unsaid = now, 0
