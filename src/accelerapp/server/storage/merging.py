"""Merging: many small segments of a signal become one, so that a folder of years has few files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np

from accelerapp.server.storage.histograms import Histograms, concatenate_histograms
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.retention import segments_of
from accelerapp.server.storage.samples import Samples, concatenate
from accelerapp.server.storage.segment_files import merge_table_segments, write_metric_segment
from accelerapp.server.storage.segments import (
    DAMAGED,
    MetricSegment,
    SegmentName,
    TableSegment,
    segment_name,
)
from accelerapp.server.storage.sources import AnySource, Sources
from accelerapp.server.storage.tables import LOGS, METRICS, TRACES, TableSignal

#: How many segments of about one size become one: every item is written again once a factor of eight.
FAN_IN = 8
_MOST_AT_ONCE = 64
_SMALLEST_TIER = 1024 * 1024
# A merged segment spans no more of the retention than this, since it goes as a whole.
_SHARE_OF_RETENTION = 0.1
_BATCH_SAMPLES = 500_000
_EARLIEST, _LATEST = -(2**63), 2**63 - 1


class Merger:
    """Merges the segments of the three signals, one run of them at a time; one thread owns it.

    What is merged is written under its own name first, naming what it replaces; then readers are given it in
    place of the others, and these are unlinked. After a crash between any two steps `Recovery` finds either the
    small ones alone, or the large one and what is left of those that it names. A run has no gap in which a
    damaged segment was, whose records the journal may still have.

    `stopped` ends a merge between two batches; `interruptible` is given the connection of one that runs.
    """

    def __init__(
        self,
        opened: OpenFolder,
        stopped: Callable[[], bool],
        interruptible: Callable[[duckdb.DuckDBPyConnection], None],
    ) -> None:
        self._segments = opened.segments
        self._database = opened.database
        self._shelves = opened.shelves
        self._registry = opened.registry
        self._removal = opened.removal
        self._settings = opened.settings
        self._counters = opened.counters
        self._step = opened.step
        self._stopped = stopped
        self._interruptible = interruptible

    def merge_one(self) -> bool:
        """Merge one run of segments where there is one; raises duckdb.Error or OSError where that fails."""
        shelves = self._shelves
        return (
            self._merge(METRICS, shelves.metrics, 1000, self._write_metrics)
            or self._merge(LOGS.name, shelves.logs, 10**9, self._writer(LOGS))
            or self._merge(TRACES.name, shelves.spans, 10**9, self._writer(TRACES))
        )

    def _merge(
        self,
        signal: str,
        shelf: Sources[AnySource],
        second: int,
        write: Callable[[Path, list[TableSegment]], TableSegment],
    ) -> bool:
        span = self._settings.retention_seconds * _SHARE_OF_RETENTION * second or math.inf
        chosen = choose(segments_of(shelf), self._gaps(signal), self._settings.merged_bytes, span)
        if not chosen:
            return False
        names = [name for one in chosen if (name := segment_name(one.path))]
        path = self._segments / SegmentName(names[0].first, names[-1].last, signal).file
        # After damage the ranges of two may overlap, and so be those of a third.
        if path.exists() or path in self._removal.left:
            return False
        reader = SourceReader(self._database, shelf, self._counters, math.inf)
        with shelf.pinned(lambda one: one in chosen) as pinned:
            try:
                merged = write(path, chosen)
            except (duckdb.InterruptException, duckdb.OutOfMemoryException):
                self._removal.unlink(
                    [path], "merge.discard"
                )  # it may have been written, and failed to be opened
                raise
            except duckdb.Error as error:
                self._removal.unlink([path], "merge.discard")
                damaged = [one for one in pinned if reader.set_aside_if_damaged(one, error)]
                if damaged or any(one.retired for one in chosen):
                    return True  # without what is damaged, or expired meanwhile, there may be another run
                raise
        whole = False
        try:
            whole = merged.verify()
        finally:
            if not whole:  # or it would be in the way of the next attempt
                merged.dispose()
                self._removal.unlink([path], "merge.discard")
        if not whole:
            raise duckdb.IOException(f"{path.name} was not read back as it was written, and not kept")
        self._step("merge.swap")
        if len(pinned) < len(chosen) or not shelf.replace(pinned, merged):  # type: ignore[arg-type]
            merged.dispose()  # one of them has expired meanwhile
            self._removal.unlink([path], "merge.unlink")
            return True
        self._counters.add(merges=1, segments_merged=len(chosen))
        self._removal.unlink([one.path for one in chosen], "merge.unlink")
        return True

    def _gaps(self, signal: str) -> list[int]:
        """Return the journal's numbers at which damaged segments of a signal began."""
        found = map(segment_name, self._segments.glob(f"{signal}-*{DAMAGED}"))
        return [name.first for name in found if name]

    def _writer(self, signal: TableSignal) -> Callable[[Path, list[TableSegment]], TableSegment]:
        def write(path: Path, chosen: list[TableSegment]) -> TableSegment:
            replaced = self._replaced(chosen)
            merge_table_segments(path, signal, chosen, replaced, self._step, self._interruptible)
            return TableSegment(self._database, path, signal.table)

        return write

    def _write_metrics(self, path: Path, chosen: list[TableSegment]) -> TableSegment:
        inputs = [one for one in chosen if isinstance(one, MetricSegment)]
        rows = sum(one.rows for one in inputs)
        batches = self._batches(inputs)
        write_metric_segment(path, batches, rows, self._registry, self._step, self._replaced(chosen))
        return MetricSegment(self._database, path, self._registry)

    def _batches(self, inputs: Sequence[MetricSegment]) -> Iterator[tuple[Samples, Histograms]]:
        """Yield the samples of several segments, some series at a time, in the order in which segments have them."""
        ids, where = np.unique(np.concatenate([one.series for one in inputs]), return_inverse=True)
        rows = np.bincount(where, weights=np.concatenate([one.series_rows for one in inputs]))
        order = np.argsort(self._registry.ranks()[ids])
        groups = np.cumsum(rows[order]) // _BATCH_SAMPLES
        cuts = np.flatnonzero(np.diff(groups)) + 1
        for batch in np.split(ids[order], cuts):
            if self._stopped():
                raise duckdb.InterruptException("merging was ended because the observatory stops")
            series = np.sort(batch)
            samples = [part for one in inputs for part in one.read(series, _EARLIEST, _LATEST)]
            native = [part for one in inputs for part in one.read_histograms(series, _EARLIEST, _LATEST)]
            yield concatenate(samples), concatenate_histograms(native)

    def _replaced(self, chosen: Sequence[TableSegment]) -> set[str]:
        """Return the names that a merged segment replaces, and those that its parts replaced and that are left."""
        earlier = {name for one in chosen for name in one.replaced if (self._segments / name).exists()}
        return earlier | {one.path.name for one in chosen}


def choose(
    segments: Sequence[TableSegment], gaps: Sequence[int], most_bytes: int, most_span: float
) -> list[TableSegment]:
    """Return the segments to be merged next: at least `FAN_IN` neighbours of about one size; none where there are none.

    Args:
        segments: A signal's segments.
        gaps: Numbers of journal records that a merged segment must not reach over.
        most_bytes: What they may have in all.
        most_span: How far their items may be apart, in the signal's own unit of time.
    """
    runs = _runs(segments, gaps, most_bytes)
    for tier in sorted({_tier(one) for run in runs for one in run}):
        for run in runs:
            for start in range(len(run)):
                window = _window(run[start:], tier, most_bytes, most_span)
                if len(window) >= FAN_IN:
                    return window
    return []


def _runs(segments: Sequence[TableSegment], gaps: Sequence[int], most_bytes: int) -> list[list[TableSegment]]:
    """Return the neighbours among segments that are small enough, in the order of their journal records."""
    named = sorted((name, one) for one in segments if (name := segment_name(one.path)))
    runs: list[list[TableSegment]] = []
    last = -1
    for name, one in named:
        overlaps = name.first <= last
        apart = not runs or overlaps or any(last < gap < name.first for gap in gaps)
        last = max(last, name.last)
        if one.bytes > most_bytes // 2:
            runs.append([])
            continue
        if apart:
            runs.append([])
        runs[-1].append(one)
    return runs


def _window(run: Sequence[TableSegment], tier: int, most_bytes: int, most_span: float) -> list[TableSegment]:
    """Return as many of the first segments of a run as may be merged."""
    window: list[TableSegment] = []
    lowest, highest, size = run[0].lowest, run[0].highest, 0
    for one in run[:_MOST_AT_ONCE]:
        lowest, highest = min(lowest, one.lowest), max(highest, one.highest)
        size += one.bytes
        if _tier(one) > tier or size > most_bytes or highest - lowest > most_span:
            break
        window.append(one)
    return window


def _tier(segment: TableSegment) -> int:
    return max(0, math.ceil(math.log(max(1, segment.bytes) / _SMALLEST_TIER, FAN_IN)))
