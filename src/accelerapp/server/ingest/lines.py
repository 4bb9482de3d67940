"""Lines taken from a stream of bytes, none longer than a limit."""

from __future__ import annotations


class Lines:
    """Splits bytes into lines; of one longer than `limit` bytes nothing is kept, and `too_long` counts it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()
        self._skipping = False
        self.too_long = 0

    @property
    def begun(self) -> int:
        """The bytes of the line that has not ended yet."""
        return len(self._begun)

    def add(self, data: bytes) -> list[bytes]:
        """Return the lines that end with these bytes, without their ends and without empty ones."""
        first, *others = data.split(b"\n")
        self._extend(first)
        if not others:
            return []
        ended = [self._take(), *others[:-1]]
        self._extend(others[-1])
        lines = []
        for line in ended:
            if len(line) > self._limit:
                self.too_long += 1
            elif stripped := line.strip():
                lines.append(stripped)
        return lines

    def rest(self) -> list[bytes]:
        """Return the last line, which nothing ended."""
        line = self._take().strip()
        return [line] if line else []

    def _extend(self, part: bytes) -> None:
        if self._skipping:
            return
        self._begun += part
        if len(self._begun) > self._limit:
            self.too_long += 1
            self._begun.clear()
            self._skipping = True

    def _take(self) -> bytes:
        line = bytes(self._begun)
        self._begun.clear()
        self._skipping = False
        return line
