"""Calls at a time to come, on the event loop; a clock under the tests' control can take its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from accelerapp.server.signals import Clock


class Timer(Protocol):
    """A call that has been asked for."""

    def cancel(self) -> None: ...


class Timers(Protocol):
    """Where time decides something: what time it is, and calls and waits that end at a time."""

    def now(self) -> float:
        """Return Unix seconds."""

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        """Make a call at a time in Unix seconds, or as soon as possible where it has passed."""

    async def sleep(self, seconds: float) -> None: ...


class LoopTimers:
    """Timers of the running event loop, by a clock that gives Unix seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, when - self._clock()), call)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
