"""What a native histogram tells of its observations: quantiles, shares, their variance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from accelerapp.server.promql.histogram import Floats, Histogram

_NAN_RESULT = "input to histogram_quantile has NaN observations, result is NaN"
_NAN_SKEW = "input to histogram_quantile has NaN observations, result is skewed higher"
_NAN_FRACTION = "input to histogram_fraction has NaN observations, which are excluded from all fractions"


def quantile(q: float, histogram: Histogram, note: Callable[[str], None]) -> float:
    """Estimate a quantile: on a logarithmic scale within a bucket, on a linear one within the zero bucket.

    NaN without observations, an infinity where `q` is not between 0 and 1. `note` is told what there is to say of
    observations that are NaN, which lie in no bucket.
    """
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    if histogram.count == 0 or math.isnan(q):
        return math.nan
    lower, upper, counts = _bounded(histogram)
    forward = math.isnan(histogram.sum) or q < 0.5
    rank = (q if forward else 1 - q) * histogram.count
    cumulative = np.cumsum(counts if forward else counts[::-1])
    reached = min(int(np.searchsorted(cumulative, rank)), len(counts) - 1)
    total = float(cumulative[-1]) if len(counts) else 0.0
    seen = min(float(cumulative[reached]), histogram.count) if len(counts) else 0.0
    bucket = reached if forward else len(counts) - 1 - reached
    if seen < rank:
        if math.isnan(histogram.sum):
            note(_NAN_RESULT)
            return math.nan
        return float(upper[bucket]) if len(counts) else 0.0
    if not len(counts):
        return math.nan
    if math.isnan(histogram.sum) and total < histogram.count:
        note(_NAN_SKEW)
    rank = rank - (seen - counts[bucket]) if forward else seen - rank
    share = float(rank / counts[bucket])
    low, high = float(lower[bucket]), float(upper[bucket])
    if low <= 0 <= high:
        return low + (high - low) * share
    log_low, log_high = np.log2(abs(low)), np.log2(abs(high))
    if low > 0:
        return float(np.exp2(log_low + (log_high - log_low) * share))
    return -float(np.exp2(log_high + (log_low - log_high) * (1 - share)))


def fraction(lower: float, upper: float, histogram: Histogram, note: Callable[[str], None]) -> float:
    """Estimate the share of observations between two values, as `quantile` does."""
    if histogram.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    columns = _bounded(histogram)
    count = histogram.count
    if math.isnan(histogram.sum):
        count = float(columns[2].sum())
        if count < histogram.count:
            note(_NAN_FRACTION)
    return (_rank(upper, columns, count) - _rank(lower, columns, count)) / histogram.count


def variance(histogram: Histogram) -> float:
    """Estimate the variance, each observation taken to be the geometric mean of its bucket's bounds."""
    lower, upper, counts = histogram.columns()
    middle = np.where((lower <= 0) & (upper >= 0), 0.0, np.copysign(np.sqrt(upper * lower), upper))
    away = middle - np.float64(histogram.sum) / np.float64(histogram.count)
    terms = counts * away * away
    total = math.fsum(terms) if np.isfinite(terms).all() else float(terms.sum())
    return float(np.float64(total) / np.float64(histogram.count))


def _bounded(histogram: Histogram) -> tuple[Floats, Floats, Floats]:
    """Return the columns of a histogram; with buckets of one sign alone, the zero bucket ends at nought."""
    lower, upper, counts = histogram.columns()
    zero = (lower <= 0) & (upper >= 0)
    if len(histogram.positive) and not len(histogram.negative):
        lower = np.where(zero, 0.0, lower)
    if len(histogram.negative) and not len(histogram.positive):
        upper = np.where(zero, 0.0, upper)
    return lower, upper, counts


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
