"""Writing as a sender does that tries again: the storage refuses while it has too much to load or to seal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from accelerapp.server.storage import Storage, StorageFullError

_QUEUED_BYTES = 32_000_000


async def write_when_taken(
    storage: Storage, write: Callable[[bytes], Awaitable[object]], request: bytes
) -> None:
    """Write a request as soon as the storage takes it."""
    while cast("int", storage.stats()["queued_bytes"]) > _QUEUED_BYTES:
        await asyncio.sleep(0.005)
    while True:
        try:
            await write(request)
            return
        except StorageFullError:
            await asyncio.sleep(0.05)
