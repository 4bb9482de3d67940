"""Retention: which segments go, because of their age or because the folder holds more bytes than it may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerapp.server.signals import Clock
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.folder import Step, size_if_there, sync_path, unlink_if_there
from accelerapp.server.storage.generation import Shelves
from accelerapp.server.storage.segments import DAMAGED, UNFINISHED, TableSegment
from accelerapp.server.storage.settings import StorageSettings
from accelerapp.server.storage.sources import Sources

logger = logging.getLogger(__name__)

CAUSES = ("age", "size")


class Removal:
    """Takes files out of the data folder, none while `lock` is held: a backup holds it until it has opened all.

    A file that cannot be unlinked is counted and left, until `retry` finds that it can be. Who writes a file anew
    whose name is among those that are `left` would lose it.
    """

    def __init__(self, step: Step, counters: Counters) -> None:
        self.lock = threading.Lock()
        self._step = step
        self._counters = counters
        self._left: frozenset[Path] = frozenset()

    @property
    def left(self) -> frozenset[Path]:
        """The files that were to go and could not be unlinked yet."""
        return self._left

    def unlink(self, paths: Sequence[Path], step: str) -> None:
        """Unlink files of one part of the folder; raises OSError where their names' going cannot be made durable."""
        with self.lock:
            for path in paths:
                self._step(step)
                self._unlink(path)
                self._step(f"{step}.done")
            for parent in {path.parent for path in paths}:
                sync_path(parent)

    def retry(self) -> None:
        """Unlink what is left."""
        with self.lock:
            for path in sorted(self._left):
                self._unlink(path)

    def clear(self, path: Path) -> None:
        """Unlink what was never finished, whose name is used again: where that fails, it is written over."""
        try:
            unlink_if_there(path)
        except OSError as error:
            self._counters.add(unlink_failures=1)
            logger.warning("%s cannot be removed: %s", path, error.strerror or error)

    def _unlink(self, path: Path) -> None:
        try:
            unlink_if_there(path)
        except OSError as error:
            self._counters.add(unlink_failures=1)
            if path not in self._left:
                logger.warning("%s cannot be removed, to be tried again: %s", path, error.strerror or error)
            self._left |= {path}
        else:
            self._left -= {path}


class Retention:
    """Removes what the settings let go; safe to call from any thread.

    By age, a segment goes once its newest item is too old. By size, the oldest segment of the signal that holds
    most goes, until segments and journal together are below the limit: a flood of one signal takes nothing from
    the others as long as these hold less.
    """

    def __init__(
        self,
        folder: Path,
        shelves: Shelves,
        removal: Removal,
        settings: StorageSettings,
        counters: Counters,
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._shelves = shelves
        self._removal = removal
        self._settings = settings
        self._counters = counters
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
        parts = (self._folder / "segments", self._folder / "journal")
        files = {path for part in parts for path in part.iterdir() if UNFINISHED not in path.name}
        return sum(map(size_if_there, files - self._removal.left))

    def _damaged(self) -> list[Path]:
        """Return the files that were set aside, those set aside first before the others."""
        found = set((self._folder / "segments").glob(f"*{DAMAGED}")) - self._removal.left
        return sorted(found, key=lambda path: path.stat().st_mtime)


def segments_of(shelf: Sources[Any]) -> list[TableSegment]:
    """Return the segments among a signal's sources, in the order in which their data was written."""
    return [source for source in shelf.current if isinstance(source, TableSegment)]
