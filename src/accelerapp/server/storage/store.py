"""Storage: one data folder, what is written to it and what is read from it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from accelerapp.server.signals import Clock, Exemplar, Labels, NativeHistogram
from accelerapp.server.storage.backup import archive
from accelerapp.server.storage.commit import Accepted, GroupCommit, cost
from accelerapp.server.storage.contracts import LogReader, MetricReader, SpanReader, StorageFullError
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.exemplars import StoredExemplars
from accelerapp.server.storage.folder import PRIVATE_FOLDER, FolderLock, Step, no_step, sync_path
from accelerapp.server.storage.generation import Shelves
from accelerapp.server.storage.histograms import Histograms, of_objects
from accelerapp.server.storage.inventory import Inventory, damaged, holdings, journal_bytes, read_by_others
from accelerapp.server.storage.journal import Entry, Journal, Kind
from accelerapp.server.storage.loader import BATCH_ROWS, Loader
from accelerapp.server.storage.logs import StoredLogs
from accelerapp.server.storage.metadata import MetricMetadata
from accelerapp.server.storage.metrics import StoredMetrics
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.otlp import count_items
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.recovery import Recovery
from accelerapp.server.storage.removal import Removal
from accelerapp.server.storage.retention import CAUSES, Retention, segments_of
from accelerapp.server.storage.samples import Samples
from accelerapp.server.storage.sealing import Sealer
from accelerapp.server.storage.series import SeriesRegistry
from accelerapp.server.storage.settings import StorageSettings
from accelerapp.server.storage.spans import StoredSpans
from accelerapp.server.storage.tables import SIGNALS
from accelerapp.server.storage.tail import LogTails
from accelerapp.server.storage.upkeep import Upkeep

_COUNTED = (
    "spans_accepted",
    "logs_accepted",
    "samples_accepted",
    "requests_refused",
    "samples_refused_series_limit",
    "spans_loaded",
    "logs_loaded",
    "samples_loaded",
    "damaged_spans",
    "damaged_logs",
    "damaged_samples",
    "damaged_journal_records",
    "cut_journal_tails",
    "damaged_segments",
    "tail_lines_missed",
    "queued_bytes",
    "unsealed_bytes",
    "seals",
    "seal_failures",
    "segments_expired",
    *(f"segments_expired_{signal}_{cause}" for signal in SIGNALS for cause in CAUSES),
    "merges",
    "segments_merged",
    "upkeep_failures",
    "unlink_failures",
)


# Counting or numbering more than this would hold up the event loop.
_INLINE_BYTES = 64 * 1024
_INLINE_SAMPLES = 2_000
_INLINE_HISTOGRAMS = 100
# As many times what may wait to be sealed may there be before senders are refused.
_SEALING_BEHIND = 3

Value = TypeVar("Value", float, NativeHistogram)


class Storage:
    """Implements `Sink`, and reads what was written through `metrics`, `exemplars`, `spans` and `logs`.

    Made by `Storage.open`. Writing belongs to event loops, reading to any thread.
    """

    metrics: MetricReader
    spans: SpanReader
    logs: LogReader

    def __init__(self, folder: Path, settings: StorageSettings, clock: Clock, step: Step) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._counters = Counters(clock)
        self._registry = SeriesRegistry(settings.max_series)
        self.metadata = MetricMetadata()
        self.exemplars = StoredExemplars(settings.max_exemplars)
        self._shelves = Shelves()
        with contextlib.ExitStack() as cleanup:
            self._lock = FolderLock(folder)
            cleanup.callback(self._lock.release)
            shutil.rmtree(folder / "spill", ignore_errors=True)  # what a crash left of sorting
            for part in ("journal", "segments", "spill"):
                (folder / part).mkdir(PRIVATE_FOLDER, exist_ok=True)
            sync_path(folder)
            sync_path(folder.parent)
            self._database = Database(folder / "segments", settings)
            cleanup.callback(self._database.close)
            self._removal = Removal(step, self._counters)
            opened = OpenFolder(
                folder,
                settings,
                self._database,
                self._shelves,
                self._registry,
                self._counters,
                self._removal,
                step,
            )
            recovery = Recovery(opened)
            recovery.open_segments()
            retention = Retention(opened, clock)
            self._upkeep = Upkeep(opened, retention)
            self._sealer = Sealer(opened, retention, self._upkeep.wake)
            cleanup.callback(self._sealer.close)
            tails = LogTails(self._database, self._counters, settings.query_timeout_seconds)
            self._loader = Loader(
                self._database, self._shelves, settings, self._counters, self._sealer.seal, tails.loaded
            )
            self._replay(recovery)
            journal = Journal(
                folder / "journal",
                recovery.next_sequence,
                settings.journal_file_bytes,
                self._registry.texts,
                step,
            )
            self._journal = journal
            self._loader.start()
            self._upkeep.start()
            self._commit = GroupCommit(journal, self._loader.put, self._give_back)
            cleanup.pop_all()
        database, counters, timeout = self._database, self._counters, settings.query_timeout_seconds
        self.metrics = StoredMetrics(
            SourceReader(database, self._shelves.metrics, counters, timeout), self._registry
        )
        self.spans = StoredSpans(SourceReader(database, self._shelves.spans, counters, timeout))
        self.logs = StoredLogs(SourceReader(database, self._shelves.logs, counters, timeout), tails)

    @classmethod
    def open(
        cls,
        path: str | Path,
        settings: StorageSettings | None = None,
        clock: Clock = time.time,
        step: Step = no_step,
    ) -> Storage:
        """Open a data folder, made where it is missing for this user alone, and recover what it holds; this blocks.

        `step` is called with the name of each step that a crash may fall on. Raises StorageLockedError where
        another process owns the folder.
        """
        folder = Path(path).resolve()
        folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        return cls(folder, settings or StorageSettings(), clock, step)

    async def write_traces(self, request: bytes) -> int:
        """Keep an `ExportTraceServiceRequest`; return how many spans it has.

        Raises MalformedRequestError where it cannot be read and StorageFullError where it cannot be kept.
        """
        spans = await _count(request, "traces")
        if spans:
            await self._append(Entry(Kind.TRACES, request, self._now_ns()))
            self._counters.add(spans_accepted=spans)
        return spans

    async def write_logs(self, request: bytes) -> int:
        """Keep an `ExportLogsServiceRequest`; return how many records it has. Raises as `write_traces` does."""
        records = await _count(request, "logs")
        if records:
            await self._append(Entry(Kind.LOGS, request, self._now_ns()))
            self._counters.add(logs_accepted=records)
        return records

    async def write_samples(self, samples: Sequence[tuple[Labels, int, float]]) -> int:
        """Keep samples and return how many; those of new series beyond the limit are left out and counted.

        Raises StorageFullError where they cannot be kept.
        """
        if len(samples) > _INLINE_SAMPLES:
            numbered = await asyncio.to_thread(self._number, samples)
        else:
            numbered = self._number(samples)
        kept = [one for one in numbered if one[0] is not None]
        if len(kept) < len(numbered):
            self._counters.add(samples_refused_series_limit=len(numbered) - len(kept))
        if not kept:
            return 0
        series, times, values = zip(*kept, strict=True)
        columns = Samples(
            np.array(times, dtype=np.int64),
            np.array(series, dtype=np.uint32),
            np.array(values, dtype=np.float64),
        )
        await self._append(Entry(Kind.SAMPLES, columns.encode(), self._now_ns(), columns.series), columns)
        self._counters.add(samples_accepted=len(columns))
        return len(columns)

    def number_series(self, labels: Sequence[Labels]) -> list[int | None]:
        """Return the number of each series; None, counted, for new ones beyond the limit."""
        numbers = [self._registry.id(one) for one in labels]
        self._counters.add(samples_refused_series_limit=numbers.count(None))
        return numbers

    async def write_columns(self, samples: Samples) -> int:
        """Keep samples of numbered series and return how many; raises StorageFullError where they cannot be kept."""
        if not len(samples):
            return 0
        await self._append(Entry(Kind.SAMPLES, samples.encode(), self._now_ns(), samples.series), samples)
        self._counters.add(samples_accepted=len(samples))
        return len(samples)

    async def write_histograms(self, histograms: Sequence[tuple[Labels, int, NativeHistogram]]) -> int:
        """Keep samples of native histograms and return how many, as `write_samples` does."""
        if len(histograms) > _INLINE_HISTOGRAMS:
            kept = await asyncio.to_thread(self._lay_out, histograms)
        else:
            kept = self._lay_out(histograms)
        if len(kept) < len(histograms):
            self._counters.add(samples_refused_series_limit=len(histograms) - len(kept))
        if len(kept):
            await self._append(Entry(Kind.HISTOGRAMS, kept.encode(), self._now_ns(), kept.series), kept)
            self._counters.add(samples_accepted=len(kept))
        return len(kept)

    async def write_exemplars(self, exemplars: Sequence[Exemplar]) -> int:
        """Keep exemplars in memory and return how many are kept."""
        return self.exemplars.add(exemplars)

    async def wait_loaded(self) -> None:
        """Return when everything acknowledged so far can be read."""
        await asyncio.wrap_future(self._loader.mark())

    async def seal(self) -> None:
        """Seal everything acknowledged so far into segments."""
        await asyncio.wrap_future(self._loader.mark(seal=True))

    def stats(self) -> dict[str, int | dict[str, int]]:
        """Return what was accepted, refused, found damaged and is held, as counts and bytes."""
        numbers: dict[str, int | dict[str, int]] = {name: self._counters[name] for name in _COUNTED}
        for signal, shelf, _ in self._shelves.by_signal():
            segments = segments_of(shelf)
            numbers[f"segments_{signal}"] = len(segments)
            numbers[f"segment_bytes_{signal}"] = sum(segment.bytes for segment in segments)
        numbers["series"] = len(self._registry)
        numbers["series_limit"] = self._settings.max_series
        numbers["queued_bytes_limit"] = self._settings.queue_bytes
        numbers["unsealed_bytes_limit"] = _SEALING_BEHIND * self._settings.unsealed_bytes
        numbers["exemplars"] = len(self.exemplars)
        numbers["exemplars_accepted"] = self.exemplars.accepted
        numbers["exemplars_refused"] = self.exemplars.refused
        numbers["metadata_refused"] = self.metadata.refused
        numbers["journal_syncs"] = self._journal.synced
        numbers["series_limit_offenders"] = self._registry.refused()
        numbers["last_failures_ms"] = {
            name: int(at * 1000) for name, at in self._counters.last_failures().items()
        }
        return numbers

    def inventory(self) -> Inventory:
        """Return what the folder holds, by signal, and what was set aside in it; this looks at its files."""
        files, size = damaged(self._folder)
        return Inventory(
            folder=str(self._folder),
            signals=holdings(self._shelves),
            journal_bytes=journal_bytes(self._folder),
            damaged_files=files,
            damaged_bytes=size,
            read_by_others=read_by_others(self._folder),
            retention_seconds=self._settings.retention_seconds,
            retention_bytes=self._settings.retention_bytes,
        )

    def backup(self) -> Generator[bytes]:
        """Yield the folder as a tar that has everything acknowledged before the first part was asked for.

        Writing, sealing and reading go on meanwhile. Raises OSError or BackupError where a file cannot be read.
        """
        return archive(self._folder, self._removal.lock, lambda: self._journal.durable)

    def announce(self, url: str) -> None:
        """Tell other processes where this folder's owner can be asked."""
        self._lock.announce(url)

    def interrupt_reads(self) -> None:
        """End the reads that run, so that closing need not wait for them."""
        self._database.interrupt()

    async def close(self) -> None:
        """Answer what is being written, load it, end the threads and give the folder up."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._commit.close()
        self._loader.close()
        self._sealer.close()
        self._upkeep.close()
        self._database.close()
        self._lock.release()

    async def _append(self, entry: Entry, samples: Samples | Histograms | None = None) -> None:
        size = cost(entry)
        self._refuse_if_full(size)
        self._counters.add(queued_bytes=size, unsealed_bytes=size)
        try:
            await self._commit.append(entry, samples)
        except StorageFullError:
            self._counters.add(requests_refused=1)
            raise

    def _lay_out(self, histograms: Sequence[tuple[Labels, int, NativeHistogram]]) -> Histograms:
        kept = [(series, at, value) for series, at, value in self._number(histograms) if series is not None]
        return of_objects([one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept])

    def _number(self, samples: Sequence[tuple[Labels, int, Value]]) -> list[tuple[int | None, int, Value]]:
        series_id = self._registry.id
        return [(series_id(labels), at, value) for labels, at, value in samples]

    def _refuse_if_full(self, size: int) -> None:
        reason = ""
        if self._loader.failure is not None:
            reason = f"loading failed ({self._loader.failure}): restart the observatory, nothing is lost"
        elif self._counters["queued_bytes"] + size > self._settings.queue_bytes:
            reason = f"more than {self._settings.queue_bytes} bytes wait to be stored"
        elif self._counters["unsealed_bytes"] + size > _SEALING_BEHIND * self._settings.unsealed_bytes:
            reason = "sealing does not keep up with what arrives, or the disk is full"
        if reason:
            self._counters.add(requests_refused=1)
            raise StorageFullError(reason)

    def _give_back(self, size: int) -> None:
        self._counters.add(queued_bytes=-size, unsealed_bytes=-size)

    def _replay(self, recovery: Recovery) -> None:
        batch: list[Accepted] = []
        for one in recovery.replay():
            batch.append(one)
            if len(batch) >= BATCH_ROWS // 20:
                self._load_replayed(batch)
                batch = []
        self._load_replayed(batch)

    def _load_replayed(self, batch: Sequence[Accepted]) -> None:
        self._counters.add(unsealed_bytes=sum(one.cost for one in batch))
        self._loader.load(batch)

    def _now_ns(self) -> int:
        return int(self._clock() * 1e9)


async def _count(request: bytes, signal: str) -> int:
    if len(request) > _INLINE_BYTES:
        return await asyncio.to_thread(count_items, request, signal)
    return count_items(request, signal)
