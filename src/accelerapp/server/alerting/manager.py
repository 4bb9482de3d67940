"""Alerts in, notifications out: routing, grouping, inhibition and delivery on the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.alerting.config import Config, Integration
from accelerapp.server.alerting.counts import Counts
from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.group import LABEL_ORDER, AlertGroup
from accelerapp.server.alerting.inhibit import Inhibitor
from accelerapp.server.alerting.limits import MAX_ALERTS, MAX_GROUPS_OF_A_ROUTE, Refusals, Refused
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.pipeline import Delivery, IntegrationStatus
from accelerapp.server.alerting.receivers import Deliverer, make_deliverer
from accelerapp.server.alerting.records import Records
from accelerapp.server.alerting.route import Route
from accelerapp.server.alerting.silence import Silences
from accelerapp.server.alerting.timers import LoopTimers, Timers
from accelerapp.server.signals import Alert, Clock, Labels
from accelerapp.server.storage.state import Notification, State

log = logging.getLogger(__name__)

#: Seconds that attempts may take though the group's next turn comes earlier, as in Alertmanager.
_LEAST_TIME: Final = 10.0
#: Alerts that are taken in before the event loop does something else.
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    name: str
    integrations: tuple[IntegrationStatus, ...]


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group as it stands."""

    key: str
    labels: Labels
    receiver: str
    muted_by: tuple[str, ...]  # the time intervals that keep it quiet now
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """What keeps an alert quiet: silences by their ids, and alerts by their fingerprints."""

    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]

    @property
    def state(self) -> str:
        return "suppressed" if self.silenced_by or self.inhibited_by else "active"


@dataclass(frozen=True, slots=True)
class Load:
    """How much is kept now, and how often a limit refused some since the start."""

    alerts: int
    groups: int
    alerts_refused: int
    groups_refused: int
    last_alert_refused: Refused | None = None
    last_group_refused: Refused | None = None


class Alertmanager:
    """Routes alerts to receivers as Alertmanager does.

    `clock` returns Unix seconds and `timers` are by that clock; `deliverer` makes the integration of a
    configuration entry. Alerts and groups are limited in number; what is refused is counted, and taken when the
    rules send it again and there is room. `start` and `stop` run on the event loop; everything else may be called from
    any thread.
    """

    def __init__(
        self,
        config: Config,
        state: State,
        clock: Clock,
        external_url: str = "",
        *,
        timers: Timers | None = None,
        deliverer: Callable[[Integration, Config, Clock], Deliverer] = make_deliverer,
    ) -> None:
        self._config = config
        self._state = state
        self._records = Records(state, on_loop=timers is not None)
        self._saving: set[asyncio.Future[None]] = set()
        self._timers = timers or LoopTimers(clock)
        self._external_url = external_url
        self._deliverer = deliverer
        self.counts = Counts()
        self._deliveries = self._make_deliveries(config)
        self.silences = Silences(state.silences, self._timers.now)
        self._lock = threading.Lock()
        self._alerts: dict[Labels, Alert] = {}
        self._updated: dict[Labels, float] = {}  # when an alert was last received
        self._timed_out: set[Labels] = set()  # those whose end is only that of the patience with their sender
        self._groups: dict[tuple[str, Labels], AlertGroup] = {}
        self._groups_of: Counter[str] = Counter()
        self._inhibitor: Inhibitor | None = None  # None where alerts have changed since it was built
        self._alerts_refused = Refusals(
            f"more than {MAX_ALERTS} alerts at a time; let fewer labels vary in the rules", self._timers.now
        )
        self._groups_refused = Refusals(
            f"more than {MAX_GROUPS_OF_A_ROUTE} groups of a route at a time; group by fewer labels",
            self._timers.now,
        )
        self._waiting: list[Alert] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def _make_deliveries(self, config: Config) -> dict[str, tuple[Delivery, ...]]:
        return {
            receiver.name: tuple(
                Delivery(
                    receiver.name,
                    entry,
                    self._deliverer(entry, config, self._timers.now),
                    self._records,
                    self._timers,
                    self.counts,
                )
                for entry in receiver.integrations
            )
            for receiver in config.receivers.values()
        }

    @property
    def config(self) -> Config:
        """The configuration that it works by."""
        return self._config

    async def start(self) -> None:
        """Take up the alerts of the last run, and begin to notify."""
        for alert in await self._records.load_alerts():
            self._dispatch(alert)
        with self._lock:
            self._loop = asyncio.get_running_loop()
            waiting, self._waiting = self._waiting, []
        self._take_soon(waiting)

    async def stop(self) -> None:
        """End all timers and attempts; what was not notified is taken up at the next start."""
        with self._lock:
            self._loop = None
        await asyncio.gather(*(group.stop() for group in list(self._groups.values())))
        await asyncio.gather(*self._saving, return_exceptions=True)
        await asyncio.to_thread(self._records.close)

    async def reload(self, config: Config) -> None:
        """Go on by another configuration, on the event loop: alerts, silences and what was told stay.

        The alerts are grouped anew, as Alertmanager does it; what has waited for group_wait does not wait again, and
        what a receiver was told under the same route it is not told again.
        """
        deliveries = await asyncio.to_thread(self._make_deliveries, config)
        groups = list(self._groups.values())
        # What comes in while the groups end must not go to one of them, so they are gone before they are waited for.
        self._config, self._deliveries, self._inhibitor = config, deliveries, None
        self._groups, self._groups_of = {}, Counter()
        await asyncio.gather(*(group.stop() for group in groups))
        # An alert that is in no group would never be told of, nor forgotten.
        self._drop([alert.labels for alert in list(self._alerts.values()) if not self._dispatch(alert)])

    def receive(self, alerts: Sequence[Alert]) -> None:
        """Take in alerts, new, repeated or resolved; returns at once."""
        with self._lock:
            loop = self._loop
            if loop is None:
                self._waiting = [*self._waiting, *alerts][-MAX_ALERTS:]
                return
        try:
            loop.call_soon_threadsafe(self._take_soon, list(alerts))
        except RuntimeError:  # the loop has closed: the rules send again after the next start
            log.info("%d alerts came after the end and were left", len(alerts))

    def receivers(self) -> list[ReceiverStatus]:
        """Return every receiver with the state of its integrations."""
        return [
            ReceiverStatus(name, tuple(delivery.status() for delivery in deliveries))
            for name, deliveries in self._deliveries.items()
        ]

    def notifications(self, since: float = 0.0) -> list[Notification]:
        """Return the notification history from `since` (Unix seconds) on, the oldest first."""
        return self._state.notifications.history(since)

    def alerts(self) -> list[Alert]:
        """Return the alerts that are known, firing or just resolved, in order of their labels."""
        known = dict(self._alerts)
        return [known[labels] for labels in sorted(known)]

    def groups(self) -> list[GroupStatus]:
        """Return the groups, in order of their labels and receivers."""
        now = self._timers.now()
        groups = sorted(
            dict(self._groups).values(), key=lambda group: (LABEL_ORDER(group.labels), group.route.receiver)
        )
        return [
            GroupStatus(
                group.key,
                group.labels,
                group.route.receiver,
                group.route.inactive_by(now) or group.route.muted_by(now),
                tuple(group.alerts),
            )
            for group in groups
        ]

    def quiet(self) -> Callable[[Labels], AlertStatus]:
        """Return the call that tells of an alert, by its labels, what keeps it quiet now."""
        now = self._timers.now()
        inhibitor = self._inhibitor or Inhibitor(self._config.inhibit_rules, dict(self._alerts).values())
        silenced_by = self.silences.silencer(now)

        def status(labels: Labels) -> AlertStatus:
            inhibited = inhibitor.inhibited_by(labels, now)
            return AlertStatus(tuple(silenced_by(labels)), () if inhibited is None else (inhibited,))

        return status

    def updated_at(self, labels: Labels) -> float:
        """Return when an alert was last received, in Unix seconds."""
        return self._updated.get(labels, self._timers.now())

    def load(self) -> Load:
        """Return how much is kept and what was refused."""
        return Load(
            len(self._alerts),
            len(self._groups),
            self._alerts_refused.count,
            self._groups_refused.count,
            self._alerts_refused.last,
            self._groups_refused.last,
        )

    async def take(self, alerts: Sequence[Alert], timed_out: Sequence[bool] = ()) -> int:
        """Take in alerts on the event loop, and return, when they are on disk, how many there was no room for.

        `timed_out` tells of each whether its end is but a guess, since its sender gave none.
        """
        taken: list[Alert] = []
        guessed = timed_out or [False] * len(alerts)
        for begin in range(0, len(alerts), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            taken += self._accept(alerts[part], guessed[part])
            await asyncio.sleep(0)  # others are heard in between
        if taken:
            await self._records.save_alerts(taken)
        return len(alerts) - len(taken)

    def _take_soon(self, alerts: Sequence[Alert]) -> None:
        taken = self._accept(alerts, [False] * len(alerts))
        if taken:
            self._soon(self._records.save_alerts(taken))

    def _soon(self, saving: asyncio.Future[None]) -> None:
        """Do not wait for what is written to the state file: what a crash loses the rules send again."""
        self._saving.add(saving)
        saving.add_done_callback(self._saved)

    def _saved(self, saving: asyncio.Future[None]) -> None:
        self._saving.discard(saving)
        if not saving.cancelled() and (error := saving.exception()) is not None:
            log.warning("the state file was not written: %s", error)

    def _accept(self, alerts: Sequence[Alert], guessed: Sequence[bool]) -> list[Alert]:
        """Put alerts into their groups, and return those that there was room for."""
        taken = []
        for alert, guess in zip(alerts, guessed, strict=True):
            merged = self._merge(alert)
            if not self._dispatch(merged):
                continue
            fingerprint(alert.labels)  # which all that follows asks for, all groups at the same moment
            self._updated[alert.labels] = self._timers.now()
            (self._timed_out.add if guess else self._timed_out.discard)(alert.labels)
            taken.append(merged)
        return taken

    def _merge(self, alert: Alert) -> Alert:
        """Join an alert with the one it repeats where the two overlap: from the earlier begin, to the later end."""
        known = self._alerts.get(alert.labels)
        if known is None or not (
            known.starts_at < alert.ends_at < known.ends_at
            or known.starts_at < alert.starts_at < known.ends_at
        ):
            return alert
        now = self._timers.now()
        ends_at = alert.ends_at
        if alert.resolved(now):
            if known.resolved(now):
                ends_at = max(ends_at, known.ends_at)
        elif alert.labels not in self._timed_out:
            ends_at = max(ends_at, known.ends_at)
        return replace(alert, starts_at=min(alert.starts_at, known.starts_at), ends_at=ends_at)

    def _dispatch(self, alert: Alert) -> bool:
        """Put an alert into its groups; False where there is room for it nowhere."""
        known = alert.labels in self._alerts
        if not known and len(self._alerts) >= MAX_ALERTS:
            self._alerts_refused.add(str(dict(alert.labels)))
            return False
        groups = [
            group
            for route in self._config.route.match(dict(alert.labels))
            if (group := self._group(route, route.group_labels(alert.labels))) is not None
        ]
        if not groups:
            return False
        self._alerts[alert.labels] = alert
        self._inhibitor = None
        for group in groups:
            group.insert(alert)
        return True

    def _group(self, route: Route, labels: Labels) -> AlertGroup | None:
        group = self._groups.get((route.id, labels))
        if group is None:
            if self._groups_of[route.id] >= MAX_GROUPS_OF_A_ROUTE:
                self._groups_refused.add(f"{route.group_key(labels)} of the receiver {route.receiver}")
                return None
            group = AlertGroup(route, labels, self._timers, self._flush, self._retire)
            self._groups[route.id, labels] = group
            self._groups_of[route.id] += 1
        return group

    def _current_inhibitor(self) -> Inhibitor:
        if self._inhibitor is None:
            self._inhibitor = Inhibitor(self._config.inhibit_rules, self._alerts.values())
        return self._inhibitor

    def _heard(self, route: Route, alerts: Sequence[Alert], now: float) -> tuple[Alert, ...]:
        """Return the alerts that nothing keeps quiet, in Alertmanager's order of asking."""
        inhibitor = self._current_inhibitor()
        suppressed = self.counts.suppressed
        heard = tuple(alert for alert in alerts if inhibitor.inhibited_by(alert.labels, now) is None)
        suppressed["inhibition"] += len(alerts) - len(heard)
        # What resolves while a time interval mutes the route is forgotten untold, as Alertmanager does.
        if heard and (route.inactive_by(now) or route.muted_by(now)):
            which = "active_time_interval" if route.inactive_by(now) else "mute_time_interval"
            suppressed[which] += len(heard)
            return ()
        silenced_by = self.silences.silencer(now)
        loud = tuple(alert for alert in heard if not silenced_by(alert.labels))
        suppressed["silence"] += len(heard) - len(loud)
        return loud

    async def _flush(self, group: AlertGroup, alerts: list[Alert], now: float) -> bool:
        route: Route = group.route
        done = True
        if heard := self._heard(route, alerts, now):
            notice = Notice(route.receiver, group.key, group.labels, heard, now, self._external_url)
            deadline = now + max(route.group_interval, _LEAST_TIME)
            outcomes = await asyncio.gather(
                *(
                    delivery.notify(notice, route.repeat_interval, deadline)
                    for delivery in self._deliveries[route.receiver]
                ),
                return_exceptions=True,
            )
            # A failure is raised when all are through: none goes on into the group's next turn.
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            done = all(outcomes)
        if done:
            self._forget([alert for alert in alerts if alert.resolved(now)], group)
        return done

    def _forget(self, resolved: Sequence[Alert], group: AlertGroup) -> None:
        """Drop resolved alerts that no other group has still to tell of."""
        self._drop(
            [
                alert.labels
                for alert in resolved
                if self._alerts.get(alert.labels) == alert
                and not any(other.holds(alert.labels) for other in self._groups_with(alert.labels, group))
            ]
        )

    def _drop(self, gone: Sequence[Labels]) -> None:
        for labels in gone:
            del self._alerts[labels]
            self._updated.pop(labels, None)
            self._timed_out.discard(labels)
        if gone:
            self._inhibitor = None
            self._soon(self._records.delete_alerts(gone))

    def _groups_with(self, labels: Labels, but: AlertGroup) -> Iterator[AlertGroup]:
        for route in self._config.route.match(dict(labels)):
            group = self._groups.get((route.id, route.group_labels(labels)))
            if group is not None and group is not but:
                yield group

    def _retire(self, group: AlertGroup) -> None:
        if self._groups.get((group.route.id, group.labels)) is not group:
            return  # the configuration has changed meanwhile
        del self._groups[group.route.id, group.labels]
        self._groups_of[group.route.id] -= 1
