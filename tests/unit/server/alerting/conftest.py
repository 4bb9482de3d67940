"""A clock that tests turn, and timers by it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Passes of the event loop after which what a timer set off has come to rest: nothing here waits for anything real.
_PASSES = 60


@dataclass
class ManualTimer:
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualTimers:
    """Timers whose time passes by `advance` only."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._order = itertools.count()
        self._queue: list[tuple[float, int, ManualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, call: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(call)
        heapq.heappush(self._queue, (when, next(self._order), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        self.call_at(self._now + seconds, wake)
        await woken

    async def settle(self) -> None:
        for _ in range(_PASSES):
            await asyncio.sleep(0)

    async def advance(self, until: float) -> None:
        """Let time pass up to `until`, making every call that falls due on the way at its time."""
        await self.settle()
        while self._queue and self._queue[0][0] <= until:
            when, _, timer = heapq.heappop(self._queue)
            self._now = max(self._now, when)
            if not timer.cancelled:
                timer.call()
                await self.settle()
        self._now = until
        await self.settle()


@pytest.fixture
def timers() -> ManualTimers:
    return ManualTimers()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a certificate that is its own authority, for mail.example, and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with openssl, which is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", key, "-out", made, "-subj", "/CN=mail"),
            *("-addext", "subjectAltName=DNS:mail.example"),
        ],
        check=True,
        capture_output=True,
    )
    return made, key
