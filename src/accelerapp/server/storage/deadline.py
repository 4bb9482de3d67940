"""The time by which a read must have ended, and how DuckDB is made to keep it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from accelerapp.server.storage.contracts import ReadTimeoutError

# An interruption that falls between two statements is lost, so it is repeated until the read has ended.
_REPEAT_SECONDS = 0.05


class Deadline:
    """Bounds all the queries of one read to `seconds` from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = time.monotonic() + seconds

    @contextmanager
    def bounding(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt what the connection does once the time is over; raises ReadTimeoutError then."""
        if time.monotonic() >= self._at:
            raise self._error()
        ended = threading.Event()
        watch = threading.Thread(
            target=self._watch, args=(connection, ended), name="storage-deadline", daemon=True
        )
        watch.start()
        try:
            yield
        except duckdb.InterruptException as error:
            raise self._error() from error
        finally:
            ended.set()
            watch.join()

    def _watch(self, connection: duckdb.DuckDBPyConnection, ended: threading.Event) -> None:
        if ended.wait(max(0.0, self._at - time.monotonic())):
            return
        while not ended.is_set():
            connection.interrupt()
            ended.wait(_REPEAT_SECONDS)

    def _error(self) -> ReadTimeoutError:
        if time.monotonic() < self._at:
            return ReadTimeoutError("the query was ended because the observatory stops")
        return ReadTimeoutError(
            f"the query took longer than {self._seconds:g} s and was ended: choose a shorter time range or more "
            "conditions, or raise ACCELERAPP_QUERY_TIMEOUT"
        )
