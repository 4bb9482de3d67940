"""Sums of many overlapping windows of the same numbers, as differences of running sums that are exact."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql.block import Bools, Floats, Ints
from accelerapp.server.promql.summation import two_sum

#: Three limbs hold 53 bits each, less what adding the numbers takes.
_LIMBS = 3
_MAX_SUM = 2.0**960
_MIN_EXPONENT = -1020


class RunningSums:
    """Running sums from whose differences the sum of any run of the numbers is told.

    Each number is cut into limbs that are multiples of a power of two, so coarse that even the sum of all limbs has no
    more than 53 bits: every addition is exact, and so is a difference. Integers have one limb; others up to three,
    enough for numbers that are 10¹⁵ times as large as each other. Which numbers that does not hold is known: sums over
    them must be made otherwise. NaN and infinities are counted apart.
    """

    def __init__(self, values: Floats) -> None:
        finite = np.isfinite(values)
        self._odd = None if finite.all() else _OddNumbers(values)
        rest = values if self._odd is None else np.where(finite, values, 0.0)
        self._limbs: list[Floats] = []
        largest = float(np.abs(rest).max(initial=0.0))
        if largest * len(rest) < _MAX_SUM:
            rest = self._cut(rest, largest)
        self._unheld = _running(rest != 0) if rest.any() else None

    def _cut(self, rest: Floats, largest: float) -> Floats:
        """Cut the numbers into limbs, and return what is left of them."""
        while largest > 0 and len(self._limbs) < _LIMBS:
            exponent = max(int(np.frexp(largest * len(rest))[1]) - 52, _MIN_EXPONENT)
            grid = 2.0**exponent
            limb = np.rint(rest / grid) * grid
            self._limbs.append(_running(limb))
            rest = rest - limb
            largest = grid / 2 if rest.any() else 0.0
        return rest

    def held(self, first: Ints, last: Ints) -> Bools:
        """Tell for which runs, from `first` to `last` (exclusive), the sum is exact."""
        if self._unheld is None:
            return np.ones(first.shape, dtype=np.bool_)
        held: Bools = self._unheld[last] == self._unheld[first]
        return held

    def sums(self, first: Ints, last: Ints) -> tuple[Floats, Floats]:
        """Return each run's sum, rounded to the nearest number, and what rounding lost."""
        total, lost = np.zeros(first.shape), np.zeros(first.shape)
        for limb in self._limbs:
            total, rest = two_sum(total, limb[last] - limb[first])
            lost += rest
        total, lost = two_sum(total, lost)
        if self._odd is not None:
            odd = self._odd.sums(first, last)
            # Nought is their sum where there is none of them, and changes no other sum.
            total, lost = total + odd, np.where(odd == 0, lost, 0.0)
        return total, lost


class _OddNumbers:
    """Counts NaN and infinities."""

    def __init__(self, values: Floats) -> None:
        self._counts = [_running(test(values)) for test in (np.isnan, np.isposinf, np.isneginf)]

    def sums(self, first: Ints, last: Ints) -> Floats:
        """Return what the sum of each run's NaN and infinities is, 0 where it has none."""
        nan, above, below = (counts[last] > counts[first] for counts in self._counts)
        infinite = np.where(above, np.inf, np.where(below, -np.inf, 0.0))
        return np.where(nan | (above & below), np.nan, infinite)


def _running(values: Floats | Bools) -> Floats:
    """Return the sums of the first 0, 1, 2, … values."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, dtype=np.float64, out=sums[1:])
    return sums
