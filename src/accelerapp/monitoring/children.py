"""What holds the numbers: one counter, gauge or histogram without or with one set of label values."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from accelerapp.monitoring.trace_context import current_trace, traces

#: Seconds for which a bucket keeps its exemplar before it takes another: asking for the trace costs more than counting.
_EXEMPLAR_SECONDS = 1.0


class HistogramSummary(TypedDict):
    """What a histogram has seen; all zero before the first observation."""

    count: int
    sum: float
    min: float
    max: float
    avg: float


class Exemplar(NamedTuple):
    """An observation and the trace in which it was made; `at` is in seconds since the Unix epoch."""

    trace_id: str
    span_id: str
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class HistogramState:
    """One consistent reading: `counts` per bucket, not cumulative, the last one for +Inf.

    `exemplars` has one of the latest observations of each bucket, or None; it is empty where nothing is traced.
    """

    counts: tuple[int, ...]
    sum: float
    min: float
    max: float
    exemplars: tuple[Exemplar | None, ...] = ()

    @property
    def count(self) -> int:
        return sum(self.counts)

    def summary(self) -> HistogramSummary:
        count = self.count
        if count == 0:
            return {"count": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "avg": 0.0}
        return {"count": count, "sum": self.sum, "min": self.min, "max": self.max, "avg": self.sum / count}


class CounterChild:
    """A value that only grows."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Add `amount`.

        Raises:
            ValueError: `amount` is negative or not a number.
        """
        if not amount >= 0:
            raise ValueError(f"a counter can only grow; inc() got {amount!r}, a gauge may be what is meant")
        with self._lock:
            self._value += amount

    def get(self) -> float:
        with self._lock:
            return self._value

    def reset(self) -> None:
        with self._lock:
            self._value = 0


class GaugeChild:
    """A value that goes up and down."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: float = 0.0

    def set(self, value: float) -> None:
        with self._lock:
            self._value = value

    def inc(self, amount: float = 1) -> None:
        with self._lock:
            self._value += amount

    def dec(self, amount: float = 1) -> None:
        with self._lock:
            self._value -= amount

    def get(self) -> float:
        with self._lock:
            return self._value

    def reset(self) -> None:
        with self._lock:
            self._value = 0.0


class HistogramChild:
    """Observations counted into buckets with inclusive upper bounds."""

    __slots__ = ("_bounds", "_counts", "_due", "_exemplars", "_lock", "_max", "_min", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._min = math.inf
        self._max = -math.inf
        self._exemplars: list[Exemplar | None] = []
        self._due = [0.0] * len(self._counts)

    def observe(self, value: float) -> None:
        """Count one observation; NaN lies below no bound and goes to +Inf, as in Prometheus' Go client.

        Within a trace the bucket takes it as its exemplar, unless it has one of the last second.
        """
        index = len(self._bounds) if value != value else bisect_left(self._bounds, value)
        with self._lock:
            self._counts[index] += 1
            self._sum += value
            if value < self._min:
                self._min = value
            if value > self._max:
                self._max = value
        if traces() and time.monotonic() >= self._due[index]:
            self._exemplify(index, value)

    def _exemplify(self, index: int, value: float) -> None:
        trace = current_trace()
        if trace is None or not math.isfinite(value):
            return
        with self._lock:
            if not self._exemplars:
                self._exemplars = [None] * len(self._counts)
            self._exemplars[index] = Exemplar(*trace, value, time.time())
            self._due[index] = time.monotonic() + _EXEMPLAR_SECONDS

    def state(self) -> HistogramState:
        with self._lock:
            counts, exemplars = tuple(self._counts), tuple(self._exemplars)
            return HistogramState(counts, self._sum, self._min, self._max, exemplars)

    def get(self) -> HistogramSummary:
        return self.state().summary()

    def reset(self) -> None:
        with self._lock:
            self._clear()
