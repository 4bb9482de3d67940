"""Reads that take too long are ended, and do no harm to what is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import duckdb
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import own, prometheus
from accelerapp.server.promql import Engine, QueryTimeoutError
from accelerapp.server.signals import NativeHistogram, make_labels
from accelerapp.server.storage import (
    Expression,
    LogQuery,
    ReadTimeoutError,
    ReadTooLargeError,
    SpanQuery,
    Storage,
)
from accelerapp.server.storage.histograms import Histograms
from accelerapp.server.storage.samples import Samples

OpenStorage = Callable[..., Storage]
ROWS = 300_000
CONDITIONS = 400
# Every condition holds for every row, so that none of them is left out; it takes seconds where nothing ends it.
SLOW_LOGS = LogQuery(0, 2**62, text=" ".join(["end"] * CONDITIONS))
SLOW_SPANS = SpanQuery(0, 2**62, attributes={str(number): "v" for number in range(CONDITIONS)})


def fill(storage: Storage) -> None:
    """Put many rows into the heads, as quickly as DuckDB itself can."""
    logs, spans = storage._shelves.logs.current[-1], storage._shelves.spans.current[-1]
    with storage._database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {logs.relation} (time_ns, severity_number, body, attributes, resource) "
            f"SELECT range, 9, repeat('message ', 20) || 'end', '{{}}', '{{}}' FROM range({ROWS})"
        )
        search = "".join(f"\n{number}=v\n" for number in range(CONDITIONS))
        cursor.execute(
            f"INSERT INTO {spans.relation} (trace_id, span_id, start_ns, end_ns, search) "
            f"SELECT range, range, range, range, ? FROM range({ROWS // 10})",
            [search],
        )
    for head in (logs, spans):
        head.lowest, head.highest, head.rows = 0, ROWS, ROWS


async def test_a_search_that_takes_too_long_is_ended_and_the_next_one_works(
    open_storage: OpenStorage,
) -> None:
    storage = open_storage(query_timeout_seconds=0.1)
    fill(storage)
    for search in (
        lambda: storage.logs.search(SLOW_LOGS),
        lambda: storage.logs.histogram(SLOW_LOGS, 1000),
        lambda: storage.logs.top_values(SLOW_LOGS, Expression("body"), 1),
        lambda: storage.spans.search(SLOW_SPANS),
    ):
        with pytest.raises(ReadTimeoutError, match=r"longer than 0\.1 s .* ACCELERAPP_QUERY_TIMEOUT"):
            search()
    assert len(storage.logs.search(LogQuery(5, 9))) == 5
    assert storage.stats()["damaged_segments"] == 0


@pytest.mark.parametrize("kind", ["samples", "histograms"])
@pytest.mark.parametrize("sealed", [False, True], ids=["head", "segment"])
async def test_a_promql_query_is_ended_between_the_parts_that_it_reads(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch, kind: str, sealed: bool
) -> None:
    monkeypatch.setattr("accelerapp.server.storage.head._MERGE_LIMIT", 0)
    monkeypatch.setattr("accelerapp.server.storage.runs._MOST_ROWS", 1)
    storage = open_storage()
    for name in ("a", "b", "c"):
        labels = make_labels({"__name__": name})
        if kind == "samples":
            await storage.write_samples([(labels, 1, 1.0)] * 10)
        else:
            await storage.write_histograms([(labels, 1, NativeHistogram(0, 1.0, 1.0))] * 10)
    if sealed:
        await storage.seal()
    await storage.wait_loaded()
    now, parts = 0.0, 0
    batch = Samples if kind == "samples" else Histograms
    real = batch.where

    def late(part: Any, mask: npt.NDArray[np.bool_]) -> Any:
        """Let the time be over when the second part is read."""
        nonlocal now, parts
        parts += 1
        now += 5
        return real(part, mask)

    engine = Engine(storage.metrics, timeout_seconds=8, clock=lambda: now)
    everything = 'sum({__name__=~".+"})'
    with monkeypatch.context() as slow:
        slow.setattr(batch, "where", late)
        with pytest.raises(QueryTimeoutError, match="query timed out in expression evaluation"):
            engine.instant(everything, 1)
    assert parts == 2
    assert engine.refused() == {"samples": 0, "timeout": 1}
    assert engine.instant(everything, 1)


async def test_a_lack_of_time_or_memory_puts_no_segment_under_suspicion(
    open_storage: OpenStorage, logs_request: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.write_samples([(make_labels({"__name__": "up"}), 1, 1.0)])
    await storage.seal()
    for error, told in (
        (duckdb.InterruptException("interrupted"), ReadTimeoutError),
        (duckdb.OutOfMemoryException("no memory"), ReadTooLargeError),
    ):

        def fail(*_: object, error: duckdb.Error = error) -> None:
            raise error

        with pytest.raises(told):
            storage.logs._reader.read(lambda _: True, fail)  # type: ignore[attr-defined]
        with monkeypatch.context() as failing:
            failing.setattr("accelerapp.server.storage.segments.MetricSegment.read", fail)
            with pytest.raises(told):
                storage.metrics.select([], 0, 9)
    assert (storage.stats()["segments_logs"], storage.stats()["segments_metrics"]) == (1, 1)
    assert storage.stats()["damaged_segments"] == 0


async def test_closing_ends_a_read_that_runs(open_storage: OpenStorage) -> None:
    storage = open_storage(query_timeout_seconds=600)
    fill(storage)
    ended: list[Exception] = []

    def read() -> None:
        try:
            storage.logs.search(SLOW_LOGS)
        except ReadTimeoutError as error:
            ended.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 30
    while reader.is_alive() and time.monotonic() < deadline:
        storage.interrupt_reads()  # again and again, because the first may come before the query has begun
        reader.join(0.05)
    assert [str(error) for error in ended] == ["the query was ended because the observatory stops"]


@pytest.mark.parametrize(
    ("wrapped", "body"),
    [
        (own, {"error": "took too long"}),
        (prometheus, {"status": "error", "errorType": "timeout", "error": "took too long"}),
    ],
    ids=["own", "prometheus"],
)
async def test_the_api_answers_503(
    wrapped: Callable[..., Callable[..., object]], body: dict[str, str]
) -> None:
    async def handler(_: Request) -> object:
        raise ReadTimeoutError("took too long")

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", wrapped(handler))]))
    async with httpx.AsyncClient(transport=transport, base_url="http://observatory") as client:
        response = await client.get("/")
    assert (response.status_code, response.json()) == (503, body)
