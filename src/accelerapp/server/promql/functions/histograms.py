"""Functions of histograms: quantiles and shares of classic ones, whose buckets are series with the label `le`, too."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.block import (
    Block,
    Bools,
    Floats,
    Ints,
    drop_labels,
    get_label,
    group_rows,
)
from accelerapp.server.promql.estimation import fraction, quantiles, variances
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.functions.native import rated_statistics
from accelerapp.server.promql.histogram import Histogram
from accelerapp.server.promql.histogram_layout import Layout
from accelerapp.server.promql.histogram_rows import by_layout

_BOUND = "le"
_NUMBER = re.compile(r"[+-]?(?:inf|infinity|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.ASCII | re.IGNORECASE)
#: Counts that differ by less than this share are taken as equal: float noise of an aggregation before.
_TOLERANCE = 1e-12
_SMALLEST_NORMAL = 2.2250738585072014e-308
_LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True, eq=False)
class _Classic:
    """The buckets of one classic histogram at some steps: upper bounds in ascending order, counts bounds × steps."""

    bounds: Floats
    counts: Floats
    steps: npt.NDArray[np.int64]


#: Gives one number for each step of a classic histogram.
_OfClassic = Callable[[_Classic], Floats]
#: Gives one number for each of some native histograms, which are at the given steps.
_OfNative = Callable[[list[Histogram], Ints], Floats]


def _of_either(argument: ast.Expr, context: Context, of_classic: _OfClassic, of_native: _OfNative) -> Block:
    """Evaluate a function of classic and native histograms over both that a vector has.

    Where there is a native histogram beside the buckets of a classic one, with the same labels, neither is evaluated.
    """
    block = context.vector(argument)
    classic = _classic(argument, block, context, of_classic)
    if block.histograms is None:
        return classic.without_name()
    rows = np.flatnonzero(block.native.any(axis=1))
    labels = [block.labels[row] for row in rows.tolist()]
    present = block.native[rows]
    here = {each: row for row, each in enumerate(classic.labels)}
    for row, each in enumerate(labels):
        both = present[row] & classic.present[here[each]] if each in here else None
        if both is not None and both.any():
            context.notes.warning(annotation.MIXED_CLASSIC_AND_NATIVE, argument)
            present[row] &= ~both
            classic.present[here[each]] &= ~both
    values = np.zeros(present.shape)
    values[present] = of_native(block.histograms[rows][present].tolist(), np.nonzero(present)[1])
    return classic.without_empty().beside(Block(labels, values, present).without_empty()).without_name()


def _classic(argument: ast.Expr, block: Block, context: Context, of_classic: _OfClassic) -> Block:
    """Evaluate a function over the classic histograms of a vector, whose labels then have no `le`."""
    usable = []
    for row, labels in enumerate(block.labels):
        if not block.present[row].any():
            continue
        text = get_label(labels, _BOUND)
        if _NUMBER.fullmatch(text) and not np.isnan(float(text)):
            usable.append(row)
        else:
            context.notes.warning(annotation.bad_bucket(text), argument)
    block = block.floats() if not usable else block.rows(usable)
    bounds = (
        np.array([float(get_label(labels, _BOUND)) for labels in block.labels]) if usable else np.empty(0)
    )
    groups = (
        group_rows(block.labels, lambda labels: drop_labels(labels, frozenset({_BOUND}))) if usable else {}
    )
    values = np.zeros((len(groups), context.steps.count))
    present = np.zeros((len(groups), context.steps.count), dtype=np.bool_)
    for row, members in enumerate(groups.values()):
        order = np.array(members)[np.argsort(bounds[members], kind="stable")]
        patterns, which = _patterns(block.present[order])
        for number in range(patterns.shape[1]):
            buckets = order[patterns[:, number]]
            steps = np.flatnonzero(which == number)
            if len(buckets):
                counts = block.values[np.ix_(buckets, steps)]
                values[row, steps] = of_classic(_Classic(bounds[buckets], counts, steps))
                present[row, steps] = True
    return Block(list(groups), values, present)


def _patterns(present: Bools) -> tuple[Bools, Ints]:
    """Return the different columns, and which of them each column is."""
    if present.all():
        return present[:, :1], np.zeros(present.shape[1], dtype=np.int64)
    patterns, which = np.unique(present, axis=1, return_inverse=True)
    return patterns, which.ravel()


def _histogram_quantile(call: ast.Call, context: Context) -> Block:
    q = context.scalar(call.args[0])
    for wrong in np.unique(q[~((q >= 0) & (q <= 1))]).tolist():
        context.notes.warning(annotation.invalid_quantile(wrong), call.args[0])
    argument = call.args[1]

    def of_classic(classic: _Classic) -> Floats:
        wanted = q[classic.steps]
        values, raised = bucket_quantile(wanted, classic.bounds, classic.counts)
        for column in np.flatnonzero(raised.any(axis=0)).tolist():
            where = raised[:, column] > 0
            bounds = np.unique(classic.bounds)[where]
            at = int(context.times[classic.steps[column]])
            context.notes.not_monotonic(
                argument, at, float(bounds[0]), float(bounds[-1]), float(raised[:, column].max())
            )
        return values

    def of_native(histograms: list[Histogram], steps: Ints) -> Floats:
        values = np.zeros(len(histograms))
        for positions, layout, rows in by_layout(histograms):
            values[positions] = quantiles(
                q[steps[positions]], layout, rows, lambda text: context.notes.info(text, argument)
            )
        return values

    return _of_either(argument, context, of_classic, of_native)


def _histogram_fraction(call: ast.Call, context: Context) -> Block:
    lower, upper = context.scalar(call.args[0]), context.scalar(call.args[1])
    argument = call.args[2]

    def of_classic(classic: _Classic) -> Floats:
        return bucket_fraction(lower[classic.steps], upper[classic.steps], classic.bounds, classic.counts)

    def of_native(histograms: list[Histogram], steps: Ints) -> Floats:
        def note(text: str) -> None:
            context.notes.info(text, argument)

        bounds = zip(lower[steps].tolist(), upper[steps].tolist(), histograms, strict=True)
        return np.array([fraction(low, high, histogram, note) for low, high, histogram in bounds])

    return _of_either(argument, context, of_classic, of_native)


def _of_rows(function: Callable[[Layout, Floats], Floats]) -> Function:
    """Make a function of native histograms that share a layout, as rows."""

    def evaluate(call: ast.Call, context: Context) -> Block:
        block = context.vector(call.args[0])
        present = block.native
        values = np.zeros(present.shape)
        if block.histograms is not None:
            histograms = block.histograms[present].tolist()
            found = np.zeros(len(histograms))
            for positions, layout, rows in by_layout(histograms):
                found[positions] = function(layout, rows)
            values[present] = found
        return Block(block.labels, values, present).without_empty().without_name()

    return evaluate


def _of_statistics(function: Callable[[Floats, Floats], Floats]) -> Function:
    """Make a function of the counts and sums of native histograms."""

    def evaluate(call: ast.Call, context: Context) -> Block:
        rated = rated_statistics(call.args[0], context)
        if rated is not None:
            count, total = rated
            values = function(count.values, total.values)
            return Block(count.labels, values, count.present).without_empty().without_name()
        block = context.vector(call.args[0])
        present = block.native
        counts, sums = np.zeros(present.shape), np.zeros(present.shape)
        if block.histograms is not None:
            found = block.histograms[present].tolist()
            counts[present], sums[present] = [one.count for one in found], [one.sum for one in found]
        return Block(block.labels, function(counts, sums), present).without_empty().without_name()

    return evaluate


def bucket_quantile(q: Floats, bounds: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Interpolate quantiles in cumulative buckets.

    `bounds` are upper bounds in ascending order, `counts` buckets × steps, `q` one entry a step. NaN where there are
    fewer than two buckets, no observations, or no bucket without bound. Returns beside the quantiles by how much each
    bucket (those of one bound as one) was raised because it held fewer than a smaller one.
    """
    outside = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, np.nan))
    valid = (q >= 0) & (q <= 1)
    bounds, starts = np.unique(bounds, return_index=True)
    if not np.isposinf(bounds[-1]):
        return outside, np.zeros((len(bounds), len(q)))
    counts, raised = _monotonic(np.add.reduceat(counts, starts, axis=0))
    raised = np.where(valid, raised, 0.0)
    if len(bounds) < 2:
        return outside, raised
    total = counts[-1]
    rank = q * total
    bucket = np.argmax(np.concatenate((counts[:-1] >= rank, np.ones((1, len(q)), bool))), axis=0)
    steps = np.arange(len(q))
    before = np.maximum(bucket - 1, 0)
    low = np.where(bucket > 0, bounds[before], 0.0)
    below = np.where(bucket > 0, counts[before, steps], 0.0)
    result = low + (bounds[bucket] - low) * ((rank - below) / (counts[bucket, steps] - below))
    result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], result)
    result = np.where(bucket == len(bounds) - 1, bounds[-2], result)
    return np.where(valid, np.where(total == 0, np.nan, result), outside), raised


def bucket_fraction(lower: Floats, upper: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return the share of observations between two values in cumulative buckets, given as for `bucket_quantile`."""
    bounds, starts = np.unique(bounds, return_index=True)
    if not np.isposinf(bounds[-1]):
        return np.full(len(lower), np.nan)
    counts = np.add.reduceat(counts, starts, axis=0)
    total = counts[-1]
    share = (_rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / total
    unknown = (total == 0) | np.isnan(lower) | np.isnan(upper)
    return np.where(unknown, np.nan, np.where(lower >= upper, 0.0, share))


def _rank(value: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Return how many observations are estimated to be at most as large as a value; one value a step."""
    steps = np.arange(len(value))
    lows = np.concatenate(([0.0 if bounds[0] > 0 else -np.inf], bounds[:-1]))
    bucket = np.minimum(np.searchsorted(bounds, value), len(bounds) - 1)
    low, high, count = lows[bucket], bounds[bucket], counts[bucket, steps]
    below = np.where(bucket > 0, counts[np.maximum(bucket - 1, 0), steps], 0.0)
    rank = np.where(np.isneginf(low), count, below + (count - below) * (value - low) / (high - low))
    rank = np.where(value <= lows[0], 0.0, np.where(np.isposinf(value), counts[-1], rank))
    limited: Floats = np.minimum(rank, counts[-1])
    return limited


def _monotonic(counts: Floats) -> tuple[Floats, Floats]:
    """Raise counts that fall below those of a smaller bucket, and level out float noise.

    Returns beside the counts by how much each was raised, other than for noise.
    """
    fixed, raised = counts.copy(), np.zeros(counts.shape)
    before, now = counts[:-1], counts[1:]
    clearly_more = now - before > 2 * _TOLERANCE * (np.abs(now) + np.abs(before)) + _SMALLEST_NORMAL
    if (clearly_more | (now == before)).all():
        return fixed, raised
    before = fixed[0]
    for row in range(1, len(fixed)):
        now = fixed[row]
        noise = _almost_equal(before, now)
        raised[row] = np.where(~noise & (now < before), before - now, 0.0)
        fixed[row] = np.where(noise | (now < before), before, now)
        before = fixed[row]
    return fixed, raised


def _almost_equal(a: Floats, b: Floats) -> Bools:
    size, difference = np.abs(a) + np.abs(b), np.abs(a - b)
    tiny = (a == 0) | (b == 0) | (size < _SMALLEST_NORMAL)
    close = np.where(
        tiny, difference < _TOLERANCE * _SMALLEST_NORMAL, difference / np.minimum(size, _LARGEST) < _TOLERANCE
    )
    equal: Bools = (a == b) | close | (np.isnan(a) & np.isnan(b))
    return equal


FUNCTIONS: dict[str, Function] = {
    "histogram_avg": _of_statistics(lambda counts, sums: sums / counts),
    "histogram_count": _of_statistics(lambda counts, sums: counts),
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_stddev": _of_rows(lambda layout, rows: np.sqrt(variances(layout, rows))),
    "histogram_stdvar": _of_rows(variances),
    "histogram_sum": _of_statistics(lambda counts, sums: sums),
}
