"""The service's health checks, run in the background so that probes cost nothing and alerts have their gauge."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from accelerapp.codegen.backend import Backend
from accelerapp.monitoring import HealthChecker, HealthReport


class HealthMonitor:
    """Runs the checks every `interval` seconds and keeps what they said last.

    `delay` returns the seconds that a check is held up: the fault switch.
    """

    def __init__(self, checker: HealthChecker, interval: float, delay: Callable[[], float]) -> None:
        self._checker = checker
        self._interval = interval
        self._delay = delay
        self._last: HealthReport | None = None
        self._task: asyncio.Task[None] | None = None

    def watch(self, backend: Backend, *, critical: bool, timeout: float) -> None:
        """Check that a backend could generate; where it is not critical its failure only degrades."""

        async def check() -> bool:
            await asyncio.sleep(self._delay())
            await backend.check()
            return True

        self._checker.register(
            "model_backend",
            check,
            critical,
            f"whether the backend {backend.name} could generate now",
            timeout=timeout,
        )

    def start(self) -> None:
        """Begin to run the checks, the first time at once."""
        self._task = asyncio.create_task(self._run(), name="health checks")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def report(self) -> HealthReport:
        """Return what the checks said last, having run them where they never were."""
        return self._last or await self._check()

    async def _check(self) -> HealthReport:
        self._last = await self._checker.check_all_async()
        return self._last

    async def _run(self) -> None:
        while True:
            await self._check()
            await asyncio.sleep(self._interval)
