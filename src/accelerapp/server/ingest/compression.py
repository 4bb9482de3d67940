"""Decompression that stops at a limit instead of filling the memory."""

from __future__ import annotations

import zlib
from typing import Literal

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "zlib": zlib.MAX_WBITS}

#: A stream is taken in pieces: what follows the end of a member is copied, so that many in one would take minutes.
_PIECE_BYTES = 16 * 1024
_MOST_MEMBERS = 10_000

Encoding = Literal["gzip", "zlib"]


class TooLargeError(Exception):
    """A body is larger than the limit allows, as sent or once decompressed."""


class MalformedCompressionError(ValueError):
    """A body that is said to be compressed is not."""


class BoundedBody:
    """Gathers a body from its chunks, decompressing it where it is gzip or zlib, up to `limit` bytes.

    `size` is what it holds. Raises TooLargeError above the limit, and MalformedCompressionError where the compressed
    data is not valid.
    """

    def __init__(self, limit: int, encoding: Encoding | None) -> None:
        self._limit = limit
        self.size = 0
        self._parts: list[bytes] = []
        self._encoding = encoding
        self._decompressor = zlib.decompressobj(_WINDOW_BITS[encoding]) if encoding else None
        self._started = False
        self._members = 1

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as they were sent."""
        if self._encoding is None:
            self._keep(chunk)
            return
        for at in range(0, len(chunk), _PIECE_BYTES):
            self._decompress(chunk[at : at + _PIECE_BYTES], self._encoding)

    def finish(self) -> bytes:
        """Return the whole body."""
        if self._decompressor is not None and self._started and not self._decompressor.eof:
            raise MalformedCompressionError(f"the body is not valid {self._encoding}: it ends too early")
        return b"".join(self._parts)

    def _decompress(self, piece: bytes, encoding: Encoding) -> None:
        while piece:
            if self._decompressor is None or self._decompressor.eof:
                # gzip allows several members, one after the other
                self._members += 1
                if self._members > _MOST_MEMBERS:
                    raise TooLargeError(f"the body has more than {_MOST_MEMBERS} members of {encoding}")
                self._decompressor = zlib.decompressobj(_WINDOW_BITS[encoding])
            self._started = True
            try:
                # One byte beyond the limit is enough to know that it is exceeded.
                self._keep(self._decompressor.decompress(piece, self._limit - self.size + 1))
            except zlib.error as error:
                raise MalformedCompressionError(f"the body is not valid {encoding}: {error}") from error
            piece = self._decompressor.unconsumed_tail or self._decompressor.unused_data

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise TooLargeError(f"the body is larger than {self._limit} bytes")
        self._parts.append(data)


def decompressed(data: bytes, encoding: Encoding, limit: int) -> bytes:
    """Decompress data that is there as a whole; raises as BoundedBody does."""
    body = BoundedBody(limit, encoding)
    body.add(data)
    return body.finish()
