"""The routing tree: which receivers an alert goes to, and how its notifications are grouped and timed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accelerapp.server.alerting.matchers import Matchers
from accelerapp.server.alerting.timeinterval import NamedIntervals
from accelerapp.server.quoting import quote
from accelerapp.server.signals import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One node; seconds are effective ones. `group_by` is None where all labels are grouped by (`...`).

    Time intervals are the node's own and not inherited; without `active` every time is active.
    """

    id: str  # its place in the tree, since two routes may have the same matchers
    key: str
    receiver: str
    matchers: Matchers
    continues: bool
    group_by: frozenset[str] | None
    group_wait: float
    group_interval: float
    repeat_interval: float
    active: tuple[NamedIntervals, ...] = ()
    mute: tuple[NamedIntervals, ...] = ()
    routes: tuple[Route, ...]

    def match(self, labels: Mapping[str, str]) -> Iterator[Route]:
        """Yield the deepest routes that an alert takes, in the file's order."""
        if not self.matchers.match(labels):
            return
        found = False
        for child in self.routes:
            taken = list(child.match(labels))
            yield from taken
            found = found or bool(taken)
            if taken and not child.continues:
                break
        if not found:
            yield self

    def inactive_by(self, now: float) -> tuple[str, ...]:
        """Return the active intervals' names where a time in Unix seconds is in none of them."""
        if any(named.contains(now) for named in self.active):
            return ()
        return tuple(named.name for named in self.active)

    def muted_by(self, now: float) -> tuple[str, ...]:
        """Return the names of the mute intervals that a time in Unix seconds is in."""
        return tuple(named.name for named in self.mute if named.contains(now))

    def group_labels(self, labels: Labels) -> Labels:
        if self.group_by is None:
            return labels
        return tuple((name, value) for name, value in labels if name in self.group_by)

    def group_key(self, labels: Labels) -> str:
        """Return the key by which receivers tell groups apart, in Alertmanager's form."""
        shown = ", ".join(f"{name}={quote(value)}" for name, value in labels)
        return f"{self.key}:{{{shown}}}"
