"""Binary operators: arithmetic, comparisons, and what decides which elements meet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import (
    SCHEMA_LABELS,
    Block,
    Bools,
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
    """Combine two scalars; a comparison gives 1 or 0."""
    if op in _COMPARISONS:
        return _COMPARISONS[op](left, right).astype(np.float64)
    return _ARITHMETIC[op](left, right)


def vector_scalar(expr: ast.Binary, block: Block, scalar: Floats) -> Block:
    """Combine a vector with a scalar on its right."""
    return _with_scalar(expr, block, block.values, scalar[None, :])


def scalar_vector(expr: ast.Binary, scalar: Floats, block: Block) -> Block:
    """Combine a vector with a scalar on its left; a filtering comparison keeps the vector's values."""
    return _with_scalar(expr, block, scalar[None, :], block.values)


def _with_scalar(expr: ast.Binary, block: Block, left: Floats, right: Floats) -> Block:
    if expr.op not in _COMPARISONS:
        return Block(block.labels, _ARITHMETIC[expr.op](left, right), block.present).without_name()
    kept = _COMPARISONS[expr.op](left, right)
    if expr.return_bool:
        return Block(block.labels, kept.astype(np.float64), block.present).without_name()
    return Block(block.labels, block.values, block.present & kept).without_empty()


def vectors(expr: ast.Binary, left: Block, right: Block) -> Block:
    """Combine two vectors, element by element that match.

    Raises PromQLError where the match is not as unique as the operator needs it.
    """
    signature = _signature(expr.matching)
    if expr.op in ast.SET_OPERATORS:
        return _set_operation(expr.op, left, right, signature)
    return _matched(expr, left, right, signature)


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
        present = right.present.copy()
        for key, rows in left_groups.items():
            if key in right_groups:
                present[right_groups[key]] &= ~left.present[rows].any(axis=0)
        joined = Block(
            left.labels + right.labels,
            np.concatenate((left.values, right.values)),
            np.concatenate((left.present, present)),
        )
        return joined.without_empty().merged()
    present = left.present.copy()
    for key, rows in left_groups.items():
        if key in right_groups:
            other = right.present[right_groups[key]].any(axis=0)
            present[rows] &= other if op == "and" else ~other
        elif op == "and":
            present[rows] = False
    return Block(left.labels, left.values, present).without_empty()


@dataclass
class _Pairs:
    """Rows of the many side and of the one side that share a signature, and the labels that each pair gives."""

    many: list[int]
    one: list[int]
    labels: list[Labels]


def _matched(expr: ast.Binary, left: Block, right: Block, signature: Callable[[Labels], Labels]) -> Block:
    swapped = expr.matching.group == "right"
    many, one = (right, left) if swapped else (left, right)
    many_groups, one_groups = group_rows(many.labels, signature), group_rows(one.labels, signature)
    pairs = _Pairs([], [], [])
    ambiguous = _NEVER
    for key, rows in many_groups.items():
        first = len(pairs.many)
        for row in rows:
            for partner in one_groups.get(key, ()):
                if np.any(many.present[row] & one.present[partner]):
                    pairs.many.append(row)
                    pairs.one.append(partner)
                    pairs.labels.append(_result_labels(expr, many.labels[row], one.labels[partner]))
        ambiguous = min(ambiguous, _first_ambiguity(expr, many, one, pairs, first))
    # Where one side has no element at all at a step, Prometheus does not look for duplicates in the other.
    both = many.occupied() & one.occupied()
    crowded = min((_first_duplicate(one, rows, both) for rows in one_groups.values()), default=_NEVER)
    if crowded < _NEVER and crowded <= ambiguous:
        raise _duplicate(one, signature, crowded, "left" if swapped else "right")
    if ambiguous < _NEVER:
        raise PromQLError(
            f"multiple matches for labels: {_MANY_TO_ONE if expr.matching.group is None else _GROUPED}"
        )
    if not pairs.many:
        return Block.empty(left.values.shape[1])
    present = many.present[pairs.many] & one.present[pairs.one]
    values = (many.values[pairs.many], one.values[pairs.one])
    return _combine(expr, pairs.labels, values[::-1] if swapped else values, present)


def _combine(expr: ast.Binary, labels: list[Labels], values: tuple[Floats, Floats], present: Bools) -> Block:
    if expr.op not in _COMPARISONS:
        return Block(labels, _ARITHMETIC[expr.op](*values), present).merged()
    kept = _COMPARISONS[expr.op](*values)
    if expr.return_bool:
        return Block(labels, kept.astype(np.float64), present).merged()
    return Block(labels, values[0], present & kept).without_empty().merged()


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
    labels = drop_name(many) if expr.return_bool or expr.op not in _COMPARISONS else many
    if matching.group is None:
        names = frozenset(matching.labels)
        labels = keep_labels(labels, names) if matching.on else drop_labels(labels, names)
    for name in matching.include:
        labels = set_label(labels, name, get_label(one, name))
    return labels
