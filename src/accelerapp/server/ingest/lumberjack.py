"""The frames of Lumberjack, version 2, by which Beats send events; read within limits."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable

from accelerapp.server.ingest.compression import MalformedCompressionError, TooLargeError, decompressed
from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.receiver import RefusedError, check_items

_NUMBER = struct.Struct(">I")
_TWO_NUMBERS = struct.Struct(">II")

#: An event: its sequence number in the window, and its JSON.
Event = tuple[int, bytes]
#: Returns what comes next, nothing at the end, and raises RefusedError where nothing comes within these seconds.
Read = Callable[[float | None], Awaitable[bytes]]

# Within a frame; between frames a Beat may be silent for as long as it has nothing to send.
_FRAME_SECONDS = 60.0


def ack(sequence: int) -> bytes:
    """Return the frame that acknowledges all events up to this one; 0 says that they are still being worked on."""
    return b"2A" + _NUMBER.pack(sequence)


class Frames:
    """Reads the frames of a stream, none larger than `limit` bytes, neither as sent nor once decompressed.

    `hold` is told how many bytes wait to be a frame.
    """

    def __init__(self, read: Read, limit: int, hold: Callable[[int], None]) -> None:
        self._read = read
        self._limit = limit
        self._hold = hold
        self._buffer = bytearray()

    async def next(self) -> int | list[Event] | None:
        """Return a window's size, the events of a frame, or None at the end; raises RefusedError for anything else."""
        if not self._buffer:
            self._buffer += await self._read(None)
            if not self._buffer:
                return None
        kind = _kind(await self._take(2))
        if kind == b"W":
            (size,) = _NUMBER.unpack(await self._take(_NUMBER.size))
            return int(size)
        if kind == b"J":
            sequence, length = _TWO_NUMBERS.unpack(await self._take(_TWO_NUMBERS.size))
            return [(sequence, await self._take(self._checked(length)))]
        (length,) = _NUMBER.unpack(await self._take(_NUMBER.size))
        compressed = await self._take(self._checked(length))
        return await in_thread_if_large(8 * len(compressed), _events_of, compressed, self._limit)

    async def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._hold(len(self._buffer))
            data = await self._read(_FRAME_SECONDS)
            if not data:
                raise RefusedError("cancelled", "the connection ended within a frame")
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _checked(self, length: int) -> int:
        if length > self._limit:
            raise RefusedError("too_large", f"a frame has {length} bytes, {self._limit} are allowed")
        return length


def _events_of(compressed: bytes, limit: int) -> list[Event]:
    try:
        content = decompressed(compressed, "zlib", limit)
    except TooLargeError as error:
        raise RefusedError("too_large", f"a compressed frame: {error}") from error
    except MalformedCompressionError as error:
        raise RefusedError("malformed", str(error)) from error
    events, at = [], 0
    while at < len(content):
        if _kind(content[at : at + 2]) != b"J":
            raise RefusedError("malformed", "a compressed frame holds what is no event")
        if at + 10 > len(content):
            raise RefusedError("malformed", "a compressed frame ends within an event")
        sequence, length = _TWO_NUMBERS.unpack_from(content, at + 2)
        at += 10 + length
        if at > len(content):
            raise RefusedError("malformed", "a compressed frame ends within an event")
        events.append((sequence, content[at - length : at]))
        check_items(len(events), "events")
    return events


def _kind(header: bytes) -> bytes:
    version, kind = header[:1], header[1:2]
    if version == b"1":
        raise RefusedError(
            "unsupported", "Lumberjack's version 1 is not taken: send with Beats, which have version 2"
        )
    if version != b"2" or kind not in (b"W", b"J", b"C"):
        raise RefusedError("malformed", f"{header!r} begins no frame of Lumberjack's version 2")
    return kind
