"""The way of a group's alerts to one integration: deduplicate, retry, record."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.alerting.config import Integration
from accelerapp.server.alerting.counts import Counts
from accelerapp.server.alerting.dedup import decide
from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import Deliverer, DeliveryError, Readiness
from accelerapp.server.alerting.records import Records
from accelerapp.server.alerting.timers import Timers
from accelerapp.server.storage.state import LogEntry, Notification

log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_PAUSE_GROWTH: Final = 1.5
#: Attempts of one integration at a time.
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class IntegrationStatus:
    """Whether one integration can deliver, and how its last attempt ended; `last_attempt` is Unix seconds.

    `notifications` and `failed` count since the start, over all integrations of the receiver that are of the type.
    """

    type: str
    status: str
    detail: str
    last_error: str
    last_attempt: float | None
    notifications: int = 0
    failed: int = 0


class Delivery:
    """Brings notices to one integration of a receiver and keeps the log of what it was told."""

    def __init__(
        self,
        receiver: str,
        integration: Integration,
        deliverer: Deliverer,
        records: Records,
        timers: Timers,
        counts: Counts,
    ) -> None:
        self._counts = counts
        self._receiver = receiver
        self._integration = integration
        self._deliverer = deliverer
        self._records = records
        self._timers = timers
        # Groups that are due at one moment take turns, so that the event loop and the receiver have time for others.
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._last_error = ""
        self._last_attempt: float | None = None

    def status(self) -> IntegrationStatus:
        readiness, detail = self._deliverer.readiness()
        kind = self._integration.type
        key = (self._receiver, kind)
        failed = sum(count for found, count in dict(self._counts.failed).items() if found[:2] == key)
        return IntegrationStatus(
            kind,
            readiness.value,
            detail,
            self._last_error,
            self._last_attempt,
            self._counts.notifications[key],
            failed,
        )

    async def notify(self, notice: Notice, repeat_interval: float, deadline: float) -> bool:
        """Deliver a notice where it is due; tell whether nothing is left to be done about it.

        `repeat_interval` is in seconds; attempts end at `deadline` (Unix seconds).
        """
        readiness, detail = self._deliverer.readiness()
        # What an integration without its secret was not told must not count as told once it has it.
        ready = readiness is Readiness.READY
        log_name = f"{self._receiver}/{self._integration.name}" + ("" if ready else f"/{readiness.value}")
        firing = frozenset(fingerprint(a.labels) for a in notice.alerts if not a.resolved(notice.now))
        resolved = frozenset(fingerprint(a.labels) for a in notice.alerts if a.resolved(notice.now))
        decision = decide(
            await self._records.log_entry(notice.group_key, log_name, notice.now),
            firing,
            resolved,
            send_resolved=self._deliverer.send_resolved,
            repeat_interval=repeat_interval,
            now=notice.now,
        )
        log.debug("%s, %s: %s", log_name, notice.group_key, decision.value)
        if not decision.sends:
            return True
        entry = LogEntry(notice.now, firing, resolved)
        sent = self._selected(replace(notice, reason=decision.value))
        attempts = 0
        if sent is not None and ready:
            attempts = await self._retry(sent, deadline)
            if not attempts:
                return False
        # First of all what keeps it from being told again, should the process end here.
        # Also where this is cancelled now.
        await asyncio.shield(
            self._records.save_log_entry(notice.group_key, log_name, entry, notice.now + 2 * repeat_interval)
        )
        if sent is not None:
            await self._record(sent, "sent" if ready else readiness.value, detail, attempts)
        return True

    def _selected(self, notice: Notice) -> Notice | None:
        """Leave out resolved alerts where the integration does not want them; None where nothing remains."""
        if self._deliverer.send_resolved:
            return notice
        alerts = tuple(alert for alert in notice.alerts if not alert.resolved(notice.now))
        return replace(notice, alerts=alerts) if alerts else None

    async def _retry(self, notice: Notice, deadline: float) -> int:
        """Deliver, again and again where that may help; return after how many attempts it was, 0 where it was not."""
        attempts, pause = 0, _FIRST_PAUSE
        key = (self._receiver, self._integration.type)
        self._counts.notifications[key] += 1
        while True:
            attempts += 1
            self._last_attempt = self._timers.now()
            self._counts.requests[key] += 1
            try:
                await self._attempt(notice, deadline)
            except DeliveryError as error:
                self._last_error = str(error)
                self._counts.requests_failed[key] += 1
                if error.retry and self._timers.now() + pause < deadline:
                    await self._timers.sleep(pause)
                    pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE)
                    continue
                log.warning(
                    "%s/%s: not notified after %d attempts: %s",
                    self._receiver,
                    self._integration.name,
                    attempts,
                    error,
                )
                self._counts.failed[(*key, error.reason.value)] += 1
                await self._record(notice, "failed", str(error), attempts)
                return 0
            self._last_error = ""
            return attempts

    async def _attempt(self, notice: Notice, deadline: float) -> None:
        try:
            async with self._turn:
                await self._deliverer.deliver(notice, max(0.1, deadline - self._timers.now()))
        except DeliveryError:
            raise
        except (
            Exception
        ) as error:  # a fault of ours with one receiver must not keep the others from being told
            log.exception("%s/%s failed", self._receiver, self._integration.name)
            raise DeliveryError(f"{type(error).__name__}: {error}", retry=False) from error

    async def _record(self, notice: Notice, outcome: str, error: str, attempts: int) -> None:
        await self._records.add_notification(
            Notification(
                at=self._timers.now(),
                receiver=self._receiver,
                integration=self._integration.type,
                status=notice.status,
                outcome=outcome,
                error=error,
                attempts=attempts,
                group_labels=notice.group_labels,
                alerts=tuple(alert.labels for alert in notice.alerts),
            )
        )
