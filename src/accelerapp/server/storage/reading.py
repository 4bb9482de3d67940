"""What the readers share: pinned sources, a cursor, and setting aside what turns out to be damaged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import duckdb

from accelerapp.server.storage.contracts import ReadTimeoutError, ReadTooLargeError
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.deadline import Deadline
from accelerapp.server.storage.segments import TableSegment, set_aside
from accelerapp.server.storage.sources import AnySource, Sources

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class SourceReader(Generic[AnySource]):
    """Runs reads over the sources of one signal, leaving out a segment once it is found damaged."""

    def __init__(
        self,
        database: Database,
        sources: Sources[AnySource],
        counters: Counters,
        timeout_seconds: float,
    ) -> None:
        self.database = database
        self._sources = sources
        self._counters = counters
        self._timeout = timeout_seconds

    def deadline(self) -> Deadline:
        """Return by when a read that begins now must have ended."""
        return Deadline(self._timeout)

    def read(
        self,
        wanted: Callable[[AnySource], bool],
        run: Callable[[Sequence[AnySource]], Result],
    ) -> Result:
        """Return what `run` makes of the wanted sources; run again where a segment had to be set aside.

        Raises ReadTooLargeError where that takes too much memory, and ReadTimeoutError where it is interrupted.
        """
        try:
            while True:
                with self._sources.pinned(wanted) as pinned:
                    try:
                        return run(pinned)
                    except (duckdb.InterruptException, duckdb.OutOfMemoryException):
                        raise  # neither says anything of the segments
                    except duckdb.Error as error:
                        if not any(self.set_aside_if_damaged(source, error) for source in pinned):
                            raise
        except duckdb.OutOfMemoryException as error:
            raise ReadTooLargeError(
                "the query needs more memory than it may take: choose a shorter time range or more conditions"
            ) from error
        except duckdb.InterruptException as error:
            raise ReadTimeoutError("the query was ended because the observatory stops") from error

    def set_aside_if_damaged(self, source: AnySource, error: Exception) -> bool:
        """Take a segment off its shelf and rename it where it cannot be read whole; tell whether that is so."""
        if not isinstance(source, TableSegment) or source.verify():
            return False
        if self._sources.replace([source], None):
            logger.error("the segment %s is damaged and was set aside: %s", source.path, error)
            set_aside(source.path)
            self._counters.add(damaged_segments=1)
        return True
