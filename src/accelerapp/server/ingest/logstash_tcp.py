"""Log lines as JSON over TCP, as Logstash takes them with its codec json_lines."""

from __future__ import annotations

import time
from collections.abc import Sequence

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.lines import Lines
from accelerapp.server.ingest.log_events import NOT_JSON_TAG, from_lines
from accelerapp.server.ingest.receiver import MAX_CONNECTIONS, Account, Room
from accelerapp.server.ingest.tcp_receiver import Connection, TcpReceiver
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink, StorageFullError

_NOT_JSON = f"a line is no JSON object; it is kept as text, tagged {NOT_JSON_TAG}"


# Connections may together have begun as many lines of the greatest length.
_LONG_LINES = 128


class LogstashTcpReceiver(TcpReceiver):
    """Receives JSON objects, one a line.

    The protocol has no acknowledgement: what is on its way when either side ends is lost. While the storage is full,
    nothing is read, and senders wait. What came together is kept together, so that many short lines are one write. A
    line that is no JSON object is kept as a message, one longer than `max_line_bytes` is not kept; both are counted.
    """

    def __init__(
        self,
        sink: Sink,
        account: Account,
        *,
        max_line_bytes: int = 1024 * 1024,
        max_connections: int = MAX_CONNECTIONS,
        clock: Clock = time.time,
    ) -> None:
        super().__init__(account, max_connections=max_connections, room=Room(_LONG_LINES * max_line_bytes))
        self._sink = sink
        self._limit = max_line_bytes
        self._clock = clock

    async def converse(self, connection: Connection) -> None:
        lines = Lines(self._limit)
        while data := await connection.read():
            await self._take(lines.add(data), connection.sender)
            self.room.take(connection, lines.begun)
            if lines.too_long:
                message = f"a line is longer than {self._limit} bytes; it is not kept"
                self.account.refused("too_large", message, connection.sender, lines.too_long)
                lines.too_long = 0
        await self._take(lines.rest(), connection.sender)

    async def _take(self, lines: Sequence[bytes], sender: str) -> None:
        if not lines:
            return
        size = sum(map(len, lines))
        request, not_json = await in_thread_if_large(size, from_lines, lines, int(self._clock() * 1e9))
        if not_json:
            self.account.refused("not_json", _NOT_JSON, sender, not_json)
        try:
            kept = await self.keep(lambda: self._sink.write_logs(request), sender)
            self.account.accepted("logs", kept)
        except StorageFullError as error:
            self.account.refused("storage_full", f"{error}; these lines are lost", sender, len(lines))
        except ValueError as error:
            self.account.refused("malformed", str(error), sender, len(lines))
