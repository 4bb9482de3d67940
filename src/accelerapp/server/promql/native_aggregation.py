"""What aggregations make of native histograms, beside what they make of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Bools, Cells, Floats
from accelerapp.server.promql.histogram import Histogram, joint_hint, mean, total
from accelerapp.server.promql.literals import format_general

Members = Sequence[Sequence[int]]

_SUMMED: dict[str, Callable[[Sequence[Histogram]], Histogram]] = {"sum": total, "avg": mean}
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
    present = present.copy()
    for group, step, histograms in _groups(block, members):
        check_time()
        if present[group, step]:
            notes.warning(annotation.MIXED_AGGREGATION, expr.expr)
            present[group, step] = False
            continue
        if joint_hint(histograms)[1]:
            notes.warning(annotation.conflicting_resets("aggregation"), expr.expr)
        cells[group, step] = _SUMMED[expr.op](histograms).compact()
    return values, present, cells


def note_ignored(expr: ast.Aggregate, block: Block, notes: Annotations) -> None:
    """Say that an aggregation leaves histograms out, where there are any."""
    if block.histograms is not None and block.native.any():
        notes.info(annotation.ignored_in(expr.op), expr if expr.op in _RANKED else expr.expr)


def _groups(block: Block, members: Members) -> Iterator[tuple[int, int, list[Histogram]]]:
    """Yield group, step and histograms wherever a group has any."""
    if block.histograms is None:
        return
    native = block.native
    for group, rows in enumerate(members):
        index = np.array(rows, dtype=np.int64)
        for step in np.flatnonzero(native[index].any(axis=0)).tolist():
            yield group, step, [block.histograms[row, step] for row in index[native[index, step]].tolist()]


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
