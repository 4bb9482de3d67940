"""Raw samples and the windows of them that steps look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql.block import Block, Bools, Floats, Ints
from accelerapp.server.promql.histogram_samples import HistogramSamples, HistogramWindows
from accelerapp.server.signals import Labels, SeriesSet, is_stale


class Samples:
    """Samples of several series, end to end, with a search over all of them at once.

    `histograms` has those of the same series that are native histograms, None where there is none.
    """

    def __init__(self, series: SeriesSet, *, keep_stale: bool) -> None:
        timestamps, values, offsets = series.timestamps, series.values, series.offsets
        if not keep_stale:
            kept = ~is_stale(values)
            if not kept.all():
                before = np.concatenate(([0], np.cumsum(kept, dtype=np.int64)))
                timestamps, values, offsets = timestamps[kept], values[kept], before[offsets]
        self.histograms = None if series.histograms is None else HistogramSamples.of_set(series.histograms)
        self.labels: list[Labels] = series.labels
        self.timestamps: Ints = timestamps
        self.values: Floats = values
        self.offsets: Ints = offsets
        self._base = int(timestamps.min()) - 1 if len(timestamps) else 0
        self._span = int(timestamps.max()) - self._base if len(timestamps) else 0
        owner = np.repeat(np.arange(len(self.labels), dtype=np.int64), np.diff(offsets))
        self._keys = owner * (self._span + 1) + (timestamps - self._base)

    @staticmethod
    def of_block(block: Block, times: Ints) -> Samples:
        """Make samples of the values that an expression has at the given times."""
        offsets = np.concatenate(([0], np.cumsum(block.present.sum(axis=1), dtype=np.int64)))
        stamps = np.broadcast_to(times, block.present.shape)[block.present]
        series = SeriesSet(block.labels, offsets, stamps, block.values[block.present])
        samples = Samples(series, keep_stale=True)
        if block.histograms is not None:
            samples.histograms = HistogramSamples.of_cells(block.histograms, times)
        return samples

    def parts(self, rows: int) -> Iterator[Samples]:
        """Yield the samples of so many series at a time; all at once where some are native histograms."""
        if self.histograms is not None or len(self.labels) <= rows:
            yield self
            return
        for begin in range(0, len(self.labels), rows):
            offsets = self.offsets[begin : begin + rows + 1]
            within = slice(int(offsets[0]), int(offsets[-1]))
            labels = self.labels[begin : begin + rows]
            part = SeriesSet(labels, offsets - offsets[0], self.timestamps[within], self.values[within])
            yield Samples(part, keep_stale=True)

    def count_until(self, times: Ints) -> Ints:
        """For each series and each time, return the index after its last sample that is not later."""
        first = np.arange(len(self.labels), dtype=np.int64)[:, None] * (self._span + 1)
        wanted = first + np.clip(times - self._base, 0, self._span)[None, :]
        return np.searchsorted(self._keys, wanted, side="right").astype(np.int64, copy=False)

    def bounds(self, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Return where the windows begin and end that are open on their left."""
        # Where the range is a multiple of the step, most windows begin when another one ends.
        times = np.unique(np.concatenate((starts, ends)))
        found = self.count_until(times)
        return found[:, np.searchsorted(times, starts)], found[:, np.searchsorted(times, ends)]


@dataclass(frozen=True, slots=True)
class Edges:
    """How windows reach beyond their edges, and how far: to the sample before, or, smoothed, to those on both sides."""

    smoothed: bool
    lookback_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """For each series and step, the samples `first[i, j]` to `last[i, j]` (exclusive) of a left-open window.

    `start_ms` and `end_ms` are the windows' bounds and `times_ms` the steps', one entry a step. `check_time` raises
    where the query has taken too long; long loops over samples call it. `histograms` are the same windows of the
    samples that are native histograms, None where there is none. Where there are `edges`, `samples` has more than the
    windows hold.
    """

    samples: Samples
    first: Ints
    last: Ints
    start_ms: Ints
    end_ms: Ints
    times_ms: Ints
    check_time: Callable[[], None]
    histograms: HistogramWindows | None = None
    edges: Edges | None = None

    @property
    def labels(self) -> list[Labels]:
        return self.samples.labels

    @property
    def counts(self) -> Ints:
        return self.last - self.first

    @property
    def occupied(self) -> Bools:
        """Tell which windows have a sample of either kind."""
        occupied = self.counts > 0
        return occupied if self.histograms is None else occupied | (self.histograms.counts > 0)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.first.shape[0], self.first.shape[1])

    def selected(self, least: int) -> Selection:
        """Take the windows that hold at least so many samples, laid flat."""
        return self.chosen(np.flatnonzero(self.counts >= least))

    def chosen(self, index: Ints) -> Selection:
        """Take some windows by their flat index."""
        return Selection(self, index, self.first.ravel()[index], self.last.ravel()[index])


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Some windows laid flat: `index` is where each stands among series × steps."""

    windows: Windows
    index: Ints
    first: Ints
    last: Ints

    @property
    def counts(self) -> Ints:
        return self.last - self.first

    @property
    def step(self) -> Ints:
        """The step of each window."""
        rows, steps = self.windows.shape
        return np.tile(np.arange(steps), rows)[self.index]

    def by_length(self) -> Ints:
        """Return the order in which `lanes` needs the windows: those with the most samples first."""
        return np.argsort(-self.counts, kind="stable")

    def taken(self, which: Ints | Bools) -> Selection:
        """Take some of the windows."""
        return Selection(self.windows, self.index[which], self.first[which], self.last[which])

    def spread(self, values: Floats, present: Bools | None = None) -> Block:
        """Lay the windows' results back over series × steps, those that are present."""
        shape = self.windows.shape
        out, here = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        out.ravel()[self.index] = values
        here.ravel()[self.index] = True if present is None else present
        return Block(self.windows.labels, out, here).without_empty()

    def lanes(self, begin: int = 0) -> Iterator[tuple[slice, Ints]]:
        """Yield for k = begin, begin + 1, … the windows that have a k-th sample and where that sample lies.

        The windows must be in the order of `by_length`, so that it is always a prefix of them.
        """
        counts = self.counts
        most = int(counts[0]) if len(counts) else 0
        lengths = np.searchsorted(-counts, -np.arange(begin, most), side="left")
        for k, length in zip(range(begin, most), lengths.tolist(), strict=True):
            self.windows.check_time()
            yield slice(0, length), self.first[:length] + k
