"""Exemplars: the newest of all series, in memory, by the rules of Prometheus' circular storage."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from accelerapp.server.signals import Exemplar, Labels, Matcher
from accelerapp.server.storage.series import acceptance

#: Characters that the labels of an exemplar may have in all (OpenMetrics 1.0, "Exemplars").
MAX_LABEL_CHARACTERS = 128


class StoredExemplars:
    """Implements `ExemplarReader`; keeps the last `limit` exemplars, the oldest written goes first.

    They are not durable, as the spans are to which they lead: what exposes an exemplar shows it until it has a
    newer one. Safe to call from any thread. `accepted` and `refused` count; one that is there already is neither.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._order: deque[Labels] = deque()
        self._series: dict[Labels, deque[Exemplar]] = {}
        self.accepted = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._order)

    def add(self, exemplars: Sequence[Exemplar]) -> int:
        """Keep exemplars and return how many are kept.

        One is refused that comes before the newest of its series, by time and then by value, or whose labels are longer
        than OpenMetrics allows.
        """
        kept = 0
        with self._lock:
            for one in exemplars:
                known = self._series.get(one.series)
                newest = known[-1] if known else None
                if newest is not None and _order(newest) == _order(one):  # shown again
                    kept += 1
                    continue
                too_long = sum(len(name) + len(value) for name, value in one.labels) > MAX_LABEL_CHARACTERS
                if too_long or not self._limit or (newest is not None and _order(one) < _order(newest)):
                    self.refused += 1
                    continue
                self._append(one)
                self.accepted += 1
                kept += 1
        return kept

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Exemplar]:
        """Return the exemplars of the matching series between two times; see `ExemplarReader.select`."""
        tests = [(matcher.name, acceptance(matcher)) for matcher in matchers]
        with self._lock:
            held = [(series, tuple(kept)) for series, kept in self._series.items()]
        found: list[Exemplar] = []
        for series, kept in sorted(held):
            labels = dict(series)
            if all(accepts(labels.get(name, "")) for name, accepts in tests):
                found += [one for one in kept if start_ms <= one.time_ms <= end_ms]
        return found

    def _append(self, one: Exemplar) -> None:
        if len(self._order) >= self._limit:
            oldest = self._order.popleft()
            kept = self._series[oldest]
            kept.popleft()
            if not kept:
                del self._series[oldest]
        self._order.append(one.series)
        self._series.setdefault(one.series, deque()).append(one)


def _order(one: Exemplar) -> tuple[int, float, Labels]:
    return one.time_ms, one.value, one.labels
