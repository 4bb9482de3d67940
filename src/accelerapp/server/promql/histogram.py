"""A native histogram as a value of an expression: its arithmetic, as Prometheus' specification has it."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accelerapp.server.signals import NativeHistogram

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]

_LARGEST = np.finfo(np.float64).max


class Hint(enum.Enum):
    """What is known of a histogram beside the one before it in its series."""

    UNKNOWN = enum.auto()
    RESET = enum.auto()
    NOT_RESET = enum.auto()
    GAUGE = enum.auto()


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The buckets of one sign that are not empty, in ascending order of their indices."""

    index: Indices
    population: Floats

    @staticmethod
    def empty() -> Side:
        return Side(np.empty(0, dtype=np.int32), np.empty(0))

    def __len__(self) -> int:
        return len(self.index)

    def compact(self) -> Side:
        kept = self.population != 0
        return self if kept.all() else Side(self.index[kept], self.population[kept])

    def scaled(self, factor: float) -> Side:
        return Side(self.index, self.population * factor)

    def widened(self, steps: int) -> Side:
        """Merge 2^steps buckets into one, which is a schema smaller by so much."""
        if not steps or not len(self.index):
            return self
        index = ((self.index - 1) >> steps) + 1
        first = np.flatnonzero(np.concatenate(([True], index[1:] != index[:-1])))
        return Side(index[first], np.add.reduceat(self.population, first))

    def spread(self, index: Indices) -> Floats:
        """Return the population of each bucket of an index that has all of this side's."""
        if len(index) == len(self.index):
            return self.population
        population = np.zeros(len(index))
        population[np.searchsorted(index, self.index)] = self.population
        return population


@dataclass(frozen=True, slots=True, eq=False)
class Bucket:
    """One bucket with its bounds; of an exponential one the bound nearer to nought is not within."""

    lower: float
    upper: float
    count: float

    @property
    def boundaries(self) -> int:
        """Which bounds are within, as Prometheus' JSON has it: 0 the upper, 1 the lower, 3 both."""
        if self.lower <= 0 <= self.upper:
            return 3
        return 1 if self.lower < 0 else 0


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """A native histogram with exponential buckets; `signals.NativeHistogram` says what the fields mean."""

    schema: int
    count: float
    sum: float
    zero_threshold: float
    zero_count: float
    positive: Side
    negative: Side
    hint: Hint = Hint.UNKNOWN

    def with_hint(self, hint: Hint) -> Histogram:
        return self if hint is self.hint else replace(self, hint=hint)

    def compact(self) -> Histogram:
        """Leave out empty buckets."""
        positive, negative = self.positive.compact(), self.negative.compact()
        if positive is self.positive and negative is self.negative:
            return self
        return replace(self, positive=positive, negative=negative)

    def scaled(self, factor: float) -> Histogram:
        """Multiply every count and the sum; a negative factor makes a gauge of it."""
        return Histogram(
            self.schema,
            self.count * factor,
            self.sum * factor,
            self.zero_threshold,
            self.zero_count * factor,
            self.positive.scaled(factor),
            self.negative.scaled(factor),
            Hint.GAUGE if factor < 0 else self.hint,
        )

    def divided(self, divisor: float) -> Histogram:
        """Divide every count and the sum; there is no bucket left after a division by nought."""
        by = np.float64(divisor)
        sides = (self.positive, self.negative)
        if divisor == 0:
            sides = (Side.empty(), Side.empty())
        else:
            sides = (
                Side(self.positive.index, self.positive.population / by),
                Side(self.negative.index, self.negative.population / by),
            )
        return replace(
            self,
            count=float(self.count / by),
            sum=float(self.sum / by),
            zero_count=float(self.zero_count / by),
            positive=sides[0],
            negative=sides[1],
            hint=Hint.GAUGE if divisor < 0 else self.hint,
        )

    def widened(self, schema: int) -> Histogram:
        """Return the same with a schema that is as small or smaller."""
        steps = self.schema - schema
        if not steps:
            return self
        return replace(
            self,
            schema=schema,
            positive=self.positive.widened(steps),
            negative=self.negative.widened(steps),
        )

    def added(self, other: Histogram) -> Histogram:
        return _combined(self, other, 1.0)

    def subtracted(self, other: Histogram) -> Histogram:
        return _combined(self, other, -1.0)

    def same_as(self, other: Histogram) -> bool:
        """Tell whether two histograms are the same, bit by bit."""
        return (
            self.schema == other.schema
            and self.zero_threshold == other.zero_threshold
            and _bits(self).tobytes() == _bits(other).tobytes()
            and np.array_equal(self.positive.index, other.positive.index)
            and np.array_equal(self.negative.index, other.negative.index)
        )

    def is_reset_of(self, before: Histogram) -> bool:
        """Tell whether a counter began anew between the sample before and this one.

        That is so where any count fell, and where buckets became narrower.
        """
        if self.hint is Hint.RESET:
            return True
        if self.hint is Hint.NOT_RESET:
            return False
        if (
            self.count < before.count
            or self.schema > before.schema
            or self.zero_threshold < before.zero_threshold
        ):
            return True
        before, threshold = _with_threshold(before, self.zero_threshold)
        if threshold != self.zero_threshold or self.zero_count < before.zero_count:
            return True
        steps = before.schema - self.schema
        return _fell(before.positive.widened(steps), self.positive) or _fell(
            before.negative.widened(steps), self.negative
        )

    def buckets(self) -> list[Bucket]:
        """Return the buckets that are not empty, in ascending order of their bounds."""
        lowers, uppers, counts = self.columns()
        return [
            Bucket(lower, upper, count)
            for lower, upper, count in zip(lowers.tolist(), uppers.tolist(), counts.tolist(), strict=True)
            if count != 0
        ]

    def native(self) -> NativeHistogram:
        """Return the histogram as it is stored; where counts may fall it is a gauge."""
        sides = [
            tuple(zip(side.index.tolist(), side.population.tolist(), strict=True))
            for side in (self.positive, self.negative)
        ]
        return NativeHistogram(
            self.schema,
            self.count,
            self.sum,
            self.zero_threshold,
            self.zero_count,
            sides[0],
            sides[1],
            self.hint is Hint.GAUGE,
        )

    def columns(self) -> tuple[Floats, Floats, Floats]:
        """Return lower bounds, upper bounds and counts of all buckets, in ascending order of the bounds.

        What would reach into the zero bucket begins at its bound.
        """
        threshold = self.zero_threshold
        below, above = (
            -bounds(self.negative.index, self.schema),
            -bounds(self.negative.index - 1, self.schema),
        )
        above = np.where((above < 0) & (above > -threshold), -threshold, above)
        low, high = bounds(self.positive.index - 1, self.schema), bounds(self.positive.index, self.schema)
        low = np.where((low > 0) & (low < threshold), threshold, low)
        zero = np.array([threshold]) if self.zero_count > 0 else np.empty(0)
        return (
            np.concatenate((below[::-1], -zero, low)),
            np.concatenate((above[::-1], zero, high)),
            np.concatenate(
                (
                    self.negative.population[::-1],
                    np.full(len(zero), self.zero_count),
                    self.positive.population,
                )
            ),
        )


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


def joint_hint(histograms: Sequence[Histogram]) -> tuple[Hint, bool]:
    """Return the hint of what is made of several histograms, and whether theirs contradict each other."""
    hints = {one.hint for one in histograms}
    collision = {Hint.RESET, Hint.NOT_RESET} <= hints
    if len(hints) == 1:
        return hints.pop(), False
    return (Hint.GAUGE if Hint.GAUGE in hints else Hint.UNKNOWN), collision


def _combined(left: Histogram, right: Histogram, sign: float) -> Histogram:
    if left.schema != right.schema or left.zero_threshold != right.zero_threshold:
        left, right = _reconciled([left, right])
    positive, negative = _index([left.positive, right.positive]), _index([left.negative, right.negative])
    return Histogram(
        left.schema,
        left.count + sign * right.count,
        left.sum + sign * right.sum,
        left.zero_threshold,
        left.zero_count + sign * right.zero_count,
        Side(positive, left.positive.spread(positive) + sign * right.positive.spread(positive)),
        Side(negative, left.negative.spread(negative) + sign * right.negative.spread(negative)),
        joint_hint((left, right))[0],
    )


def _reconciled(histograms: Sequence[Histogram]) -> list[Histogram]:
    """Give histograms one schema and one zero threshold, which lies within no bucket of any."""
    schema = min(one.schema for one in histograms)
    threshold = max(one.zero_threshold for one in histograms)
    found = list(histograms)
    while any(one.zero_threshold != threshold for one in found):
        for position, one in enumerate(found):
            found[position], threshold = _with_threshold(one, threshold)
    return [one.widened(schema) for one in found]


def _with_threshold(histogram: Histogram, threshold: float) -> tuple[Histogram, float]:
    """Widen the zero bucket to a threshold, or further where that lies within a bucket; return it as well."""
    if threshold <= histogram.zero_threshold:
        return histogram, histogram.zero_threshold
    sides = (histogram.positive, histogram.negative)
    while True:
        inside = [bounds(side.index - 1, histogram.schema) < threshold for side in sides]
        reached = [
            float(bounds(side.index[mask], histogram.schema).max(initial=threshold))
            for side, mask in zip(sides, inside, strict=True)
        ]
        if max(reached) == threshold:
            break
        threshold = max(reached)
    zero_count = histogram.zero_count + sum(
        float(side.population[mask].sum()) for side, mask in zip(sides, inside, strict=True)
    )
    positive, negative = (
        Side(side.index[~mask], side.population[~mask]) for side, mask in zip(sides, inside, strict=True)
    )
    widened = replace(
        histogram, zero_threshold=threshold, zero_count=zero_count, positive=positive, negative=negative
    )
    return widened, threshold


def _index(sides: Sequence[Side]) -> Indices:
    """Return the indices that any of the sides has."""
    first = sides[0].index
    if all(side.index is first or np.array_equal(side.index, first) for side in sides[1:]):
        return first
    return np.unique(np.concatenate([side.index for side in sides]))


def _vector(histogram: Histogram) -> Floats:
    """Lay all numbers of a histogram side by side."""
    scalars = [histogram.count, histogram.sum, histogram.zero_count]
    return np.concatenate((scalars, histogram.positive.population, histogram.negative.population))


def _bits(histogram: Histogram) -> npt.NDArray[np.uint64]:
    return _vector(histogram).view(np.uint64)


def _fell(before: Side, now: Side) -> bool:
    """Tell whether a bucket has fewer observations than before."""
    if len(before) == len(now) and np.array_equal(before.index, now.index):
        return bool((now.population < before.population).any())
    index = _index([before, now])
    return bool((now.spread(index) < before.spread(index)).any())
