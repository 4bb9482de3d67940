"""What a query answers: a scalar, a string, an instant vector or a matrix."""

from __future__ import annotations

from dataclasses import dataclass

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
    """One value a series at a time in Unix seconds, in the order that the expression gives them."""

    time: float
    labels: list[Labels]
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class MatrixSeries:
    """The samples of one series; timestamps are Unix milliseconds in ascending order."""

    labels: Labels
    timestamps: Timestamps
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Series in ascending order of their labels, none without a sample."""

    series: list[MatrixSeries]


Value = Scalar | String | Vector | Matrix
