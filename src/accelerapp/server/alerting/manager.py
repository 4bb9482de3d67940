"""Alerts in, notifications out: routing, grouping, inhibition and delivery on the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from accelerapp.server.alerting.config import Config, Integration
from accelerapp.server.alerting.group import AlertGroup
from accelerapp.server.alerting.inhibit import Inhibitor
from accelerapp.server.alerting.limits import MAX_ALERTS, MAX_GROUPS_OF_A_ROUTE, Refusals
from accelerapp.server.alerting.pipeline import Delivery, IntegrationStatus
from accelerapp.server.alerting.receivers import Deliverer, Notice, make_deliverer
from accelerapp.server.alerting.route import Route
from accelerapp.server.alerting.settings import GlobalSettings
from accelerapp.server.alerting.timers import LoopTimers, Timers
from accelerapp.server.signals import Alert, Clock, Labels
from accelerapp.server.storage.state import Notification, State

log = logging.getLogger(__name__)


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
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """How much is kept now, and how often a limit refused some since the start."""

    alerts: int
    groups: int
    alerts_refused: int
    groups_refused: int


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
        deliverer: Callable[[Integration, GlobalSettings], Deliverer] = make_deliverer,
    ) -> None:
        self._config = config
        self._state = state
        self._timers = timers or LoopTimers(clock)
        self._external_url = external_url
        self._deliveries = {
            receiver.name: tuple(
                Delivery(receiver.name, entry, deliverer(entry, config.global_settings), state, self._timers)
                for entry in receiver.integrations
            )
            for receiver in config.receivers.values()
        }
        self._lock = threading.Lock()
        self._alerts: dict[Labels, Alert] = {}
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

    async def start(self) -> None:
        """Take up the alerts of the last run, and begin to notify."""
        for alert in self._state.load_alerts():
            self._dispatch(alert)
        with self._lock:
            self._loop = asyncio.get_running_loop()
            waiting, self._waiting = self._waiting, []
        self._accept(waiting)

    async def stop(self) -> None:
        """End all timers and attempts; what was not notified is taken up at the next start."""
        with self._lock:
            self._loop = None
        await asyncio.gather(*(group.stop() for group in list(self._groups.values())))

    def receive(self, alerts: Sequence[Alert]) -> None:
        """Take in alerts, new, repeated or resolved; returns at once."""
        with self._lock:
            loop = self._loop
            if loop is None:
                self._waiting = [*self._waiting, *alerts][-MAX_ALERTS:]
                return
        try:
            loop.call_soon_threadsafe(self._accept, list(alerts))
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
        return self._state.notifications(since)

    def alerts(self) -> list[Alert]:
        """Return the alerts that are known, firing or just resolved, in order of their labels."""
        known = dict(self._alerts)
        return [known[labels] for labels in sorted(known)]

    def groups(self) -> list[GroupStatus]:
        """Return the groups, in order of their keys."""
        groups = sorted(dict(self._groups).values(), key=lambda group: (group.key, group.route.id))
        return [
            GroupStatus(group.key, group.labels, group.route.receiver, tuple(group.alerts))
            for group in groups
        ]

    def load(self) -> Load:
        """Return how much is kept and what was refused."""
        return Load(
            len(self._alerts), len(self._groups), self._alerts_refused.count, self._groups_refused.count
        )

    def _accept(self, alerts: Sequence[Alert]) -> None:
        taken = []
        for alert in alerts:
            merged = self._merge(alert)
            if self._dispatch(merged):
                taken.append(merged)
        if taken:
            self._state.save_alerts(taken)

    def _merge(self, alert: Alert) -> Alert:
        """Let an alert begin where the one it repeats began, if the two overlap."""
        known = self._alerts.get(alert.labels)
        if known is not None and known.starts_at < alert.starts_at < known.ends_at:
            return replace(alert, starts_at=known.starts_at)
        return alert

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

    async def _flush(self, group: AlertGroup, alerts: list[Alert], now: float) -> bool:
        if self._inhibitor is None:
            self._inhibitor = Inhibitor(self._config.inhibit_rules, self._alerts.values())
        inhibitor = self._inhibitor
        route: Route = group.route
        heard = tuple(alert for alert in alerts if not inhibitor.mutes(alert.labels, now))
        done = True
        # What resolves while a time interval mutes the route is forgotten untold, as Alertmanager does.
        if heard and not route.quiet(now):
            notice = Notice(route.receiver, group.key, group.labels, heard, now, self._external_url)
            outcomes = await asyncio.gather(
                *(
                    delivery.notify(notice, route.repeat_interval, now + route.group_interval)
                    for delivery in self._deliveries[route.receiver]
                )
            )
            done = all(outcomes)
        if done:
            self._forget([alert for alert in alerts if alert.resolved(now)], group)
        return done

    def _forget(self, resolved: Sequence[Alert], group: AlertGroup) -> None:
        """Drop resolved alerts that no other group has still to tell of."""
        gone = [
            alert.labels
            for alert in resolved
            if self._alerts.get(alert.labels) == alert
            and not any(other.holds(alert.labels) for other in self._groups_with(alert.labels, group))
        ]
        for labels in gone:
            del self._alerts[labels]
        if gone:
            self._inhibitor = None
            self._state.delete_alerts(gone)

    def _groups_with(self, labels: Labels, but: AlertGroup) -> Iterator[AlertGroup]:
        for route in self._config.route.match(dict(labels)):
            group = self._groups.get((route.id, route.group_labels(labels)))
            if group is not None and group is not but:
                yield group

    def _retire(self, group: AlertGroup) -> None:
        del self._groups[group.route.id, group.labels]
        self._groups_of[group.route.id] -= 1
