"""Straight lines through samples: deriv, predict_linear."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Floats, Ints
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.summation import add_compensated
from accelerapp.server.promql.windows import Selection


def _regression(chosen: Selection, origin_ms: Ints) -> tuple[Floats, Floats]:
    """Fit a line to each window by least squares; returns its slope per second and its value at the origin."""
    samples = chosen.windows.samples
    count = len(chosen.index)
    sums = [np.zeros(count) for _ in range(4)]  # of x, y, x·y and x²
    lost = [np.zeros(count) for _ in range(4)]
    first = samples.values[chosen.first]
    constant = np.ones(count, dtype=np.bool_)
    for k, (lane, at) in enumerate(chosen.lanes()):
        y = samples.values[at]
        x = (samples.timestamps[at] - origin_ms[lane]) / 1000
        if k:
            constant[lane] &= y == first[lane]
        for term, number in enumerate((x, y, x * y, x * x)):
            sums[term][lane], lost[term][lane] = add_compensated(number, sums[term][lane], lost[term][lane])
    x, y, xy, xx = (total + rest for total, rest in zip(sums, lost, strict=True))
    slope = (xy - x * y / chosen.counts) / (xx - x * x / chosen.counts)
    intercept = y / chosen.counts - slope * x / chosen.counts
    finite = np.where(np.isinf(first), np.nan, 1.0)
    return np.where(constant, 0.0 * finite, slope), np.where(constant, first * finite, intercept)


def _fitted(chosen: Selection, values: Floats) -> Block:
    return chosen.spread(values).without_name()


def _deriv(call: ast.Call, context: Context) -> Block:
    chosen = context.windows(call.args[0]).selected(2)
    chosen = chosen.taken(chosen.by_length())
    slope, _ = _regression(chosen, chosen.windows.samples.timestamps[chosen.first])
    return _fitted(chosen, slope)


def _predict_linear(call: ast.Call, context: Context) -> Block:
    chosen = context.windows(call.args[0]).selected(2)
    chosen = chosen.taken(chosen.by_length())
    slope, intercept = _regression(chosen, chosen.windows.times_ms[chosen.step])
    return _fitted(chosen, slope * context.scalar(call.args[1])[chosen.step] + intercept)


FUNCTIONS: dict[str, Function] = {"deriv": _deriv, "predict_linear": _predict_linear}
