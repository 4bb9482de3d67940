"""Decompression that stops at a limit instead of filling the memory."""

from __future__ import annotations

import zlib
from typing import Literal

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "zlib": zlib.MAX_WBITS}

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

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as they were sent."""
        if self._encoding is None or self._decompressor is None:
            self._keep(chunk)
            return
        while chunk:
            if self._decompressor.eof:  # gzip allows several members, one after the other
                self._decompressor = zlib.decompressobj(_WINDOW_BITS[self._encoding])
            self._started = True
            try:
                # One byte beyond the limit is enough to know that it is exceeded.
                self._keep(self._decompressor.decompress(chunk, self._limit - self.size + 1))
            except zlib.error as error:
                raise MalformedCompressionError(f"the body is not valid {self._encoding}: {error}") from error
            chunk = self._decompressor.unconsumed_tail or self._decompressor.unused_data

    def finish(self) -> bytes:
        """Return the whole body."""
        if self._decompressor is not None and self._started and not self._decompressor.eof:
            raise MalformedCompressionError(f"the body is not valid {self._encoding}: it ends too early")
        return b"".join(self._parts)

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
