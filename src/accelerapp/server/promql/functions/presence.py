"""Whether there is anything: absent, absent_over_time."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import SCHEMA_LABELS, Block, Bools
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.signals import Labels, MatchType, make_labels


def _absent(call: ast.Call, context: Context) -> Block:
    return _missing(call, ~context.vector(call.args[0]).occupied())


def _absent_over_time(call: ast.Call, context: Context) -> Block:
    occupied: Bools = np.logical_or.reduce(context.windows(call.args[0]).occupied, axis=0)
    return _missing(call, ~occupied)


def _missing(call: ast.Call, missing: Bools) -> Block:
    values = np.ones((1, len(missing)))
    return Block([_labels(call.args[0])], values, missing[None, :]).without_empty()


def _labels(argument: ast.Expr) -> Labels:
    """Return the labels that a selector fixes by exactly one equality and nothing else."""
    selector = ast.unwrap(argument)
    if isinstance(selector, ast.MatrixSelector):
        selector = selector.selector
    if not isinstance(selector, ast.VectorSelector):
        return ()
    fixed: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name in SCHEMA_LABELS:
            continue
        if matcher.type == MatchType.EQUAL and matcher.name not in seen:
            seen.add(matcher.name)
            fixed[matcher.name] = matcher.value
        else:
            fixed.pop(matcher.name, None)
    return make_labels(fixed)


FUNCTIONS: dict[str, Function] = {"absent": _absent, "absent_over_time": _absent_over_time}
