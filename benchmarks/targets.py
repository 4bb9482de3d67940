"""Scrape targets that cost next to nothing to answer for: texts that are ready, sent from one thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

_ROUNDS = 8


def exposition(series: int, turn: int) -> bytes:
    """Return a target's text: counters, gauges and histograms with ten buckets, of which most values move."""
    lines: list[str] = []
    number = 0
    while len(lines) < series:
        name = f"bench_{number % 50}_requests"
        labels = f'route="/v1/things/{number // 50}",method="GET"'
        lines.append(f"{name}_total{{{labels}}} {number * 1000 + turn * 7}")
        lines.append(f"bench_{number % 50}_temperature{{{labels}}} {20 + (number * 7 + turn) % 100 / 7}")
        for bucket in range(10):
            le = "+Inf" if bucket == 9 else str(2**bucket / 100)
            count = (bucket + 1) * (number + turn)
            lines.append(f'{name}_seconds_bucket{{{labels},le="{le}"}} {count}')
        number += 1
    return ("\n".join(lines[:series]) + "\n").encode()


@contextlib.contextmanager
def exposing(series: int) -> Iterator[int]:
    """Serve an exposition of so many series, which changes with each answer; yields the port."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n"
    answers = []
    for turn in range(_ROUNDS):
        body = exposition(series, turn)
        answers.append(head % len(body) + body)
    loop = asyncio.new_event_loop()
    count = 0

    class Target(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self._transport = transport

        def data_received(self, data: bytes) -> None:
            nonlocal count
            for _ in range(data.count(b"\r\n\r\n")):
                self._transport.write(answers[count % _ROUNDS])
                count += 1

    server = loop.run_until_complete(loop.create_server(Target, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, name="targets", daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
