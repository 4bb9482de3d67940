"""What the observatory tells of rules and notifications at /metrics, under the names of Prometheus and Alertmanager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal

from accelerapp.monitoring import FamilySnapshot
from accelerapp.server.api.services import Services
from accelerapp.server.rules import GroupStatus

_Series = list[tuple[tuple[str, ...], Any]]

#: Name, type, meaning and value of what is told of a group of rules.
_OF_GROUPS: tuple[tuple[str, Literal["counter", "gauge"], str, Callable[[GroupStatus], float]], ...] = (
    (
        "prometheus_rule_evaluations_total",
        "counter",
        "Evaluations of rules.",
        lambda group: group.counts.evaluations,
    ),
    (
        "prometheus_rule_evaluation_failures_total",
        "counter",
        "Evaluations of rules that failed.",
        lambda group: group.counts.failures,
    ),
    (
        "prometheus_rule_group_iterations_total",
        "counter",
        "Evaluations of groups that were due, missed ones among them.",
        lambda group: group.counts.iterations,
    ),
    (
        "prometheus_rule_group_iterations_missed_total",
        "counter",
        "Evaluations of groups that were missed, since those before them took too long.",
        lambda group: group.counts.missed,
    ),
    (
        "prometheus_rule_group_interval_seconds",
        "gauge",
        "Interval at which a group is evaluated.",
        lambda group: group.group.interval_seconds,
    ),
    (
        "prometheus_rule_group_last_duration_seconds",
        "gauge",
        "How long the last evaluation of a group took.",
        lambda group: group.evaluation_time_seconds,
    ),
    (
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "gauge",
        "When a group was last evaluated, 0 before the first time.",
        lambda group: group.last_evaluation or 0.0,
    ),
    ("prometheus_rule_group_rules", "gauge", "Rules of a group.", lambda group: len(group.rules)),
)


def families(services: Services) -> list[FamilySnapshot]:
    """Return the metrics of rules, of the way of their alerts, and of the receivers."""
    return [*_rules(services.rules.groups()), *_alerts(services), *_notifications(services)]


def _rules(groups: Iterable[GroupStatus]) -> Iterable[FamilySnapshot]:
    known = list(groups)
    for name, kind, meaning, value in _OF_GROUPS:
        series: _Series = [((f"{one.group.file};{one.group.name}",), float(value(one))) for one in known]
        yield _family(name, kind, meaning, ("rule_group",), series)


def _alerts(services: Services) -> Iterable[FamilySnapshot]:
    manager, now = services.alertmanager, services.clock()
    load, quiet = manager.load(), manager.quiet()
    yield _family(
        "prometheus_notifications_dropped_total",
        "counter",
        "Alerts of rules that were not taken because too many are kept.",
        (),
        [((), float(load.alerts_refused))],
    )
    states = Counter(quiet(alert.labels).state for alert in manager.alerts() if not alert.resolved(now))
    yield _family(
        "alertmanager_alerts",
        "gauge",
        "Alerts by state.",
        ("state",),
        [((state,), float(states[state])) for state in ("active", "suppressed")],
    )
    silences = Counter(silence.state(now) for silence in manager.silences.all())
    yield _family(
        "alertmanager_silences",
        "gauge",
        "Silences by state.",
        ("state",),
        [((state,), float(silences[state])) for state in ("active", "pending", "expired")],
    )


def _notifications(services: Services) -> Iterable[FamilySnapshot]:
    counts = services.alertmanager.counts
    receivers = [
        (receiver.name, kind)
        for receiver in services.alertmanager.receivers()
        for kind in sorted({integration.type for integration in receiver.integrations})
    ]
    labels = ("integration", "receiver_name")
    for name, meaning, counter in (
        ("notifications_total", "Notifications that were due, by integration.", counts.notifications),
        (
            "notification_requests_total",
            "Requests to receivers; a notification may take several.",
            counts.requests,
        ),
        ("notification_requests_failed_total", "Requests to receivers that failed.", counts.requests_failed),
    ):
        series: _Series = [((kind, receiver), float(counter[receiver, kind])) for receiver, kind in receivers]
        yield _family(f"alertmanager_{name}", "counter", meaning, labels, series)
    # Zeros are there from the start, since what is counted from nothing to one has no rate.
    reasons = {(receiver, kind, "other") for receiver, kind in receivers} | set(dict(counts.failed))
    yield _family(
        "alertmanager_notifications_failed_total",
        "counter",
        "Notifications that were given up until the group's next turn.",
        (*labels, "reason"),
        [
            ((kind, receiver, reason), float(counts.failed[receiver, kind, reason]))
            for receiver, kind, reason in sorted(reasons)
        ],
    )
    yield _family(
        "alertmanager_notifications_suppressed_total",
        "counter",
        "Alerts that were not told of, by what kept them quiet.",
        ("reason",),
        [
            ((reason,), float(counts.suppressed[reason]))
            for reason in ("active_time_interval", "inhibition", "mute_time_interval", "silence")
        ],
    )


def _family(
    name: str, kind: Literal["counter", "gauge"], meaning: str, labels: tuple[str, ...], series: _Series
) -> FamilySnapshot:
    return FamilySnapshot(name, name, kind, meaning, labels, (), series)
