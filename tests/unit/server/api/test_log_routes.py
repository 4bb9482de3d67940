"""The routes over log lines, over a real storage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.api import QueryThreads, log_tail
from accelerapp.server.api.query_threads import QueueFullError
from accelerapp.server.serving import HttpServer, listen
from accelerapp.server.storage import Storage, StorageSettings

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PREFIX = "/api/accelerapp/v1/logs"
START_NS = 1_795_687_200 * 10**9
START_MS = START_NS // 10**6
RANGE = {"start_ms": str(START_MS), "end_ms": str(START_MS + 60_000)}


def request(count: int, *, first: int = 0, body: str = "request") -> bytes:
    """Make lines a second apart: every third is an error, and they come from two hosts in turn."""
    made = ExportLogsServiceRequest()
    scopes = []
    for host in ("a", "b"):
        resource_logs = made.resource_logs.add()
        for key, value in (("service.name", "shop"), ("host.name", host)):
            resource_logs.resource.attributes.add(key=key).value.string_value = value
        scopes.append(resource_logs.scope_logs.add())
    for number in range(first, first + count):
        record = scopes[number % 2].log_records.add(
            time_unix_nano=START_NS + number * 10**9, severity_number=9 if number % 3 else 17
        )
        record.body.string_value = f"{body} {number}"
        record.attributes.add(key="http.status_code").value.int_value = 200 if number % 3 else 500
        if number % 2:
            record.attributes.add(key="user").value.string_value = f"user-{number % 4}"
    return made.SerializeToString()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    yield opened
    await opened.close()


@pytest.fixture
async def get(api: Open, storage: Storage) -> AsyncIterator[Callable[..., Any]]:
    """Return a way to ask a storage of twelve lines; the answer's status must be 200."""
    await storage.write_logs(request(12))
    await storage.wait_loaded()
    async with api(logs=storage.logs) as client:

        async def ask(path: str = "", **values: str) -> Any:
            answer = await client.get(PREFIX + path, params=values)
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield ask


async def test_a_search_by_query_comes_in_pages(get: Callable[..., Any]) -> None:
    first = await get(query="http.status_code: 500", limit="3")
    assert [one["body"] for one in first["logs"]] == ["request 9", "request 6", "request 3"]
    rest = await get(query="http.status_code: 500", limit="3", before=first["next"])
    assert ([one["body"] for one in rest["logs"]], rest["next"]) == (["request 0"], None)


async def test_who_followed_goes_on_behind_the_line_that_arrived_last(
    get: Callable[..., Any], storage: Storage
) -> None:
    seen = (await get(limit="1"))["logs"][0]["id"]
    await storage.write_logs(request(2, first=3, body="late"))
    await storage.wait_loaded()
    found = await get(arrived_after=seen)
    assert [one["body"] for one in found["logs"]] == ["late 4", "late 3"]


async def test_all_parameters_must_hold_beside_the_query(get: Callable[..., Any]) -> None:
    found = await get(query="host.name: a", level="error", text="quest 6", service="shop")
    assert [one["body"] for one in found["logs"]] == ["request 6"]


async def test_a_histogram_has_buckets_of_a_readable_step(get: Callable[..., Any]) -> None:
    found = await get("/histogram", **RANGE, query="not request")
    assert found == {"step_ms": 1000, "lines": 0, "buckets": []}
    found = await get("/histogram", **RANGE, step_ms="5000")
    assert (found["step_ms"], found["lines"]) == (5000, 12)
    assert found["buckets"][0] == {"time_ms": START_MS, "lines": 5, "levels": {"INFO": 3, "ERROR": 2}}
    assert [bucket["lines"] for bucket in found["buckets"]] == [5, 5, 2]


async def test_the_top_values_of_a_field_have_their_shares(get: Callable[..., Any]) -> None:
    assert await get("/top", field="user", query="http.status_code: 500") == {
        "field": "user",
        "lines": 4,
        "having": 2,
        "share": 0.5,
        "values": [
            {"value": "user-1", "lines": 1, "share": 0.5},
            {"value": "user-3", "lines": 1, "share": 0.5},
        ],
    }
    assert (await get("/top", field="level", limit="1"))["values"][0]["value"] == "INFO"


async def test_the_fields_are_told_with_types(get: Callable[..., Any]) -> None:
    found = await get("/fields", query="host.name: b")
    assert found["lines"] == 6
    fields = {one["name"]: (one["type"], one["lines"]) for one in found["fields"]}
    assert fields == {
        "time": ("date", 6),
        "body": ("text", 6),
        "level": ("keyword", 6),
        "severity_number": ("number", 6),
        "service": ("keyword", 6),
        "service.name": ("keyword", 6),
        "host.name": ("keyword", 6),
        "http.status_code": ("number", 6),
        "user": ("keyword", 6),
    }


async def test_a_line_has_a_context_of_all_or_of_its_host(get: Callable[..., Any]) -> None:
    (line,) = (await get(query='"request 5"'))["logs"]
    around = await get("/context", line=line["id"], before="2", after="1")
    assert around["line"] == line
    assert [one["body"] for one in around["before"]] == ["request 3", "request 4"]
    assert [one["body"] for one in around["after"]] == ["request 6"]
    around = await get("/context", line=line["id"], before="2", after="1", same="host")
    assert [one["body"] for one in around["before"]] == ["request 1", "request 3"]
    assert [one["body"] for one in around["after"]] == ["request 7"]
    assert around["more"] == {"before": True, "after": True}
    assert (await get("/context", line=line["id"], before="9", after="0"))["more"]["before"] is False


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("?query=level:%20(error", 400, 'parameter "query": column 8: this bracket is not closed'),
        ("?before=yesterday", 400, 'parameter "before" must be the "id" of a line'),
        ("?before=1-99999999999999999999", 400, 'parameter "before" must be the "id" of a line'),
        ("/histogram", 400, 'parameter "start_ms" is missing'),
        ("/histogram?start_ms=0&end_ms=1000000&step_ms=1", 400, "at most 2000 buckets"),
        ("/histogram?start_ms=0&end_ms=1000000&step_ms=0", 400, "at least 1"),
        ("?filter=a%20b:", 400, 'parameter "filter": column 5'),
        ("/patterns", 400, 'parameter "start_ms" is missing'),
        ("/patterns?start_ms=0&end_ms=1&limit=1001", 400, "from 1 to 1000"),
        ("/top", 400, 'parameter "field" must be the name of a field'),
        ("/top?field=x&limit=1001", 400, "from 1 to 1000"),
        ("/context", 400, 'parameter "line" is missing'),
        ("/context?line=1-1", 404, "no line 1-1"),
        ("/context?line=1-1&before=501", 400, "from 0 to 500"),
        ("/context?line=1-1&same=planet", 400, "one of service, host, trace"),
        ("/tail?query=%22", 400, "this quote is not closed"),
    ],
)
async def test_what_is_wrong_is_told(
    api: Open, storage: Storage, path: str, status: int, message: str
) -> None:
    async with api(logs=storage.logs) as client:
        answer = await client.get(PREFIX + path)
    assert answer.status_code == status
    assert message in answer.json()["error"]


class Tail:
    """A reader of the server-sent events at an address."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> tuple[str, Any]:
        """Return the name and the data of the next event, or a comment and nothing."""
        name = ""
        async for text in self._lines:
            if text.startswith(": "):
                return text, None
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: "):
                return name, json.loads(text.removeprefix("data: "))
        return "end", None


@pytest.fixture
async def served(api: Open, storage: Storage) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve the routes at an address, with the event that tells that the observatory stops."""
    stopping = asyncio.Event()
    async with api(logs=storage.logs, stopping=stopping) as client:
        transport = client._transport
        assert isinstance(transport, httpx.ASGITransport)
        server = HttpServer(transport.app, listen("127.0.0.1", 0), lambda *_: None, max_connections=1000)
        await server.start()
        yield f"http://127.0.0.1:{server.port}{PREFIX}/tail", stopping
        stopping.set()
        await server.stop()


async def test_lines_are_followed_as_they_arrive_until_the_observatory_stops(
    served: tuple[str, asyncio.Event], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, stopping = served
    monkeypatch.setattr(log_tail, "_IDLE_SECONDS", 0.05)
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", url, params={"query": "http.status_code: 500"}) as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        tail = Tail(answer.aiter_lines())
        assert await tail.next() == (": following", None)
        assert await tail.next() == (": idle", None)
        got: list[str] = []
        for first in (0, 500):
            await storage.write_logs(request(500, first=first))
            while len(got) < (first + 500 + 2) // 3:
                name, lines = await tail.next()
                got += [line["body"] for line in lines] if name == "lines" else []
        assert got == [f"request {number}" for number in range(0, 1000, 3)]
        stopping.set()
        while (event := await tail.next()) != ("end", None):
            assert event[0] == ": idle"


async def test_a_reader_who_is_too_slow_is_told_what_was_left_out(
    served: tuple[str, asyncio.Event], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = served
    monkeypatch.setattr("accelerapp.server.storage.tail._TAKEN_LINES", 10)
    async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", url) as answer:
        tail = Tail(answer.aiter_lines())
        await tail.next()
        await storage.write_logs(request(100))
        assert await tail.next() == ("missed", {"lines": 90})
        name, lines = await tail.next()
        assert (name, len(lines)) == ("lines", 10)


async def test_long_lines_are_left_out_before_they_are_too_much(
    served: tuple[str, asyncio.Event], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = served
    monkeypatch.setattr("accelerapp.server.storage.tail._TAKEN_CHARACTERS", 5_000)
    async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", url) as answer:
        tail = Tail(answer.aiter_lines())
        await tail.next()
        await storage.write_logs(request(10, body="x" * 1_000))
        assert await tail.next() == ("missed", {"lines": 6})
        name, lines = await tail.next()
        assert (name, [one["body"][-1] for one in lines]) == ("lines", ["6", "7", "8", "9"])


async def test_there_is_a_limit_of_readers(
    served: tuple[str, asyncio.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = served
    monkeypatch.setattr(log_tail, "MOST_TAILS", 1)
    async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", url) as first:
        await Tail(first.aiter_lines()).next()
        refused = await client.get(url)
        assert refused.status_code == 503
        assert "close one of them" in refused.json()["error"]


async def test_a_reader_for_whom_no_query_may_wait_is_told_later(
    served: tuple[str, asyncio.Event], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = served
    run, refusals = QueryThreads.run, iter([True, True])

    async def crowded(threads: QueryThreads, read: Callable[[], Any]) -> Any:
        if next(refusals, False):
            raise QueueFullError("too many")
        return await run(threads, read)

    monkeypatch.setattr(QueryThreads, "run", crowded)
    async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", url) as answer:
        tail = Tail(answer.aiter_lines())
        await tail.next()
        await storage.write_logs(request(1))
        name, lines = await tail.next()
    assert (name, len(lines), next(refusals, None)) == ("lines", 1, None)


async def test_patterns_are_told_with_what_is_new(get: Callable[..., Any], storage: Storage) -> None:
    await storage.write_logs(request(2, first=8, body="disk full at"))
    await storage.wait_loaded()
    found = await get("/patterns", start_ms=str(START_MS + 6_000), end_ms=str(START_MS + 12_000))
    assert (found["lines"], found["more"], found["earlier"], found["found"]) == (8, False, 6, 2)
    first, second = found["patterns"]
    assert (first["pattern"], first["lines"], first["share"], first["new"]) == (
        "request <num>",
        6,
        0.75,
        False,
    )
    assert (first["levels"], sum(first["counts"])) == ({"INFO": 4, "ERROR": 2}, 6)
    assert (second["pattern"], second["lines"], second["new"]) == ("disk full at <num>", 2, True)
    assert second["example"]["body"] == "disk full at 9"


async def test_lines_are_of_a_pattern_or_of_none_of_some(get: Callable[..., Any], storage: Storage) -> None:
    await storage.write_logs(request(2, body="disk full at"))
    await storage.wait_loaded()
    found = await get(pattern="disk full at <num>")
    assert [one["body"] for one in found["logs"]] == ["disk full at 1", "disk full at 0"]
    both = "disk full at <num>\nrequest <num>"
    assert (await get(without_pattern=both))["logs"] == []
    assert len((await get(without_pattern="request <num>"))["logs"]) == 2
    assert (await get(pattern=both))["logs"] == []


async def test_patterns_are_of_so_many_lines_at_most(
    get: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accelerapp.server.api.log_patterns.MOST_LINES", 5)
    found = await get("/patterns", **RANGE)
    assert (found["lines"], found["more"], found["start_ms"]) == (5, True, START_MS + 7_000)


async def test_a_filter_must_hold_beside_the_query(get: Callable[..., Any]) -> None:
    found = await get(query="http.status_code: 500", filter='host.name: "a" and not user: *')
    assert [one["body"] for one in found["logs"]] == ["request 6", "request 0"]
