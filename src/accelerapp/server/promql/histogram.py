"""A native histogram as a value of an expression: its arithmetic, as Prometheus' specification has it."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from accelerapp.server.promql.histogram_layout import SCALARS, Floats, Indices, Layout, bounds, joined_index
from accelerapp.server.signals import NativeHistogram


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
    """A native histogram with exponential buckets; `signals.NativeHistogram` says what its parts mean.

    `numbers` are its row of the columns that the layout names. A bucket without observations may be a column or not.
    """

    layout: Layout
    numbers: Floats
    hint: Hint = Hint.UNKNOWN

    @staticmethod
    def of_sides(
        schema: int,
        count: float,
        sum: float,  # noqa: A002 - the field's name
        zero_threshold: float,
        zero_count: float,
        positive: Side,
        negative: Side,
        hint: Hint = Hint.UNKNOWN,
    ) -> Histogram:
        """Make a histogram of its parts."""
        return Histogram(
            Layout(schema, zero_threshold, positive.index, negative.index),
            np.concatenate(((count, sum, zero_count), positive.population, negative.population)),
            hint,
        )

    @property
    def schema(self) -> int:
        return self.layout.schema

    @property
    def count(self) -> float:
        return float(self.numbers[0])

    @property
    def sum(self) -> float:
        return float(self.numbers[1])

    @property
    def zero_threshold(self) -> float:
        return self.layout.zero_threshold

    @property
    def zero_count(self) -> float:
        return float(self.numbers[2])

    @property
    def positive(self) -> Side:
        return Side(self.layout.positive, self.numbers[SCALARS : self.layout.middle]).compact()

    @property
    def negative(self) -> Side:
        return Side(self.layout.negative, self.numbers[self.layout.middle :]).compact()

    def with_hint(self, hint: Hint) -> Histogram:
        return self if hint is self.hint else replace(self, hint=hint)

    def compact(self) -> Histogram:
        """Leave out the columns of empty buckets."""
        return self._with(self.zero_threshold, self.zero_count, self.positive, self.negative)

    def scaled(self, factor: float) -> Histogram:
        """Multiply every count and the sum; a negative factor makes a gauge of it."""
        # A bucket that is not there stays so where nought times the factor is no number.
        of = self if math.isfinite(factor) else self.compact()
        return Histogram(of.layout, of.numbers * factor, Hint.GAUGE if factor < 0 else self.hint)

    def divided(self, divisor: float) -> Histogram:
        """Divide every count and the sum; there is no bucket left after a division by nought."""
        of = self
        if divisor == 0:
            of = self._with(self.zero_threshold, self.zero_count, Side.empty(), Side.empty())
        elif math.isnan(divisor):
            of = self.compact()
        return Histogram(
            of.layout, of.numbers / np.float64(divisor), Hint.GAUGE if divisor < 0 else self.hint
        )

    def widened(self, schema: int) -> Histogram:
        """Return the same with a schema that is as small or smaller."""
        steps = self.schema - schema
        if not steps:
            return self
        return Histogram.of_sides(
            schema,
            self.count,
            self.sum,
            self.zero_threshold,
            self.zero_count,
            self.positive.widened(steps),
            self.negative.widened(steps),
            self.hint,
        )

    def laid_out(self, layout: Layout) -> Histogram:
        """Return the same with the columns of a layout that has all of its own."""
        if layout is self.layout:
            return self
        numbers = np.zeros(layout.width)
        numbers[layout.columns_of(self.layout)] = self.numbers
        return Histogram(layout, numbers, self.hint)

    def added(self, other: Histogram) -> Histogram:
        return _combined(self, other, 1.0)

    def subtracted(self, other: Histogram) -> Histogram:
        return _combined(self, other, -1.0)

    def same_as(self, other: Histogram) -> bool:
        """Tell whether two histograms are the same, bit by bit."""
        one, two = self.compact(), other.compact()
        return (
            one.schema == two.schema
            and one.zero_threshold == two.zero_threshold
            and one.numbers.tobytes() == two.numbers.tobytes()
            and np.array_equal(one.layout.positive, two.layout.positive)
            and np.array_equal(one.layout.negative, two.layout.negative)
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
        """Return lower bounds, upper bounds and counts of the buckets that are not empty, in ascending order."""
        lower, upper = self.layout.bounds()
        counts = self.layout.counts(self.numbers[None, :])[0]
        there = counts != 0
        return lower[there], upper[there], counts[there]

    def _with(self, zero_threshold: float, zero_count: float, positive: Side, negative: Side) -> Histogram:
        """Return the same with other buckets."""
        return Histogram.of_sides(
            self.schema, self.count, self.sum, zero_threshold, zero_count, positive, negative, self.hint
        )


def joint_hint(histograms: Sequence[Histogram]) -> tuple[Hint, bool]:
    """Return the hint of what is made of several histograms, and whether theirs contradict each other."""
    hints = {one.hint for one in histograms}
    collision = {Hint.RESET, Hint.NOT_RESET} <= hints
    if len(hints) == 1:
        return hints.pop(), False
    return (Hint.GAUGE if Hint.GAUGE in hints else Hint.UNKNOWN), collision


def _combined(left: Histogram, right: Histogram, sign: float) -> Histogram:
    hint = joint_hint((left, right))[0]
    if left.layout is not right.layout:
        if left.schema != right.schema or left.zero_threshold != right.zero_threshold:
            left, right = _reconciled([left, right])
        layout = Layout.joined([left.layout, right.layout])
        assert layout is not None, "they have one schema and one zero threshold"
        left, right = left.laid_out(layout), right.laid_out(layout)
    return Histogram(left.layout, left.numbers + sign * right.numbers, hint)


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
    return histogram._with(threshold, zero_count, positive, negative), threshold


def _fell(before: Side, now: Side) -> bool:
    """Tell whether a bucket has fewer observations than before."""
    if len(before) == len(now) and np.array_equal(before.index, now.index):
        return bool((now.population < before.population).any())
    index = joined_index([before.index, now.index])
    return bool((now.spread(index) < before.spread(index)).any())
