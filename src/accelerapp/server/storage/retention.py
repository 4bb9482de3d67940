"""Retention: which segments go, because of their age or because the folder holds more bytes than it may."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from accelerapp.server.signals import Clock
from accelerapp.server.storage.folder import size_if_there
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.segments import DAMAGED, UNFINISHED, TableSegment
from accelerapp.server.storage.sources import Sources

logger = logging.getLogger(__name__)

CAUSES = ("age", "size")


class Retention:
    """Removes what the settings let go; safe to call from any thread.

    By age, a segment goes once its newest item is too old. By size, the oldest segment of the signal that holds
    most goes, until segments and journal together are below the limit: a flood of one signal takes nothing from
    the others as long as these hold less.
    """

    def __init__(self, opened: OpenFolder, clock: Clock) -> None:
        self._opened = opened
        self._shelves = opened.shelves
        self._removal = opened.removal
        self._settings = opened.settings
        self._counters = opened.counters
        self._clock = clock
        self._lock = threading.Lock()

    def apply(self) -> None:
        """Remove what could not be removed before, what is too old, and what is too much; raises OSError."""
        with self._lock:
            self._removal.retry()
            if self._settings.retention_seconds:
                self._expire(self._clock() - self._settings.retention_seconds)
            if self._settings.retention_bytes:
                self._bound()

    def _expire(self, oldest: float) -> None:
        for signal, shelf, second in self._shelves.by_signal():
            for segment in segments_of(shelf):
                if segment.highest < oldest * second:
                    self._remove(signal, shelf, segment, "age")
        too_old = [path for path in self._damaged() if path.stat().st_mtime < oldest]
        self._removal.unlink(too_old, "retention.unlink")

    def _bound(self) -> None:
        excess = self._used() - self._settings.retention_bytes
        for path in self._damaged():
            if excess <= 0:
                return
            excess -= path.stat().st_size
            self._removal.unlink([path], "retention.unlink")
        while excess > 0:
            held = {
                signal: (sum(one.bytes for one in found), shelf, found)
                for signal, shelf, _ in self._shelves.by_signal()
                if (found := segments_of(shelf))
            }
            if not held:
                return
            signal = max(held, key=lambda name: held[name][0])
            _, shelf, found = held[signal]
            segment = min(found, key=lambda one: one.highest)
            if self._remove(signal, shelf, segment, "size"):
                excess -= segment.bytes

    def _remove(self, signal: str, shelf: Sources[Any], segment: TableSegment, cause: str) -> bool:
        if not shelf.replace([segment], None):
            return False
        self._counters.add(**{"segments_expired": 1, f"segments_expired_{signal}_{cause}": 1})
        logger.info("the segment %s was removed because of its %s", segment.path.name, cause)
        self._removal.unlink([segment.path], "retention.unlink")
        return True

    def _used(self) -> int:
        """Return the bytes of the segments, damaged ones among them, and of the journal.

        One that is being written takes the place of others, which need not go for it, nor for one that cannot be
        removed.
        """
        parts = (self._opened.segments, self._opened.journal)
        files = {path for part in parts for path in part.iterdir() if UNFINISHED not in path.name}
        return sum(map(size_if_there, files - self._removal.left))

    def _damaged(self) -> list[Path]:
        """Return the files that were set aside, those set aside first before the others."""
        found = set(self._opened.segments.glob(f"*{DAMAGED}")) - self._removal.left
        return sorted(found, key=lambda path: path.stat().st_mtime)


def segments_of(shelf: Sources[Any]) -> list[TableSegment]:
    """Return the segments among a signal's sources, in the order in which their data was written."""
    return [source for source in shelf.current if isinstance(source, TableSegment)]
