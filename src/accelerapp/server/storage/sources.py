"""What a query reads: the sources of one signal, swapped as a whole, each kept while a query uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar


class Source:
    """A part of one signal's data: a head or a segment.

    `lowest` and `highest` are the times of its oldest and newest item, in the signal's own unit.
    """

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest = lowest
        self.highest = highest
        self.readers = 0
        self.retired = False

    def overlaps(self, start: int, end: int) -> bool:
        return self.lowest <= end and self.highest >= start

    def dispose(self) -> None:
        """Give back what the source holds; called once, when it is retired and nobody reads it."""


AnySource = TypeVar("AnySource", bound=Source)


class Sources(Generic[AnySource]):
    """The sources of one signal in the order in which their data was written.

    Every item is in exactly one of them at any moment, so a query that pins them once reads each item once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: tuple[AnySource, ...] = ()

    @property
    def current(self) -> tuple[AnySource, ...]:
        return self._current

    @contextmanager
    def pinned(self, wanted: Callable[[AnySource], bool] = lambda _: True) -> Iterator[Sequence[AnySource]]:
        """Give the present sources that are wanted, none of which is disposed of meanwhile."""
        with self._lock:
            pinned = [source for source in self._current if wanted(source)]
            for source in pinned:
                source.readers += 1
        try:
            yield pinned
        finally:
            with self._lock:
                for source in pinned:
                    source.readers -= 1
                unused = [source for source in pinned if source.retired and source.readers == 0]
            for source in unused:
                source.dispose()

    def add(self, source: AnySource) -> None:
        with self._lock:
            self._current = (*self._current, source)

    def replace(self, old: Sequence[AnySource], new: AnySource | None) -> bool:
        """Put one source, or nothing, in the place of one or several; False where one of those is not there."""
        with self._lock:
            if any(source not in self._current for source in old):
                return False
            swapped = ((new,) if source is old[0] else (source,) for source in self._current)
            self._current = tuple(
                source
                for pair in swapped
                for source in pair
                if source is not None and (source is new or source not in old)
            )
            for source in old:
                source.retired = True
            unused = [source for source in old if source.readers == 0]
        for source in unused:
            source.dispose()
        return True
