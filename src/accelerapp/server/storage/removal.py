"""Removal: how files leave the data folder, at once or when that is possible."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.folder import Step, sync_path, unlink_if_there

logger = logging.getLogger(__name__)


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
            self._counters.failed("unlink_failures")
            logger.warning("%s cannot be removed: %s", path, error.strerror or error)

    def _unlink(self, path: Path) -> None:
        try:
            unlink_if_there(path)
        except OSError as error:
            self._counters.failed("unlink_failures")
            if path not in self._left:
                logger.warning("%s cannot be removed, to be tried again: %s", path, error.strerror or error)
            self._left |= {path}
        else:
            self._left -= {path}
