"""The threads on which queries run, and the bounded queue of those that wait for one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from accelerapp.server.signals import Clock
from accelerapp.server.storage import ReadTimeoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")
_SHOWN = 200
_route: ContextVar[str] = ContextVar("route", default="the observatory itself")


class QueueFullError(Exception):
    """So many queries wait for a thread that another one may not; the message says how many."""


class QueueTimeoutError(ReadTimeoutError):
    """A query waited for a thread for as long as a query may take."""

    def __init__(self) -> None:
        super().__init__("query timed out in query queue")  # Prometheus' words


class QueryThreads:
    """Runs `concurrency` blocking reads at once, each on a thread, in the order in which they came.

    At most `max_waiting` others wait, each for `timeout_seconds` at most. Belongs to one event loop.
    """

    def __init__(
        self, concurrency: int, max_waiting: int, timeout_seconds: float, clock: Clock = time.time
    ) -> None:
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="query")
        self._free = asyncio.Semaphore(concurrency)
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self.waiting = 0
        self.ended = 0  # reads that ended, well or not, and how long they took together
        self.seconds = 0.0
        self._told = False
        self._refused = Counter({"queue_full": 0, "queue_timeout": 0})
        self._last: dict[str, tuple[float, str, str]] = {}

    async def run(self, read: Callable[[], T]) -> T:
        """Run a read once a thread is free; raises QueueFullError and QueueTimeoutError."""
        if self._free.locked() and self.waiting >= self._max_waiting:
            problem = f"too many queries: {self._max_waiting} wait already; ask again later"
            self._refuse("queue_full", problem)
            raise QueueFullError(problem)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            timed_out = QueueTimeoutError()
            self._refuse("queue_timeout", str(timed_out))
            raise timed_out from error
        finally:
            self.waiting -= 1
        if not self.waiting:
            self._told = False
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await loop.run_in_executor(self._threads, read)
        finally:
            self._free.release()
            self.ended += 1
            self.seconds += loop.time() - began

    def refused(self) -> Mapping[str, int]:
        """Return how many queries did not come to run, by why."""
        return dict(self._refused)

    def last_refusals(self) -> Mapping[str, tuple[float, str, str]]:
        """Return by why what was refused last: when, in Unix seconds, with what message, and what it asked for."""
        return dict(self._last)

    def close(self) -> None:
        """Wait for the reads that run; blocks."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _refuse(self, limit: str, problem: str) -> None:
        """Count a refusal, and log the first since queries last had not to wait."""
        self._refused[limit] += 1
        self._last[limit] = (self._clock(), problem, _route.get())
        if not self._told:
            self._told = True
            logger.warning("queries are refused, the first is %s: %s", _route.get(), problem)


class NamedRoute:
    """ASGI middleware that keeps, for the log, what is asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _route.set(repr(f"{scope['method']} {scope['path']}"[:_SHOWN]))
        await self._app(scope, receive, send)
