"""Inhibition: an alert that keeps others quiet while it fires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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

    For each rule and each set of `equal` values it knows until when a source fires, so that asking does not look at
    every alert again.
    """

    def __init__(self, rules: Sequence[InhibitRule], alerts: Iterable[Alert]) -> None:
        self._rules = [(rule, _Sources()) for rule in rules]
        for alert in alerts if rules else ():
            labels = dict(alert.labels)
            for rule, sources in self._rules:
                if rule.source.match(labels):
                    sources.add(_values(rule, labels), alert.ends_at, both=rule.target.match(labels))

    def mutes(self, labels: Labels, now: float) -> bool:
        """Tell whether an alert is kept quiet at a time in Unix seconds."""
        own = dict(labels)
        for rule, sources in self._rules:
            if rule.target.match(own):
                # An alert on both sides does not inhibit its like, else two of them would silence each other.
                ends = sources.only if rule.source.match(own) else sources.all
                if ends.get(_values(rule, own), now) > now:
                    return True
        return False


class _Sources:
    """The latest end of the sources of a rule by their `equal` values, of all and of those that are sources only."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, ...], float] = {}
        self.only: dict[tuple[str, ...], float] = {}

    def add(self, values: tuple[str, ...], ends_at: float, *, both: bool) -> None:
        for ends in (self.all,) if both else (self.all, self.only):
            ends[values] = max(ends.get(values, ends_at), ends_at)


def _values(rule: InhibitRule, labels: dict[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in rule.equal)
