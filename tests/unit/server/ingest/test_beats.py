"""Beats by Lumberjack, with a client that is not ours and by hand: windows, acknowledgements, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylogbeat import PyLogBeatClient
from tests.plain_otlp import plain_logs
from tests.unit.server.ingest.conftest import KeepingSink
from tests.waiting import until

from accelerapp.server.ingest import Account, BeatsReceiver, beats, lumberjack
from accelerapp.server.ingest.lumberjack import Event, Frames
from accelerapp.server.ingest.receiver import RefusedError

NOW = 1_800_000_000.0
Listen = Callable[..., Awaitable[tuple[BeatsReceiver, int]]]


@pytest.fixture
async def listening(sink: KeepingSink) -> AsyncIterator[Listen]:
    receivers = []

    async def start(**limits: Any) -> tuple[BeatsReceiver, int]:
        account = Account("beats", "Beats", lambda: NOW)
        receiver = BeatsReceiver(sink, account, clock=lambda: NOW, **limits)
        receivers.append(receiver)
        return receiver, await receiver.start("127.0.0.1", 0)

    yield start
    for receiver in receivers:
        await receiver.stop()


def window(size: int) -> bytes:
    return b"2W" + struct.pack(">I", size)


def event(sequence: int, content: bytes = b'{"message":"m"}') -> bytes:
    return b"2J" + struct.pack(">II", sequence, len(content)) + content


def compressed(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return b"2C" + struct.pack(">I", len(packed)) + packed


def ack(sequence: int) -> bytes:
    return b"2A" + struct.pack(">I", sequence)


def bodies(sink: KeepingSink) -> list[Any]:
    return [record["body"] for record in plain_logs(*sink.logs)]


async def test_events_of_pylogbeat_arrive(listening: Listen, sink: KeepingSink) -> None:
    receiver, port = await listening()

    def send() -> None:
        with PyLogBeatClient("127.0.0.1", port, ssl_enable=False) as client:
            for number in range(3):
                client.send([{"message": f"{number}", "level": "info"}, {"message": "b", "level": "info"}])

    await asyncio.to_thread(send)
    assert bodies(sink) == ["0", "b", "1", "b", "2", "b"]
    assert receiver.account.status("").accepted == {"logs": 6}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
async def test_a_window_is_acknowledged_by_its_last_event(
    listening: Listen, sink: KeepingSink, packed: bool
) -> None:
    _, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for first in (1, 1, 7):
        events = b"".join(event(first + number) for number in range(3))
        writer.write(window(3) + (compressed(events) if packed else events))
        assert await reader.readexactly(6) == ack(first + 2)
    assert len(bodies(sink)) == 9
    writer.close()


async def test_a_large_window_is_acknowledged_in_parts(listening: Listen, sink: KeepingSink) -> None:
    _, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps({"message": "x" * 1_000_000}).encode()
    writer.write(window(10) + b"".join(event(number + 1, content) for number in range(10)))
    assert [await reader.readexactly(6) for _ in range(2)] == [ack(5), ack(10)]
    assert len(bodies(sink)) == 10
    writer.close()


async def test_events_are_acknowledged_only_when_they_are_durable_and_the_sender_is_kept_alive(
    listening: Listen, sink: KeepingSink
) -> None:
    sink.full, sink.retry_after = True, 0.05
    receiver, port = await listening(alive_seconds=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + event(1))
    assert [await reader.readexactly(6) for _ in range(3)] == [ack(0)] * 3
    sink.full = False
    async with asyncio.timeout(20):
        while (answer := await reader.readexactly(6)) == ack(0):
            pass
    assert answer == ack(1)
    assert bodies(sink) == ["m"]
    assert receiver.account.status("").refused == {"storage_full": 1}
    writer.close()


async def test_what_is_not_durable_when_the_receiver_stops_is_not_acknowledged(
    listening: Listen, sink: KeepingSink
) -> None:
    sink.full, sink.retry_after = True, 60.0
    receiver, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + event(1))
    await until(lambda: receiver.account.status("").refused)
    await receiver.stop()
    assert await reader.read() == b""
    writer.close()


async def test_an_event_that_is_no_json_is_kept_as_text(listening: Listen, sink: KeepingSink) -> None:
    receiver, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(2) + event(1, b"oh") + event(2))
    assert await reader.readexactly(6) == ack(2)
    assert bodies(sink) == ["oh", "m"]
    assert receiver.account.status("").refused == {"not_json": 1}
    writer.close()


async def test_a_window_of_many_small_events_is_acknowledged_in_parts(
    listening: Listen, sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beats, "_BATCH_EVENTS", 3)
    _, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(4) + b"".join(map(event, range(1, 5))))
    assert await reader.readexactly(12) == ack(3) + ack(4)
    assert bodies(sink) == ["m"] * 4
    writer.close()


LIMIT = 100_000
REFUSED = [
    ("version 1", b"1W" + bytes(4), "unsupported", "version 1 is not taken"),
    ("noise", b"GET / HTTP/1.1\r\n\r\n", "malformed", "begins no frame"),
    ("another frame", b"2D" + bytes(4), "malformed", "begins no frame"),
    ("a large event", event(1)[:6] + struct.pack(">I", LIMIT + 1), "too_large", "a frame has 100001 bytes"),
    ("a large frame", b"2C" + struct.pack(">I", 2**32 - 1), "too_large", "a frame has 4294967295 bytes"),
    ("a bomb", compressed(bytes(50_000_000)), "too_large", "larger than 100000 bytes"),
    ("no zlib", b"2C" + struct.pack(">I", 4) + b"oops", "malformed", "not valid zlib"),
    ("a frame within a frame", compressed(compressed(event(1))), "malformed", "holds what is no event"),
    ("a cut event", compressed(event(1)[:-1]), "malformed", "ends within an event"),
    ("a cut header", compressed(event(1)[:7]), "malformed", "ends within an event"),
]


@pytest.mark.parametrize(
    ("sent", "reason", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_what_is_wrong_ends_the_connection_and_is_counted(
    listening: Listen, sink: KeepingSink, sent: bytes, reason: str, says: str
) -> None:
    receiver, port = await listening(max_request_bytes=LIMIT)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + sent)
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):  # how unread bytes are answered
            assert await reader.read() == b""
    (refusal,) = receiver.account.status("").last_refusals
    assert (refusal.reason, refusal.offender) == (reason, "127.0.0.1")
    assert says in refusal.message
    assert sink.logs == []
    writer.close()


async def test_frames_that_together_take_too_much_memory_are_refused(
    listening: Listen, sink: KeepingSink
) -> None:
    receiver, port = await listening(max_request_bytes=LIMIT)
    head = b"2C" + struct.pack(">I", LIMIT)
    connections = []
    for _ in range(9):  # eight frames of the largest size may be received at once
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + bytes(LIMIT - 1))
        connections.append((reader, writer))
    await until(lambda: receiver.account.status("").refused == {"too_many": 1})
    await until(lambda: len(receiver._open) == 8)
    for _, writer in connections:
        writer.close()
    await until(lambda: not receiver._open)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + event(1))
    assert await reader.readexactly(6) == ack(1)
    writer.close()


async def test_a_sender_that_goes_away_within_a_frame_is_counted(
    listening: Listen, sink: KeepingSink
) -> None:
    receiver, port = await listening()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + event(1)[:-1])
    await writer.drain()
    writer.close()
    await until(lambda: receiver.account.status("").refused == {"cancelled": 1})
    assert sink.logs == []


async def test_a_sender_may_be_silent_between_frames_but_not_within_one(
    listening: Listen, sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lumberjack, "_FRAME_SECONDS", 0.1)
    receiver, port = await listening()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    _, idle = await asyncio.open_connection("127.0.0.1", port)
    writer.write(window(1) + event(1)[:-1])
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    assert receiver.account.status("").refused == {"too_slow": 1}
    assert len(receiver._open) == 1
    writer.close()
    idle.close()


@given(
    events=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=50)), min_size=1, max_size=5),
    packed=st.booleans(),
    data=st.data(),
)
def test_events_are_the_same_however_their_bytes_come(
    events: list[Event], packed: bool, data: st.DataObject
) -> None:
    frames = b"".join(event(sequence, content) for sequence, content in events)
    content = window(len(events)) + (compressed(frames) if packed else frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    parts = [content[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert asyncio.run(all_frames(part for part in parts if part)) == [len(events), *events]


@given(st.binary(max_size=100))
def test_noise_is_read_or_refused_and_nothing_else(noise: bytes) -> None:
    with contextlib.suppress(RefusedError):
        asyncio.run(all_frames([b"2" + noise]))


async def all_frames(parts: Any) -> list[Any]:
    """Return window sizes and events of a stream that comes in these parts."""
    coming = iter(parts)

    async def read(seconds: float | None) -> bytes:
        return next(coming, b"")

    frames = Frames(read, 1000, lambda size: None)
    found: list[Any] = []
    while (frame := await frames.next()) is not None:
        found += frame if isinstance(frame, list) else [frame]
    return found
