"""The columns of native histograms: which buckets they have, and the bounds of these."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]

#: Count, sum and the zero bucket's population come before the buckets.
SCALARS = 3
_LARGEST = np.finfo(np.float64).max


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of histograms: count, sum, zero bucket, then the positive and the negative buckets of these indices.

    The indices ascend. Histograms that share a layout are computed at once.
    """

    schema: int
    zero_threshold: float
    positive: Indices
    negative: Indices

    @staticmethod
    def joined(layouts: Sequence[Layout]) -> Layout | None:
        """Return the columns that histograms of any of the layouts need.

        None where they do not have the same schema and zero threshold.
        """
        first, *others = layouts
        if not others:
            return first
        if any((one.schema, one.zero_threshold) != (first.schema, first.zero_threshold) for one in others):
            return None
        positive = joined_index([one.positive for one in layouts])
        return Layout(
            first.schema, first.zero_threshold, positive, joined_index([one.negative for one in layouts])
        )

    @property
    def middle(self) -> int:
        """The column of the first negative bucket."""
        return SCALARS + len(self.positive)

    @property
    def width(self) -> int:
        return self.middle + len(self.negative)

    def columns_of(self, other: Layout) -> npt.NDArray[np.intp]:
        """Return where the columns of a layout lie among those of this one, which has all of them."""
        return np.concatenate(
            (
                np.arange(SCALARS),
                SCALARS + self.positive.searchsorted(other.positive),
                self.middle + self.negative.searchsorted(other.negative),
            )
        )

    def bounds(self) -> tuple[Floats, Floats]:
        """Return lower and upper bounds of the negative buckets from below, the zero bucket and the positive ones.

        What would reach into the zero bucket begins at its bound.
        """
        threshold = self.zero_threshold
        below, above = -bounds(self.negative, self.schema), -bounds(self.negative - 1, self.schema)
        above = np.where((above < 0) & (above > -threshold), -threshold, above)
        low, high = bounds(self.positive - 1, self.schema), bounds(self.positive, self.schema)
        low = np.where((low > 0) & (low < threshold), threshold, low)
        return (
            np.concatenate((below[::-1], [-threshold], low)),
            np.concatenate((above[::-1], [threshold], high)),
        )

    def counts(self, rows: Floats) -> Floats:
        """Return the populations of rows in the order of `bounds`; of a zero bucket not above nought there is none."""
        zero = rows[:, 2:SCALARS]
        return np.concatenate(
            (
                rows[:, self.middle :][:, ::-1],
                np.where(zero > 0, zero, 0.0),
                rows[:, SCALARS : self.middle],
            ),
            axis=1,
        )


def joined_index(indices: Sequence[Indices]) -> Indices:
    """Return the indices that are in any of the given ones."""
    first = indices[0]
    if all(index is first or np.array_equal(index, first) for index in indices[1:]):
        return first
    return np.unique(np.concatenate(indices))


def bounds(index: Indices, schema: int) -> Floats:
    """Return the upper bounds of positive buckets; that of the last one for finite numbers is the largest of these."""
    index = index.astype(np.int64)
    if schema < 0:
        fraction, exponents = np.full(len(index), 0.5), (index << -schema) + 1
    else:
        fraction, exponents = _fractions(schema)[index & ((1 << schema) - 1)], (index >> schema) + 1
    with np.errstate(over="ignore"):
        upper = np.ldexp(fraction, np.clip(exponents, -2000, 2000).astype(np.int32))
    return np.where((fraction == 0.5) & (exponents == 1025), _LARGEST, upper)


@functools.cache
def _fractions(schema: int) -> Floats:
    """Return the bounds from a half up to one, every other that of the schema before, to the last bit Prometheus'."""
    if schema < 2:
        return np.array([0.5, 1 / math.sqrt(2)][: 1 << schema])
    before = _fractions(schema - 1)
    return np.stack((before, before * 2.0 ** (2.0**-schema)), axis=1).ravel()
