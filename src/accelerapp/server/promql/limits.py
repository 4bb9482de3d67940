"""What one query may use, and how many were refused for using more."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from accelerapp.server.promql import ast
from accelerapp.server.promql.errors import QueryLimitError, QueryTimeoutError

TOO_MANY_SAMPLES = "query processing would load too many samples into memory in query execution"
_SHOWN = 200


class Budget:
    """What one query may use: samples in memory, and time until a deadline on the given clock."""

    def __init__(self, max_samples: int, deadline: float, clock: Callable[[], float]) -> None:
        self.max_samples = max_samples
        self._deadline = deadline
        self._clock = clock

    def check_time(self) -> None:
        if self._clock() > self._deadline:
            raise QueryTimeoutError("query timed out in expression evaluation")

    def check_cells(self, cells: int, expr: ast.Expr) -> None:
        """Refuse an expression that has more values over all steps than may be held."""
        if cells > self.max_samples:
            offender = _shown(expr)
            raise QueryLimitError(
                f"{TOO_MANY_SAMPLES}: {offender} has {cells} values over all steps, more than {self.max_samples}"
            )


class Refusals:
    """Counts the queries that met a limit, by which, and keeps the last of each; safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counts = {"samples": 0, "timeout": 0}
        self._last: dict[str, tuple[float, str, str]] = {}

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def last(self) -> dict[str, tuple[float, str, str]]:
        """Return by limit when, in Unix seconds, it was last met, with what message and by which expression."""
        with self._lock:
            return dict(self._last)

    @contextlib.contextmanager
    def counted(self, expr: ast.Expr) -> Iterator[None]:
        """Count what is raised while an expression is evaluated."""
        try:
            yield
        except (QueryLimitError, QueryTimeoutError) as error:
            limit = "samples" if isinstance(error, QueryLimitError) else "timeout"
            told = (self._now(), str(error)[:500], _shown(expr))
            with self._lock:
                self._counts[limit] += 1
                self._last[limit] = told
            raise


def _shown(expr: ast.Expr) -> str:
    text = str(expr)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
