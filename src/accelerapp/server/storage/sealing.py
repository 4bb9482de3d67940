"""Sealing: one thread that turns full generations into segments."""

from __future__ import annotations

import errno
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import duckdb

from accelerapp.server.storage.generation import Generation
from accelerapp.server.storage.head import TableHead
from accelerapp.server.storage.journal import journal_files
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.retention import Retention
from accelerapp.server.storage.segment_files import write_metric_segment, write_table_segment
from accelerapp.server.storage.segments import MetricSegment, SegmentName, TableSegment
from accelerapp.server.storage.sources import Sources
from accelerapp.server.storage.tables import LOGS, METRICS, TRACES, TableSignal

logger = logging.getLogger(__name__)


class Sealer:
    """Seals generations in the order in which they are handed over, trying again while the disk is full.

    `sealed` is called after each, from this thread.
    """

    def __init__(
        self,
        opened: OpenFolder,
        retention: Retention,
        sealed: Callable[[], None],
    ) -> None:
        self._segments = opened.segments
        self._journal = opened.journal
        self._database = opened.database
        self._shelves = opened.shelves
        self._registry = opened.registry
        self._settings = opened.settings
        self._counters = opened.counters
        self._retention = retention
        self._removal = opened.removal
        self._step = opened.step
        self._sealed = sealed
        self._condition = threading.Condition()
        self._work: deque[tuple[Generation, Future[None]]] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="storage-seal", daemon=True)
        self._thread.start()

    def seal(self, generation: Generation) -> Future[None]:
        """Queue a generation; the future is done when it is sealed, or given up because of closing."""
        done: Future[None] = Future()
        with self._condition:
            self._work.append((generation, done))
            self._condition.notify()
        return done

    def close(self) -> None:
        """Finish the seals that are queued, each tried once more, and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._work and not self._closing:
                    self._condition.wait()
                if not self._work:
                    return
                generation, done = self._work[0]
            sealed = self._seal_or_log(generation)
            with self._condition:
                if not sealed and not self._closing:
                    self._condition.wait(self._settings.seal_retry_seconds)
                    continue
                self._work.popleft()
            done.set_result(None)

    def _seal_or_log(self, generation: Generation) -> bool:
        # First: it may free the space that sealing needs.
        self._tidy("removing old segments", self._retention.apply)
        try:
            self._seal_table(TRACES, generation, generation.spans, self._shelves.spans)
            self._seal_table(LOGS, generation, generation.logs, self._shelves.logs)
            self._seal_metrics(generation)
        except (duckdb.Error, OSError) as error:
            self._counters.failed("seal_failures")
            full = isinstance(error, OSError) and error.errno == errno.ENOSPC
            logger.warning(
                "sealing failed, the data stays in the journal: %s", "disk full" if full else error
            )
            return False
        except Exception:
            # The thread must live on: the data is safe in the journal, and whoever waits is answered.
            self._counters.failed("seal_failures")
            logger.exception("sealing failed in an unforeseen way, the data stays in the journal")
            return False
        self._counters.add(unsealed_bytes=-generation.size, seals=1)
        self._tidy("unlinking sealed journal files", lambda: self._truncate(generation.through))
        self._sealed()
        return True

    def _tidy(self, what: str, tidy: Callable[[], None]) -> None:
        """Do what may as well be done after the next seal: its failure does not make a seal fail."""
        try:
            tidy()
        except (duckdb.Error, OSError) as error:
            logger.warning("%s failed, to be tried again after the next seal: %s", what, error)
        except Exception:
            logger.exception("%s failed in an unforeseen way, to be tried again after the next seal", what)

    def _seal_table(
        self,
        signal: TableSignal,
        generation: Generation,
        head: TableHead,
        shelf: Sources[TableHead | TableSegment],
    ) -> None:
        if head.retired:
            return
        segment = None
        if head.rows:
            path = self._path(signal.name, generation)
            write_table_segment(path, signal, head.batches(), head.rows, self._step)
            segment = TableSegment(self._database, path, signal.table)
        shelf.replace([head], segment)

    def _seal_metrics(self, generation: Generation) -> None:
        head = generation.metrics
        if head.retired:
            return
        segment = None
        if head.rows:
            path = self._path(METRICS, generation)
            write_metric_segment(
                path, [(head.all(), head.all_histograms())], head.rows, self._registry, self._step
            )
            segment = MetricSegment(self._database, path, self._registry)
        self._shelves.metrics.replace([head], segment)

    def _path(self, signal: str, generation: Generation) -> Path:
        name = SegmentName(generation.first[signal], generation.last[signal], signal)
        return self._segments / name.file

    def _truncate(self, through: int) -> None:
        """Unlink the journal files all of whose records are sealed; the newest file is being written."""
        files = journal_files(self._journal)
        pairs = itertools.pairwise(files)
        sealed = [path for (_, path), (following, _) in pairs if following <= through + 1]
        self._removal.unlink(sealed, "journal.truncate")
