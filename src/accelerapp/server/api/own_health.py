"""How the process itself does: how late its event loop comes, and how long it collects garbage."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections import deque
from typing import Any

from accelerapp.monitoring import FamilySnapshot

_PREFIX = "accelerapp_observatory"
#: How often the loop is looked at, and over how long the worst is told: longer than between two scrapes.
_EVERY_SECONDS = 0.25
_WINDOW_SECONDS = 30.0


class OwnHealth:
    """Measures the running event loop and the garbage collector from `start` to `stop`."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=round(_WINDOW_SECONDS / _EVERY_SECONDS))
        self._watching: asyncio.Task[None] | None = None
        self._gc_began = 0.0
        self._gc_seconds = 0.0

    def start(self) -> None:
        """Begin, on the event loop that is measured."""
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        gc.callbacks.append(self._collected)

    async def stop(self) -> None:
        gc.callbacks.remove(self._collected)
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    def lag_seconds(self) -> float:
        """Return by how much the loop was at most late within the last 30 seconds."""
        return max(self._lags, default=0.0)

    def families(self) -> list[FamilySnapshot]:
        """Return what is measured, and the collector's own counts under the names that every client has."""
        collections = [((str(i),), float(one["collections"])) for i, one in enumerate(gc.get_stats())]
        rows: tuple[tuple[str, Any, str, tuple[str, ...], list[Any]], ...] = (
            (
                f"{_PREFIX}_event_loop_lag_seconds",
                "gauge",
                "By how much the event loop was at most late within the last 30 seconds.",
                (),
                [((), self.lag_seconds())],
            ),
            (
                f"{_PREFIX}_gc_seconds_total",
                "counter",
                "Seconds that all threads waited for the garbage collector.",
                (),
                [((), self._gc_seconds)],
            ),
            (
                "python_gc_collections_total",
                "counter",
                "Runs of the garbage collector by generation.",
                ("generation",),
                collections,
            ),
        )
        return [
            FamilySnapshot(name, name, kind, meaning, labels, (), values)
            for name, kind, meaning, labels, values in rows
        ]

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self._lags.append(max(0.0, loop.time() - due))

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = time.perf_counter()
        else:
            self._gc_seconds += time.perf_counter() - self._gc_began
