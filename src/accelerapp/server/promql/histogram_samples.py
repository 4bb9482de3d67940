"""Samples of several series that are native histograms, end to end; each is made an object when it is asked for."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelerapp.server.promql.block import Bools, Cells, Floats, Ints
from accelerapp.server.promql.histogram import Hint, Histogram
from accelerapp.server.promql.histogram_layout import Layout
from accelerapp.server.promql.histogram_rows import joint_layout, rows_of, table_of
from accelerapp.server.signals import HistogramColumns, HistogramSet


class HistogramSamples:
    """Series i owns the samples `offsets[i]` to `offsets[i + 1]`, in ascending order of their `timestamps`."""

    def __init__(
        self, offsets: Ints, timestamps: Ints, cells: Cells, columns: HistogramColumns | None = None
    ) -> None:
        self.offsets = offsets
        self.timestamps = timestamps
        self._cells = cells
        self._columns = columns
        self._resets: Bools | None = None
        self._layouts: dict[int, Layout] = {}
        self._first: Bools = np.zeros(len(timestamps), dtype=np.bool_)
        self._first[offsets[:-1][np.diff(offsets) > 0]] = True
        self._base = int(timestamps.min()) - 1 if len(timestamps) else 0
        self._span = int(timestamps.max()) - self._base if len(timestamps) else 0
        owner = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
        self._keys = owner * (self._span + 1) + (timestamps - self._base)

    @staticmethod
    def of_set(histograms: HistogramSet) -> HistogramSamples:
        columns = histograms.samples
        cells = np.full(len(columns), None, dtype=object)
        return HistogramSamples(histograms.offsets, columns.timestamps, cells, columns)

    @staticmethod
    def of_cells(cells: Cells, times: Ints) -> HistogramSamples:
        """Take the histograms that an expression has at the given times; what it says of resets is forgotten.

        A subquery may leave samples out, or return one several times.
        """
        there = cells != None  # noqa: E711 - of each cell
        offsets = np.concatenate(([0], np.cumsum(there.sum(axis=1), dtype=np.int64)))
        kept = np.full(int(offsets[-1]), None, dtype=object)
        kept[:] = [
            one if one.hint is Hint.GAUGE else one.with_hint(Hint.UNKNOWN) for one in cells[there].tolist()
        ]
        return HistogramSamples(offsets, np.broadcast_to(times, cells.shape)[there], kept)

    def __len__(self) -> int:
        return len(self.timestamps)

    def count_until(self, times: Ints) -> Ints:
        """For each series and each time, return the index after its last sample that is not later."""
        first = np.arange(len(self.offsets) - 1, dtype=np.int64)[:, None] * (self._span + 1)
        wanted = first + np.clip(times - self._base, 0, self._span)[None, :]
        return np.searchsorted(self._keys, wanted, side="right").astype(np.int64, copy=False)

    def at(self, sample: int) -> Histogram:
        """Return one sample; its hint tells, but of a reset, that it goes on from the one before."""
        found = self._cells[sample]
        if found is None:
            found = self._cells[sample] = self._made(sample, self._hint(sample))
        return found  # type: ignore[no-any-return]

    def table(self, low: int, high: int) -> tuple[Layout, Floats] | None:
        """Return samples as rows of a table; see `table_of`."""
        if self._columns is not None:
            return table_of(self._columns, low, high)
        samples = self._cells[low:high].tolist()
        layout = joint_layout(samples)
        return None if layout is None else (layout, rows_of(layout, samples))

    @functools.cached_property
    def statistics(self) -> Floats:
        """Count and sum of each sample, in a row of their own."""
        if self._columns is not None:
            return np.stack((self._columns.count, self._columns.sum), axis=1)
        return np.array([(one.count, one.sum) for one in self._cells.tolist()]).reshape(-1, 2)

    @functools.cached_property
    def gauges(self) -> Bools:
        """Tell which samples are gauges."""
        if self._columns is not None:
            return self._columns.gauge
        return np.array([one.hint is Hint.GAUGE for one in self._cells.tolist()], dtype=np.bool_)

    @property
    def resets(self) -> Bools:
        """Tell of each sample whether a counter began anew with it, never of the first of a series."""
        if self._resets is None:
            self._resets = self._found_resets()
        return self._resets

    def _hint(self, sample: int) -> Hint:
        if self._columns is not None and self._columns.gauge[sample]:
            return Hint.GAUGE
        # Where there was a reset Prometheus does not trust in what it knows, for samples before it may be lost.
        return Hint.UNKNOWN if self._first[sample] or self.resets[sample] else Hint.NOT_RESET

    def _made(self, sample: int, hint: Hint = Hint.UNKNOWN) -> Histogram:
        columns = self._columns
        assert columns is not None, "only columns are made objects of"
        first, last = int(columns.bounds[sample]), int(columns.bounds[sample + 1])
        scalars = columns.count[sample], columns.sum[sample], columns.zero_count[sample]
        return Histogram(
            self._layout(sample), np.concatenate((scalars, columns.population[first:last])), hint
        )

    def _layout(self, sample: int) -> Layout:
        """Return the layout of a sample, which samples with the same buckets after one another share."""
        columns = self._columns
        assert columns is not None, "only columns are made objects of"
        begin = int(self._begins[sample])
        if begin not in self._layouts:
            first, last = int(columns.bounds[begin]), int(columns.bounds[begin + 1])
            middle = first + int(columns.positive[begin])
            self._layouts[begin] = Layout(
                int(columns.schema[begin]),
                float(columns.zero_threshold[begin]),
                columns.index[first:middle],
                columns.index[middle:last],
            )
        return self._layouts[begin]

    @functools.cached_property
    def _comparison(self) -> tuple[Bools, Bools]:
        assert self._columns is not None, "only columns are compared as such"
        return _compared(self._columns, ~self._first)

    @functools.cached_property
    def _begins(self) -> Ints:
        """Of each sample, the first of those after one another that have the same buckets."""
        numbers = np.arange(len(self), dtype=np.int64)
        return np.maximum.accumulate(np.where(self._comparison[0], 0, numbers))

    def _found_resets(self) -> Bools:
        resets = np.zeros(len(self), dtype=np.bool_)
        if self._columns is None:
            for sample in np.flatnonzero(~self._first).tolist():
                resets[sample] = self._cells[sample].is_reset_of(self._cells[sample - 1])
            return resets
        alike, fell = self._comparison
        kind = _same(self._columns.schema) & _same(self._columns.zero_threshold) & ~self._first
        others = np.flatnonzero(kind & ~alike)
        fell[others] |= _fell(self._columns, others)
        resets[kind] = fell[kind]
        for sample in np.flatnonzero(~self._first & ~kind).tolist():
            resets[sample] = self._made(sample).is_reset_of(self._made(sample - 1))
        return resets


def _same(column: npt.NDArray[np.generic]) -> Bools:
    """Tell which entries are those of the sample before."""
    same = np.zeros(len(column), dtype=np.bool_)
    same[1:] = column[1:] == column[:-1]
    return same


def _fell(columns: HistogramColumns, at: Ints) -> Bools:
    """Tell of some samples whether a bucket has fewer observations than in the sample before, of the same schema."""
    owner, keys, population = _keyed(columns, at)
    owner_before, keys_before, before = _keyed(columns, at - 1)
    place = keys.searchsorted(keys_before)
    matched = np.append(keys, -1)[place] == keys_before
    fell = np.zeros(len(at), dtype=np.bool_)
    fell[owner_before[np.where(matched, np.append(population, 0.0)[place], 0.0) < before]] = True
    new = np.ones(len(keys), dtype=np.bool_)
    new[place[matched]] = False
    fell[owner[new & (population < 0)]] = True
    return fell


def _keyed(columns: HistogramColumns, at: Ints) -> tuple[Ints, Ints, Floats]:
    """Return of the buckets of some samples to which of these each belongs, an ascending key, and its population."""
    starts, lengths = columns.bounds[at], np.diff(columns.bounds)[at]
    owner = np.repeat(np.arange(len(at), dtype=np.int64), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    where = starts[owner] + within
    negative = within >= columns.positive[at][owner]
    return owner, ((2 * owner + negative) << 32) + columns.index[where] + 2**31, columns.population[where]


def _compared(columns: HistogramColumns, follows: Bools) -> tuple[Bools, Bools]:
    """Tell which samples have the buckets of the one before, and, where they do, whether a count of theirs fell."""
    lengths = np.diff(columns.bounds)
    alike = follows.copy()
    alike[1:] &= (
        (np.diff(lengths) == 0)
        & (np.diff(columns.positive) == 0)
        & (np.diff(columns.schema) == 0)
        & (np.diff(columns.zero_threshold) == 0)
    )
    owner = np.repeat(np.arange(len(columns)), lengths)
    at = np.flatnonzero(alike[owner])
    before = at - lengths[owner[at]]
    alike[owner[at[columns.index[at] != columns.index[before]]]] = False
    fell = np.zeros(len(columns), dtype=np.bool_)
    fell[owner[at[columns.population[at] < columns.population[before]]]] = True
    fell[1:] |= (columns.count[1:] < columns.count[:-1]) | (columns.zero_count[1:] < columns.zero_count[:-1])
    return alike, fell


@dataclass(frozen=True, slots=True, eq=False)
class HistogramWindows:
    """For each series and step, the samples `first[i, j]` to `last[i, j]` (exclusive) of a left-open window."""

    samples: HistogramSamples
    first: Ints
    last: Ints

    @property
    def counts(self) -> Ints:
        return self.last - self.first

    def within(self, row: int, step: int) -> list[int]:
        return list(range(int(self.first[row, step]), int(self.last[row, step])))
