"""The query engine: expressions in, values out."""

from __future__ import annotations

import time as _time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.ast import ValueType
from accelerapp.server.promql.block import Block, Steps
from accelerapp.server.promql.durations import resolve
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.evaluator import Evaluator
from accelerapp.server.promql.functions.edges import between
from accelerapp.server.promql.histogram import Histogram
from accelerapp.server.promql.limits import Budget, Refusals
from accelerapp.server.promql.parse import parse
from accelerapp.server.promql.typecheck import type_of
from accelerapp.server.promql.values import Matrix, MatrixSeries, Scalar, String, Value, Vector
from accelerapp.server.promql.windows import Edges, Windows
from accelerapp.server.signals import Matcher, SeriesSet
from accelerapp.server.storage.contracts import MetricReader

#: The most points a series that Prometheus' query_range gives.
MAX_POINTS = 11_000


@dataclass(slots=True)
class QueryOptions:
    """What one query may have otherwise than the engine, and what is counted of it.

    `lookback_seconds` and `timeout_seconds` take the place of the engine's; the time-out only if it is shorter.
    """

    lookback_seconds: float | None = None
    timeout_seconds: float | None = None
    series_touched: int = 0


class Engine:
    """Evaluates PromQL as Prometheus 3 does, over the samples of a reader; safe to use from several threads."""

    def __init__(
        self,
        reader: MetricReader,
        lookback_seconds: float = 300.0,
        max_samples: int = 50_000_000,
        timeout_seconds: float = 120.0,
        clock: Callable[[], float] = _time.monotonic,
        subquery_step_seconds: float = 60.0,
    ) -> None:
        """Make an engine.

        `lookback_seconds` is how old a sample an instant selector may find, `max_samples` how many samples a
        query may hold, `timeout_seconds` how long it may take by `clock` (seconds, any origin), and
        `subquery_step_seconds` the step of subqueries that do not name one.
        """
        self._reader = reader
        self._lookback_ms = round(lookback_seconds * 1000)
        self._max_samples = max_samples
        self._timeout = timeout_seconds
        self._clock = clock
        self._subquery_step_ms = round(subquery_step_seconds * 1000)
        self._refusals = Refusals()

    def refused(self) -> dict[str, int]:
        """Return how many queries met a limit: that of samples, or the time-out."""
        return self._refusals.counts()

    def last_refusals(self) -> dict[str, tuple[float, str, str]]:
        """Return by limit when, in Unix seconds, a query last met it, with what message and by which expression."""
        return self._refusals.last()

    def set_subquery_step(self, seconds: float) -> None:
        """Change the step of subqueries that do not name one, for queries that begin from now on."""
        self._subquery_step_ms = round(seconds * 1000)

    def instant(
        self,
        expr: ast.Expr | str,
        time: float,
        *,
        notes: Annotations | None = None,
        options: QueryOptions | None = None,
    ) -> Value:
        """Evaluate an expression at one time in Unix seconds; what there is to say of it is added to `notes`.

        Raises PromQLError; QueryTimeoutError and QueryLimitError of it where a limit was met.
        """
        expr = resolve(parse(expr) if isinstance(expr, str) else expr, 0, 0)
        at_ms = _milliseconds(time)
        evaluator = self._evaluator(Steps(at_ms, at_ms, 1), notes, options)
        kind = type_of(expr)
        inner = ast.unwrap(expr)
        if isinstance(inner, ast.StringLiteral):
            return String(time, inner.value)
        with np.errstate(all="ignore"), self._refusals.counted(expr):
            if kind == ValueType.SCALAR:
                return Scalar(time, float(evaluator.scalar(expr)[0]))
            if kind == ValueType.MATRIX:
                return _windows_matrix(evaluator.windows(expr))
            block = evaluator.vector(expr).without_empty()
        return _block_vector(block, time)

    def range(
        self,
        expr: ast.Expr | str,
        start: float,
        end: float,
        step: float,
        *,
        notes: Annotations | None = None,
        options: QueryOptions | None = None,
    ) -> Matrix:
        """Evaluate an expression from start to end (Unix seconds, inclusive) at every step (seconds).

        What there is to say of it is added to `notes`.

        Raises PromQLError, also for a range of more than 11,000 points; QueryTimeoutError and QueryLimitError of it
        where a limit was met.
        """
        steps = _steps(start, end, step)
        expr = resolve(
            parse(expr) if isinstance(expr, str) else expr, steps.step_ms, steps.end_ms - steps.start_ms
        )
        kind = type_of(expr)
        if kind not in (ValueType.SCALAR, ValueType.VECTOR):
            raise PromQLError(
                f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector'
            )
        evaluator = self._evaluator(steps, notes, options)
        with np.errstate(all="ignore"), self._refusals.counted(expr):
            if kind == ValueType.SCALAR:
                return Matrix([MatrixSeries((), steps.times, evaluator.scalar(expr))])
            return _block_matrix(evaluator.vector(expr).without_empty(), steps)

    def _evaluator(self, steps: Steps, notes: Annotations | None, options: QueryOptions | None) -> Evaluator:
        options = options or QueryOptions()
        lookback_ms, timeout = self._lookback_ms, self._timeout
        if options.lookback_seconds is not None:
            lookback_ms = _milliseconds(options.lookback_seconds)
        if options.timeout_seconds is not None:
            timeout = min(timeout, options.timeout_seconds)
        return Evaluator(
            cast("MetricReader", _CountingReader(self._reader, options)),
            steps,
            (steps.start_ms, steps.end_ms),
            lookback_ms=lookback_ms,
            subquery_step_ms=self._subquery_step_ms,
            budget=Budget(self._max_samples, self._clock() + timeout, self._clock),
            notes=Annotations() if notes is None else notes,
        )


class _CountingReader:
    """Hands samples on to one query, which only selects, and counts them."""

    def __init__(self, reader: MetricReader, options: QueryOptions) -> None:
        self._reader = reader
        self._options = options

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        max_samples: int = 50_000_000,
        check_time: Callable[[], None] = lambda: None,
    ) -> SeriesSet:
        found = self._reader.select(matchers, start_ms, end_ms, max_samples, check_time)
        self._options.series_touched += len(found.labels)
        return found


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _steps(start: float, end: float, step: float) -> Steps:
    if end < start:
        raise PromQLError("end timestamp must not be before start time")
    if _milliseconds(step) <= 0:
        raise PromQLError(
            "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    if (end - start) / step > MAX_POINTS:
        raise PromQLError(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return Steps(_milliseconds(start), _milliseconds(end), _milliseconds(step))


def _block_vector(block: Block, time: float) -> Vector:
    values = np.where(block.present[:, 0], block.values[:, 0], 0.0)
    if block.histograms is None:
        return Vector(time, block.labels, values)
    cells = block.histograms[:, 0].tolist()
    return Vector(time, block.labels, values, {row: one for row, one in enumerate(cells) if one is not None})


def _block_matrix(block: Block, steps: Steps) -> Matrix:
    times = steps.times
    series = []
    for row in sorted(range(len(block.labels)), key=block.labels.__getitem__):
        here = block.present[row]
        native = () if block.histograms is None else _points(times.tolist(), block.histograms[row].tolist())
        series.append(MatrixSeries(block.labels[row], times[here], block.values[row, here], native))
    return Matrix(series)


def _points(times: Sequence[int], cells: Sequence[Histogram | None]) -> tuple[tuple[int, Histogram], ...]:
    return tuple((at, one) for at, one in zip(times, cells, strict=True) if one is not None)


def _windows_matrix(windows: Windows) -> Matrix:
    if windows.edges is not None:
        return _extended_matrix(windows, windows.edges)
    samples = windows.samples
    series = []
    for row, labels in enumerate(samples.labels):
        first, last = int(windows.first[row, 0]), int(windows.last[row, 0])
        native: tuple[tuple[int, Histogram], ...] = ()
        if (histograms := windows.histograms) is not None:
            found = [
                (int(histograms.samples.timestamps[one]), histograms.samples.at(one))
                for one in histograms.within(row, 0)
            ]
            native = tuple(found)
        if first < last or native:
            times, values = samples.timestamps[first:last], samples.values[first:last]
            series.append(MatrixSeries(labels, times, values, native))
    return Matrix(series)


def _extended_matrix(windows: Windows, edges: Edges) -> Matrix:
    """Give each window a sample at both of its edges."""
    found = between(windows, edges, counter=False, beyond=True)
    bounds = [int(windows.start_ms[0])], [int(windows.end_ms[0])]
    samples, series = windows.samples, []
    for index, row in enumerate(found.chosen.index.tolist()):
        inner = slice(int(found.first[index]), max(int(found.first[index]), int(found.last[index])))
        times = np.concatenate((bounds[0], samples.timestamps[inner], bounds[1]))
        ends = [found.left[index]], [found.right[index]]
        values = np.concatenate((ends[0], samples.values[inner], ends[1]))
        series.append(MatrixSeries(samples.labels[row], times, values))
    return Matrix(series)
