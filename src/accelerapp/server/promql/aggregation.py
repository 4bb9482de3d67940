"""Aggregation operators: series of one group become one, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from accelerapp.server.numbers import format_plain
from accelerapp.server.promql import annotation, ast, ranking
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import (
    SCHEMA_LABELS,
    Block,
    Bools,
    Floats,
    Ints,
    drop_labels,
    group_rows,
    keep_labels,
    set_label,
)
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.limits import Budget
from accelerapp.server.promql.native_aggregation import aggregate_native, format_histogram, note_ignored
from accelerapp.server.promql.quantiles import quantile_of_columns
from accelerapp.server.promql.summation import Mean, add_compensated, grouped_sums
from accelerapp.server.signals import Labels

#: Sums below this cannot overflow on the way.
_MAX_SUM = 2.0**1000


class Context(Protocol):
    """What an aggregation needs of the evaluator."""

    def vector(self, expr: ast.Expr) -> Block: ...

    def scalar(self, expr: ast.Expr) -> Floats: ...

    def check_time(self) -> None: ...

    @property
    def budget(self) -> Budget: ...

    @property
    def notes(self) -> Annotations: ...


class Groups:
    """A block's rows by group: `members[g]` are the rows of the group with `labels[g]`."""

    def __init__(self, block: Block, members: dict[Labels, list[int]]) -> None:
        self.block = block
        self.labels = list(members)
        self.members = list(members.values())
        self.shape = (len(self.labels), block.values.shape[1])
        self.sizes: Ints = np.array([len(rows) for rows in self.members], dtype=np.int64)
        self.starts: Ints = np.concatenate(([0], np.cumsum(self.sizes)[:-1])).astype(np.int64)
        #: All rows, group after group.
        self.order: Ints = np.array([row for rows in self.members for row in rows], dtype=np.int64)

    def ordered(self, missing: float) -> Floats:
        """Return the values of all rows, group after group, with a number where there is none."""
        return np.where(self.block.present[self.order], self.block.values[self.order], missing)

    def counts(self) -> Floats:
        """Count the values of each group."""
        counts: Floats = np.add.reduceat(
            self.block.present[self.order].astype(np.float64), self.starts, axis=0
        )
        return counts

    def lanes(self) -> Iterator[tuple[Ints, Bools, Floats]]:
        """Yield the first members of all groups, then the second, …: their groups, presence and values."""
        by_size = np.argsort(-self.sizes, kind="stable")
        for rank in range(int(self.sizes.max(initial=0))):
            groups = by_size[: np.searchsorted(-self.sizes[by_size], -rank, side="left")]
            rows = self.order[self.starts[groups] + rank]
            yield groups, self.block.present[rows], self.block.values[rows]


def aggregate(expr: ast.Aggregate, context: Context) -> Block:
    """Evaluate an aggregation."""
    if expr.op == "count_values":
        return _count_values(expr, context.vector(expr.expr), context.budget)
    param = None if expr.param is None else context.scalar(expr.param)
    block = context.vector(expr.expr)
    grouped = Groups(block, group_rows(block.labels, group_key(expr)))
    if expr.op in ("topk", "bottomk") and param is not None:
        if param.max(initial=-np.inf) >= 1:
            note_ignored(expr, block, context.notes)
        return ranking.top(
            grouped.block, grouped.members, param, context.check_time, largest=expr.op == "topk"
        )
    if expr.op == "quantile" and expr.param is not None and param is not None:
        _note_invalid_quantiles(expr.param, param, context.notes)
        note_ignored(expr, block, context.notes)
    if not grouped.labels:
        return Block.empty(block.values.shape[1])
    if expr.op == "quantile" and param is not None:
        return _quantile(grouped, param)
    values, present = _REDUCTIONS[expr.op](grouped)
    cells = None
    if block.histograms is not None:
        values, present, cells = aggregate_native(
            expr, block, grouped.members, (values, present), context.notes, context.check_time
        )
    return Block(grouped.labels, values, present, cells).without_empty()


def _note_invalid_quantiles(expr: ast.Expr, param: Floats, notes: Annotations) -> None:
    """Warn of parameters that are no quantiles: that there are any NaN, and of the largest and the smallest."""
    if np.isnan(param).any():
        notes.warning(annotation.invalid_quantile(np.nan), expr)
    if param.max() > 1:
        notes.warning(annotation.invalid_quantile(float(param.max())), expr)
    if param.min() < 0:
        notes.warning(annotation.invalid_quantile(float(param.min())), expr)


def group_key(expr: ast.Aggregate) -> Callable[[Labels], Labels]:
    """Return what makes a group's labels of a series' labels."""
    names = frozenset(expr.grouping)
    if expr.without:
        dropped = names | SCHEMA_LABELS
        return lambda labels: drop_labels(labels, dropped)
    return lambda labels: keep_labels(labels, names)


def _sum(groups: Groups) -> tuple[Floats, Bools]:
    sums = _sums(groups)
    if sums is None:
        return sum_by_lanes(groups)
    total, lost = sums
    return total + lost, groups.counts() > 0


def _avg(groups: Groups) -> tuple[Floats, Bools]:
    sums, counts = _sums(groups), groups.counts()
    if sums is None:
        return mean_by_lanes(groups)
    total, lost = sums
    return total / counts + lost / counts, counts > 0


def _sums(groups: Groups) -> tuple[Floats, Floats] | None:
    """Add up the values of each group, with what rounding lost; None where some are odd or too large for that."""
    values = groups.ordered(-0.0)  # what is added to any number without a trace
    if not float(np.abs(values).max(initial=0.0)) * len(values) < _MAX_SUM:  # nor NaN
        return None
    return grouped_sums(values, groups.sizes)


def sum_by_lanes(groups: Groups) -> tuple[Floats, Bools]:
    """Add up each group's values one after the other, as Prometheus does."""
    total, lost = np.zeros(groups.shape), np.zeros(groups.shape)
    seen = np.zeros(groups.shape, dtype=np.bool_)
    for rows, present, values in groups.lanes():
        new_total, new_lost = add_compensated(values, total[rows], lost[rows])
        fresh = present & ~seen[rows]  # the first value is taken as it is, so that -0 stays -0
        total[rows] = np.where(fresh, values, np.where(present, new_total, total[rows]))
        lost[rows] = np.where(present & ~fresh, new_lost, lost[rows])
        seen[rows] |= present
    return total + lost, seen


def mean_by_lanes(groups: Groups) -> tuple[Floats, Bools]:
    """Average each group's values one after the other, as Prometheus does."""
    mean = Mean(np.zeros(groups.shape))
    seen = np.zeros(groups.shape, dtype=np.bool_)
    for rows, present, values in groups.lanes():
        fresh, more = np.zeros(groups.shape, dtype=np.bool_), np.zeros(groups.shape, dtype=np.bool_)
        fresh[rows] = present & ~seen[rows]
        more[rows] = present & seen[rows]
        spread = np.zeros(groups.shape)
        spread[rows] = values
        mean.total[fresh] = spread[fresh]
        mean.add(more, spread[more])
        seen |= fresh
    return mean.result(), seen


def _extreme(
    better: Callable[[Floats, Floats], Bools], worst: float, plain: np.ufunc
) -> Callable[[Groups], tuple[Floats, Bools]]:
    def reduce(groups: Groups) -> tuple[Floats, Bools]:
        values = groups.ordered(worst)
        # Of NaN and of noughts with different signs, the order decides.
        if not np.isnan(values).any() and not np.signbit(values[values == 0]).any():
            return plain.reduceat(values, groups.starts, axis=0), groups.counts() > 0
        best, seen = np.full(groups.shape, np.nan), np.zeros(groups.shape, dtype=np.bool_)
        for rows, present, values in groups.lanes():
            taken = present & (np.isnan(best[rows]) | better(values, best[rows]))
            best[rows] = np.where(taken, values, best[rows])
            seen[rows] |= present
        return best, seen

    return reduce


def _count(groups: Groups) -> tuple[Floats, Bools]:
    counts = groups.counts()
    return counts, counts > 0


def _group(groups: Groups) -> tuple[Floats, Bools]:
    _, seen = _count(groups)
    return np.ones(groups.shape), seen


def _stdvar(groups: Groups) -> tuple[Floats, Bools]:
    counts, means, squares = np.zeros(groups.shape), np.zeros(groups.shape), np.zeros(groups.shape)
    for rows, present, values in groups.lanes():
        count = counts[rows] + present
        delta = values - means[rows]
        mean = np.where(count == 1, values, means[rows] + delta / np.maximum(count, 1))
        first = np.where(np.isfinite(values), 0.0, np.nan)
        square = np.where(count == 1, first, squares[rows] + delta * (values - mean))
        means[rows] = np.where(present, mean, means[rows])
        squares[rows] = np.where(present, square, squares[rows])
        counts[rows] = count
    return squares / counts, counts > 0


def _stddev(groups: Groups) -> tuple[Floats, Bools]:
    variance, seen = _stdvar(groups)
    return np.sqrt(variance), seen


_REDUCTIONS: dict[str, Callable[[Groups], tuple[Floats, Bools]]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(np.less, np.inf, np.minimum),
    "max": _extreme(np.greater, -np.inf, np.maximum),
    "count": _count,
    "group": _group,
    "stddev": _stddev,
    "stdvar": _stdvar,
}


def _quantile(groups: Groups, param: Floats) -> Block:
    values, present = np.zeros(groups.shape), np.zeros(groups.shape, dtype=np.bool_)
    for row, members in enumerate(groups.members):
        here = groups.block.present[members]
        values[row] = quantile_of_columns(param, groups.block.values[members], here)
        present[row] = here.any(axis=0)
    return Block(groups.labels, values, present).without_empty()


def _count_values(expr: ast.Aggregate, block: Block, budget: Budget) -> Block:
    label = ast.unwrap(expr.param) if expr.param is not None else None
    if not isinstance(label, ast.StringLiteral):
        raise PromQLError("expected type string in aggregation parameter")
    if not label.value:
        raise PromQLError(f"invalid label name {label}")
    names = expr.grouping if expr.without else (*expr.grouping, label.value)
    key = group_key(ast.Aggregate(expr.op, expr.expr, None, names, expr.without))
    counts: dict[Labels, Floats] = {}
    for row, labels in enumerate(block.labels):
        budget.check_time()
        for step in np.flatnonzero(block.filled[row]).tolist():
            native = None if block.histograms is None else block.histograms[row, step]
            text = (
                format_plain(float(block.values[row, step])) if native is None else format_histogram(native)
            )
            group = key(set_label(labels, label.value, text))
            if group not in counts:
                budget.check_cells((len(counts) + 1) * block.values.shape[1], expr)
                counts[group] = np.zeros(block.values.shape[1])
            counts[group][step] += 1
    if not counts:
        return Block.empty(block.values.shape[1])
    values = np.array(list(counts.values()))
    return Block(list(counts), values, values > 0)
