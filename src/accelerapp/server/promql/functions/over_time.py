"""Summaries of a window's samples: avg_over_time, max_over_time and their kin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.block import Block, Floats
from accelerapp.server.promql.extremes import extremes
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.quantiles import quantile_of_columns
from accelerapp.server.promql.running_sums import RunningSums
from accelerapp.server.promql.summation import Mean, add_compensated
from accelerapp.server.promql.windows import Selection

#: How many samples quantile_over_time lays out at once.
_CHUNK = 4_000_000


def _summary(reduce: Callable[[Selection], Floats], *, keep_name: bool = False) -> Function:
    def evaluate(call: ast.Call, context: Context) -> Block:
        chosen = context.windows(call.args[0]).selected(1)
        block = chosen.spread(reduce(chosen))
        return block if keep_name else block.without_name()

    return evaluate


def _by_lanes(reduce: Callable[[Selection], Floats]) -> Callable[[Selection], Floats]:
    """Make a reduction that sees the windows with the longest first."""

    def ordered(chosen: Selection) -> Floats:
        order = chosen.by_length()
        result = np.empty(len(order))
        result[order] = reduce(chosen.taken(order))
        return result

    return ordered


def _by_running_sums(
    combine: Callable[[Floats, Floats, Selection], Floats], lanes: Callable[[Selection], Floats]
) -> Callable[[Selection], Floats]:
    """Make a reduction of the windows' sums; windows whose sums are not exact go by lanes."""

    def reduce(chosen: Selection) -> Floats:
        running = RunningSums(chosen.windows.samples.values)
        held = running.held(chosen.first, chosen.last)
        result = combine(*running.sums(chosen.first, chosen.last), chosen)
        if not held.all():
            result[~held] = lanes(chosen.taken(~held))
        return result

    return reduce


@_by_lanes
def sum_by_lanes(chosen: Selection) -> Floats:
    """Add up each window's samples one after the other, as Prometheus does."""
    total, lost = np.zeros(len(chosen.index)), np.zeros(len(chosen.index))
    for lane, at in chosen.lanes():
        total[lane], lost[lane] = add_compensated(chosen.windows.samples.values[at], total[lane], lost[lane])
    return np.where(np.isinf(total), total, total + lost)


@_by_lanes
def mean_by_lanes(chosen: Selection) -> Floats:
    """Average each window's samples one after the other, as Prometheus does."""
    values = chosen.windows.samples.values
    mean = Mean(values[chosen.first])
    for lane, at in chosen.lanes(1):
        mean.add(lane, values[at])
    return mean.result()


def _sum_of_parts(total: Floats, lost: Floats, _: Selection) -> Floats:
    return total + lost


def _mean_of_parts(total: Floats, lost: Floats, chosen: Selection) -> Floats:
    return total / chosen.counts + lost / chosen.counts


def _max(chosen: Selection) -> Floats:
    return extremes(chosen.windows.samples.values, chosen.first, chosen.last, np.greater)


def _min(chosen: Selection) -> Floats:
    return extremes(chosen.windows.samples.values, chosen.first, chosen.last, np.less)


@_by_lanes
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

    @_by_lanes
    def reduce(chosen: Selection) -> Floats:
        result = np.empty(len(chosen.index))
        counts, step = chosen.counts, chosen.step
        begin = 0
        while begin < len(result):
            longest = int(counts[begin])
            part = slice(begin, begin + max(1, _CHUNK // longest))
            lane = np.arange(longest)[:, None]
            present = lane < counts[part][None, :]
            at = np.where(present, chosen.first[part][None, :] + lane, 0)
            result[part] = quantile_of_columns(q[step[part]], chosen.windows.samples.values[at], present)
            begin = part.stop
        return result

    chosen = context.windows(call.args[1]).selected(1)
    wrong = ~((q >= 0) & (q <= 1))
    if wrong.any():
        steps = np.unique(chosen.step[wrong[chosen.step]])
        for number in np.unique(q[steps]).tolist():
            context.notes.warning(annotation.invalid_quantile(number), call.args[0])
    return chosen.spread(reduce(chosen)).without_name()


FUNCTIONS: dict[str, Function] = {
    "avg_over_time": _summary(_by_running_sums(_mean_of_parts, mean_by_lanes)),
    "count_over_time": _summary(lambda chosen: chosen.counts.astype(np.float64)),
    "first_over_time": _summary(lambda chosen: chosen.windows.samples.values[chosen.first], keep_name=True),
    "last_over_time": _summary(lambda chosen: chosen.windows.samples.values[chosen.last - 1], keep_name=True),
    "max_over_time": _summary(_max),
    "min_over_time": _summary(_min),
    "present_over_time": _summary(lambda chosen: np.ones(len(chosen.index))),
    "quantile_over_time": _quantile_over_time,
    "stddev_over_time": _summary(lambda chosen: np.sqrt(_variance(chosen))),
    "stdvar_over_time": _summary(_variance),
    "sum_over_time": _summary(_by_running_sums(_sum_of_parts, sum_by_lanes)),
}
