"""One notification, as it goes from a group to its receiver."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from accelerapp.server.signals import Alert, Labels


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification about a group.

    `now` is Unix seconds, by which an alert is firing or resolved; `reason` says why it is sent.
    """

    receiver: str
    group_key: str
    group_labels: Labels
    alerts: tuple[Alert, ...]
    now: float
    external_url: str
    reason: str = ""

    @property
    def status(self) -> str:
        return "firing" if any(not alert.resolved(self.now) for alert in self.alerts) else "resolved"

    @property
    def key_hash(self) -> str:
        """SHA-256 of the group's key, where a receiver allows no longer name for it."""
        return hashlib.sha256(self.group_key.encode()).hexdigest()
