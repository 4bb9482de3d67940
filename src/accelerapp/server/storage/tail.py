"""Following log records as they are loaded; who cannot keep up loses lines, and is told how many."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from accelerapp.server.signals import LogRecord
from accelerapp.server.storage.conditions import Condition
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.database import Columns, Database
from accelerapp.server.storage.deadline import Deadline
from accelerapp.server.storage.otlp_logs import LOG_COLUMNS

logger = logging.getLogger(__name__)

_COLUMNS = ", ".join(LOG_COLUMNS)
#: Lines, and characters in them, that may wait to be looked at by one reader, and those that one look returns.
_WAITING_LINES = 50_000
_WAITING_CHARACTERS = 64 << 20
_TAKEN_LINES = 2_000
_TAKEN_CHARACTERS = 8 << 20
_BODY, _ATTRIBUTES = (list(LOG_COLUMNS).index(name) for name in ("body", "attributes"))


class LogTails:
    """Those who follow log records now."""

    def __init__(self, database: Database, counters: Counters, timeout_seconds: float) -> None:
        self._database = database
        self._counters = counters
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._tails: frozenset[Tail] = frozenset()

    def follow(self, condition: Condition, arrived: Callable[[], None]) -> Tail:
        """Return a new tail; it belongs to one reader, who closes it."""
        tail = Tail(self._database, self._counters, condition, arrived, self._timeout, self._leave)
        with self._lock:
            self._tails |= {tail}
        return tail

    def loaded(self, columns: Columns) -> None:
        """Hand on what was loaded; this does not wait for anybody."""
        tails = self._tails
        size = sum(map(len, columns["body"])) + sum(map(len, columns["attributes"])) if tails else 0
        for tail in tails:
            try:
                tail.offer(columns, size)
            except Exception:
                # Loading must not fail because of who watches it.
                logger.exception("a reader that follows log lines could not be told of some")

    def _leave(self, tail: Tail) -> None:
        with self._lock:
            self._tails -= {tail}


class Tail:
    """Implements `LogTail`. Lines wait as they were loaded, and are looked at by who takes them."""

    def __init__(
        self,
        database: Database,
        counters: Counters,
        condition: Condition,
        arrived: Callable[[], None],
        timeout_seconds: float,
        leave: Callable[[Tail], None],
    ) -> None:
        self._database = database
        self._counters = counters
        self._condition = condition
        self._arrived = arrived
        self._timeout = timeout_seconds
        self._leave = leave
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Columns, int]] = deque()
        self._lines = 0
        self._characters = 0
        self._missed = 0

    def offer(self, columns: Columns, characters: int) -> None:
        """Add loaded lines, with so many characters; the oldest that wait make place for them."""
        with self._lock:
            self._waiting.append((columns, characters))
            self._lines += len(columns["id"])
            self._characters += characters
            while len(self._waiting) > 1 and (
                self._lines > _WAITING_LINES or self._characters > _WAITING_CHARACTERS
            ):
                oldest, size = self._waiting.popleft()
                self._lines -= len(oldest["id"])
                self._characters -= size
                self._missed += len(oldest["id"])
        self._arrived()

    def take(self) -> tuple[list[LogRecord], int]:
        """Return the lines that arrived since the last call, and how many were left out."""
        with self._lock:
            batches, self._waiting = self._waiting, deque()
            self._lines = self._characters = 0
            missed, self._missed = self._missed, 0
        found: list[tuple[Any, ...]] = []
        deadline = Deadline(self._timeout)
        for columns, _ in batches:
            with self._database.cursor() as cursor, deadline.bounding(cursor):
                cursor.register("arriving", dict(columns))
                try:
                    found += cursor.execute(
                        f"SELECT {_COLUMNS} FROM arriving WHERE {self._condition.sql} ORDER BY time_ns, id",  # noqa: S608 - values are parameters
                        list(self._condition.parameters),
                    ).fetchall()
                finally:
                    cursor.unregister("arriving")
            beyond = len(found) - _room(found)
            missed += beyond
            del found[:beyond]
        if missed:
            self._counters.add(tail_lines_missed=missed)
        return [record_of(row) for row in found], missed

    def close(self) -> None:
        """Follow no longer."""
        self._leave(self)


def _room(rows: list[tuple[Any, ...]]) -> int:
    """Return how many of the last rows one look returns, which is one at least."""
    size = 0
    for number, row in enumerate(reversed(rows[-_TAKEN_LINES:])):
        size += len(row[_BODY]) + len(row[_ATTRIBUTES])
        if number and size > _TAKEN_CHARACTERS:
            return number
    return min(len(rows), _TAKEN_LINES)


def record_of(row: tuple[Any, ...]) -> LogRecord:
    """Return a row of the columns of log records as a record."""
    named = dict(zip(LOG_COLUMNS, row, strict=True))
    named["attributes"] = orjson.loads(named["attributes"])
    named["resource"] = orjson.loads(named["resource"])
    return LogRecord(**named)
