"""Operators between native histograms, and between these and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.annotation import Annotations, conflicting_resets, incompatible_types
from accelerapp.server.promql.block import Block, Bools, Cells, Floats
from accelerapp.server.promql.histogram import Hint, Histogram, joint_hint
from accelerapp.server.promql.trimming import trimmed


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """One side of an operator: numbers where `present`, histograms where `cells` has some."""

    values: Floats
    present: Bools
    cells: Cells | None

    @staticmethod
    def of_rows(block: Block, rows: list[int] | slice) -> Operand:
        cells = None if block.histograms is None else block.histograms[rows]
        return Operand(block.values[rows], block.present[rows], cells)

    @staticmethod
    def of_scalar(scalar: Floats, shape: tuple[int, int]) -> Operand:
        return Operand(np.broadcast_to(scalar, shape), np.ones(shape, dtype=np.bool_), None)

    @property
    def native(self) -> Bools:
        if self.cells is None:
            return np.zeros(self.present.shape, dtype=np.bool_)
        native: Bools = self.cells != None  # noqa: E711 - of each cell
        return native

    def at(self, row: int, step: int) -> float | Histogram:
        found = None if self.cells is None else self.cells[row, step]
        return float(self.values[row, step]) if found is None else found


def negated(block: Block) -> Block:
    """Negate numbers and histograms."""
    if block.histograms is None:
        return Block(block.labels, -block.values, block.present)
    cells = block.histograms.copy()
    for row, step in np.argwhere(block.native).tolist():
        cells[row, step] = cells[row, step].scaled(-1.0)
    return Block(block.labels, -block.values, block.present, cells)


def combine(
    expr: ast.Binary, left: Operand, right: Operand, notes: Annotations
) -> tuple[Cells, Bools, Bools]:
    """Combine two sides wherever one of them has a histogram.

    Returns the histograms that this gives; where two were compared; and where that comparison holds.
    """
    shape = left.present.shape
    cells = np.full(shape, None, dtype=object)
    compared, holds = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    there = (left.present | left.native) & (right.present | right.native)
    for row, step in np.argwhere(there & (left.native | right.native)).tolist():
        one, other = left.at(row, step), right.at(row, step)
        if expr.op in ("==", "!=") and isinstance(one, Histogram) and isinstance(other, Histogram):
            compared[row, step] = True
            holds[row, step] = one.same_as(other) == (expr.op == "==")
            if holds[row, step] and not expr.return_bool:
                cells[row, step] = one
            continue
        cells[row, step] = _combined(expr, one, other, notes)
    return cells, compared, holds


def _combined(
    expr: ast.Binary, left: float | Histogram, right: float | Histogram, notes: Annotations
) -> Histogram | None:
    result: Histogram | None = None
    if isinstance(left, Histogram) and isinstance(right, Histogram):
        if expr.op in ("+", "-"):
            adds = expr.op == "+"
            if joint_hint((left, right))[1]:
                notes.warning(conflicting_resets("addition" if adds else "subtraction"), expr)
            result = left.added(right) if adds else left.subtracted(right).with_hint(Hint.GAUGE)
    elif isinstance(right, Histogram) and not isinstance(left, Histogram):
        if expr.op == "*":
            result = right.scaled(left)
    elif isinstance(left, Histogram) and not isinstance(right, Histogram):
        if expr.op == "*":
            result = left.scaled(right)
        elif expr.op == "/":
            result = left.divided(right)
        elif expr.op in ast.TRIMMINGS:
            result = trimmed(left, right, above=expr.op == "</")
    if result is None:
        kinds = ["histogram" if isinstance(one, Histogram) else "float" for one in (left, right)]
        notes.info(incompatible_types(kinds[0], expr.op, kinds[1]), expr)
        return None
    return result
