"""How counters and gauges change: rate, increase, delta, irate, idelta, resets, changes."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Bools, Floats
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.functions.edges import anchored, between
from accelerapp.server.promql.functions.resets import add_reached, falls
from accelerapp.server.promql.windows import Edges, Selection, Windows


def _extrapolated(call: ast.Call, context: Context, *, counter: bool, per_second: bool) -> Block:
    """Estimate the change over the whole window from its first and last sample, as Prometheus extrapolates.

    Up to a window's bound where a sample lies within 110 % of the average distance of it, otherwise by half that
    distance; a counter never below zero.
    """
    windows = context.windows(call.args[0])
    if windows.edges is not None:
        return _between_edges(windows, windows.edges, counter=counter, per_second=per_second)
    chosen = windows.selected(2)
    if not len(chosen.index):
        return Block.empty(context.steps.count)
    samples, step = windows.samples, chosen.step
    change = _change(chosen, counter=counter)
    stamps = samples.timestamps.astype(np.float64)  # milliseconds, whose differences are exact
    first_ms, last_ms = stamps[chosen.first], stamps[chosen.last - 1]
    to_start = (first_ms - windows.start_ms.astype(np.float64)[step]) / 1000
    to_end = (windows.end_ms.astype(np.float64)[step] - last_ms) / 1000
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (chosen.counts - 1)
    far = average * 1.1
    to_start = np.where(to_start >= far, average / 2, to_start)
    if counter:
        first = samples.values[chosen.first]
        to_zero = np.where((change > 0) & (first >= 0), sampled * (first / change), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= far, average / 2, to_end)
    factor = (sampled + to_start + to_end) / sampled
    if per_second:
        factor = factor / _range_seconds(windows)
    return chosen.spread(change * factor).without_name()


def _range_seconds(windows: Windows) -> float:
    return float(windows.end_ms[0] - windows.start_ms[0]) / 1000


def _change(chosen: Selection, *, counter: bool) -> Floats:
    """Return last minus first; of a counter, plus what it had reached before each of its resets."""
    values = chosen.windows.samples.values
    change: Floats = values[chosen.last - 1] - values[chosen.first]
    if counter:
        add_reached(change, values, chosen.first, chosen.last)
    return change


def _between_edges(windows: Windows, edges: Edges, *, counter: bool, per_second: bool) -> Block:
    """Return the change from one edge to the other, which needs no estimate."""
    found = between(windows, edges, counter=counter)
    change = found.change(counter=counter)
    return found.chosen.spread(change / _range_seconds(windows) if per_second else change).without_name()


def _followed(windows: Windows) -> Selection:
    """Take the windows in which samples are compared with those before them."""
    return windows.selected(1) if windows.edges is None else anchored(windows, windows.edges)


def _in_window(chosen: Selection, marks: Bools) -> Floats:
    """Count the marked samples of each window other than its first."""
    at = np.flatnonzero(marks)
    inside = np.searchsorted(at, chosen.last, side="left") - np.searchsorted(at, chosen.first, side="right")
    return inside.astype(np.float64)


def _instant_change(call: ast.Call, context: Context, *, counter: bool) -> Block:
    """Compare the last two samples; a counter that fell started again from zero."""
    windows = context.windows(call.args[0])
    chosen = windows.selected(2)
    last = chosen.last - 1
    values, stamps = windows.samples.values, windows.samples.timestamps
    now, before = values[last], values[last - 1]
    change = now - before
    if counter:
        change = np.where(now < before, now, change) / ((stamps[last] - stamps[last - 1]) / 1000)
    return chosen.spread(change).without_name()


def _rate(call: ast.Call, context: Context) -> Block:
    return _extrapolated(call, context, counter=True, per_second=True)


def _increase(call: ast.Call, context: Context) -> Block:
    return _extrapolated(call, context, counter=True, per_second=False)


def _delta(call: ast.Call, context: Context) -> Block:
    return _extrapolated(call, context, counter=False, per_second=False)


def _irate(call: ast.Call, context: Context) -> Block:
    return _instant_change(call, context, counter=True)


def _idelta(call: ast.Call, context: Context) -> Block:
    return _instant_change(call, context, counter=False)


def _resets(call: ast.Call, context: Context) -> Block:
    chosen = _followed(context.windows(call.args[0]))
    return chosen.spread(_in_window(chosen, falls(chosen.windows.samples.values))).without_name()


def _changes(call: ast.Call, context: Context) -> Block:
    chosen = _followed(context.windows(call.args[0]))
    values = chosen.windows.samples.values
    marks = np.zeros(len(values), dtype=np.bool_)
    marks[1:] = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return chosen.spread(_in_window(chosen, marks)).without_name()


FUNCTIONS: dict[str, Function] = {
    "changes": _changes,
    "delta": _delta,
    "idelta": _idelta,
    "increase": _increase,
    "irate": _irate,
    "rate": _rate,
    "resets": _resets,
}
