"""The fault switch: makes the service suffer as it would in an outage.

Faults of the model act in the HTTP transport under its client, so that all above it, from time-outs to status
codes and metrics, is the real thing; memory that grows is really held, and slow health checks really wait.
"""

from __future__ import annotations

import asyncio
import random
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """What is switched on; nothing by default."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    backend_down: bool = Field(default=False, description="Connections to the backend are refused.")
    latency_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.0, description="Seconds that each call of the backend is held up."
    )
    error_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="Share of calls that the backend answers with status 500."
    )
    memory_growth_mb_per_second: Annotated[float, Field(ge=0, le=256)] = Field(
        default=0.0, description="MB that the process takes each second and does not give back."
    )
    memory_limit_mb: Annotated[int, Field(ge=0, le=4096)] = Field(
        default=512, description="MB at which it stops growing."
    )
    health_delay_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.0, description="Seconds that each health check takes longer."
    )


class FaultSwitch:
    """Holds the faults that are on now."""

    def __init__(self) -> None:
        self.faults = Faults()


class MemoryGrowth:
    """Takes memory while the switch says so, and gives it back when the fault is switched off."""

    _TICK_SECONDS = 0.1

    def __init__(self, switch: FaultSwitch) -> None:
        self._switch = switch
        self._held: list[bytearray] = []
        self._owed = 0.0

    @property
    def held_bytes(self) -> int:
        return sum(map(len, self._held))

    async def run(self) -> None:
        """Follow the switch until cancelled."""
        while True:
            self.tick(self._TICK_SECONDS)
            await asyncio.sleep(self._TICK_SECONDS)

    def tick(self, seconds: float) -> None:
        """Grow by what is due for some seconds."""
        faults = self._switch.faults
        if not faults.memory_growth_mb_per_second:
            self._held.clear()
            self._owed = 0.0
            return
        self._owed += faults.memory_growth_mb_per_second * 1e6 * seconds
        room = faults.memory_limit_mb * 1_000_000 - self.held_bytes
        size = max(0, min(int(self._owed), room))
        self._owed -= int(self._owed)
        if size:
            # Not zeros, which the system need not give memory for.
            self._held.append(bytearray(b"\x5a" * size))


class FaultTransport(httpx.AsyncBaseTransport):
    """Passes requests on, except for what the switch says.

    Args:
        inner: The transport that does the work.
        switch: Asked at each request.
        rng: Decides which calls an `error_rate` hits.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, switch: FaultSwitch, rng: random.Random | None = None
    ) -> None:
        self._inner = inner
        self._switch = switch
        self._random = rng or random.Random()  # noqa: S311 - chooses failures, guards nothing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        faults = self._switch.faults
        if faults.latency_seconds:
            await self._hold_up(request, faults.latency_seconds)
        if faults.backend_down:
            raise httpx.ConnectError("connection refused (fault switch: backend_down)", request=request)
        if self._random.random() < faults.error_rate:
            return httpx.Response(
                500, json={"error": "internal error (fault switch: error_rate)"}, request=request
            )
        return await self._inner.handle_async_request(request)

    async def _hold_up(self, request: httpx.Request, seconds: float) -> None:
        """Wait, but no longer than the request's read time-out, as a slow server would make it."""
        limit = request.extensions.get("timeout", {}).get("read")
        if limit is not None and seconds > limit:
            await asyncio.sleep(limit)
            raise httpx.ReadTimeout("no answer in time (fault switch: latency_seconds)", request=request)
        await asyncio.sleep(seconds)

    async def aclose(self) -> None:
        await self._inner.aclose()
