"""The evaluator's intermediate value: several series over all steps of a query, as columns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.signals import METRIC_NAME, Labels

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
#: A `Histogram` or None for each series and step.
Cells = npt.NDArray[np.object_]

#: The labels that describe what a metric is; they go where a function or operator makes something else of it.
SCHEMA_LABELS = frozenset({METRIC_NAME, "__type__", "__unit__"})

SAME_LABELSET = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Steps:
    """The times in Unix milliseconds at which an expression is evaluated."""

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def count(self) -> int:
        return max(0, (self.end_ms - self.start_ms) // self.step_ms + 1)

    @property
    def times(self) -> Ints:
        return self.start_ms + self.step_ms * np.arange(self.count, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Series × steps: `values[i, j]` is meant only where `present[i, j]`, since NaN is a legal value.

    `histograms` has the native histograms, where `present` is False; None where there is none at all. What makes a new
    block of the values alone leaves them out, as most functions do.
    """

    labels: list[Labels]
    values: Floats
    present: Bools
    histograms: Cells | None = None

    @staticmethod
    def empty(steps: int) -> Block:
        return Block([], np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))

    def occupied(self) -> Bools:
        """Tell for each step whether any series has a value."""
        occupied: Bools = np.logical_or.reduce(self.filled, axis=0)
        return occupied

    @property
    def native(self) -> Bools:
        """Tell where there is a native histogram."""
        if self.histograms is None:
            return np.zeros(self.present.shape, dtype=np.bool_)
        native: Bools = self.histograms != None  # noqa: E711 - of each cell
        return native

    @property
    def filled(self) -> Bools:
        """Tell where there is a value of either kind."""
        return self.present if self.histograms is None else self.present | self.native

    def floats(self) -> Block:
        """Leave the native histograms out."""
        return (
            self if self.histograms is None else Block(self.labels, self.values, self.present).without_empty()
        )

    def where(self, kept: Bools) -> Block:
        """Leave out the values of either kind at some series and steps."""
        histograms = None
        if self.histograms is not None:
            histograms = self.histograms.copy()
            histograms[~kept] = None
        return Block(self.labels, self.values, self.present & kept, histograms)

    @staticmethod
    def of_parts(parts: Sequence[Block], steps: int) -> Block:
        """Put the series of several blocks together, those that are the same as one."""
        if len(parts) == 1:
            return parts[0]
        if not any(part.labels for part in parts):
            return Block.empty(steps)
        return Block(
            [labels for part in parts for labels in part.labels],
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.present for part in parts]),
        ).merged()

    def beside(self, other: Block) -> Block:
        """Put the series of two blocks together, those that are the same as one."""
        if not other.labels or not self.labels:
            return self if self.labels else other
        histograms = None
        if self.histograms is not None or other.histograms is not None:
            histograms = np.concatenate([one._cells() for one in (self, other)])
        return Block(
            self.labels + other.labels,
            np.concatenate((self.values, other.values)),
            np.concatenate((self.present, other.present)),
            histograms,
        ).merged()

    def _cells(self) -> Cells:
        return np.full(self.present.shape, None, dtype=object) if self.histograms is None else self.histograms

    def relabelled(self, labels: list[Labels]) -> Block:
        """Give the series other labels, and merge those that are then the same."""
        return Block(labels, self.values, self.present, self.histograms).merged()

    def rows(self, index: Sequence[int] | Ints) -> Block:
        """Take some of the series, in the given order."""
        histograms = None if self.histograms is None else self.histograms[index, :]
        return Block(
            [self.labels[i] for i in index], self.values[index, :], self.present[index, :], histograms
        )

    def without_empty(self) -> Block:
        """Leave out series that have no value at any step."""
        kept = np.flatnonzero(self.filled.any(axis=1))
        return self if len(kept) == len(self.labels) else self.rows(kept)

    def without_name(self) -> Block:
        """Drop the labels that describe the metric, and merge series that are then the same."""
        return self.relabelled([drop_name(labels) for labels in self.labels])

    def merged(self) -> Block:
        """Join series with equal labels.

        Raises PromQLError where two of them have a value at the same step.
        """
        if len(set(self.labels)) == len(self.labels):
            return self
        groups = group_rows(self.labels, lambda labels: labels)
        values = np.zeros((len(groups), self.values.shape[1]))
        present, taken = np.zeros(values.shape, dtype=np.bool_), np.zeros(values.shape, dtype=np.bool_)
        filled = self.filled
        histograms = None if self.histograms is None else np.full(values.shape, None, dtype=object)
        for row, members in enumerate(groups.values()):
            for member in members:
                if np.any(taken[row] & filled[member]):
                    raise PromQLError(SAME_LABELSET)
                taken[row] |= filled[member]
                here = self.present[member]
                values[row, here] = self.values[member, here]
                present[row] |= here
                if histograms is not None and self.histograms is not None:
                    native = self.histograms[member]
                    histograms[row] = np.where(native == None, histograms[row], native)  # noqa: E711
        return Block(list(groups), values, present, histograms)


def group_rows(labels: Iterable[Labels], key: Callable[[Labels], Labels]) -> dict[Labels, list[int]]:
    """Collect the indices of series by a key made of their labels, in order of their first appearance."""
    groups: dict[Labels, list[int]] = {}
    for index, each in enumerate(labels):
        groups.setdefault(key(each), []).append(index)
    return groups


def drop_name(labels: Labels) -> Labels:
    return drop_labels(labels, SCHEMA_LABELS)


# The same queries ask for the same series again and again.
@functools.lru_cache(maxsize=32_768)
def keep_labels(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple([pair for pair in labels if pair[0] in names])


@functools.lru_cache(maxsize=32_768)
def drop_labels(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple([pair for pair in labels if pair[0] not in names])


def get_label(labels: Labels, name: str) -> str:
    """Return a label's value, empty where it is absent."""
    for key, value in labels:
        if key == name:
            return value
    return ""


def set_label(labels: Labels, name: str, value: str) -> Labels:
    """Return labels with one of them set, or removed where the value is empty."""
    rest = [pair for pair in labels if pair[0] != name]
    return tuple(sorted([*rest, (name, value)])) if value else tuple(rest)
