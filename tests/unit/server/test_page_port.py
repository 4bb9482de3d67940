"""The page's port: bounded, as the receivers' ports are, and told of in the observatory's own metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from accelerapp.server.app import Observatory
from accelerapp.server.config import Settings
from accelerapp.server.serving import HttpServer, listen

METRIC = "accelerapp_observatory_page_refused_total"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[httpx.URL]:
    """Run an observatory whose page takes four connections; returns its URL."""
    settings = {"data_dir": tmp_path, "port": 0, "otlp_http_port": 0, "max_connections": 4}
    started = Observatory(Settings.model_validate(settings))
    await started.start()
    try:
        yield httpx.URL(started.url)
    finally:
        await started.stop()


async def refused(url: httpx.URL, reason: str, count: int) -> None:
    """Wait until so many were refused."""
    told = f'{METRIC}{{reason="{reason}"}} {count}'
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
        while told not in (await client.get(url.join("/metrics"))).text.splitlines():
            await asyncio.sleep(0.05)


async def test_connections_beyond_the_limit_are_refused_and_counted(page: httpx.URL) -> None:
    # The observatory scrapes itself over one of the four, now and then.
    opened = [await asyncio.open_connection(page.host, page.port) for _ in range(8)]
    last, _ = opened[-1]
    async with asyncio.timeout(20):
        assert (await last.read()).startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n")
    for _, writer in opened:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
        while True:
            answer = await client.get(page.join("/metrics"))
            if answer.status_code == 200:
                break
    assert f'{METRIC}{{reason="too_many"}} ' in answer.text


async def test_what_a_page_of_another_site_asks_and_what_is_no_http_are_counted(page: httpx.URL) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Origin": "https://evil.example"}
        assert (await client.post(page.join("/-/reload"), headers=headers)).status_code == 403
    await refused(page, "cross_site", 1)
    reader, writer = await asyncio.open_connection(page.host, page.port)
    writer.write(b"\x16\x03\x01\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await refused(page, "malformed", 1)


async def test_an_answer_may_go_on_for_longer_than_headers_may_take() -> None:
    told: list[str] = []
    go_on = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b"first\n"
        await go_on.wait()
        yield b"second\n"

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(lines())

    server = HttpServer(
        Starlette(routes=[Route("/", stream)]),
        listen("127.0.0.1", 0),
        lambda reason, *_: told.append(reason),
        max_connections=4,
        header_seconds=1.0,
    )
    await server.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        silent, writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with client.stream("GET", f"http://127.0.0.1:{server.port}/") as answer:
            received = answer.aiter_lines()
            assert await anext(received) == "first"
            # One that asks for nothing is left meanwhile, so the time for headers is over.
            late, another = await asyncio.open_connection("127.0.0.1", server.port)
            async with asyncio.timeout(20):
                assert (await silent.read(), await late.read()) == (b"", b"")
            go_on.set()
            assert await anext(received) == "second"
    assert told == ["too_slow", "too_slow"]
    for one in (writer, another):
        one.close()
    await server.stop()
