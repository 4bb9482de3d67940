"""Cutting a native histogram at a value: the operators `</` and `>/`."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql.histogram import Histogram, Side
from accelerapp.server.promql.histogram_layout import Floats, bounds


def trimmed(histogram: Histogram, at: float, *, above: bool) -> Histogram:
    """Take away the observations above a value, or those below it.

    In a bucket that the value lies in they are taken to be spread evenly on a logarithmic scale, in the zero bucket on
    a linear one. The sum becomes what the buckets' middles give.
    """
    sides = []
    count = total = 0.0
    changed = False
    for side, sign in ((histogram.positive, 1.0), (histogram.negative, -1.0)):
        ends = sign * bounds(side.index - 1, histogram.schema), sign * bounds(side.index, histogram.schema)
        kept, middle = _kept(np.minimum(*ends), np.maximum(*ends), side.population, at, above)
        changed |= bool((kept != side.population).any())
        sides.append(Side(side.index, kept))
        count += float(kept.sum())
        total += float((middle * kept).sum())
    zero_count = histogram.zero_count
    if zero_count > 0:
        zero_count, middle_of_zero = _of_zero_bucket(histogram, at, above)
        changed |= zero_count != histogram.zero_count
        count += zero_count
        total += middle_of_zero * zero_count
    if not changed:
        return histogram
    return Histogram.of_sides(
        histogram.schema,
        count,
        total,
        histogram.zero_threshold,
        zero_count,
        sides[0],
        sides[1],
        histogram.hint,
    )


def _kept(lower: Floats, upper: Floats, population: Floats, at: float, above: bool) -> tuple[Floats, Floats]:
    """Return how many observations of each bucket stay, and the middle of what stays."""
    share = np.where(at <= lower, 0.0, np.where(at >= upper, 1.0, _share_below(lower, upper, at)))
    kept = population * (share if above else 1 - share)
    low, high = (lower, np.minimum(upper, at)) if above else (np.maximum(lower, at), upper)
    middle = np.copysign(np.sqrt(np.abs(low * high)), lower + upper)
    # Nothing is known of how an infinite bucket is filled: it stays or goes as a whole.
    endless = np.isinf(lower) | np.isinf(upper)
    cut = endless & (lower < at) & (at < upper)
    kept = np.where(cut, np.where(np.isinf(lower) == above, population, 0.0), kept)
    middle = np.where(endless, np.where(cut, at, np.where(np.isinf(lower), upper, lower)), middle)
    return kept, np.where(kept > 0, middle, 0.0)


def _share_below(lower: Floats, upper: Floats, at: float) -> Floats:
    """Return which share of each bucket's width on a logarithmic scale lies below a value."""
    low, high, where = np.log2(np.abs(lower)), np.log2(np.abs(upper)), np.log2(np.abs(at))
    if at > 0:
        return np.asarray((where - low) / (high - low))
    return np.asarray(1 - (where - high) / (low - high))


def _of_zero_bucket(histogram: Histogram, at: float, above: bool) -> tuple[float, float]:
    lower = 0.0 if len(histogram.positive) and not len(histogram.negative) else -histogram.zero_threshold
    upper = 0.0 if len(histogram.negative) and not len(histogram.positive) else histogram.zero_threshold
    if (above and at >= upper) or (not above and at <= lower):
        return histogram.zero_count, (lower + upper) / 2
    if (above and at <= lower) or (not above and at >= upper):
        return 0.0, 0.0
    share = (at - lower) / (upper - lower)
    low, high = (lower, at) if above else (at, upper)
    return histogram.zero_count * (share if above else 1 - share), (low + high) / 2
