"""Many histograms with the same kind of buckets as the rows of one table, so that they are computed at once."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from accelerapp.server.promql.block import Ints
from accelerapp.server.promql.histogram import Hint, Histogram, joint_hint
from accelerapp.server.promql.histogram_layout import SCALARS, Floats, Layout
from accelerapp.server.promql.summation import Mean, add_compensated
from accelerapp.server.signals import HistogramColumns

#: Cells that a table may have; where buckets lie far apart it would be mostly empty.
_MOST_CELLS = 4_000_000


def by_layout(histograms: Sequence[Histogram]) -> Iterator[tuple[Ints, Layout, Floats]]:
    """Yield the positions of those that share a layout, that layout, and their rows."""
    groups: dict[int, list[int]] = {}
    for position, one in enumerate(histograms):
        groups.setdefault(id(one.layout), []).append(position)
    for positions in groups.values():
        rows = np.array([histograms[position].numbers for position in positions])
        yield np.array(positions, dtype=np.int64), histograms[positions[0]].layout, rows


def joint_layout(histograms: Sequence[Histogram]) -> Layout | None:
    """Return the columns that all of some histograms need.

    None where they do not have the same schema and zero threshold, or too many buckets.
    """
    layout = Layout.joined(list({id(one.layout): one.layout for one in histograms}.values()))
    return None if layout is None or layout.width * len(histograms) > _MOST_CELLS else layout


def rows_of(layout: Layout, histograms: Sequence[Histogram]) -> Floats:
    """Lay histograms out as rows with the columns of a layout that has all of theirs."""
    rows = np.zeros((len(histograms), layout.width))
    for positions, own, numbers in by_layout(histograms):
        rows[positions[:, None], layout.columns_of(own)] = numbers
    return rows


def histograms_of(layout: Layout, rows: Floats, hints: Sequence[Hint]) -> list[Histogram]:
    """Make histograms of rows."""
    return [Histogram(layout, row, hint) for row, hint in zip(rows, hints, strict=True)]


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
        SCALARS + layout.positive.searchsorted(index),
        layout.middle + layout.negative.searchsorted(index),
    )
    rows[owner, place] = columns.population[buckets]
    return layout, rows


def total(histograms: Sequence[Histogram]) -> Histogram:
    """Add histograms up, those of one kind with compensation for what rounding loses."""
    layout = joint_layout(histograms)
    if layout is None:
        return functools.reduce(Histogram.added, histograms)
    first, *rest = rows_of(layout, histograms)
    result, lost = first, np.zeros(layout.width)
    for row in rest:
        result, lost = add_compensated(row, result, lost)
    return Histogram(layout, result + lost, joint_hint(histograms)[0])


def mean(histograms: Sequence[Histogram]) -> Histogram:
    """Return the mean of histograms, those of one kind as Prometheus computes that of numbers."""
    layout = joint_layout(histograms)
    if layout is None:
        return functools.reduce(Histogram.added, histograms).divided(len(histograms))
    first, *rest = rows_of(layout, histograms)
    result = Mean(first)
    for row in rest:
        result.add(slice(None), row)
    return Histogram(layout, result.result(), joint_hint(histograms)[0])
