"""Binary operators: arithmetic, comparisons, and what decides which elements meet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql import ast, native_operators
from accelerapp.server.promql.annotation import Annotations, incompatible_types
from accelerapp.server.promql.block import (
    SCHEMA_LABELS,
    Block,
    Bools,
    Cells,
    Floats,
    drop_labels,
    drop_name,
    get_label,
    group_rows,
    keep_labels,
    set_label,
)
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.literals import format_labels
from accelerapp.server.promql.native_operators import Operand
from accelerapp.server.signals import Labels

_ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
_COMPARISONS: dict[str, Callable[[Floats, Floats], Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


_MANY_TO_ONE = "many-to-one matching must be explicit (group_left/group_right)"
_GROUPED = "grouping labels must ensure unique matches"
#: Later than every step.
_NEVER = sys.maxsize


def scalars(op: str, left: Floats, right: Floats) -> Floats:
    """Combine two scalars; a comparison gives 1 or 0.

    Raises PromQLError for what only native histograms have.
    """
    if op in ast.TRIMMINGS:
        raise PromQLError(f'operator "{op}" not allowed for Scalar operations')
    if op in _COMPARISONS:
        return _COMPARISONS[op](left, right).astype(np.float64)
    return _ARITHMETIC[op](left, right)


def vector_scalar(expr: ast.Binary, block: Block, scalar: Floats, notes: Annotations) -> Block:
    """Combine a vector with a scalar on its right."""
    sides = (Operand.of_rows(block, slice(None)), Operand.of_scalar(scalar, block.present.shape))
    return _with_scalar(expr, block, sides, notes)


def scalar_vector(expr: ast.Binary, scalar: Floats, block: Block, notes: Annotations) -> Block:
    """Combine a vector with a scalar on its left; a filtering comparison keeps the vector's values."""
    sides = (Operand.of_scalar(scalar, block.present.shape), Operand.of_rows(block, slice(None)))
    return _with_scalar(expr, block, sides, notes)


def _with_scalar(expr: ast.Binary, block: Block, sides: tuple[Operand, Operand], notes: Annotations) -> Block:
    left, right = sides[0].values, sides[1].values
    cells = None if block.histograms is None else native_operators.combine(expr, *sides, notes)[0]
    if expr.op in ast.TRIMMINGS:
        _note_trimmed_floats(expr, block.present, notes)
        nothing = np.zeros(block.present.shape, dtype=np.bool_)
        return Block(block.labels, block.values, nothing, cells).without_empty()
    if expr.op not in _COMPARISONS:
        values = _ARITHMETIC[expr.op](left, right)
        return Block(block.labels, values, block.present, cells).without_empty().without_name()
    kept = _COMPARISONS[expr.op](left, right)
    if expr.return_bool:
        return Block(block.labels, kept.astype(np.float64), block.present).without_name()
    return Block(block.labels, block.values, block.present & kept).without_empty()


def vectors(
    expr: ast.Binary, left: Block, right: Block, notes: Annotations, check_time: Callable[[], None]
) -> Block:
    """Combine two vectors, element by element that match; `check_time` raises where the query has taken too long.

    Raises PromQLError where the match is not as unique as the operator needs it.
    """
    signature = _signature(expr.matching)
    if expr.op in ast.SET_OPERATORS:
        return _set_operation(expr.op, left, right, signature)
    return _matched(expr, left, right, signature, notes, check_time)


def _signature(matching: ast.VectorMatching) -> Callable[[Labels], Labels]:
    names = frozenset(matching.labels)
    if matching.on:
        return lambda labels: keep_labels(labels, names)
    dropped = names | SCHEMA_LABELS
    return lambda labels: drop_labels(labels, dropped)


def _set_operation(op: str, left: Block, right: Block, signature: Callable[[Labels], Labels]) -> Block:
    left_groups = group_rows(left.labels, signature)
    right_groups = group_rows(right.labels, signature)
    if op == "or":
        kept, filled = np.ones(right.present.shape, dtype=np.bool_), left.filled
        for key, rows in left_groups.items():
            if key in right_groups:
                kept[right_groups[key]] &= ~filled[rows].any(axis=0)
        return left.without_empty().beside(right.where(kept).without_empty())
    kept, filled = np.ones(left.present.shape, dtype=np.bool_), right.filled
    for key, rows in left_groups.items():
        if key in right_groups:
            other = filled[right_groups[key]].any(axis=0)
            kept[rows] &= other if op == "and" else ~other
        elif op == "and":
            kept[rows] = False
    return left.where(kept).without_empty()


@dataclass
class _Pairs:
    """Rows of the many side and of the one side that share a signature, and the labels that each pair gives."""

    many: list[int]
    one: list[int]
    labels: list[Labels]


def _matched(
    expr: ast.Binary,
    left: Block,
    right: Block,
    signature: Callable[[Labels], Labels],
    notes: Annotations,
    check_time: Callable[[], None],
) -> Block:
    swapped = expr.matching.group == "right"
    sides = (right, left) if swapped else (left, right)
    # What is matched does not depend on the kind of the values.
    many, one = (Block(side.labels, side.values, side.filled) for side in sides)
    many_groups, one_groups = group_rows(many.labels, signature), group_rows(one.labels, signature)
    # Where one side has no element at all at a step, Prometheus does not look for duplicates in the other.
    both = many.occupied() & one.occupied()
    crowded = min((_first_duplicate(one, rows, both) for rows in one_groups.values()), default=_NEVER)
    # Elements that each have one partner cannot make more pairs than there are of them; what has more is wrong anyhow.
    most = int(many.present.sum())
    pairs = _Pairs([], [], [])
    ambiguous = _NEVER
    for key, rows in many_groups.items():
        first = len(pairs.many)
        for row in rows:
            check_time()
            if len(pairs.many) > most:
                break
            for partner in one_groups.get(key, ()):
                if np.any(many.present[row] & one.present[partner]):
                    pairs.many.append(row)
                    pairs.one.append(partner)
                    pairs.labels.append(_result_labels(expr, many.labels[row], one.labels[partner]))
        ambiguous = min(ambiguous, _first_ambiguity(expr, many, one, pairs, first))
    if crowded < _NEVER and crowded <= ambiguous:
        raise _duplicate(one, signature, crowded, "left" if swapped else "right")
    if ambiguous < _NEVER:
        raise PromQLError(
            f"multiple matches for labels: {_MANY_TO_ONE if expr.matching.group is None else _GROUPED}"
        )
    if not pairs.many:
        return Block.empty(left.values.shape[1])
    operands = (Operand.of_rows(sides[0], pairs.many), Operand.of_rows(sides[1], pairs.one))
    return _combine(expr, pairs.labels, operands[::-1] if swapped else operands, notes)


def _combine(
    expr: ast.Binary, labels: list[Labels], sides: tuple[Operand, Operand], notes: Annotations
) -> Block:
    values = (sides[0].values, sides[1].values)
    present = sides[0].present & sides[1].present
    cells: Cells | None = None
    compared = holds = np.zeros(present.shape, dtype=np.bool_)
    if sides[0].cells is not None or sides[1].cells is not None:
        cells, compared, holds = native_operators.combine(expr, *sides, notes)
    if expr.op in ast.TRIMMINGS:
        _note_trimmed_floats(expr, present, notes)
        return Block(labels, values[0], compared, cells).without_empty().merged()
    if expr.op not in _COMPARISONS:
        return Block(labels, _ARITHMETIC[expr.op](*values), present, cells).without_empty().merged()
    kept = _COMPARISONS[expr.op](*values)
    if expr.return_bool:
        truth = np.where(compared, holds, kept).astype(np.float64)
        return Block(labels, truth, present | compared).merged()
    return Block(labels, values[0], present & kept, cells).without_empty().merged()


def _note_trimmed_floats(expr: ast.Binary, present: Bools, notes: Annotations) -> None:
    if present.any():
        notes.info(incompatible_types("float", expr.op, "float"), expr)


def _first_duplicate(one: Block, rows: list[int], both: Bools) -> int:
    """Return the first step at which several elements of the one side share a signature."""
    return _first((one.present[rows].sum(axis=0) > 1) & both) if len(rows) > 1 else _NEVER


def _duplicate(one: Block, signature: Callable[[Labels], Labels], step: int, side: str) -> PromQLError:
    """Name the two elements of the one side that are the first to collide at a step."""
    seen: dict[Labels, Labels] = {}
    for row in np.flatnonzero(one.present[:, step]).tolist():
        labels = one.labels[row]
        key = signature(labels)
        if key in seen:
            first, second = sorted((format_labels(labels), format_labels(seen[key])))
            return PromQLError(
                f"found duplicate series for the match group {format_labels(key)} on the {side} hand-side of the "
                f"operation: [{first}, {second}];many-to-many matching not allowed: matching labels must be unique "
                "on one side"
            )
        seen[key] = labels
    raise AssertionError("no two series share a signature at this step")


def _first_ambiguity(expr: ast.Binary, many: Block, one: Block, pairs: _Pairs, first: int) -> int:
    """Return the first step at which two pairs of one signature would give the same element."""
    explicit = expr.matching.group is not None
    seen: dict[Labels, Bools] = {}
    earliest = _NEVER
    for index in range(first, len(pairs.many)):
        here = many.present[pairs.many[index]] & one.present[pairs.one[index]]
        key = pairs.labels[index] if explicit else ()
        if key in seen:
            earliest = min(earliest, _first(seen[key] & here))
        seen[key] = seen[key] | here if key in seen else here
    return earliest


def _first(steps: Bools) -> int:
    return int(np.argmax(steps)) if steps.any() else _NEVER


def _result_labels(expr: ast.Binary, many: Labels, one: Labels) -> Labels:
    matching = expr.matching
    kept = expr.op in _COMPARISONS or expr.op in ast.TRIMMINGS
    labels = many if kept and not expr.return_bool else drop_name(many)
    if matching.group is None:
        names = frozenset(matching.labels)
        labels = keep_labels(labels, names) if matching.on else drop_labels(labels, names)
    for name in matching.include:
        labels = set_label(labels, name, get_label(one, name))
    return labels
