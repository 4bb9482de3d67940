"""Log lines over TCP and HTTP: with clients that are not ours, and by hand where they are broken or many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import logstash
import pytest
from logstash_async.formatter import LogstashFormatter
from logstash_async.handler import AsynchronousLogstashHandler
from logstash_async.transport import HttpTransport, TcpTransport
from tests.plain_otlp import plain_logs
from tests.unit.server.ingest.conftest import KeepingSink, Serve
from tests.waiting import until

from accelerapp.server.ingest import Account, LogstashTcpReceiver, logstash_http_app

NOW = 1_800_000_000.0
Listen = Callable[..., Awaitable[tuple[LogstashTcpReceiver, int]]]


@pytest.fixture
async def listening(sink: KeepingSink) -> AsyncIterator[Listen]:
    receivers = []

    async def start(**limits: int) -> tuple[LogstashTcpReceiver, int]:
        account = Account("logstash_tcp", "Logstash", lambda: NOW)
        receiver = LogstashTcpReceiver(sink, account, clock=lambda: NOW, **limits)
        receivers.append(receiver)
        return receiver, await receiver.start("127.0.0.1", 0)

    yield start
    for receiver in receivers:
        await receiver.stop()


@pytest.fixture
async def client(sink: KeepingSink, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    account = Account("logstash_http", "Logstash", lambda: NOW)
    url = await serve(logstash_http_app(sink, account, max_request_bytes=100_000, clock=lambda: NOW))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as opened:
        yield opened


def bodies(sink: KeepingSink) -> list[Any]:
    return [record.get("body") for record in plain_logs(*sink.logs)]


def log_by(handler: logging.Handler) -> None:
    logger = logging.getLogger("shop.orders")
    logger.addHandler(handler)
    logger.warning("sold out: %s", "tea", extra={"order": 5})
    logger.removeHandler(handler)
    handler.flush()
    handler.close()


async def test_python_logstash_arrives(listening: Listen, sink: KeepingSink) -> None:
    _, port = await listening()
    handler = logstash.TCPLogstashHandler("127.0.0.1", port, version=1)
    await asyncio.to_thread(log_by, handler)
    await until(lambda: sink.logs)
    (record,) = plain_logs(*sink.logs)
    assert (record["body"], record["severity"], record["number"]) == ("sold out: tea", "WARN", 13)
    assert record["attributes"]["order"] == 5
    assert record["attributes"]["logger_name"] == "shop.orders"


async def test_python_logstash_async_arrives_over_tcp(listening: Listen, sink: KeepingSink) -> None:
    _, port = await listening()
    transport = TcpTransport("127.0.0.1", port, False, False, None, None, None, None, timeout=5)
    handler = AsynchronousLogstashHandler("127.0.0.1", port, None, transport=transport)
    handler.formatter = LogstashFormatter()
    await asyncio.to_thread(log_by, handler)
    await until(lambda: sink.logs)
    assert bodies(sink) == ["sold out: tea"]


async def test_python_logstash_async_arrives_over_http(client: httpx.AsyncClient, sink: KeepingSink) -> None:
    port = client.base_url.port
    transport = HttpTransport("127.0.0.1", port, timeout=5, ssl_enable=False)
    handler = AsynchronousLogstashHandler("127.0.0.1", port, None, transport=transport)
    handler.formatter = LogstashFormatter()
    await asyncio.to_thread(log_by, handler)
    await until(lambda: sink.logs)
    assert bodies(sink) == ["sold out: tea"]


async def test_lines_are_kept_in_their_order_however_they_come(listening: Listen, sink: KeepingSink) -> None:
    _, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    content = b"".join(b'{"level":"INFO","message":%d}\r\n' % number for number in range(500))
    for begin in range(0, len(content), 777):
        writer.write(content[begin : begin + 777])
        await writer.drain()
    writer.write(b'{"level":"INFO","message":"the last, which nothing ends"}')
    writer.write_eof()
    await until(lambda: len(bodies(sink)) == 501)
    assert bodies(sink)[1:] == [*range(1, 500), "the last, which nothing ends"]
    writer.close()


async def test_many_lines_that_come_together_are_one_write(listening: Listen, sink: KeepingSink) -> None:
    receiver, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"message":"m"}\n' * 10_000)
    await writer.drain()
    await until(lambda: receiver.account.status("").accepted == {"logs": 10_000})
    assert len(sink.logs) < 100
    writer.close()


async def test_what_is_no_json_or_too_long_is_counted_and_the_connection_goes_on(
    listening: Listen, sink: KeepingSink
) -> None:
    receiver, port = await listening(max_line_bytes=100)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"plain text\n\n" + b"x" * 1_000_000 + b'\n{"message":"after"}\n')
    await until(lambda: len(bodies(sink)) == 2)
    assert bodies(sink) == ["plain text", "after"]
    assert receiver.account.status("").refused == {"not_json": 1, "too_large": 1}
    assert receiver.account.status("").last_refusals[0].offender == "127.0.0.1"
    writer.close()


async def test_a_sender_waits_while_the_storage_is_full_and_loses_nothing(
    listening: Listen, sink: KeepingSink
) -> None:
    sink.full, sink.retry_after = True, 0.05
    receiver, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    line = b'{"message":"%s"}\n' % (b"m" * 60_000)
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < 400:  # 24 MB, more than all buffers between the two hold
            writer.write(line)
            await writer.drain()
            sent += 1

    sending = asyncio.create_task(send())
    await until(lambda: receiver.account.status("").refused)
    done, _ = await asyncio.wait({sending}, timeout=0.5)
    assert not done
    assert sink.logs == []
    sink.full = False
    await sending
    await until(lambda: receiver.account.status("").accepted == {"logs": 400})
    assert receiver.account.status("").refused == {"storage_full": 1}
    writer.close()


async def test_stopping_keeps_what_has_come(listening: Listen, sink: KeepingSink) -> None:
    receiver, port = await listening()
    _, idle = await asyncio.open_connection("127.0.0.1", port)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await until(lambda: len(receiver._open) == 2)
    writer.write(b'{"message":"whole"}\n{"message":"begun"}')
    await writer.drain()
    await receiver.stop()
    assert bodies(sink) == ["whole", "begun"]
    idle.close()
    writer.close()


async def test_stopping_reads_what_has_come_meanwhile(
    listening: Listen, sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going_on, keep = asyncio.Event(), asyncio.Event(), sink.write_logs

    async def slowly(request: bytes) -> int:
        begun.set()
        await going_on.wait()
        return await keep(request)

    monkeypatch.setattr(sink, "write_logs", slowly)
    receiver, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"message":"first"}\n')
    await begun.wait()
    writer.write(b'{"message":"meanwhile"}\n')
    await writer.drain()
    stopping = asyncio.create_task(receiver.stop())
    await until(lambda: all(connection._ending for connection in receiver._open.values()))
    going_on.set()
    await stopping
    assert bodies(sink) == ["first", "meanwhile"]
    writer.close()


async def test_lines_that_a_full_storage_never_took_are_counted_as_lost(
    listening: Listen, sink: KeepingSink
) -> None:
    sink.full, sink.retry_after = True, 60.0
    receiver, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"message":"a"}\n{"message":"b"}\n')
    await until(lambda: receiver.account.status("").refused)
    await receiver.stop()
    assert receiver.account.status("").refused == {"storage_full": 3}  # the wait, and two lines
    writer.close()


async def test_lines_begun_that_together_take_too_much_memory_are_refused(
    listening: Listen, sink: KeepingSink
) -> None:
    receiver, port = await listening(max_line_bytes=1000)
    writers = []
    for _ in range(130):  # of the greatest length 128 may be begun
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 1000)
        writers.append(writer)
    await until(lambda: receiver.account.status("").refused == {"too_many": 2})
    for writer in writers:
        writer.close()


async def test_connections_beyond_the_limit_are_closed_and_counted(
    listening: Listen, sink: KeepingSink
) -> None:
    receiver, port = await listening(max_connections=3)
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
    await until(lambda: receiver.account.status("").refused == {"too_many": 7})
    for _, writer in connections:
        writer.close()
    await until(lambda: not receiver._open)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"message":"again"}\n')
    await until(lambda: bodies(sink) == ["again"])
    writer.close()


JSON = "application/json"
REQUESTS = [
    ("an object", JSON, b'{"message": "a"}', ["a"]),
    ("a list", f"{JSON}; charset=utf-8", b'[{"message": "a"}, {"message": "b"}]', ["a", "b"]),
    ("lines called JSON", JSON, b'{"message": "a"}\n{"message": "b"}\n', ["a", "b"]),
    ("lines", "application/x-ndjson", b'{"message": "a"}\n\n{"message": "b"}', ["a", "b"]),
    ("text", "text/plain", b"first\nsecond", ["first\nsecond"]),
    ("no type", "", b'{"message": "a", "level": "INFO"}', ["a"]),
    ("nothing", JSON, b"", []),
    ("a list with a number", JSON, b'[{"message": "a"}, 5]', ["a", "5"]),
    ("no JSON", JSON, b"{oh", ["{oh"]),
    ("a line that is no JSON", "application/x-ndjson", b'{"message": "a"}\noh', ["a", "oh"]),
]


@pytest.mark.parametrize(
    ("media_type", "body", "want"), [case[1:] for case in REQUESTS], ids=[case[0] for case in REQUESTS]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("PUT", "/any/path")])
async def test_a_request_is_these_events(
    client: httpx.AsyncClient,
    sink: KeepingSink,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    media_type: str,
    body: bytes,
    want: list[str],
) -> None:
    async def keep(request: bytes) -> int:
        sink.logs.append(request)
        return len(plain_logs(request))

    monkeypatch.setattr(sink, "write_logs", keep)
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert bodies(sink) == want
    tagged = [
        record for record in plain_logs(*sink.logs) if "_jsonparsefailure" in str(record.get("attributes"))
    ]
    assert [record["body"] for record in tagged] == [one for one in want if one in ("5", "{oh", "oh")]


async def test_a_full_storage_is_told_by_its_status(client: httpx.AsyncClient, sink: KeepingSink) -> None:
    sink.full = True
    answer = await client.post("/", json={"message": "a"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_other_methods_are_not_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 405
