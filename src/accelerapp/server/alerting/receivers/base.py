"""What every integration offers: whether it is ready, and one attempt to deliver."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from accelerapp.server.alerting.notice import Notice


class Readiness(enum.StrEnum):
    READY = "ready"
    NOT_CONFIGURED = "not configured"


class Reason(enum.StrEnum):
    """Why deliveries fail, in the words of Alertmanager's metric."""

    OTHER = "other"
    CLIENT = "clientError"
    SERVER = "serverError"
    DEADLINE = "contextDeadlineExceeded"
    AUTH = "authError"
    RATE_LIMITED = "rateLimited"


class DeliveryError(Exception):
    """An attempt to deliver failed; `retry` tells whether another one may succeed."""

    def __init__(self, message: str, *, retry: bool, reason: Reason = Reason.OTHER) -> None:
        super().__init__(message)
        self.retry = retry
        self.reason = reason


class Deliverer(Protocol):
    """One integration of a receiver."""

    @property
    def send_resolved(self) -> bool: ...

    def readiness(self) -> tuple[Readiness, str]:
        """Tell whether it can deliver now, and if not, why and what to do."""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        """Make one attempt; raises DeliveryError."""


def readiness_of(files: Iterable[Path | None]) -> tuple[Readiness, str]:
    """Tell whether all files that hold a secret are there."""
    for path in files:
        if path is not None and not path.is_file():
            return Readiness.NOT_CONFIGURED, f"the file {path} is missing; put the secret there"
    return Readiness.READY, ""


def truncated(text: str, length: int) -> str:
    """Cut a text to so many characters, the last of which says that it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"
