"""What all receivers that speak HTTP hold against senders that are broken, slow, many or hostile."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from tests.unit.server.ingest.conftest import KeepingSink

from accelerapp.server.ingest import (
    Account,
    HttpReceiver,
    jaeger_app,
    logstash_http_app,
    otlp_app,
    zipkin_app,
)
from accelerapp.server.ingest.http_request import Body, endpoint

LIMIT = 1_000_000
#: Seconds. It takes milliseconds, but the machine may do other things; a whole bomb would take the memory as well.
AT_ONCE = 10.0


SPANS = b'[{"traceId": "1", "id": "1"}]'


@dataclass(frozen=True)
class Kind:
    """A receiver: where its requests go, and in which form."""

    make: Callable[..., Starlette]
    path: str
    media_type: str


KINDS = {
    "otlp protobuf": Kind(otlp_app, "/v1/logs", "application/x-protobuf"),
    "otlp json": Kind(otlp_app, "/v1/traces", "application/json"),
    "zipkin": Kind(zipkin_app, "/api/v2/spans", "application/json"),
    "jaeger": Kind(jaeger_app, "/api/traces", "application/x-thrift"),
    "logstash": Kind(logstash_http_app, "/", "application/json"),
}

Listen = Callable[..., Awaitable[tuple[HttpReceiver, int]]]


@pytest.fixture
async def listening() -> AsyncIterator[Listen]:
    """Return a way to run a receiver of an application or of a kind; it is stopped at the end."""
    receivers = []

    async def start(make: Any, limit: int = LIMIT, **limits: Any) -> tuple[HttpReceiver, int]:
        account = Account("http", "HTTP", time.time)
        app = (
            make.make(KeepingSink(), account, max_request_bytes=limit)
            if isinstance(make, Kind)
            else make(account)
        )
        receiver = HttpReceiver(app, account, **limits)
        receivers.append(receiver)
        return receiver, await receiver.start("127.0.0.1", 0)

    yield start
    for receiver in receivers:
        await receiver.stop()


def refused(receiver: HttpReceiver) -> dict[str, int]:
    return dict(receiver.account.status("").refused)


async def until_refused(receiver: HttpReceiver, **reasons: int) -> None:
    async with asyncio.timeout(20):
        while refused(receiver) != reasons:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_a_bomb_is_refused_at_once(listening: Listen, kind: Kind) -> None:
    receiver, port = await listening(kind)
    bomb = gzip.compress(bytes(200_000_000), 1)
    headers = {"Content-Type": kind.media_type, "Content-Encoding": "gzip"}
    async with httpx.AsyncClient(trust_env=False, timeout=AT_ONCE) as client:
        answer = await client.post(f"http://127.0.0.1:{port}{kind.path}", content=bomb, headers=headers)
    assert answer.status_code == 413
    assert refused(receiver) == {"too_large": 1}


DEEP = [
    pytest.param(KINDS["otlp json"], b'{"resourceSpans":%b}', 400, id="otlp"),
    pytest.param(KINDS["zipkin"], b"%b", 400, id="zipkin"),
    # As Logstash does: what is no JSON is kept as text.
    pytest.param(KINDS["logstash"], b"%b", 200, id="logstash"),
]


@pytest.mark.parametrize("depth", [900, 10_000])
@pytest.mark.parametrize(("kind", "around", "status"), DEEP)
async def test_deep_json_is_dealt_with_at_once(
    listening: Listen, kind: Kind, around: bytes, status: int, depth: int
) -> None:
    _, port = await listening(kind)
    body = around % (b"[" * depth + b"]" * depth)
    async with httpx.AsyncClient(trust_env=False, timeout=AT_ONCE) as client:
        url = f"http://127.0.0.1:{port}{kind.path}"
        answer = await client.post(url, content=body, headers={"Content-Type": kind.media_type})
    assert answer.status_code == status


MANY = [
    pytest.param(KINDS["zipkin"], b"[" + b"{}," * 100_000 + b"{}]", id="zipkin"),
    pytest.param(KINDS["logstash"], b"[" + b"{}," * 100_000 + b"{}]", id="logstash list"),
    pytest.param(KINDS["logstash"], b"{}\n" * 100_001, id="logstash lines"),
    pytest.param(KINDS["otlp json"], b'{"resourceSpans":[' + b"{}," * 1_000_000 + b"{}]}", id="otlp json"),
]


@pytest.mark.parametrize(("kind", "body"), MANY)
async def test_more_items_than_are_translated_at_once_are_refused(
    listening: Listen, kind: Kind, body: bytes
) -> None:
    receiver, port = await listening(kind, limit=16 * LIMIT)
    async with httpx.AsyncClient(trust_env=False, timeout=AT_ONCE) as client:
        url = f"http://127.0.0.1:{port}{kind.path}"
        answer = await client.post(url, content=body, headers={"Content-Type": kind.media_type})
    assert answer.status_code == 413
    assert re.search(r"10000(1 spans|1 events|1 lines|02 JSON objects)", answer.text)
    assert refused(receiver) == {"too_large": 1}


async def test_more_records_than_are_loaded_in_time_are_refused(listening: Listen) -> None:
    _, port = await listening(KINDS["otlp protobuf"], limit=16 * LIMIT)
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.extend([LogRecord()] * 500_001)
    async with httpx.AsyncClient(trust_env=False, timeout=AT_ONCE) as client:
        url = f"http://127.0.0.1:{port}/v1/logs"
        headers = {"Content-Type": "application/x-protobuf"}
        answer = await client.post(url, content=request.SerializeToString(), headers=headers)
    assert answer.status_code == 400
    assert "500001 items, 500000 are allowed" in Status.FromString(answer.content).message


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_a_sender_that_goes_away_within_a_body_is_counted(listening: Listen, kind: Kind) -> None:
    receiver, port = await listening(kind)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {kind.path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind.media_type}\r\nContent-Length: 10\r\n\r\n"
    writer.write(head.encode() + b"12345")
    await writer.drain()
    writer.close()
    await until_refused(receiver, cancelled=1)


@pytest.mark.parametrize("begun", [b"", b"POST / HTTP/1.1\r\nHost: a\r\nX-"], ids=["nothing", "headers"])
async def test_a_sender_that_never_says_what_it_wants_is_left(listening: Listen, begun: bytes) -> None:
    receiver, port = await listening(KINDS["zipkin"], header_seconds=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    assert refused(receiver) == {"too_slow": 1}
    writer.close()


async def test_a_second_request_that_never_ends_its_headers_is_left(listening: Listen) -> None:
    receiver, port = await listening(KINDS["zipkin"], header_seconds=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /api/v2/spans HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(SPANS)
    writer.write(head + SPANS)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 202")
    writer.write(b"POST /api/v2/spans HTTP/1.1\r\nX-")
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    assert refused(receiver) == {"too_slow": 1}
    writer.close()


async def test_a_sender_that_goes_on_slowly_after_its_refusal_is_left(listening: Listen) -> None:
    receiver, port = await listening(KINDS["otlp json"], header_seconds=0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 415")
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 0.02)
    await until_refused(receiver, unsupported=1, too_slow=1)
    writer.close()


@pytest.mark.parametrize("size", [0, 100], ids=["unread", "too large"])
async def test_a_sender_that_sends_all_before_it_reads_is_told_why_it_was_refused(
    listening: Listen, size: int
) -> None:
    receiver, port = await listening(KINDS["otlp json"], limit=100)
    headers = {"Content-Type": "application/json" if size else "text/csv", "Connection": "close"}

    def post() -> int:
        # As urllib does: a connection for one request, whose answer is read once its body was sent.
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request("POST", "/v1/logs", bytes(64 << 20), headers)
            return connection.getresponse().status

    assert await asyncio.to_thread(post) == (413 if size else 415)
    assert refused(receiver) == ({"too_large": 1} if size else {"unsupported": 1})


async def test_a_sender_that_does_not_end_its_body_after_its_refusal_is_left(
    listening: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accelerapp.server.serving._DRAIN_SECONDS", 0.2)
    _, port = await listening(KINDS["otlp json"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 415")
    writer.close()


FROM_A_PAGE = [
    pytest.param({"Origin": "https://evil.example", "Content-Type": "text/plain"}, id="text"),
    pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, id="of no type"),
    pytest.param(
        {"Sec-Fetch-Site": "same-site", "Content-Type": "application/x-www-form-urlencoded"}, id="a form"
    ),
]


@pytest.mark.parametrize("headers", FROM_A_PAGE)
@pytest.mark.parametrize("kind", [KINDS["zipkin"], KINDS["logstash"]], ids=["zipkin", "logstash"])
async def test_what_a_page_of_another_site_has_a_browser_send_is_refused(
    listening: Listen, kind: Kind, headers: dict[str, str]
) -> None:
    receiver, port = await listening(kind)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://127.0.0.1:{port}{kind.path}", content=SPANS, headers=headers)
    assert (answer.status_code, "may not send telemetry here" in answer.text) == (403, True)
    assert refused(receiver) == {"cross_site": 1}


@pytest.mark.parametrize(
    ("kind", "headers", "status"),
    [
        pytest.param(KINDS["zipkin"], {}, 202, id="a program's spans"),
        pytest.param(KINDS["logstash"], {"Content-Type": "text/plain"}, 200, id="a program's text"),
        pytest.param(
            KINDS["logstash"],
            {"Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"},
            200,
            id="a page's own proxy",
        ),
        # A browser sends it only where it was allowed to, as a proxy may, or an application that is none.
        pytest.param(
            KINDS["otlp json"],
            {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "app://shop"},
            400,
            id="otlp",
        ),
    ],
)
async def test_what_programs_and_proxies_send_is_taken(
    listening: Listen, kind: Kind, headers: dict[str, str], status: int
) -> None:
    receiver, port = await listening(kind)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"http://127.0.0.1:{port}{kind.path}", content=SPANS, headers=headers)
    assert answer.status_code == status
    assert "cross_site" not in refused(receiver)


async def test_what_is_no_http_is_refused_and_counted(listening: Listen) -> None:
    receiver, port = await listening(KINDS["zipkin"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")  # how TLS begins
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
    assert refused(receiver) == {"malformed": 1}
    writer.close()


def keeping(account: Account, **how: Any) -> ASGIApp:
    """Return an application that takes anything."""

    async def handle(body: Body) -> Response:
        return Response(status_code=200)

    return Starlette(routes=[Route("/", endpoint(handle, account, LIMIT, **how), methods=["POST"])])


async def test_a_body_that_does_not_come_in_time_is_refused(listening: Listen) -> None:
    receiver, port = await listening(lambda account: keeping(account, body_seconds=0.2))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
    async with asyncio.timeout(20):
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 408")
    assert refused(receiver) == {"too_slow": 1}
    writer.close()


async def test_connections_beyond_the_limit_are_refused_and_counted(listening: Listen) -> None:
    receiver, port = await listening(KINDS["zipkin"], max_connections=5)
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(25)]
    await until_refused(receiver, too_many=20)
    answers = await asyncio.gather(*(reader.read() for reader, _ in connections[5:]))
    assert all(answer.startswith(b"HTTP/1.1 503") and b"Retry-After: 1" in answer for answer in answers)
    for _, writer in connections[:1]:
        writer.close()
        await writer.wait_closed()

    async def taken() -> int:
        with contextlib.suppress(httpx.TransportError):
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.post(f"http://127.0.0.1:{port}/api/v2/spans", content=SPANS)).status_code
        return 0

    async with asyncio.timeout(20):
        while await taken() != 202:
            await asyncio.sleep(0.01)
    for _, writer in connections[1:]:
        writer.close()


async def test_bodies_that_together_take_too_much_memory_are_refused(listening: Listen) -> None:
    receiver, port = await listening(keeping)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % LIMIT
    connections = []
    for _ in range(9):  # eight bodies of the largest size may be received at once
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + bytes(LIMIT - 1))
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        connections.append((reader, writer))
    await until_refused(receiver, too_many=1)
    for reader, writer in connections[:1]:
        writer.write(b"1")
        assert (await reader.readuntil(b"\r\n")).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    for _, writer in connections:
        writer.close()


async def test_stopping_answers_what_is_being_received(listening: Listen) -> None:
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await going_on.wait()
        return Response(status_code=202)

    receiver, port = await listening(lambda account: Starlette(routes=[Route("/", slow)]))
    async with httpx.AsyncClient(trust_env=False) as client:
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/"))
        await begun.wait()
        stopping = asyncio.create_task(receiver.stop())
        going_on.set()
        assert (await asking).status_code == 202
        await stopping


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/traces", 405), ("POST", "/v1/profiles", 404)]
)
async def test_what_is_not_otlp_is_told_in_otlp_s_form(
    listening: Listen, method: str, path: str, status: int
) -> None:
    _, port = await listening(KINDS["otlp json"])
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{port}{path}"
        answer = await client.request(method, url, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert (
        answer.json()["message"]
        == f"{method} {path} is not OTLP: POST to /v1/traces, /v1/metrics or /v1/logs"
    )
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
