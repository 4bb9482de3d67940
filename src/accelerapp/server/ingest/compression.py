"""Decompression that stops at a limit instead of filling the memory."""

from __future__ import annotations

import zlib


class TooLargeError(Exception):
    """A body is larger than the limit allows, as sent or once decompressed."""


class MalformedGzipError(ValueError):
    """A body that is said to be gzip is not."""


class BoundedBody:
    """Gathers a body from its chunks, decompressing it where it is gzip, up to `limit` bytes.

    Raises TooLargeError above the limit and MalformedGzipError where the compressed data is not valid.
    """

    def __init__(self, limit: int, *, gzip: bool) -> None:
        self._limit = limit
        self._size = 0
        self._parts: list[bytes] = []
        self._gzip = gzip
        self._decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._started = False

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as they were sent."""
        if not self._gzip:
            self._keep(chunk)
            return
        while chunk:
            if self._decompressor.eof:  # gzip allows several members, one after the other
                self._decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._started = True
            try:
                # One byte beyond the limit is enough to know that it is exceeded.
                self._keep(self._decompressor.decompress(chunk, self._limit - self._size + 1))
            except zlib.error as error:
                raise MalformedGzipError(f"the body is not valid gzip: {error}") from error
            chunk = self._decompressor.unconsumed_tail or self._decompressor.unused_data

    def finish(self) -> bytes:
        """Return the whole body."""
        if self._gzip and self._started and not self._decompressor.eof:
            raise MalformedGzipError("the body is not valid gzip: it ends too early")
        return b"".join(self._parts)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise TooLargeError(f"the body is larger than {self._limit} bytes")
        self._parts.append(data)
