"""What a native histogram tells of its observations: quantiles, shares, their variance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from accelerapp.server.promql.histogram import Histogram
from accelerapp.server.promql.histogram_layout import Floats, Layout

_NAN_RESULT = "input to histogram_quantile has NaN observations, result is NaN"
_NAN_SKEW = "input to histogram_quantile has NaN observations, result is skewed higher"
_NAN_FRACTION = "input to histogram_fraction has NaN observations, which are excluded from all fractions"


@np.errstate(all="ignore")
def quantiles(q: Floats, layout: Layout, rows: Floats, note: Callable[[str], None]) -> Floats:
    """Estimate a quantile of each row: on a logarithmic scale within a bucket, on a linear one within the zero bucket.

    NaN without observations, an infinity where `q`, one entry a row, is not between 0 and 1. `note` is told what there
    is to say of observations that are NaN, which lie in no bucket.
    """
    lower, upper = layout.bounds()
    counts = layout.counts(rows)
    count, some_nan = rows[:, 0], np.isnan(rows[:, 1])
    forward = some_nan | (q < 0.5)
    rank = np.where(forward, q, 1 - q) * count
    in_order = np.where(forward[:, None], counts, counts[:, ::-1])
    cumulative = np.cumsum(in_order, axis=1)
    there = in_order != 0
    # The first bucket with observations that reaches the rank, or the last one.
    reaches = there & (cumulative >= rank[:, None])
    last = counts.shape[1] - 1
    reached = np.where(reaches.any(axis=1), reaches.argmax(axis=1), last - there[:, ::-1].argmax(axis=1))
    each = np.arange(len(rows))
    seen = np.minimum(cumulative[each, reached], count)
    bucket = np.where(forward, reached, last - reached)
    own = counts[each, bucket]
    low, high = _bounded(layout, counts, lower[bucket], upper[bucket])
    share = np.where(forward, rank - (seen - own), seen - rank) / own
    empty = ~there.any(axis=1)
    short = np.where(empty, 0.0, seen) < rank
    usual = (q >= 0) & (q <= 1) & (count != 0)
    if (usual & short & some_nan).any():
        note(_NAN_RESULT)
    if (usual & ~short & ~empty & some_nan & (cumulative[:, -1] < count)).any():
        note(_NAN_SKEW)
    found = np.where(short, np.where(empty, 0.0, high), _within(low, high, share))
    found[(short & some_nan) | (~short & empty) | (count == 0) | np.isnan(q)] = np.nan
    outside = (q < 0) | (q > 1)
    found[outside] = np.copysign(np.inf, q[outside])
    return found


def _within(low: Floats, high: Floats, share: Floats) -> Floats:
    """Return the values at a share of the way from one bound to the other."""
    log_low, log_high = np.log2(np.abs(low)), np.log2(np.abs(high))
    above = np.exp2(log_low + (log_high - log_low) * share)
    below = -np.exp2(log_high + (log_low - log_high) * (1 - share))
    linear = low + (high - low) * share
    return np.where((low <= 0) & (high >= 0), linear, np.where(low > 0, above, below))


def _bounded(layout: Layout, counts: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Return bounds of a bucket of each row; with buckets of one sign alone, the zero bucket ends at nought."""
    zero = (lower <= 0) & (upper >= 0)
    negatives = len(layout.negative)
    negative, positive = (part.any(axis=1) for part in (counts[:, :negatives], counts[:, negatives + 1 :]))
    return (
        np.where(zero & positive & ~negative, 0.0, lower),
        np.where(zero & negative & ~positive, 0.0, upper),
    )


def quantile(q: float, histogram: Histogram, note: Callable[[str], None]) -> float:
    """Estimate a quantile of one histogram."""
    return float(quantiles(np.array([q]), histogram.layout, histogram.numbers[None, :], note)[0])


def fraction(lower: float, upper: float, histogram: Histogram, note: Callable[[str], None]) -> float:
    """Estimate the share of observations between two values, as `quantile` does."""
    if histogram.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    lows, highs, counts = histogram.columns()
    lows, highs = _bounded(histogram.layout, histogram.layout.counts(histogram.numbers[None, :]), lows, highs)
    columns = lows, highs, counts
    count = histogram.count
    if math.isnan(histogram.sum):
        count = float(columns[2].sum())
        if count < histogram.count:
            note(_NAN_FRACTION)
    return (_rank(upper, columns, count) - _rank(lower, columns, count)) / histogram.count


def variances(layout: Layout, rows: Floats) -> Floats:
    """Estimate the variance of each row, each observation taken to be the geometric mean of its bucket's bounds."""
    lower, upper = layout.bounds()
    middle = np.where((lower <= 0) & (upper >= 0), 0.0, np.copysign(np.sqrt(upper * lower), upper))
    away = middle - (rows[:, 1] / rows[:, 0])[:, None]
    counts = layout.counts(rows)
    terms = np.where(counts != 0, counts * away * away, 0.0)
    sums = terms.sum(axis=1)
    finite = np.isfinite(terms).all(axis=1)
    sums[finite] = [math.fsum(row) for row in terms[finite].tolist()]
    result: Floats = sums / rows[:, 0]
    return result


def _rank(value: float, columns: tuple[Floats, Floats, Floats], count: float) -> float:
    """Return how many observations are estimated to be at most as large as a value."""
    lower, upper, counts = columns
    bucket = int(np.searchsorted(upper, value, side="right"))
    if bucket == len(counts):
        return count
    below = float(counts[:bucket].sum())
    low, high = float(lower[bucket]), float(upper[bucket])
    if low >= value:
        return min(below, count)
    if low <= 0 <= high:
        share = (value - low) / (high - low)
    else:
        log_low, log_high, log_value = np.log2(np.abs([low, high, value]))
        share = (log_value - log_low) / (log_high - log_low)
        if value <= 0:
            share = 1 - (log_value - log_high) / (log_low - log_high)
    return min(below + float(counts[bucket]) * float(share), count)
