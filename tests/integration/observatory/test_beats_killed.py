"""What a sender by Lumberjack was told is taken is there after `kill -9`, and the sender goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.stack.programs import free_port

from accelerapp.server.storage import LogQuery, Storage

KILLS = 2
WINDOW = 50


class Sender(threading.Thread):
    """Sends windows of events, each again until it is acknowledged; `acknowledged` are the messages that were."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.acknowledged: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        numbers = itertools.count()
        window = [f"event {next(numbers)}" for _ in range(WINDOW)]
        while not self.ending.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self._port)) as connection,
            ):
                connection.settimeout(30)
                while not self.ending.is_set():
                    connection.sendall(frames(window))
                    if connection.recv(6, socket.MSG_WAITALL) != struct.pack(">2sI", b"2A", WINDOW):
                        break
                    self.acknowledged += window
                    window = [f"event {next(numbers)}" for _ in range(WINDOW)]
            time.sleep(0.02)


def frames(messages: list[str]) -> bytes:
    """Return a window with an event a message."""
    sent = struct.pack(">2sI", b"2W", len(messages))
    for number, message in enumerate(messages, 1):
        content = json.dumps({"message": message, "level": "info"}).encode()
        sent += struct.pack(">2sII", b"2J", number, len(content)) + content
    return sent


def test_acknowledged_events_survive_kills(
    start: Callable[..., Any], files: Path, wait_until: Callable[[Callable[[], Any], str], Any]
) -> None:
    port = free_port()
    sender = Sender(port)
    sender.start()
    for _ in range(KILLS):
        observatory = start("--beats-port", str(port))
        enough = len(sender.acknowledged) + 20 * WINDOW
        wait_until(partial(reached, sender, enough), "windows are acknowledged")
        observatory.kill()
    sender.ending.set()
    sender.join(30)
    assert not sender.is_alive()
    assert set(sender.acknowledged) <= stored(files / "data")


def reached(sender: Sender, count: int) -> bool:
    return len(sender.acknowledged) >= count


def stored(folder: Path) -> set[str]:
    """Return the messages that a folder has."""

    async def read() -> set[str]:
        storage = Storage.open(folder)
        try:
            await storage.wait_loaded()
            return {str(record.body) for record in storage.logs.search(LogQuery(0, 2**62, limit=1_000_000))}
        finally:
            await storage.close()

    return asyncio.run(read())
