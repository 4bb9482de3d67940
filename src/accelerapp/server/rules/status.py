"""What is to be seen of rules from outside: a snapshot, in our words and in Prometheus' form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accelerapp.server.numbers import format_exponential
from accelerapp.server.rules.definition import Group, Rule
from accelerapp.server.signals import Labels
from accelerapp.server.times import rfc3339


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStatus:
    """One pending or firing alert; times are Unix seconds."""

    labels: Labels
    annotations: Labels
    state: str
    active_at: float
    fired_at: float | None
    keep_firing_since: float | None
    value: float

    def as_prometheus(self) -> dict[str, Any]:
        """Return the alert as an entry of Prometheus' /api/v1/alerts."""
        entry: dict[str, Any] = {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "state": self.state,
            "activeAt": rfc3339(self.active_at),
        }
        if self.keep_firing_since is not None:
            entry["keepFiringSince"] = rfc3339(self.keep_firing_since)
        entry["value"] = format_exponential(self.value)
        return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStatus:
    """One rule and how its last evaluation went; `last_evaluation` is Unix seconds, None before the first."""

    rule: Rule
    health: str  # ok, err or unknown
    last_error: str
    evaluation_time_seconds: float
    last_evaluation: float | None
    alerts: tuple[AlertStatus, ...]

    @property
    def state(self) -> str:
        """The most serious state among the rule's alerts."""
        states = {alert.state for alert in self.alerts}
        return next((state for state in ("firing", "pending") if state in states), "inactive")

    def as_prometheus(self) -> dict[str, Any]:
        """Return the rule as an entry of Prometheus' /api/v1/rules."""
        rule = self.rule
        entry: dict[str, Any] = {"name": rule.name, "query": rule.query}
        if rule.alerting:
            entry = {
                "state": self.state,
                **entry,
                "duration": rule.for_seconds,
                "keepFiringFor": rule.keep_firing_for_seconds,
                "labels": rule.label_texts,
                "annotations": rule.annotation_texts,
                "alerts": [alert.as_prometheus() for alert in self.alerts],
            }
        else:
            entry["labels"] = rule.label_texts
        entry["health"] = self.health
        if self.last_error:
            entry["lastError"] = self.last_error
        entry["evaluationTime"] = self.evaluation_time_seconds
        entry["lastEvaluation"] = rfc3339(self.last_evaluation)
        entry["type"] = "alerting" if rule.alerting else "recording"
        return entry


@dataclass(slots=True)
class GroupCounts:
    """How often a group was due since the start, how often it was missed, and how its rules' evaluations went."""

    iterations: int = 0
    missed: int = 0
    evaluations: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """One group and how its last evaluation went."""

    group: Group
    rules: tuple[RuleStatus, ...]
    evaluation_time_seconds: float
    last_evaluation: float | None
    counts: GroupCounts = field(default_factory=GroupCounts)

    def as_prometheus(self) -> dict[str, Any]:
        """Return the group as an entry of Prometheus' /api/v1/rules."""
        return {
            "name": self.group.name,
            "file": self.group.file,
            "rules": [rule.as_prometheus() for rule in self.rules],
            "interval": self.group.interval_seconds,
            "limit": self.group.limit,
            "evaluationTime": self.evaluation_time_seconds,
            "lastEvaluation": rfc3339(self.last_evaluation),
        }
