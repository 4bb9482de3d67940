"""Quantiles of plain numbers, interpolated between neighbours."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql.block import Bools, Floats


def quantile_of_columns(q: Floats, values: Floats, present: Bools) -> Floats:
    """Return the quantile of each column over its present values; NaN sorts before every number.

    `q` has one entry a column. Where it is below 0 the answer is -Inf, above 1 +Inf, NaN for NaN.
    """
    rank_class = np.where(present, np.where(np.isnan(values), 0, 1), 2)
    order = np.lexsort((values, rank_class), axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    counts = present.sum(axis=0)
    most = np.maximum(counts - 1, 0)
    rank = np.where((q >= 0) & (q <= 1), q, 0.0) * most
    lower = np.floor(rank)
    weight = rank - lower
    below = np.take_along_axis(ordered, lower.astype(np.int64)[None, :], axis=0)[0]
    above = np.take_along_axis(ordered, np.minimum(most, lower.astype(np.int64) + 1)[None, :], axis=0)[0]
    result = np.where(weight == 0, below, below * (1 - weight) + above * weight)
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q) | (counts == 0), np.nan, result)
