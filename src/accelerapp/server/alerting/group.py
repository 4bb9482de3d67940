"""One group of alerts that are notified of together, with its timer."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

from accelerapp.server.alerting.route import Route
from accelerapp.server.alerting.timers import Timer, Timers
from accelerapp.server.signals import Alert, Labels

log = logging.getLogger(__name__)

#: Is given the group, its alerts and the time in Unix seconds; tells whether all that was due was done.
Flush = Callable[["AlertGroup", list[Alert], float], Awaitable[bool]]


def _compared(one: Labels, other: Labels) -> int:
    """Compare as Alertmanager does: the fewer labels first, then label by label."""
    mine, its = dict(one), dict(other)
    if len(mine) != len(its):
        return len(mine) - len(its)
    for name in sorted({*mine, *its}):
        if mine.get(name) != its.get(name):
            return -1 if name not in mine or (name in its and mine[name] < its[name]) else 1
    return 0


def _told_before(one: Labels, other: Labels) -> int:
    """Compare by job, by instance, and then as label sets."""
    mine, its = dict(one), dict(other)
    for name in ("job", "instance"):
        if mine.get(name) != its.get(name):
            return -1 if name not in its or (name in mine and mine[name] < its[name]) else 1
    return _compared(one, other)


#: The order of groups.
LABEL_ORDER = functools.cmp_to_key(_compared)
_TOLD_ORDER = functools.cmp_to_key(_told_before)


class AlertGroup:
    """Alerts of one route with the same group labels; flushed after group_wait, then every group_interval.

    When the last of them has resolved and that was told, the group ends and is given to `retire`: what fires after
    that begins a new one, and waits for group_wait.
    """

    def __init__(
        self,
        route: Route,
        labels: Labels,
        timers: Timers,
        flush: Flush,
        retire: Callable[[AlertGroup], None],
    ) -> None:
        self.route = route
        self.labels = labels
        self.key = route.group_key(labels)
        self._timers = timers
        self._flush = flush
        self._retire = retire
        self._alerts: dict[Labels, Alert] = {}
        self._flushed = False
        self._task: asyncio.Task[None] | None = None
        self._late = False
        self._timer: Timer = timers.call_at(timers.now() + route.group_wait, self._due)

    @property
    def alerts(self) -> list[Alert]:
        """The alerts in the order in which receivers are told of them."""
        return sorted(self._alerts.values(), key=lambda alert: _TOLD_ORDER(alert.labels))

    def holds(self, labels: Labels) -> bool:
        return labels in self._alerts

    def insert(self, alert: Alert) -> None:
        """Take in an alert; one that has already waited, before a restart, does not wait again."""
        self._alerts[alert.labels] = alert
        if not self._flushed and alert.starts_at + self.route.group_wait < self._timers.now():
            self._timer.cancel()
            self._timer = self._timers.call_at(self._timers.now(), self._due)

    def cancel(self) -> None:
        self._timer.cancel()

    async def stop(self) -> None:
        """End the timer and what is under way."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _due(self) -> None:
        self._flushed = True
        now = self._timers.now()
        self._timer = self._timers.call_at(now + self.route.group_interval, self._due)
        if self._task is not None:
            self._late = True  # the flush before this one is not through: follow it at once
            return
        self._task = asyncio.get_running_loop().create_task(self._run(now))

    async def _run(self, now: float) -> None:
        try:
            await self._once(now)
        except Exception:  # the next flush tries again; a group must not fall silent over one failure
            log.exception("the group %s was not notified of", self.key)
        finally:
            self._task = None
        if not self._alerts:
            self._timer.cancel()
            self._retire(self)
        elif self._late:
            self._late = False
            self._task = asyncio.get_running_loop().create_task(self._run(self._timers.now()))

    async def _once(self, now: float) -> None:
        alerts = self.alerts
        if not alerts:
            return
        # What fires at the beginning is told as firing, though it may end while it is being sent.
        told = [alert if alert.resolved(now) else replace(alert, ends_at=math.inf) for alert in alerts]
        if await self._flush(self, told, now):
            for alert in alerts:
                if alert.resolved(now) and self._alerts.get(alert.labels) is alert:
                    del self._alerts[alert.labels]
