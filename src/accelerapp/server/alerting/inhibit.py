"""Inhibition: an alert that keeps others quiet while it fires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.matchers import Matchers
from accelerapp.server.signals import Alert, Labels


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """Alerts that `target` accepts are quiet while one that `source` accepts fires with `equal` labels."""

    source: Matchers
    target: Matchers
    equal: tuple[str, ...]


class Inhibitor:
    """Tells which alerts are kept quiet, given all alerts; built once for many of them.

    For each rule and each set of `equal` values it knows the source that fires longest, so that asking does not look at
    every alert again.
    """

    def __init__(self, rules: Sequence[InhibitRule], alerts: Iterable[Alert]) -> None:
        self._rules = [(rule, _Sources()) for rule in rules]
        for alert in alerts if rules else ():
            labels = dict(alert.labels)
            for rule, sources in self._rules:
                if rule.source.match(labels):
                    sources.add(_values(rule, labels), alert, both=rule.target.match(labels))

    def inhibited_by(self, labels: Labels, now: float) -> str | None:
        """Return the fingerprint of an alert that keeps one quiet at a time in Unix seconds, None where none does."""
        own = dict(labels)
        for rule, sources in self._rules:
            if rule.target.match(own):
                # An alert on both sides does not inhibit its like, else two of them would silence each other.
                found = sources.only if rule.source.match(own) else sources.all
                source = found.get(_values(rule, own))
                if source is not None and not source.resolved(now):
                    return fingerprint(source.labels)
        return None


class _Sources:
    """The source that ends last by its `equal` values, of all and of those that are sources only."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, ...], Alert] = {}
        self.only: dict[tuple[str, ...], Alert] = {}

    def add(self, values: tuple[str, ...], alert: Alert, *, both: bool) -> None:
        for sources in (self.all,) if both else (self.all, self.only):
            known = sources.get(values)
            if known is None or known.ends_at < alert.ends_at:
                sources[values] = alert


def _values(rule: InhibitRule, labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
