"""What every receiver is: a protocol taken in at one port, and the account of what it took and refused."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from accelerapp.server.signals import Clock
from accelerapp.server.storage import StorageFullError

#: Connections that one receiver holds at once where nothing else is said.
MAX_CONNECTIONS = 1000
#: As many times the largest request may those that one receiver is receiving take together.
REQUESTS_AT_ONCE = 8

#: Spans or events of one request, where they are translated: small ones take more time than their bytes tell.
MOST_ITEMS = 100_000


class RefusedError(Exception):
    """What is not taken; `reason` is the word that it is counted under, `retry_after` seconds before another try.

    The reasons are `malformed`, `unsupported`, `cross_site`, `too_large`, `too_slow`, `too_many`, `storage_full` and
    `cancelled`; each protocol says them in its own errors.
    """

    def __init__(self, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


def check_items(count: int, what: str) -> None:
    """Refuse a request of more than MOST_ITEMS items."""
    if count > MOST_ITEMS:
        raise RefusedError(
            "too_large", f"the request has {count} {what}, {MOST_ITEMS} are allowed: send smaller batches"
        )


def refusal(error: RefusedError | StorageFullError | ValueError) -> RefusedError:
    """Return as a refusal what a sink or a decoder raises."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, StorageFullError):
        return RefusedError("storage_full", str(error), error.retry_after)
    return RefusedError("malformed", str(error))


class Room:
    """The memory, in bytes, that what one receiver is receiving may take together; belongs to one event loop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._total = 0
        self._taken: dict[object, int] = {}

    def take(self, holder: object, size: int) -> None:
        """Let a holder have so much instead of what it had; raises RefusedError where the others leave less."""
        more = size - self._taken.get(holder, 0)
        if more > 0 and self._total + more > self._size:
            raise RefusedError(
                "too_many", f"what is being received takes {self._size} bytes", retry_after=1.0
            )
        self._taken[holder] = size
        self._total += more

    def leave(self, holder: object) -> None:
        self._total -= self._taken.pop(holder, 0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last thing that was refused for one reason; `at` is Unix seconds, `offender` the sender or what it named."""

    at: float
    reason: str
    message: str
    offender: str


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """What a receiver took in and refused since the start.

    `accepted` counts items by signal (traces, metrics, logs: spans, data points, records), `refused` requests or items
    by reason, each a short word such as `too_large`, `malformed` or `storage_full`.
    """

    name: str
    title: str
    address: str  # host:port, empty where it does not listen
    accepted: Mapping[str, int]
    refused: Mapping[str, int]
    last_refusals: tuple[Refusal, ...]


class Account:
    """Counts what one receiver took in and refused; safe to call from any thread."""

    def __init__(self, name: str, title: str, clock: Clock) -> None:
        self.name = name
        self.title = title
        self._clock = clock
        self._lock = threading.Lock()
        self._accepted: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, Refusal] = {}

    def accepted(self, signal: str, count: int) -> None:
        """Count items of a signal (traces, metrics or logs) that are durable."""
        with self._lock:
            self._accepted[signal] += count

    def refused(self, reason: str, message: str, offender: str = "", count: int = 1) -> None:
        """Count what was refused, and keep the last of each reason, shortened, to be shown."""
        refusal = Refusal(self._clock(), reason, message[:500], offender[:200])
        with self._lock:
            self._refused[reason] += count
            self._last[reason] = refusal

    def status(self, address: str) -> ReceiverStatus:
        with self._lock:
            last = tuple(sorted(self._last.values(), key=lambda refusal: -refusal.at))
            return ReceiverStatus(
                self.name, self.title, address, dict(self._accepted), dict(self._refused), last
            )


class Receiver(Protocol):
    """Takes one protocol in at one port, on the running event loop, and writes what comes to the Sink."""

    account: Account

    async def start(self, host: str, port: int) -> int:
        """Listen, on a free port for 0, and return the port; raises OSError where the address cannot be had."""

    async def stop(self) -> None:
        """Finish what is being received and close the port; also after a failed start."""
