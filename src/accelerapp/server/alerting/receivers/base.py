"""What every integration offers: whether it is ready, and one attempt to deliver."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from accelerapp.server.signals import Alert, Labels


class Readiness(enum.StrEnum):
    READY = "ready"
    NOT_CONFIGURED = "not configured"
    NOT_SUPPORTED = "not supported"


class DeliveryError(Exception):
    """An attempt to deliver failed; `retry` tells whether another one may succeed."""

    def __init__(self, message: str, *, retry: bool) -> None:
        super().__init__(message)
        self.retry = retry


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


class Deliverer(Protocol):
    """One integration of a receiver."""

    @property
    def send_resolved(self) -> bool: ...

    def readiness(self) -> tuple[Readiness, str]:
        """Tell whether it can deliver now, and if not, why and what to do."""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        """Make one attempt; raises DeliveryError."""
