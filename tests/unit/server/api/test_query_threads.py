"""Queries wait for a thread in a queue that is bounded in length and in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.api import QueryThreads
from accelerapp.server.api.query_threads import QueueFullError
from accelerapp.server.oncall import Playbooks

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PLAYBOOKS = Path(__file__).parents[4] / "deployment/observability/playbooks"


class Spans:
    def services(self) -> list[str]:
        return ["shop"]


@asynccontextmanager
async def busy(threads: QueryThreads, waiting: int) -> AsyncIterator[list[asyncio.Task[str]]]:
    """Hold every thread, and let some reads wait; they end with the block."""
    begun, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def read() -> str:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(20)
        return "read"

    reads = [asyncio.create_task(threads.run(read)) for _ in range(1 + waiting)]
    try:
        await begun.wait()
        while threads.waiting < waiting:
            await asyncio.sleep(0)
        yield reads
    finally:
        go_on.set()
        await asyncio.gather(*reads, return_exceptions=True)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "/api/v1/query?query=1",
            '{"status":"error","errorType":"unavailable","error":"too many queries: 2 wait already; ask again later"}',
        ),
        ("/api/accelerapp/v1/storage", '{"error":"too many queries: 2 wait already; ask again later"}'),
        (
            "/api/services",
            '"errors":[{"code":503,"msg":"too many queries: 2 wait already; ask again later"}]}\n',
        ),
        ("/user/x.md", "too many queries: 2 wait already; ask again later\n"),
    ],
)
async def test_a_query_for_which_there_is_no_room_is_refused_in_the_form_of_its_api(
    api: Open, path: str, told: str
) -> None:
    with contextlib.closing(QueryThreads(1, max_waiting=2, timeout_seconds=30)) as threads:
        parts: dict[str, Any] = {"spans": Spans(), "playbooks": Playbooks(PLAYBOOKS), "inventory": dict}
        async with api(query_threads=threads, **parts) as client, busy(threads, 2) as reads:
            answer = await client.get(path)
        assert (answer.status_code, answer.text[-len(told) :]) == (503, told)
        assert [read.result() for read in reads] == ["read"] * 3
        assert threads.refused() == {"queue_full": 1, "queue_timeout": 0}


async def test_a_query_that_waits_too_long_is_told_in_prometheus_words(api: Open) -> None:
    with contextlib.closing(QueryThreads(1, max_waiting=2, timeout_seconds=0.05)) as threads:
        async with api(query_threads=threads) as client, busy(threads, 0):
            answer = await client.get("/api/v1/query", params={"query": "1"})
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "error", "errorType": "timeout", "error": "query timed out in query queue"},
        )
        assert threads.refused() == {"queue_full": 0, "queue_timeout": 1}
        assert threads.waiting == 0
        assert await threads.run(lambda: "read") == "read"


async def test_the_first_of_those_refused_is_logged_with_its_route(
    api: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "accelerapp.server.api.query_threads")
    with contextlib.closing(QueryThreads(1, max_waiting=0, timeout_seconds=30)) as threads:
        async with api(query_threads=threads) as client:
            for _ in range(2):
                async with busy(threads, 0):
                    await client.get("/api/v1/labels")
                    await client.get("/api/v1/query", params={"query": "1"})
                await client.get("/api/v1/query", params={"query": "1"})  # the queue is empty again
    told = "queries are refused, the first is 'GET /api/v1/labels': too many queries: 0 wait already; ask again later"
    assert caplog.messages == [told, told]


async def test_as_many_run_at_once_as_there_are_threads_in_the_order_in_which_they_came() -> None:
    with contextlib.closing(QueryThreads(2, max_waiting=10, timeout_seconds=30)) as threads:
        both, order = threading.Barrier(2, timeout=20), list[int]()
        await asyncio.gather(*(threads.run(both.wait) for _ in range(4)))
        async with busy(threads, 0):  # one thread is held
            await asyncio.gather(*(threads.run(partial(order.append, number)) for number in range(5)))
        assert order == list(range(5))


async def test_a_query_that_fails_gives_its_thread_back() -> None:
    def fail() -> None:
        raise ValueError("no")

    with contextlib.closing(QueryThreads(1, max_waiting=0, timeout_seconds=30)) as threads:
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await threads.run(fail)
        async with busy(threads, 0):
            with pytest.raises(QueueFullError):
                await threads.run(fail)


async def test_one_that_waits_and_goes_away_leaves_its_place() -> None:
    with contextlib.closing(QueryThreads(1, max_waiting=1, timeout_seconds=30)) as threads:
        async with busy(threads, 1) as reads:
            reads[1].cancel()
            await asyncio.wait(reads[1:])
            another = asyncio.create_task(threads.run(lambda: "another"))
        assert await another == "another"
