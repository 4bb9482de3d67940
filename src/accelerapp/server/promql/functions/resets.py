"""What a counter had reached before each of its resets."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql.block import Bools, Floats, Ints


def falls(values: Floats) -> Bools:
    """Tell for every sample whether it is smaller than the one before it, whatever series that belongs to."""
    fallen = np.zeros(len(values), dtype=np.bool_)
    np.less(values[1:], values[:-1], out=fallen[1:])
    return fallen


def add_reached(totals: Floats, values: Floats, first: Ints, last: Ints) -> None:
    """Add to each total, one by one, the values before each fall within a run from `first` to `last` (exclusive)."""
    fallen = np.flatnonzero(falls(values))
    if not len(fallen):
        return
    reached = values[fallen - 1]
    lowest = np.searchsorted(fallen, first, side="right")
    count = np.searchsorted(fallen, last, side="left") - lowest
    order = np.argsort(-count, kind="stable")
    for k in range(int(count.max(initial=0))):
        order = order[: np.searchsorted(-count[order], -k, side="left")]
        totals[order] += reached[lowest[order] + k]
