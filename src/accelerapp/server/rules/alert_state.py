"""The instances of one alerting rule: inactive, pending, firing, resolved; as Prometheus moves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.signals import Alert, Labels
from accelerapp.server.storage.state import StoredAlert, Transition

PENDING: Final = "pending"
FIRING: Final = "firing"
INACTIVE: Final = "inactive"

#: How long a resolved alert is kept, so that its resolution is sent again should a send have failed.
RESOLVED_RETENTION: Final = 15 * 60.0
#: How long after a send an alert is sent again.
RESEND_DELAY: Final = 60.0
#: How long the process may have been away for its alerts to be taken up again.
OUTAGE_TOLERANCE: Final = 3600.0
#: The least time that a pending alert waits after a restart, so that data is seen again before it fires.
FOR_GRACE: Final = 600.0


@dataclass(frozen=True, slots=True)
class ActiveElement:
    """One element of the expression's result, with the labels and annotations of the alert that it makes."""

    labels: Labels
    annotations: Labels
    value: float


class AlertState:
    """The state of one alerting rule. Seconds are effective ones; `time_factor` divides the constants."""

    def __init__(self, for_seconds: float, keep_firing_for_seconds: float, time_factor: float = 1.0) -> None:
        self._hold = for_seconds
        self._keep_firing_for = keep_firing_for_seconds
        self._factor = time_factor
        self._alerts: dict[Labels, StoredAlert] = {}

    @property
    def alerts(self) -> list[StoredAlert]:
        """All instances, the resolved ones that are still kept among them, in order of their labels."""
        return [self._alerts[labels] for labels in sorted(self._alerts)]

    def clear(self) -> None:
        self._alerts.clear()

    def take_over(self, before: AlertState) -> None:
        """Go on with the instances of the rule before it was read again."""
        self._alerts = dict(before._alerts)

    def restore(self, stored: Iterable[StoredAlert], down_at: float, at: float) -> list[Transition]:
        """Take up what was saved at `down_at`, at the first evaluation (both Unix seconds).

        Time without evaluations does not count towards `for`: a pending alert goes on where it stopped, and
        waits at least the grace time. After too long an outage everything is dropped; the transitions returned
        say so.
        """
        if at - down_at > OUTAGE_TOLERANCE / self._factor:
            return [Transition(at, a.labels, INACTIVE, a.value) for a in stored if a.state != INACTIVE]
        for alert in stored:
            active_at = alert.active_at
            if alert.state == PENDING:
                remaining = self._hold - (down_at - alert.active_at)
                grace = min(FOR_GRACE / self._factor, self._hold)
                active_at = at + max(remaining, grace) - self._hold if remaining > 0 else alert.active_at
            self._alerts[alert.labels] = replace(alert, active_at=active_at)
        return []

    def advance(self, elements: Mapping[Labels, ActiveElement], at: float) -> list[Transition]:
        """Move every instance on by one evaluation at `at` (Unix seconds); return what changed."""
        transitions: list[Transition] = []
        for labels, element in elements.items():
            known = self._alerts.get(labels)
            if known is not None and known.state != INACTIVE:
                self._alerts[labels] = replace(
                    known, value=element.value, annotations=element.annotations, keep_firing_since=None
                )
                continue
            self._alerts[labels] = StoredAlert(
                labels, PENDING, at, None, None, None, None, element.value, element.annotations
            )
            if self._hold > 0:
                transitions.append(Transition(at, labels, PENDING, element.value))
        for labels in sorted(self._alerts):
            alert = self._alerts[labels]
            if labels not in elements:
                after = self._vanished(alert, at)
            elif alert.state == PENDING and at - alert.active_at >= self._hold:
                after = replace(alert, state=FIRING, fired_at=at)
            else:
                continue
            if after is None:
                del self._alerts[labels]
            else:
                self._alerts[labels] = after
            state = INACTIVE if after is None else after.state
            if state != alert.state:
                transitions.append(Transition(at, labels, state, alert.value))
        return transitions

    def _vanished(self, alert: StoredAlert, at: float) -> StoredAlert | None:
        """Return what becomes of an alert whose element is gone, None where it is forgotten."""
        if alert.state == PENDING:
            return None
        if alert.state == INACTIVE:
            kept = alert.resolved_at is None or at - alert.resolved_at <= RESOLVED_RETENTION / self._factor
            return alert if kept else None
        if self._keep_firing_for > 0:
            since = at if alert.keep_firing_since is None else alert.keep_firing_since
            if at - since < self._keep_firing_for:
                return replace(alert, keep_firing_since=since)
        return replace(alert, state=INACTIVE, resolved_at=at, keep_firing_since=None)

    def to_send(self, at: float, interval_seconds: float, generator_url: str) -> list[Alert]:
        """Return the alerts that are due to be sent at `at`, and remember that they were."""
        delay = RESEND_DELAY / self._factor
        due: list[Alert] = []
        for alert in self.alerts:
            if not self._due(alert, at, delay):
                continue
            self._alerts[alert.labels] = replace(alert, last_sent_at=at)
            ends_at = (
                at + 4 * max(interval_seconds, delay) if alert.resolved_at is None else alert.resolved_at
            )
            starts_at = alert.active_at if alert.fired_at is None else alert.fired_at
            due.append(Alert(alert.labels, alert.annotations, starts_at, ends_at, generator_url))
        return due

    @staticmethod
    def _due(alert: StoredAlert, at: float, delay: float) -> bool:
        if alert.state == PENDING:
            return False
        if alert.last_sent_at is None:
            return True
        if alert.resolved_at is not None and alert.resolved_at > alert.last_sent_at:
            return True
        return alert.last_sent_at + delay < at
