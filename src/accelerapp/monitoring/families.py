"""Metric families: a name, a type, label names, and one child for each set of label values."""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from accelerapp.monitoring.children import (
    CounterChild,
    GaugeChild,
    HistogramChild,
    HistogramState,
    HistogramSummary,
)

MetricType = Literal["counter", "gauge", "histogram"]
Child = TypeVar("Child", CounterChild, GaugeChild, HistogramChild)

#: Seconds; 1.0 is there for objectives of one second, 120 for the longest answers of a language model.
DEFAULT_BUCKETS: tuple[float, ...] = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
)  # fmt: skip

#: The label value that stands for all label sets beyond a family's limit.
OVERFLOW = "__overflow__"

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilySnapshot:
    """One family as it was at one moment, for an exporter.

    `values` pairs label values, in the order of `labelnames`, with a number or a histogram's state.
    """

    name: str
    exported_name: str
    type: MetricType
    description: str
    labelnames: tuple[str, ...]
    bounds: tuple[float, ...]
    values: list[tuple[LabelValues, float | HistogramState]]


def check_name(name: str) -> None:
    """Raise ValueError unless `name` is a metric name in Prometheus' data model."""
    if not _METRIC_NAME.fullmatch(name):
        raise ValueError(f"metric name {name!r} must match [a-zA-Z_:][a-zA-Z0-9_:]*; use underscores instead")


def _check_labelnames(name: str, labelnames: tuple[str, ...], reserved: frozenset[str]) -> None:
    for label in labelnames:
        if not _LABEL_NAME.fullmatch(label) or label.startswith("__"):
            raise ValueError(
                f"{name}: label name {label!r} must match [a-zA-Z_][a-zA-Z0-9_]* and not start with __"
            )
        if label in reserved:
            raise ValueError(f"{name}: label name {label!r} is reserved in a histogram")
    if len(set(labelnames)) != len(labelnames):
        raise ValueError(f"{name}: label names {labelnames!r} name a label twice")


class Family(Generic[Child]):
    """What counter, gauge and histogram families have in common."""

    type: MetricType
    _reserved: frozenset[str] = frozenset()

    def __init__(
        self,
        name: str,
        description: str = "",
        labelnames: Sequence[str] = (),
        *,
        namespace: str = "",
        max_series: int = 1000,
    ) -> None:
        if isinstance(labelnames, str):
            raise ValueError(f"{name}: labelnames must be a sequence of names, not the string {labelnames!r}")
        check_name(name)
        self.name = name
        self.namespace = namespace
        self.description = description
        self.labelnames = tuple(labelnames)
        _check_labelnames(name, self.labelnames, self._reserved)
        self._expected = frozenset(self.labelnames)
        self._max_series = max_series
        self._overflowed = 0
        self._lock = threading.Lock()
        self._children: dict[LabelValues, Child] = {}
        self._bare: Child | None = None
        if not self.labelnames:
            self._bare = self._children[()] = self._new_child()

    def _new_child(self) -> Child:
        raise NotImplementedError

    @property
    def exported_name(self) -> str:
        return f"{self.namespace}_{self.name}" if self.namespace else self.name

    @property
    def overflowed(self) -> int:
        """How many times a new label set was refused because the family was full."""
        return self._overflowed

    @property
    def bounds(self) -> tuple[float, ...]:
        return ()

    def labels(self, **values: object) -> Child:
        """Return the child for these label values, made on first use.

        A family holds a bounded number of children; further label sets share one whose every value is
        `__overflow__`, so that sums stay right, and are counted.

        Raises:
            ValueError: the names given are not exactly the family's label names.
        """
        if values.keys() != self._expected:
            raise ValueError(f"{self.name}: labels are {self.labelnames!r}, got {tuple(values)!r}")
        key = tuple([str(values[name]) for name in self.labelnames])
        child = self._children.get(key)
        return child if child is not None else self._add(key)

    def _add(self, key: LabelValues) -> Child:
        with self._lock:
            child = self._children.get(key)
            if child is not None:
                return child
            if self.labelnames and len(self._children) >= self._max_series:
                self._overflowed += 1
                key = (OVERFLOW,) * len(self.labelnames)
            return self._children.setdefault(key, self._new_child())

    def _only(self) -> Child:
        if self._bare is None:
            raise ValueError(f"{self.name} has the labels {self.labelnames!r}: call .labels(…) first")
        return self._bare

    def children(self) -> list[tuple[LabelValues, Child]]:
        """Return the label values of each child with the child, in the order of their making."""
        with self._lock:
            return list(self._children.items())

    def reset(self) -> None:
        """Set every child to zero; the children stay, so that references to them go on counting."""
        for _, child in self.children():
            child.reset()

    def _reading(self, child: Child) -> float | HistogramState:
        raise NotImplementedError

    def snapshot(self) -> FamilySnapshot:
        values = [(key, self._reading(child)) for key, child in self.children()]
        return FamilySnapshot(
            self.name, self.exported_name, self.type, self.description, self.labelnames, self.bounds, values
        )


class Counter(Family[CounterChild]):
    """A number that only grows, since the process started."""

    type = "counter"

    def _new_child(self) -> CounterChild:
        return CounterChild()

    def inc(self, amount: float = 1) -> None:
        """Add `amount`; raises ValueError where it is negative or the family has labels."""
        self._only().inc(amount)

    def get(self) -> float:
        """Return the value; with labels, the sum over all children."""
        return sum(child.get() for _, child in self.children())

    def _reading(self, child: CounterChild) -> float:
        return child.get()


class Gauge(Family[GaugeChild]):
    """A number that goes up and down."""

    type = "gauge"

    def _new_child(self) -> GaugeChild:
        return GaugeChild()

    def set(self, value: float) -> None:
        self._only().set(value)

    def inc(self, amount: float = 1) -> None:
        self._only().inc(amount)

    def dec(self, amount: float = 1) -> None:
        self._only().dec(amount)

    def get(self) -> float:
        """Return the value; with labels, the sum over all children."""
        return sum(child.get() for _, child in self.children())

    def _reading(self, child: GaugeChild) -> float:
        return child.get()


class Histogram(Family[HistogramChild]):
    """Observations counted in buckets; `buckets` are inclusive upper bounds, +Inf is implied."""

    type = "histogram"
    _reserved = frozenset({"le"})

    def __init__(
        self,
        name: str,
        description: str = "",
        labelnames: Sequence[str] = (),
        *,
        buckets: Iterable[float] = DEFAULT_BUCKETS,
        namespace: str = "",
        max_series: int = 1000,
    ) -> None:
        self._bounds = normalize_buckets(name, buckets)
        super().__init__(name, description, labelnames, namespace=namespace, max_series=max_series)

    @property
    def bounds(self) -> tuple[float, ...]:
        return self._bounds

    def _new_child(self) -> HistogramChild:
        return HistogramChild(self._bounds)

    def observe(self, value: float) -> None:
        self._only().observe(value)

    def get(self) -> HistogramSummary:
        """Return count, sum, min, max and avg; with labels, over all children."""
        states = [child.state() for _, child in self.children()]
        merged = HistogramState(
            tuple(sum(column) for column in zip(*(state.counts for state in states), strict=True)),
            math.fsum(state.sum for state in states),
            min((state.min for state in states), default=math.inf),
            max((state.max for state in states), default=-math.inf),
        )
        return merged.summary()

    def _reading(self, child: HistogramChild) -> HistogramState:
        return child.state()


def normalize_buckets(name: str, buckets: Iterable[float]) -> tuple[float, ...]:
    """Return upper bounds as floats without +Inf; raises ValueError unless they ascend."""
    bounds = tuple(float(bound) for bound in buckets)
    if bounds and bounds[-1] == math.inf:
        bounds = bounds[:-1]
    if not bounds or any(math.isnan(b) or math.isinf(b) for b in bounds):
        raise ValueError(f"{name}: buckets must hold at least one finite upper bound, got {bounds!r}")
    if any(left >= right for left, right in itertools.pairwise(bounds)):
        raise ValueError(f"{name}: buckets must be in strictly ascending order, got {bounds!r}")
    return bounds
