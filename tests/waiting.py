"""Waiting on the event loop for what comes to be, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SECONDS = 60


async def until(condition: Callable[[], object]) -> None:
    """Return when a condition holds; fails after a minute."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
