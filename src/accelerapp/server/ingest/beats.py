"""Events of Beats, by Lumberjack version 2, acknowledged when they are durable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from accelerapp.server.ingest import lumberjack
from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.log_events import NOT_JSON_TAG, from_lines
from accelerapp.server.ingest.receiver import MAX_CONNECTIONS, REQUESTS_AT_ONCE, Account, Room
from accelerapp.server.ingest.tcp_receiver import Connection, TcpReceiver
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink, StorageFullError

# Beats give a connection up after half a minute without a word.
_ALIVE_SECONDS = 5.0
_NOT_JSON = f"an event is no JSON object; it is kept as text, tagged {NOT_JSON_TAG}"
_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_EVENTS = 20_000


class BeatsReceiver(TcpReceiver):
    """Receives events by Lumberjack version 2, window after window.

    Events are acknowledged once they are durable, those of a large window in parts; what is not acknowledged is sent
    again, so that an event may come twice but is not lost. While the storage is full, the sender is told that it is
    still being served. `max_request_bytes` limits a frame both as sent and once decompressed, and eight times that what
    all connections hold; a frame beyond closes its connection, and the Beat tries again.
    """

    def __init__(
        self,
        sink: Sink,
        account: Account,
        *,
        max_request_bytes: int = 16 * 1024 * 1024,
        max_connections: int = MAX_CONNECTIONS,
        clock: Clock = time.time,
        alive_seconds: float = _ALIVE_SECONDS,
    ) -> None:
        super().__init__(
            account, max_connections=max_connections, room=Room(REQUESTS_AT_ONCE * max_request_bytes)
        )
        self._sink = sink
        self._limit = max_request_bytes
        self._clock = clock
        self._alive_seconds = alive_seconds

    async def converse(self, connection: Connection) -> None:
        left, size = 0, 0

        def hold(more: int) -> None:
            self.room.take(connection, size + more)

        frames = lumberjack.Frames(connection.read, self._limit, hold)
        waiting: list[lumberjack.Event] = []
        while (frame := await frames.next()) is not None:
            if isinstance(frame, int):
                left = frame
                continue
            waiting += frame
            left -= len(frame)
            size += sum(len(content) for _, content in frame)
            hold(0)
            if waiting and (left <= 0 or size >= _BATCH_BYTES or len(waiting) >= _BATCH_EVENTS):
                if not await self._take(waiting, size, connection):
                    return
                waiting, size = [], 0
                hold(0)

    async def _take(self, events: Sequence[lumberjack.Event], size: int, connection: Connection) -> bool:
        """Keep events and acknowledge them; tell whether they were kept."""
        contents = [content for _, content in events]
        request, not_json = await in_thread_if_large(size, from_lines, contents, int(self._clock() * 1e9))
        if not_json:
            self.account.refused("not_json", _NOT_JSON, connection.sender, not_json)
        keeping = asyncio.ensure_future(self.keep(lambda: self._sink.write_logs(request), connection.sender))
        try:
            while not (await asyncio.wait({keeping}, timeout=self._alive_seconds))[0]:
                await connection.send(lumberjack.ack(0))
            self.account.accepted("logs", keeping.result())
        except StorageFullError:
            return False  # not acknowledged: the sender sends them again
        except ValueError as error:
            # It would be wrong the next time too, and its sender would send nothing else until then.
            self.account.refused(
                "malformed", f"{error}; the events are not kept", connection.sender, len(events)
            )
        finally:
            keeping.cancel()
        await connection.send(lumberjack.ack(events[-1][0]))
        return True
