"""Summaries of a window's samples: avg_over_time, max_over_time and their kin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Bools, Floats
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.quantiles import quantile_of_columns
from accelerapp.server.promql.summation import Mean, add_compensated
from accelerapp.server.promql.windows import Selection

#: How many samples quantile_over_time lays out at once.
_CHUNK = 4_000_000


def _summary(reduce: Callable[[Selection], Floats], *, keep_name: bool = False) -> Function:
    def evaluate(call: ast.Call, context: Context) -> Block:
        return _spread(context.windows(call.args[0]).selected(1), reduce, keep_name=keep_name)

    return evaluate


def _spread(chosen: Selection, reduce: Callable[[Selection], Floats], *, keep_name: bool = False) -> Block:
    values, present = chosen.windows.column(1, reduce(chosen), chosen)
    block = Block(chosen.windows.labels, values, present).without_empty()
    return block if keep_name else block.without_name()


def _sum(chosen: Selection) -> Floats:
    total, lost = np.zeros(len(chosen.index)), np.zeros(len(chosen.index))
    for lane, at in chosen.lanes():
        total[lane], lost[lane] = add_compensated(chosen.windows.samples.values[at], total[lane], lost[lane])
    return np.where(np.isinf(total), total, total + lost)


def _avg(chosen: Selection) -> Floats:
    values = chosen.windows.samples.values
    mean = Mean(values[chosen.first])
    for lane, at in chosen.lanes(1):
        mean.add(lane, values[at])
    return mean.result()


def _extreme(better: Callable[[Floats, Floats], Bools]) -> Callable[[Selection], Floats]:
    def reduce(chosen: Selection) -> Floats:
        values = chosen.windows.samples.values
        best = values[chosen.first]
        for lane, at in chosen.lanes(1):
            now = values[at]
            best[lane] = np.where(better(now, best[lane]) | np.isnan(best[lane]), now, best[lane])
        return best

    return reduce


def _variance(chosen: Selection) -> Floats:
    size = len(chosen.index)
    mean, mean_lost, squares, squares_lost = (np.zeros(size) for _ in range(4))
    for k, (lane, at) in enumerate(chosen.lanes(), start=1):
        value = chosen.windows.samples.values[at]
        delta = value - (mean[lane] + mean_lost[lane])
        mean[lane], mean_lost[lane] = add_compensated(delta / k, mean[lane], mean_lost[lane])
        square = delta * (value - (mean[lane] + mean_lost[lane]))
        squares[lane], squares_lost[lane] = add_compensated(square, squares[lane], squares_lost[lane])
    return (squares + squares_lost) / chosen.counts


def _quantile_over_time(call: ast.Call, context: Context) -> Block:
    q = context.scalar(call.args[0])

    def reduce(chosen: Selection) -> Floats:
        result = np.empty(len(chosen.index))
        begin = 0
        while begin < len(result):
            longest = int(chosen.counts[begin])
            part = slice(begin, begin + max(1, _CHUNK // longest))
            lane = np.arange(longest)[:, None]
            present = lane < chosen.counts[part][None, :]
            at = np.where(present, chosen.first[part][None, :] + lane, 0)
            result[part] = quantile_of_columns(
                q[chosen.step[part]], chosen.windows.samples.values[at], present
            )
            begin = part.stop
        return result

    return _spread(context.windows(call.args[1]).selected(1), reduce)


FUNCTIONS: dict[str, Function] = {
    "avg_over_time": _summary(_avg),
    "count_over_time": _summary(lambda chosen: chosen.counts.astype(np.float64)),
    "first_over_time": _summary(lambda chosen: chosen.windows.samples.values[chosen.first], keep_name=True),
    "last_over_time": _summary(
        lambda chosen: chosen.windows.samples.values[chosen.first + chosen.counts - 1], keep_name=True
    ),
    "max_over_time": _summary(_extreme(np.greater)),
    "min_over_time": _summary(_extreme(np.less)),
    "present_over_time": _summary(lambda chosen: np.ones(len(chosen.index))),
    "quantile_over_time": _quantile_over_time,
    "stddev_over_time": _summary(lambda chosen: np.sqrt(_variance(chosen))),
    "stdvar_over_time": _summary(_variance),
    "sum_over_time": _summary(_sum),
}
