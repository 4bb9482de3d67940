"""How many generations run at once, how many wait, and which are refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from accelerapp.monitoring import MetricsCollector
from accelerapp.observability import trace_block


class BusyError(Exception):
    """A generation that is not begun; the client is to try again after `retry_after` seconds."""

    def __init__(self, status: int, title: str, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.status = status
        self.title = title
        self.retry_after = retry_after


class Limiter:
    """Lets so many generations run, and so many others wait in the order of their coming.

    Args:
        running: Generations at once.
        waiting: Generations that wait for a turn; the next is refused.
        metrics: Where it is told how many run, wait and were refused.
    """

    def __init__(self, running: int, waiting: int, metrics: MetricsCollector) -> None:
        self._turns = asyncio.Semaphore(running)
        self._most = (running, waiting)
        self._waiting = 0
        self._draining = False
        self._running_gauge = metrics.gauge("generations_in_progress", "Generations that run now.").labels()
        self._waiting_gauge = metrics.gauge(
            "generations_waiting", "Generations that wait for a turn."
        ).labels()
        self._refused = metrics.counter(
            "generations_refused_total", "Generations refused before they began.", ("reason",)
        )
        for reason in ("busy", "stopping"):
            self._refused.labels(reason=reason)

    @property
    def draining(self) -> bool:
        return self._draining

    def drain(self) -> None:
        """Refuse what comes from now on; what runs and what waits goes on."""
        self._draining = True

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Run the block when there is room for it.

        Raises:
            BusyError: too many wait already (429), or the service is stopping (503).
        """
        if self._draining:
            self._refused.labels(reason="stopping").inc()
            raise BusyError(503, "Stopping", "the service is stopping; another instance may answer", 5)
        if self._turns.locked():
            if self._waiting >= self._most[1]:
                self._refused.labels(reason="busy").inc()
                raise BusyError(
                    429,
                    "Too many generations",
                    f"{self._most[0]} generations run and {self._most[1]} wait, which is all there is room for",
                    5,
                )
            with trace_block("wait for a turn", {"accelerapp.waiting": self._waiting}):
                await self._wait()
        else:
            await self._turns.acquire()
        self._running_gauge.inc()
        try:
            yield
        finally:
            self._running_gauge.dec()
            self._turns.release()

    async def _wait(self) -> None:
        self._waiting += 1
        self._waiting_gauge.set(self._waiting)
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
            self._waiting_gauge.set(self._waiting)
