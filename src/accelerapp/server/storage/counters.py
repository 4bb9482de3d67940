"""Counters that several threads raise."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    """Named whole numbers; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[str] = Counter()

    def add(self, **amounts: int) -> None:
        with self._lock:
            for name, amount in amounts.items():
                self._values[name] += amount

    def __getitem__(self, name: str) -> int:
        return self._values[name]
