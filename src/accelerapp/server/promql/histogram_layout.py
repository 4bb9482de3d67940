"""Many histograms with the same kind of buckets as the rows of one table, so that they are computed at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql.histogram import Floats, Hint, Histogram, Indices, Side, joint_hint
from accelerapp.server.promql.summation import Mean, add_compensated
from accelerapp.server.signals import HistogramColumns

#: Cells that a table may have; where buckets lie far apart it would be mostly empty.
_MOST_CELLS = 4_000_000
_SCALARS = 3  # count, sum and the zero bucket's population come before the buckets


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of a table: count, sum, zero bucket, then the positive and the negative buckets of these indices."""

    schema: int
    zero_threshold: float
    positive: Indices
    negative: Indices

    @staticmethod
    def of(histograms: Sequence[Histogram]) -> Layout | None:
        """Return the columns that all of some histograms need.

        None where they do not have the same schema and zero threshold, or too many buckets.
        """
        schema, threshold = histograms[0].schema, histograms[0].zero_threshold
        if any(one.schema != schema or one.zero_threshold != threshold for one in histograms):
            return None
        positive = np.unique(np.concatenate([one.positive.index for one in histograms]))
        negative = np.unique(np.concatenate([one.negative.index for one in histograms]))
        if (_SCALARS + len(positive) + len(negative)) * len(histograms) > _MOST_CELLS:
            return None
        return Layout(schema, threshold, positive, negative)

    @property
    def width(self) -> int:
        return _SCALARS + len(self.positive) + len(self.negative)

    def rows(self, histograms: Sequence[Histogram]) -> Floats:
        """Lay histograms out as rows."""
        rows = np.zeros((len(histograms), self.width))
        middle = _SCALARS + len(self.positive)
        for row, one in zip(rows, histograms, strict=True):
            row[:_SCALARS] = one.count, one.sum, one.zero_count
            _place(row[_SCALARS:middle], self.positive, one.positive)
            _place(row[middle:], self.negative, one.negative)
        return rows

    def histograms(self, rows: Floats, hints: Sequence[Hint]) -> list[Histogram]:
        """Make histograms of rows, without the buckets that are empty."""
        middle = _SCALARS + len(self.positive)
        return [
            Histogram(
                self.schema,
                float(row[0]),
                float(row[1]),
                self.zero_threshold,
                float(row[2]),
                _taken(row[_SCALARS:middle], self.positive),
                _taken(row[middle:], self.negative),
                hint,
            )
            for row, hint in zip(rows, hints, strict=True)
        ]


def table_of(columns: HistogramColumns, low: int, high: int) -> tuple[Layout, Floats] | None:
    """Return the samples from `low` to before `high` as rows, with what their columns are.

    None where they do not have the same schema and zero threshold, or too many buckets.
    """
    schema, threshold = columns.schema[low:high], columns.zero_threshold[low:high]
    if (schema != schema[0]).any() or (threshold != threshold[0]).any():
        return None
    bounds = columns.bounds[low : high + 1]
    buckets = slice(int(bounds[0]), int(bounds[-1]))
    owner = np.repeat(np.arange(high - low), np.diff(bounds))
    index = columns.index[buckets]
    positive = np.arange(buckets.start, buckets.stop) - bounds[owner] < columns.positive[low:high][owner]
    layout = Layout(
        int(schema[0]), float(threshold[0]), np.unique(index[positive]), np.unique(index[~positive])
    )
    if layout.width * (high - low) > _MOST_CELLS:
        return None
    rows = np.zeros((high - low, layout.width))
    for column, name in enumerate(("count", "sum", "zero_count")):
        rows[:, column] = getattr(columns, name)[low:high]
    place = np.where(
        positive,
        _SCALARS + layout.positive.searchsorted(index),
        _SCALARS + len(layout.positive) + layout.negative.searchsorted(index),
    )
    rows[owner, place] = columns.population[buckets]
    return layout, rows


def total(histograms: Sequence[Histogram]) -> Histogram:
    """Add histograms up, those of one kind with compensation for what rounding loses."""
    layout = Layout.of(histograms)
    if layout is None:
        return functools.reduce(Histogram.added, histograms)
    first, *rest = layout.rows(histograms)
    result, lost = first, np.zeros(layout.width)
    for row in rest:
        result, lost = add_compensated(row, result, lost)
    return layout.histograms((result + lost)[None, :], [joint_hint(histograms)[0]])[0]


def mean(histograms: Sequence[Histogram]) -> Histogram:
    """Return the mean of histograms, those of one kind as Prometheus computes that of numbers."""
    layout = Layout.of(histograms)
    if layout is None:
        return functools.reduce(Histogram.added, histograms).divided(len(histograms))
    first, *rest = layout.rows(histograms)
    result = Mean(first)
    for row in rest:
        result.add(slice(None), row)
    return layout.histograms(result.result()[None, :], [joint_hint(histograms)[0]])[0]


def _place(target: Floats, index: Indices, side: Side) -> None:
    if len(side.index) == len(index):
        target[:] = side.population
    elif len(side.index):
        target[index.searchsorted(side.index)] = side.population


def _taken(population: Floats, index: Indices) -> Side:
    kept = population.nonzero()[0]
    return Side(index, population) if len(kept) == len(index) else Side(index[kept], population[kept])
