"""Quantiles of classic histograms, whose buckets are series with the label `le`."""

from __future__ import annotations

import re

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import (
    SCHEMA_LABELS,
    Block,
    Bools,
    Floats,
    drop_labels,
    get_label,
    group_rows,
)
from accelerapp.server.promql.functions.context import Context, Function

_BOUND = "le"
_NUMBER = re.compile(r"[+-]?(?:inf|infinity|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", re.ASCII | re.IGNORECASE)
#: Counts that differ by less than this share are taken as equal: float noise of an aggregation before.
_TOLERANCE = 1e-12
_SMALLEST_NORMAL = 2.2250738585072014e-308
_LARGEST = 1.7976931348623157e308


def _histogram_quantile(call: ast.Call, context: Context) -> Block:
    q = context.scalar(call.args[0])
    block = context.vector(call.args[1])
    usable = [i for i, labels in enumerate(block.labels) if _NUMBER.fullmatch(get_label(labels, _BOUND))]
    block = block.rows(usable)
    bounds = np.array([float(get_label(labels, _BOUND)) for labels in block.labels])
    dropped = SCHEMA_LABELS | {_BOUND}
    groups = group_rows(block.labels, lambda labels: drop_labels(labels, dropped))
    values, present = (
        np.zeros((len(groups), context.steps.count)),
        np.zeros((len(groups), context.steps.count), bool),
    )
    for row, members in enumerate(groups.values()):
        order = np.array(members)[np.argsort(bounds[members], kind="stable")]
        patterns, which = np.unique(block.present[order], axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            buckets = order[patterns[:, number]]
            steps = np.flatnonzero(which.ravel() == number)
            if len(buckets):
                values[row, steps] = bucket_quantile(
                    q[steps], bounds[buckets], block.values[np.ix_(buckets, steps)]
                )
                present[row, steps] = True
    return Block(list(groups), values, present).without_empty()


def bucket_quantile(q: Floats, bounds: Floats, counts: Floats) -> Floats:
    """Interpolate quantiles in cumulative buckets.

    `bounds` are upper bounds in ascending order, `counts` buckets × steps, `q` one entry a step. NaN where there are
    fewer than two buckets, no observations, or no bucket without bound.
    """
    outside = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, np.nan))
    if not np.isposinf(bounds[-1]):
        return outside
    bounds, starts = np.unique(bounds, return_index=True)
    counts = _monotonic(np.add.reduceat(counts, starts, axis=0))
    if len(bounds) < 2:
        return outside
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
    return np.where((q >= 0) & (q <= 1), np.where(total == 0, np.nan, result), outside)


def _monotonic(counts: Floats) -> Floats:
    """Raise counts that fall below those of a smaller bucket, and level out float noise."""
    fixed = counts.copy()
    before = fixed[0]
    for row in range(1, len(fixed)):
        now = fixed[row]
        fixed[row] = np.where(_almost_equal(before, now) | (now < before), before, now)
        before = fixed[row]
    return fixed


def _almost_equal(a: Floats, b: Floats) -> Bools:
    size, difference = np.abs(a) + np.abs(b), np.abs(a - b)
    tiny = (a == 0) | (b == 0) | (size < _SMALLEST_NORMAL)
    close = np.where(
        tiny, difference < _TOLERANCE * _SMALLEST_NORMAL, difference / np.minimum(size, _LARGEST) < _TOLERANCE
    )
    equal: Bools = (a == b) | close | (np.isnan(a) & np.isnan(b))
    return equal


FUNCTIONS: dict[str, Function] = {"histogram_quantile": _histogram_quantile}
