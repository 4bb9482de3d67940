"""How counters and gauges change: rate, increase, delta, irate, idelta, resets, changes."""

from __future__ import annotations

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Bools, Floats, Ints
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.windows import Selection, Windows


def _extrapolated(call: ast.Call, context: Context, *, counter: bool, per_second: bool) -> Block:
    """Estimate the change over the whole window from its first and last sample, as Prometheus extrapolates.

    Up to a window's bound where a sample lies within 110 % of the average distance of it, otherwise by half that
    distance; a counter never below zero.
    """
    windows = context.windows(call.args[0])
    chosen = windows.selected(2)
    if not len(chosen.index):
        return Block.empty(context.steps.count)
    change = _change(windows, chosen, counter=counter)
    last = chosen.first + chosen.counts - 1
    first_ms, last_ms = windows.samples.timestamps[chosen.first], windows.samples.timestamps[last]
    to_start = (first_ms - windows.start_ms[chosen.step]) / 1000
    to_end = (windows.end_ms[chosen.step] - last_ms) / 1000
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (chosen.counts - 1)
    to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
    if counter:
        first = windows.samples.values[chosen.first]
        to_zero = np.where((change > 0) & (first >= 0), sampled * (first / change), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
    factor = (sampled + to_start + to_end) / sampled
    if per_second:
        factor = factor / _range_seconds(windows)
    return _block(windows, chosen, change * factor)


def _range_seconds(windows: Windows) -> float:
    return float(windows.end_ms[0] - windows.start_ms[0]) / 1000


def _change(windows: Windows, chosen: Selection, *, counter: bool) -> Floats:
    """Return last minus first; of a counter, plus what it had reached before each of its resets."""
    values = windows.samples.values
    change: Floats = values[chosen.first + chosen.counts - 1] - values[chosen.first]
    if not counter:
        return change
    resets = _in_window(chosen, _falls(windows))
    replayed = np.flatnonzero(resets > 0)
    if not len(replayed):
        return change
    part = windows.chosen(chosen.index[replayed])
    total = values[part.first + part.counts - 1] - values[part.first]
    for lane, at in part.lanes(1):
        before, now = values[at - 1], values[at]
        total[lane] += np.where(now < before, before, 0.0)
    order = np.argsort(chosen.index)
    change[order[np.searchsorted(chosen.index[order], part.index)]] = total
    return change


def _falls(windows: Windows) -> Bools:
    """Tell for every sample whether it is smaller than the one before it, whatever series that belongs to."""
    values = windows.samples.values
    falls = np.zeros(len(values), dtype=np.bool_)
    falls[1:] = values[1:] < values[:-1]
    return falls


def _in_window(chosen: Selection, marks: Bools) -> Ints:
    """Count the marked samples of each window other than its first."""
    before = np.concatenate(([0], np.cumsum(marks, dtype=np.int64)))
    inside: Ints = before[chosen.first + chosen.counts] - before[chosen.first + 1]
    return inside


def _block(windows: Windows, chosen: Selection, values: Floats, present: Bools | None = None) -> Block:
    out, here = np.zeros(windows.shape), np.zeros(windows.shape, dtype=np.bool_)
    out.ravel()[chosen.index] = values
    here.ravel()[chosen.index] = True if present is None else present
    return Block(windows.labels, out, here).without_empty().without_name()


def _instant_change(call: ast.Call, context: Context, *, counter: bool) -> Block:
    """Compare the last two samples; a counter that fell started again from zero."""
    windows = context.windows(call.args[0])
    chosen = windows.selected(2)
    last = chosen.first + chosen.counts - 1
    values, stamps = windows.samples.values, windows.samples.timestamps
    now, before = values[last], values[last - 1]
    if not counter:
        return _block(windows, chosen, now - before)
    change = np.where(now < before, now, now - before)
    return _block(windows, chosen, change / ((stamps[last] - stamps[last - 1]) / 1000))


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
    windows = context.windows(call.args[0])
    chosen = windows.selected(1)
    return _block(windows, chosen, _in_window(chosen, _falls(windows)).astype(np.float64))


def _changes(call: ast.Call, context: Context) -> Block:
    windows = context.windows(call.args[0])
    chosen = windows.selected(1)
    values = windows.samples.values
    marks = np.zeros(len(values), dtype=np.bool_)
    marks[1:] = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return _block(windows, chosen, _in_window(chosen, marks).astype(np.float64))


FUNCTIONS: dict[str, Function] = {
    "changes": _changes,
    "delta": _delta,
    "idelta": _idelta,
    "increase": _increase,
    "irate": _irate,
    "rate": _rate,
    "resets": _resets,
}
