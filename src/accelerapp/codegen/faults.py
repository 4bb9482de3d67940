"""The fault switch: makes calls of the model backend fail as they would in an outage.

A fault acts in the HTTP transport under the model client, so that all above it, from time-outs to status
codes and metrics, is the real thing.
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


class FaultSwitch:
    """Holds the faults that are on now."""

    def __init__(self) -> None:
        self.faults = Faults()


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
