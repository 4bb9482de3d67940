"""What aggregations make of native histograms, beside what they make of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from accelerapp.server.numbers import format_general
from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Bools, Cells, Floats
from accelerapp.server.promql.histogram import Histogram, joint_hint
from accelerapp.server.promql.histogram_rows import histograms_of, joint_layout, rows_of, total
from accelerapp.server.promql.histogram_rows import mean as mean_of
from accelerapp.server.promql.summation import Mean, add_compensated

Members = Sequence[Sequence[int]]

_SUMMED = frozenset({"sum", "avg"})
_COUNTED = frozenset({"count", "group"})
#: The aggregations about whose own place Prometheus speaks, not about that of what they aggregate.
_RANKED = frozenset({"topk", "bottomk"})


def aggregate_native(
    expr: ast.Aggregate,
    block: Block,
    members: Members,
    result: tuple[Floats, Bools],
    notes: Annotations,
    check_time: Callable[[], None],
) -> tuple[Floats, Bools, Cells | None]:
    """Complete what an aggregation made of the numbers of each group (values and presence) by its histograms.

    `members` are the rows of each group.
    """
    values, present = result
    if expr.op in _COUNTED:
        native = block.native
        counts = np.array([native[list(rows)].sum(axis=0) for rows in members])
        if expr.op == "group":
            return np.ones(values.shape), present | (counts > 0), None
        return np.where(present, values, 0.0) + counts, present | (counts > 0), None
    if expr.op not in _SUMMED:
        note_ignored(expr, block, notes)
        return values, present, None
    cells = np.full(values.shape, None, dtype=object)
    mixed = np.zeros(values.shape, dtype=np.bool_)
    conflict = False
    for group, rows in enumerate(members):
        check_time()
        of_group = block.histograms[list(rows)] if block.histograms is not None else cells[:0]
        native = of_group != None  # noqa: E711 - of each cell
        mixed[group] = native.any(axis=0) & present[group]
        native &= ~mixed[group]
        steps = np.flatnonzero(native.any(axis=0))
        if len(steps):
            results, conflicts = _summed(of_group[:, steps], native[:, steps], mean=expr.op == "avg")
            conflict |= conflicts
            for step, one in zip(steps.tolist(), results, strict=True):
                cells[group, step] = one
    if mixed.any():
        notes.warning(annotation.MIXED_AGGREGATION, expr.expr)
    if conflict:
        notes.warning(annotation.conflicting_resets("aggregation"), expr.expr)
    return values, present & ~mixed, cells


def _summed(cells: Cells, native: Bools, *, mean: bool) -> tuple[list[Histogram], bool]:
    """Sum up the histograms of each step, members × steps, or take their mean; tell whether hints contradict."""
    by_step = [cells[native[:, step], step].tolist() for step in range(cells.shape[1])]
    hints = [joint_hint(found) for found in by_step]
    layout = joint_layout([one for found in by_step for one in found])
    if layout is None:
        results = [(mean_of if mean else total)(found) for found in by_step]
        return results, any(conflict for _, conflict in hints)
    shape = (cells.shape[1], layout.width)
    running, lost, seen = Mean(np.zeros(shape)), np.zeros(shape), np.zeros(cells.shape[1], dtype=np.bool_)
    for member in range(cells.shape[0]):
        here = native[member]
        rows = rows_of(layout, cells[member, here].tolist())
        fresh = ~seen[here]
        running.total[np.flatnonzero(here)[fresh]] = rows[fresh]
        more = here & seen
        if more.any():
            again = rows[~fresh]
            if mean:
                running.add(more, again)
            else:
                running.total[more], lost[more] = add_compensated(again, running.total[more], lost[more])
        seen |= here
    numbers = running.result() if mean else running.total + lost
    return histograms_of(layout, numbers, [hint for hint, _ in hints]), any(conflict for _, conflict in hints)


def note_ignored(expr: ast.Aggregate, block: Block, notes: Annotations) -> None:
    """Say that an aggregation leaves histograms out, where there are any."""
    if block.histograms is not None and block.native.any():
        notes.info(annotation.ignored_in(expr.op), expr if expr.op in _RANKED else expr.expr)


def format_histogram(histogram: Histogram) -> str:
    """Write a histogram as Prometheus does where it becomes a label's value."""
    parts = [f"{{count:{format_general(histogram.count)}, sum:{format_general(histogram.sum)}"]
    for bucket in histogram.buckets():
        closed = bucket.boundaries
        parts.append(
            f"{'[' if closed in (1, 3) else '('}{format_general(bucket.lower)},{format_general(bucket.upper)}"
            f"{']' if closed in (0, 3) else ')'}:{format_general(bucket.count)}"
        )
    return ", ".join(parts) + "}"
