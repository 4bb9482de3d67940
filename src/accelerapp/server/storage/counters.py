"""Counters that several threads raise."""

from __future__ import annotations

import threading
import time
from collections import Counter

from accelerapp.server.signals import Clock


class Counters:
    """Named whole numbers, and when each failure was last counted; safe to use from any thread."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._values: Counter[str] = Counter()
        self._last_failures: dict[str, float] = {}

    def add(self, **amounts: int) -> None:
        with self._lock:
            for name, amount in amounts.items():
                self._values[name] += amount

    def failed(self, name: str) -> None:
        """Count a failure, now."""
        with self._lock:
            self._values[name] += 1
            self._last_failures[name] = self._clock()

    def last_failures(self) -> dict[str, float]:
        """Return when each failure that was counted came last, in Unix seconds."""
        with self._lock:
            return dict(self._last_failures)

    def __getitem__(self, name: str) -> int:
        return self._values[name]
