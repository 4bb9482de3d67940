"""Additions that keep what rounding loses: Neumaier's, where Prometheus uses it, and Knuth's."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql.block import Bools, Floats, Ints


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sums of two numbers each, and exactly what rounding lost (Knuth)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def add_compensated(increment: Floats, total: Floats, lost: Floats) -> tuple[Floats, Floats]:
    """Add numbers to running totals and keep what rounding lost beside them.

    Returns the new totals and losses. The loss of an infinite total is nought, lest it turn into NaN.
    """
    result = total + increment
    bigger = np.abs(total) >= np.abs(increment)
    rest = np.where(bigger, (total - result) + increment, (increment - result) + total)
    return result, np.where(np.isinf(result), 0.0, lost + rest)


def grouped_sums(values: Floats, sizes: Ints) -> tuple[Floats, Floats]:
    """Add up the columns of groups of rows that follow each other, none of them empty, pair by pair.

    Returns the groups' sums and what rounding lost: together they are as exact as if twice the digits were kept
    (Ogita, Rump and Oishi). The numbers must be finite, and so must be their sums.
    """
    total, lost = values, np.zeros_like(values)
    while len(total) > len(sizes):
        starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
        rank = np.arange(len(total)) - starts
        left = np.flatnonzero(rank % 2 == 0)
        paired = rank[left] + 1 < np.repeat(sizes, (sizes + 1) // 2)
        right = left[paired] + 1
        pairs, rest = two_sum(total[right - 1], total[right])
        rest += lost[right - 1] + lost[right]
        total, lost = total[left], lost[left]
        total[paired], lost[paired] = pairs, rest
        sizes = (sizes + 1) // 2
    return total, lost


class Mean:
    """A running mean as Prometheus computes it: directly until the sum overflows, incrementally from then on."""

    def __init__(self, first: Floats) -> None:
        self.total = first.copy()
        self.lost = np.zeros_like(first)
        self.count = np.ones_like(first)
        self.incremental = np.zeros(first.shape, dtype=np.bool_)

    def add(self, where: Bools | slice, values: Floats) -> None:
        """Take one more value into the means that `where` selects."""
        total, lost, incremental = self.total[where], self.lost[where], self.incremental[where]
        count = self.count[where] + 1
        self.count[where] = count
        new_total, new_lost = add_compensated(values, total, lost)
        overflow = ~incremental & np.isinf(new_total)
        if overflow.any() or incremental.any():
            mean = np.where(overflow, total / (count - 1), total)
            lost = np.where(overflow, lost / (count - 1), lost)
            incremental = incremental | overflow
            share = (count - 1) / count
            mean, mean_lost = add_compensated(values / count, share * mean, share * lost)
            new_total, new_lost = (
                np.where(incremental, mean, new_total),
                np.where(incremental, mean_lost, new_lost),
            )
            self.incremental[where] = incremental
        self.total[where], self.lost[where] = new_total, new_lost

    def result(self) -> Floats:
        direct = self.total / self.count + self.lost / self.count
        return np.where(self.incremental, self.total + self.lost, direct)
