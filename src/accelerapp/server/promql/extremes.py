"""The largest and smallest of many overlapping windows of the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelerapp.server.promql.block import Bools, Floats, Ints

Better = Callable[[Floats, Floats], Bools]


def extremes(values: Floats, first: Ints, last: Ints, better: Better) -> Floats:
    """Return the best number of each run from `first` to `last` (exclusive), none of them empty.

    Of equal ones the first; NaN only where there is nothing else. Runs of 1, 2, 4, … numbers are compared once, and a
    window is two of them that may overlap.
    """
    result = np.empty(len(first))
    exponents = np.frexp(last - first)[1] - 1
    runs, length = values, 1
    for exponent in range(int(exponents.max(initial=-1)) + 1):
        if exponent:
            runs = _best(runs[: len(runs) - length], runs[length:], better)
            length *= 2
        chosen = np.flatnonzero(exponents == exponent)
        if len(chosen):
            result[chosen] = _best(runs[first[chosen]], runs[last[chosen] - length], better)
    return result


def _best(earlier: Floats, later: Floats, better: Better) -> Floats:
    return np.where(better(later, earlier) | np.isnan(earlier), later, earlier)
