"""Between scalars and vectors, the evaluation's own time, and order: scalar, vector, time, timestamp, sort."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.block import Block, Floats
from accelerapp.server.promql.functions.context import Context, Function


def _time(call: ast.Call, context: Context) -> Floats:
    return context.times / 1000


def _pi(call: ast.Call, context: Context) -> Floats:
    return np.full(context.steps.count, np.pi)


def _scalar(call: ast.Call, context: Context) -> Floats:
    block = context.vector(call.args[0])
    counts = block.present.sum(axis=0)
    only = np.where(block.present, block.values, 0.0).sum(axis=0)
    return np.where(counts == 1, only, np.nan)


def _vector(call: ast.Call, context: Context) -> Block:
    values = context.scalar(call.args[0])[None, :]
    return Block([()], values, np.ones(values.shape, dtype=np.bool_))


def _timestamp(call: ast.Call, context: Context) -> Block:
    """Give a selector's samples' own times, and the evaluation's time for any other expression."""
    argument = ast.unwrap(call.args[0])
    if isinstance(argument, ast.VectorSelector):
        block, times = context.instant(argument)
    else:
        block = context.vector(argument)
        times = np.broadcast_to(context.times, block.values.shape)
    return Block(block.labels, times / 1000, block.filled).without_name()


def _sorted(call: ast.Call, context: Context, *, descending: bool) -> Block:
    """Order an instant query's answer by value, NaN last; a range query's answer has its own order."""
    block = context.vector(call.args[0]).floats()
    if context.steps.count != 1:
        context.notes.warning(annotation.SORT_IN_RANGE, call)
        return block
    values = block.values[:, 0]
    return block.rows(np.lexsort((-values if descending else values, np.isnan(values))))


def _sort(call: ast.Call, context: Context) -> Block:
    return _sorted(call, context, descending=False)


def _sort_desc(call: ast.Call, context: Context) -> Block:
    return _sorted(call, context, descending=True)


FUNCTIONS: dict[str, Function] = {
    "pi": _pi,
    "scalar": _scalar,
    "sort": _sort,
    "sort_desc": _sort_desc,
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
