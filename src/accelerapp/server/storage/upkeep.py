"""Upkeep: one thread that lets go what is old or too much, and merges what is small, also while nothing arrives."""

from __future__ import annotations

import contextlib
import logging
import threading

import duckdb

from accelerapp.server.storage.merging import Merger
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.retention import Retention

logger = logging.getLogger(__name__)

# An interruption that falls between two statements is lost, so it is repeated until the merge has ended.
_REPEAT_SECONDS = 0.05


class Upkeep:
    """Applies the retention and merges, after each seal and at an interval."""

    def __init__(self, opened: OpenFolder, retention: Retention) -> None:
        self._retention = retention
        self._merger = Merger(opened, lambda: self._closing, self._interruptible)
        self._interval = opened.settings.upkeep_interval_seconds
        self._counters = opened.counters
        self._condition = threading.Condition()
        self._due = False
        self._closing = False
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._thread = threading.Thread(target=self._run, name="storage-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look soon, because something was sealed."""
        with self._condition:
            self._due = True
            self._condition.notify()

    def close(self) -> None:
        """End a merge that runs, which leaves its parts as they were, and the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        while self._thread.is_alive():
            connection = self._connection
            if connection is not None:
                with contextlib.suppress(duckdb.Error):  # it may have ended just now
                    connection.interrupt()
            self._thread.join(_REPEAT_SECONDS)

    def _interruptible(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def _run(self) -> None:
        while not self._closing:
            self._look()
            with self._condition:
                if not self._due and not self._closing:
                    self._condition.wait(self._interval)
                self._due = False

    def _look(self) -> None:
        try:
            self._retention.apply()
            while not self._closing and self._merger.merge_one():
                self._retention.apply()
        except duckdb.InterruptException:
            return
        except Exception:
            # Nothing is lost by it: the segments are as they were, and this is tried again.
            self._counters.failed("upkeep_failures")
            logger.exception("merging or removing segments failed, to be tried again in %g s", self._interval)
        finally:
            self._connection = None
