"""A sink that keeps what it is given, and servers on free ports."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import uvicorn
from starlette.types import ASGIApp

from accelerapp.server.ingest import Account, otlp_app
from accelerapp.server.signals import Exemplar, Labels, NativeHistogram
from accelerapp.server.storage import MalformedRequestError, MetricMetadata, Samples, StorageFullError
from accelerapp.server.storage.otlp import count_items

Serve = Callable[[ASGIApp], Awaitable[str]]


class KeepingSink:
    """A Sink in memory; while `full`, it refuses, and asks to be tried again after `retry_after` seconds."""

    def __init__(self) -> None:
        self.retry_after = 7.0
        self.refusals = 0
        self.traces: list[bytes] = []
        self.logs: list[bytes] = []
        self.samples: list[tuple[Labels, int, float]] = []
        self.histograms: list[tuple[Labels, int, NativeHistogram]] = []
        self.exemplars: list[Exemplar] = []
        self.metadata = MetricMetadata()
        self.numbered: list[Labels] = []
        self.full = False

    async def write_traces(self, request: bytes) -> int:
        count = self._check(request, "traces")
        self.traces.append(request)
        return count

    async def write_logs(self, request: bytes) -> int:
        count = self._check(request, "logs")
        self.logs.append(request)
        return count

    async def write_samples(self, samples: Sequence[tuple[Labels, int, float]]) -> int:
        if self.full:
            raise StorageFullError("no space", retry_after=self.retry_after)
        self.samples += samples
        return len(samples)

    def number_series(self, labels: Sequence[Labels]) -> list[int | None]:
        numbers: list[int | None] = []
        for one in labels:
            if one not in self.numbered:
                self.numbered.append(one)
            numbers.append(self.numbered.index(one))
        return numbers

    async def write_columns(self, samples: Samples) -> int:
        columns = (samples.series.tolist(), samples.timestamps.tolist(), samples.values)
        return await self.write_samples(
            [(self.numbered[number], at_ms, value) for number, at_ms, value in zip(*columns, strict=True)]
        )

    async def write_histograms(self, histograms: Sequence[tuple[Labels, int, NativeHistogram]]) -> int:
        if self.full:
            raise StorageFullError("no space", retry_after=self.retry_after)
        self.histograms += histograms
        return len(histograms)

    async def write_exemplars(self, exemplars: Sequence[Exemplar]) -> int:
        self.exemplars += exemplars
        return len(exemplars)

    def _check(self, request: bytes, signal: str) -> int:
        count = count_items(request, signal)
        if count == 0:
            raise MalformedRequestError("tests send no empty requests")
        if self.full:
            self.refusals += 1
            raise StorageFullError("no space", retry_after=self.retry_after)
        return count


@pytest.fixture
def sink() -> KeepingSink:
    return KeepingSink()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve applications over real sockets until the test ends."""
    running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def start(app: ASGIApp) -> str:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
        running.append((server, asyncio.create_task(server.serve())))
        async with asyncio.timeout(20):
            while not server.started:
                await asyncio.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, _ in running:
        server.should_exit = True
    await asyncio.gather(*(task for _, task in running))


@pytest.fixture
async def otlp_url(sink: KeepingSink, serve: Serve) -> str:
    return await serve(
        otlp_app(sink, Account("otlp_http", "OTLP over HTTP", time.time), max_request_bytes=100_000)
    )
