"""topk, bottomk: the series with the largest or smallest values of each group at each step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelerapp.server.numbers import format_plain
from accelerapp.server.promql.block import Block, Bools, Floats, Ints
from accelerapp.server.promql.errors import PromQLError

_INT64 = 2.0**63


def top(
    block: Block, members: list[list[int]], param: Floats, check_time: Callable[[], None], *, largest: bool
) -> Block:
    """Keep the `param` best series of each group at each step.

    A single step's answer is in order of its values, best first. NaN is the worst of all values.
    """
    if param.max(initial=-np.inf) < 1:
        return Block.empty(block.values.shape[1])
    _check_param(param)
    wanted = np.minimum(param, len(block.labels)).astype(np.int64)
    if block.values.shape[1] == 1:
        return _ordered(block, members, int(wanted[0]), largest=largest)
    present = np.zeros(block.present.shape, dtype=np.bool_)
    for rows in members:
        check_time()
        index = np.array(rows, dtype=np.int64)
        values = block.values[index] if largest else -block.values[index]
        present[index] = _chosen(values, block.present[index], wanted)
    return Block(block.labels, block.values, present).without_empty()


def _ordered(block: Block, members: list[list[int]], wanted: int, *, largest: bool) -> Block:
    """Take the best rows of each group at the only step, best first."""
    order: list[int] = []
    for rows in members:
        here = np.array([row for row in rows if block.present[row, 0]], dtype=np.int64)
        values = block.values[here, 0]
        order.extend(here[_best(values if largest else -values, wanted)].tolist())
    return block.rows(order)


def _chosen(values: Floats, present: Bools, wanted: Ints) -> Bools:
    """Tell which of a group's values are among the largest of their step."""
    order = np.lexsort((-values, ~present), axis=0)  # NaN comes last of what is present
    count = np.minimum(wanted, present.sum(axis=0))
    chosen = np.zeros(present.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order, np.arange(len(values))[:, None] < count, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    more = np.flatnonzero((count > 0) & (count < present.sum(axis=0)))
    for step in more[ordered[count[more] - 1, more] == ordered[count[more], more]].tolist():
        here = np.flatnonzero(present[:, step])
        chosen[:, step] = False
        chosen[here[_best(values[here, step], int(count[step]))], step] = True
    return chosen


def _check_param(param: Floats) -> None:
    if np.isnan(param).any():
        raise PromQLError("Parameter value is NaN")
    if param.min() <= -_INT64:
        raise PromQLError(f"Scalar value {_plain(param.min())} underflows int64")
    if param.max() >= _INT64:
        raise PromQLError(f"Scalar value {_plain(param.max())} overflows int64")


def _plain(number: float) -> str:
    return format_plain(number) if np.isinf(number) else repr(float(number))


def _best(values: Floats, count: int) -> Ints:
    """Return the indices of the largest values, best first."""
    order = np.lexsort((-values, np.isnan(values)))
    if count < 1:
        return order[:0]
    if count >= len(order) or values[order[count - 1]] != values[order[count]]:
        return order[:count]
    return _heap_choice(values, count)


def _heap_choice(values: Floats, count: int) -> Ints:
    """Choose among equal values as Prometheus does, whose binary heap decides which of them stay."""
    heap: list[int] = []

    def less(a: int, b: int) -> bool:
        return bool(np.isnan(values[heap[a]]) or values[heap[a]] < values[heap[b]])

    def up(child: int) -> None:
        while child > 0 and less(child, parent := (child - 1) // 2):
            heap[child], heap[parent] = heap[parent], heap[child]
            child = parent

    def down(parent: int) -> None:
        while (child := 2 * parent + 1) < len(heap):
            if child + 1 < len(heap) and less(child + 1, child):
                child += 1
            if not less(child, parent):
                return
            heap[child], heap[parent] = heap[parent], heap[child]
            parent = child

    for index, value in enumerate(values):
        if len(heap) < count:
            heap.append(index)
            up(len(heap) - 1)
        elif values[heap[0]] < value or (np.isnan(values[heap[0]]) and not np.isnan(value)):
            heap[0] = index
            down(0)
    kept = np.array(heap, dtype=np.int64)
    return kept[np.lexsort((-values[kept], np.isnan(values[kept])))]
