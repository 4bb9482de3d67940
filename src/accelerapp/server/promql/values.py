"""What a query answers: a scalar, a string, an instant vector or a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accelerapp.server.promql.histogram import Histogram
from accelerapp.server.signals import Labels, Timestamps, Values


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at a time in Unix seconds."""

    time: float
    value: float


@dataclass(frozen=True, slots=True)
class String:
    """A text at a time in Unix seconds."""

    time: float
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """One value a series at a time in Unix seconds, in the order that the expression gives them.

    `histograms` has, by the position of their series, the values that are native histograms.
    """

    time: float
    labels: list[Labels]
    values: Values
    histograms: Mapping[int, Histogram] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixSeries:
    """The samples of one series; timestamps are Unix milliseconds in ascending order.

    `histograms` has those that are native histograms, each with its time, in the same order.
    """

    labels: Labels
    timestamps: Timestamps
    values: Values
    histograms: tuple[tuple[int, Histogram], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Series in ascending order of their labels, none without a sample."""

    series: list[MatrixSeries]


Value = Scalar | String | Vector | Matrix
