"""Recovery: what a data folder holds when it is opened — the segments, then the journal after them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np

from accelerapp.server.storage.commit import Accepted
from accelerapp.server.storage.histograms import Histograms, decode_histograms
from accelerapp.server.storage.journal import Entry, JournalReader, Kind, Record, definitions, journal_files
from accelerapp.server.storage.open_folder import OpenFolder
from accelerapp.server.storage.retention import segments_of
from accelerapp.server.storage.samples import Samples, decode_samples
from accelerapp.server.storage.segments import (
    UNFINISHED,
    MetricSegment,
    SegmentName,
    TableSegment,
    segment_name,
    set_aside,
)
from accelerapp.server.storage.tables import LOGS, METRICS, SIGNAL_OF, TRACES

logger = logging.getLogger(__name__)

AnySamples = TypeVar("AnySamples", Samples, Histograms)


class Recovery:
    """Opens the segments of a folder, then replays the journal records that they do not contain.

    `next_sequence` is the first sequence number that was never used, once `replay` is exhausted.
    """

    def __init__(self, opened: OpenFolder) -> None:
        self._segments = opened.segments
        self._journal = opened.journal
        self._database = opened.database
        self._shelves = opened.shelves
        self._registry = opened.registry
        self._counters = opened.counters
        self._removal = opened.removal
        self._sealed: dict[str, list[SegmentName]] = {}
        self.next_sequence = 1

    def open_segments(self) -> None:
        """Put the segments on the shelves, setting damaged ones aside and clearing unfinished ones away."""
        for path in self._segments.glob(f"*{UNFINISHED}*"):
            self._removal.clear(path)
        names = {name: path for path in self._segments.iterdir() if (name := segment_name(path))}
        for name, path in sorted(names.items()):
            self.next_sequence = max(self.next_sequence, name.last + 1)
            if path.name != name.file:
                continue
            try:
                self._open(name, path)
            except (duckdb.Error, OSError, ValueError) as error:
                if isinstance(error, duckdb.OutOfMemoryException):
                    raise
                self._set_aside(path, error)
            else:
                self._sealed.setdefault(name.signal, []).append(name)
        self._drop_replaced()

    def replay(self) -> Iterator[Accepted]:
        """Yield the journal's records that no segment contains, and unlink the files that have none."""
        for first, path in journal_files(self._journal):
            # A file that is kept, or cannot be removed, must not lend its name to the next one.
            self.next_sequence = max(self.next_sequence, first + 1)
            reader = JournalReader(path)
            records = list(reader.records())
            reader.truncate()
            self._counters.add(damaged_journal_records=reader.damaged, cut_journal_tails=int(reader.cut))
            if records:
                self.next_sequence = max(self.next_sequence, records[-1].sequence + 1)
            fresh = [one for one in records if one.kind is not Kind.SERIES and not self._is_sealed(one)]
            if reader.headless:
                logger.error("the journal file %s has no readable header and was set aside", path)
                set_aside(path)
                continue
            if not fresh:
                self._removal.unlink([path], "recovery.unlink")
                continue
            yield from self._accepted(records, fresh)

    def _drop_replaced(self) -> None:
        """Unlink what a merged segment replaces, where a crash came before that; keep it where that one is damaged."""
        for signal, shelf, _ in self._shelves.by_signal():
            for merged in sorted(segments_of(shelf), key=lambda one: len(one.replaced), reverse=True):
                parts = [one for one in segments_of(shelf) if one.path.name in merged.replaced]
                if not parts or merged not in shelf.current:
                    continue
                if merged.verify():
                    for part in parts:
                        shelf.replace([part], None)
                    self._removal.unlink([part.path for part in parts], "recovery.unlink")
                else:
                    shelf.replace([merged], None)
                    self._set_aside(merged.path, "it cannot be read whole; what it replaces is used instead")
                    self._sealed[signal] = [
                        one for one in self._sealed[signal] if one.file != merged.path.name
                    ]

    def _set_aside(self, path: Path, why: object) -> None:
        with path.open("rb"):  # too many open files, say, is no damage: that is raised
            pass
        logger.error("the segment %s is damaged and was set aside: %s", path, why)
        set_aside(path)
        self._counters.add(damaged_segments=1)

    def _open(self, name: SegmentName, path: Path) -> None:
        if name.signal == METRICS:
            self._shelves.metrics.add(MetricSegment(self._database, path, self._registry))
        elif name.signal == TRACES.name:
            self._shelves.spans.add(TableSegment(self._database, path, TRACES.table))
        else:
            self._shelves.logs.add(TableSegment(self._database, path, LOGS.table))

    def _is_sealed(self, record: Record) -> bool:
        names = self._sealed.get(SIGNAL_OF[record.kind], ())
        return any(name.first <= record.sequence <= name.last for name in names)

    def _accepted(self, records: list[Record], fresh: list[Record]) -> Iterator[Accepted]:
        """Turn records into entries, giving samples the series ids of this run."""
        ids: dict[int, int] = {}
        for record in records:
            if record.kind is Kind.SERIES:
                for series, labels in definitions(record):
                    ids[series] = self._registry.restore(labels)
        for record in fresh:
            samples: Samples | Histograms | None = None
            if record.kind is Kind.SAMPLES:
                samples = self._renumbered(decode_samples(record.payload), ids)
            elif record.kind is Kind.HISTOGRAMS:
                samples = self._renumbered(decode_histograms(record.payload), ids)
            entry = Entry(record.kind, record.payload, record.received_ns)
            yield Accepted(record.sequence, entry, samples)

    def _renumbered(self, samples: AnySamples, ids: dict[int, int]) -> AnySamples:
        used, where = np.unique(samples.series, return_inverse=True)
        known = np.array([series in ids for series in used.tolist()], dtype=np.bool_)
        here = np.array([ids.get(series, 0) for series in used.tolist()], dtype=np.uint32)
        renumbered = dataclasses.replace(samples, series=here[where])
        if known.all():
            return renumbered
        # Both copies of a definition are damaged: its samples cannot be told from others' any more.
        self._counters.add(damaged_samples=int((~known[where]).sum()))
        return renumbered.where(known[where])
