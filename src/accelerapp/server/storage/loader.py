"""The loader: one thread that decodes what was journalled and puts it into the head."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from accelerapp.server.storage.commit import Accepted
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.database import Columns, Database
from accelerapp.server.storage.generation import Generation, Shelves
from accelerapp.server.storage.histograms import Histograms, concatenate_histograms, decode_histograms
from accelerapp.server.storage.journal import Kind
from accelerapp.server.storage.otlp import SpanDecoder
from accelerapp.server.storage.otlp_logs import LogDecoder
from accelerapp.server.storage.samples import Samples, concatenate, decode_samples
from accelerapp.server.storage.settings import StorageSettings
from accelerapp.server.storage.tables import SIGNAL_OF

logger = logging.getLogger(__name__)

BATCH_ROWS = 20_000


class _Marker(Future[None]):
    """Asks to be answered when all before it is loaded; with `seal`, when it is sealed as well."""

    def __init__(self, *, seal: bool = False) -> None:
        super().__init__()
        self.seal = seal


class Loader:
    """Loads accepted entries into the present generation and hands full ones to `seal`.

    `seal` is called from the loader's thread and returns a future that is done when the generation is sealed;
    `arrived` likewise with the log records that were loaded, and does not wait.
    """

    def __init__(
        self,
        database: Database,
        shelves: Shelves,
        settings: StorageSettings,
        counters: Counters,
        seal: Callable[[Generation], Future[None]],
        arrived: Callable[[Columns], None],
    ) -> None:
        self._database = database
        self._shelves = shelves
        self._settings = settings
        self._counters = counters
        self._seal = seal
        self._arrived = arrived
        self._queue: queue.SimpleQueue[Sequence[Accepted] | _Marker | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._sealing: Future[None] | None = None
        self._closing = False
        self._since = time.monotonic()
        self.generation = Generation(database, shelves)
        self.failure: Exception | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="storage-load", daemon=True)
        self._thread.start()

    def put(self, accepted: Sequence[Accepted]) -> None:
        """Queue durable entries, in the order of their sequence numbers."""
        self._queue.put(accepted)

    def mark(self, *, seal: bool = False) -> Future[None]:
        """Return a future that is done when all that is queued now is loaded, and sealed if asked."""
        marker = _Marker(seal=seal)
        self._queue.put(marker)
        return marker

    def close(self) -> None:
        """End the thread after the batch that it loads; the next start reads the others from the journal.

        Who waits for something queued is told that it is cancelled.
        """
        self._closing = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if isinstance(item, _Marker):
                item.cancel()

    def load(self, accepted: Sequence[Accepted]) -> None:
        """Decode entries and add them to the present generation."""
        spans, logs = SpanDecoder(), LogDecoder()
        samples: list[Samples] = []
        histograms: list[Histograms] = []
        undecodable = 0
        for one in accepted:
            try:
                if one.entry.kind is Kind.TRACES:
                    spans.add(one.entry.payload)
                elif one.entry.kind is Kind.LOGS:
                    logs.add(one.entry.payload, one.entry.received_ns, one.sequence)
                elif isinstance(one.samples, Histograms):
                    histograms.append(one.samples)
                elif one.entry.kind is Kind.HISTOGRAMS:
                    histograms.append(decode_histograms(one.entry.payload))
                else:
                    samples.append(one.samples or decode_samples(one.entry.payload))
            except Exception:
                # It will not be decodable after a restart either, which must not fail at it again.
                logger.exception("the journal's record %d cannot be decoded and is left out", one.sequence)
                undecodable += 1
        generation = self.generation
        if len(spans):
            generation.spans.append(spans.columns())
        if len(logs):
            arrived = logs.columns()
            generation.logs.append(arrived)
            self._arrived(arrived)
        columns = concatenate(samples)
        if len(columns):
            generation.metrics.append(columns)
        native = concatenate_histograms(histograms)
        if len(native):
            generation.metrics.append_histograms(native)
        for one in accepted:
            generation.loaded(SIGNAL_OF[one.entry.kind], one.sequence, one.cost)
        self._counters.add(
            spans_loaded=len(spans),
            logs_loaded=len(logs),
            samples_loaded=len(columns) + len(native),
            damaged_spans=spans.damaged,
            damaged_logs=logs.damaged,
            damaged_journal_records=undecodable,
        )

    def _run(self) -> None:
        self._guarded(self._freeze_if_due)  # the journal may have held more than may stay unsealed
        while True:
            try:
                item = self._queue.get(timeout=self._until_due())
            except queue.Empty:
                self._guarded(self._freeze_if_due)
                continue
            if isinstance(item, _Marker):
                self._answer(item)
                continue
            if item is None or self._closing:
                return
            batch = list(item)
            rest = self._drain(batch)
            self._load_or_fail(batch)
            self._guarded(self._freeze_if_due)
            if isinstance(rest, _Marker):
                self._answer(rest)
            elif rest is not None:
                return

    def _drain(self, batch: list[Accepted]) -> _Marker | str | None:
        """Add what else is queued to a batch of some 20,000 rows; return what interrupted it."""
        rows = sum(map(_rows, batch))
        while rows < BATCH_ROWS and not self._closing:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return None
            if item is None:
                return "closing"
            if isinstance(item, _Marker):
                return item
            batch += item
            rows += sum(map(_rows, item))
        return None

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do a piece of work; where it fails the thread lives on to answer, but nothing is accepted any more.

        Nothing is loaded or sealed either: sealing would let the journal go that alone still has some entries.
        """
        if self.failure is None:
            try:
                work()
            except Exception as error:
                logger.exception(
                    "loading failed: nothing is accepted until a restart, which reads the journal"
                )
                self.failure = error

    def _load_or_fail(self, batch: Sequence[Accepted]) -> None:
        self._guarded(lambda: self.load(batch))
        self._counters.add(queued_bytes=-sum(one.cost for one in batch))

    def _answer(self, marker: _Marker) -> None:
        if not marker.set_running_or_notify_cancel():  # who asked has gone
            return
        if marker.seal:
            self._guarded(lambda: self._freeze().add_done_callback(lambda _: marker.set_result(None)))
        if self.failure is not None:
            marker.set_exception(self.failure)
        elif not marker.seal:
            marker.set_result(None)

    def _until_due(self) -> float:
        return max(0.0, self._since + self._settings.seal_interval_seconds - time.monotonic())

    def _freeze_if_due(self) -> None:
        overdue = self._until_due() == 0
        if self.generation.size < self._settings.unsealed_bytes and not overdue:
            return
        self._since = time.monotonic()
        busy = self._sealing is not None and not self._sealing.done()
        if self.failure is None and not busy and self.generation.size:
            self._freeze()

    def _freeze(self) -> Future[None]:
        """Hand the present generation over to be sealed and begin the next."""
        full, self.generation = self.generation, Generation(self._database, self._shelves)
        self._since = time.monotonic()
        self._sealing = self._seal(full)
        # The next generation may have filled up meanwhile, with its senders refused until it is sealed too.
        self._sealing.add_done_callback(lambda _: self._queue.put(()))
        return self._sealing


def _rows(one: Accepted) -> int:
    """Guess the rows of an entry from its bytes: a span or log record takes some 200."""
    return len(one.samples) if one.samples is not None else 1 + len(one.entry.payload) // 200
