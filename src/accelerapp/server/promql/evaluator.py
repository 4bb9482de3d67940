"""Evaluation of an expression over all steps of a query at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql import aggregation, annotation, ast, binary
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Floats, Ints, Steps, get_label
from accelerapp.server.promql.errors import PromQLError, QueryLimitError
from accelerapp.server.promql.functions import FUNCTIONS, over_windows
from accelerapp.server.promql.functions.edges import with_edges
from accelerapp.server.promql.histogram_samples import HistogramSamples, HistogramWindows
from accelerapp.server.promql.limits import TOO_MANY_SAMPLES, Budget
from accelerapp.server.promql.native_operators import negated
from accelerapp.server.promql.typecheck import type_of
from accelerapp.server.promql.windows import Edges, Samples, Windows
from accelerapp.server.signals import METRIC_NAME, is_stale
from accelerapp.server.storage.contracts import MetricReader, TooManySamplesError

_NEVER = -(2**63)
#: How the names of counters end, and of the series of classic histograms and summaries.
_COUNTERS = ("_total", "_sum", "_count", "_bucket")
#: How many values of all steps are worked out at once; there are about ten arrays of that size on the way.
_CELLS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Ranged:
    """The samples of a range vector, and the bounds of its windows."""

    samples: Samples
    starts: Ints
    ends: Ints
    edges: Edges | None


class Evaluator:
    """Evaluates expressions at some steps; `bounds` are the whole query's start and end for `@ start()`, `@ end()`."""

    def __init__(
        self,
        reader: MetricReader,
        steps: Steps,
        bounds: tuple[int, int],
        *,
        lookback_ms: int,
        subquery_step_ms: int,
        budget: Budget,
        notes: Annotations,
    ) -> None:
        self.steps = steps
        self.notes = notes
        self.times: Ints = steps.times
        self.budget = budget
        self._reader = reader
        self._bounds = bounds
        self._lookback_ms = lookback_ms
        self._subquery_step_ms = subquery_step_ms

    def check_time(self) -> None:
        """Raise QueryTimeoutError where the query has taken too long."""
        self.budget.check_time()

    def vector(self, expr: ast.Expr) -> Block:
        """Evaluate an instant vector; every row of the answer has other labels."""
        self.check_time()
        match expr:
            case ast.Paren():
                return self.vector(expr.expr)
            case ast.VectorSelector():
                return self._smoothed(expr) if expr.smoothed else self.instant(expr)[0]
            case ast.Unary():
                inner = self.vector(expr.expr)
                if expr.op == "+":
                    return inner
                return negated(inner).without_name()
            case ast.Binary():
                return self._binary(expr)
            case ast.Aggregate():
                return aggregation.aggregate(expr, self)
            case ast.Call():
                result = self._call(expr)
                if isinstance(result, Block):
                    self.budget.check_cells(result.values.size, expr)
                    return result
        raise PromQLError(f"expected an instant vector, got {type_of(expr)}", expr.start, expr.end)

    def scalar(self, expr: ast.Expr) -> Floats:
        """Evaluate a scalar: one number a step."""
        self.check_time()
        match expr:
            case ast.Paren():
                return self.scalar(expr.expr)
            case ast.NumberLiteral():
                return np.full(self.steps.count, expr.value)
            case ast.Unary():
                inner = self.scalar(expr.expr)
                return inner if expr.op == "+" else -inner
            case ast.Binary():
                return binary.scalars(expr.op, self.scalar(expr.left), self.scalar(expr.right))
            case ast.Call():
                result = FUNCTIONS[expr.name](expr, self)
                if not isinstance(result, Block):
                    return result
        raise PromQLError(f"expected a scalar, got {type_of(expr)}", expr.start, expr.end)

    def instant(self, selector: ast.VectorSelector) -> tuple[Block, Ints]:
        """Find each series' newest sample within the look-back before each step, and that sample's time.

        A sample exactly as old as the look-back is too old. A staleness marker ends a series, also one of histograms.
        """
        wanted = self._moved(selector.at, selector.offset_ms)
        samples = self._read(selector, wanted - self._lookback_ms, wanted, keep_stale=True)
        self.budget.check_cells(len(samples.labels) * self.steps.count, selector)
        found = [self._newest(part, wanted) for part in samples.parts(self._rows_at_once)]
        times = [part for _, part in found]
        return Block.of_parts([block for block, _ in found], self.steps.count), np.concatenate(times)

    @property
    def _rows_at_once(self) -> int:
        return max(1, _CELLS_AT_ONCE // self.steps.count)

    def _newest(self, samples: Samples, wanted: Ints) -> tuple[Block, Ints]:
        """Find each series' newest sample before each of the wanted times."""
        self.check_time()
        found = samples.count_until(wanted) - 1
        usable = found >= samples.offsets[:-1, None]
        found = np.maximum(found, 0)
        if samples.histograms is not None:
            return self._instant_of_both(samples, samples.histograms, wanted, np.where(usable, found, -1))
        if len(samples.values) == 0:
            return Block.empty(self.steps.count), np.empty((0, self.steps.count), dtype=np.int64)
        times, values = samples.timestamps[found], samples.values[found]
        present = usable & (times > (wanted - self._lookback_ms)[None, :])
        present &= ~is_stale(values)
        kept = np.flatnonzero(present.any(axis=1))
        return Block(samples.labels, values, present).rows(kept), times[kept]

    def _instant_of_both(
        self, samples: Samples, histograms: HistogramSamples, wanted: Ints, floats_at: Ints
    ) -> tuple[Block, Ints]:
        """Find the newest sample of series that have native histograms; `floats_at` are the floats', or -1."""
        oldest = (wanted - self._lookback_ms)[None, :]
        stamps, numbers = np.append(samples.timestamps, _NEVER), np.append(samples.values, 0.0)
        times, values = stamps[floats_at], numbers[floats_at]
        at = histograms.count_until(wanted) - 1
        usable = at >= histograms.offsets[:-1, None]
        native_times = np.where(usable, np.append(histograms.timestamps, _NEVER)[at], _NEVER)
        native = (native_times > oldest) & (native_times > times)
        present = (times > oldest) & ~is_stale(values) & ~native
        cells = np.full(native.shape, None, dtype=object)
        for row, step in np.argwhere(native).tolist():
            cells[row, step] = histograms.at(int(at[row, step]))
        kept = np.flatnonzero((present | native).any(axis=1))
        block = Block(samples.labels, values, present, cells).rows(kept)
        return block, np.where(native, native_times, times)[kept]

    def _smoothed(self, selector: ast.VectorSelector) -> Block:
        """Find each series' value on the line between the samples on both sides of each step.

        Where there is none behind a step, it is that before it; where there is none before it, there is no value.
        """
        at = self._moved(selector.at, selector.offset_ms)
        earliest, latest = at - self._lookback_ms, at + self._lookback_ms
        samples = self._read(selector, earliest, latest, keep_stale=False)
        _refuse_histograms(selector, samples)
        self.budget.check_cells(len(samples.labels) * self.steps.count, selector)
        after = samples.count_until(at)
        known = after > samples.count_until(earliest)
        before = np.where(known, after - 1, 0)
        after = np.where(known & (after < samples.count_until(latest)), after, before)
        if not known.any():
            return Block.empty(self.steps.count)
        stamps, low = samples.timestamps[before], samples.values[before]
        far = np.where(after > before, samples.timestamps[after] - stamps, 1)
        values = low + (samples.values[after] - low) * (at[None, :] - stamps) / far
        return Block(
            samples.labels, np.where((stamps == at[None, :]) | (after == before), low, values), known
        ).without_empty()

    def windows(self, expr: ast.Expr) -> Windows:
        """Find each series' samples in the range before each step; the range is open on its left."""
        ranged = self._ranged(expr)
        return self._laid(ranged, ranged.samples)

    def _ranged(self, expr: ast.Expr) -> _Ranged:
        """Read the samples of a range vector."""
        self.check_time()
        expr = ast.unwrap(expr)
        edges = None
        if isinstance(expr, ast.MatrixSelector):
            selector = expr.selector
            ends = self._moved(selector.at, selector.offset_ms)
            starts = ends - expr.range_ms
            before = after = 0
            if selector.anchored or selector.smoothed:
                edges = Edges(selector.smoothed, self._lookback_ms)
                before, after = self._lookback_ms, self._lookback_ms if selector.smoothed else 0
            samples = self._read(selector, starts - before, ends + after, keep_stale=False)
            if edges is not None:
                _refuse_histograms(selector, samples)
        elif isinstance(expr, ast.Subquery):
            ends = self._moved(expr.at, expr.offset_ms)
            starts = ends - expr.range_ms
            samples = self._subquery(expr, starts, ends)
        else:
            raise PromQLError(f"expected a range vector, got {type_of(expr)}", expr.start, expr.end)
        self.budget.check_cells(len(samples.labels) * self.steps.count, expr)
        return _Ranged(samples, starts, ends, edges)

    def _laid(self, ranged: _Ranged, samples: Samples) -> Windows:
        """Lay windows over samples, which are all or some of those of a range vector."""
        starts, ends = ranged.starts, ranged.ends
        first, last = samples.bounds(starts, ends)
        native = None
        if (histograms := samples.histograms) is not None:
            bounds = histograms.count_until(starts), histograms.count_until(ends)
            native = HistogramWindows(histograms, *bounds)
        return Windows(samples, first, last, starts, ends, self.times, self.check_time, native, ranged.edges)

    def _call(self, expr: ast.Call) -> Block | Floats:
        function = FUNCTIONS[expr.name]
        matrix = next((arg for arg in expr.args if type_of(arg) == ast.ValueType.MATRIX), None)
        if matrix is None:
            return function(expr, self)
        _check_edges(expr.name, matrix)
        ranged = self._ranged(matrix)
        # Whether there is anything is a question to all series at once.
        rows = len(ranged.samples.labels) if expr.name == "absent_over_time" else self._rows_at_once
        parts = []
        for samples in ranged.samples.parts(rows):
            windows = self._laid(ranged, samples)
            if expr.name in ("rate", "increase"):
                self._note_if_no_counter(matrix, windows)
            parts.append(over_windows(expr, function, self, windows))
        return Block.of_parts([part for part in parts if isinstance(part, Block)], self.steps.count)

    def _note_if_no_counter(self, matrix: ast.Expr, windows: Windows) -> None:
        """Say of what metrics the name does not tell that they are counters."""
        names = [get_label(labels, METRIC_NAME) for labels in windows.labels]
        doubtful = [row for row, name in enumerate(names) if name and not name.endswith(_COUNTERS)]
        if doubtful:
            mixed = 0 if windows.histograms is None else windows.histograms.counts
            evaluated = (windows.counts > 1) & (mixed == 0)
            if windows.edges is not None:
                evaluated = with_edges(windows, windows.edges)
            for row in np.array(doubtful)[evaluated[doubtful].any(axis=1)].tolist():
                self.notes.info(annotation.perhaps_no_counter(names[row]), matrix)

    def _binary(self, expr: ast.Binary) -> Block:
        left_scalar = type_of(expr.left) == ast.ValueType.SCALAR
        right_scalar = type_of(expr.right) == ast.ValueType.SCALAR
        if left_scalar:
            return binary.scalar_vector(expr, self.scalar(expr.left), self.vector(expr.right), self.notes)
        if right_scalar:
            return binary.vector_scalar(expr, self.vector(expr.left), self.scalar(expr.right), self.notes)
        left, right = self.vector(expr.left), self.vector(expr.right)
        return binary.vectors(expr, left, right, self.notes, self.check_time)

    def _moved(self, at: int | ast.Boundary | None, offset_ms: int) -> Ints:
        """Return the times to look at for each step, after `@` and `offset`."""
        if at is None:
            return self.times - offset_ms
        if isinstance(at, ast.Boundary):
            at = self._bounds[0] if at is ast.Boundary.START else self._bounds[1]
        return np.full(self.steps.count, at - offset_ms, dtype=np.int64)

    def _read(self, selector: ast.VectorSelector, starts: Ints, ends: Ints, *, keep_stale: bool) -> Samples:
        try:
            found = self._reader.select(
                selector.all_matchers(),
                int(starts.min()) + 1,
                int(ends.max()),
                self.budget.max_samples,
                self.check_time,
            )
        except TooManySamplesError as error:
            raise QueryLimitError(f"{TOO_MANY_SAMPLES}: {error}") from error
        return Samples(found, keep_stale=keep_stale)

    def _subquery(self, expr: ast.Subquery, starts: Ints, ends: Ints) -> Samples:
        """Evaluate a subquery at the multiples of its step that its windows cover."""
        step = expr.step_ms or self._subquery_step_ms
        after = int(starts.min())
        steps = Steps((after // step + 1) * step, int(ends.max()), step)
        if steps.count == 0:
            return Samples.of_block(Block.empty(0), np.empty(0, dtype=np.int64))
        self.budget.check_cells(steps.count, expr)
        inner = Evaluator(
            self._reader,
            steps,
            self._bounds,
            lookback_ms=self._lookback_ms,
            subquery_step_ms=self._subquery_step_ms,
            budget=self.budget,
            notes=self.notes,
        )
        return Samples.of_block(inner.vector(expr.expr), steps.times)


def _check_edges(function: str, matrix: ast.Expr) -> None:
    """Refuse `anchored` and `smoothed` in functions that do not know what to make of samples beyond a window."""
    matrix = ast.unwrap(matrix)
    if not isinstance(matrix, ast.MatrixSelector):
        return
    for wanted, word, functions in (
        (matrix.selector.anchored, "anchored", ("changes", "delta", "increase", "rate", "resets")),
        (matrix.selector.smoothed, "smoothed", ("delta", "increase", "rate")),
    ):
        if wanted and function not in functions:
            allowed = ", ".join(functions)
            raise PromQLError(f"{word} modifier can only be used with: {allowed} - not with {function}")


def _refuse_histograms(selector: ast.VectorSelector, samples: Samples) -> None:
    if samples.histograms is not None:
        word = "anchored" if selector.anchored else "smoothed"
        raise PromQLError(f"{word} modifier is not supported with histograms", selector.start, selector.end)
