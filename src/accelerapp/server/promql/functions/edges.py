"""Changes from one edge of a window to the other, where the modifiers `anchored` and `smoothed` ask for that.

An anchored window begins with the sample before it; at the edges of a smoothed one stand values on the line between
the samples on both sides of it. How far away those samples may be is the look-back. What Prometheus does by a
counter's start timestamps, which are not collected here, is left out, as it is there without its feature flag.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accelerapp.server.promql.block import Bools, Floats, Ints
from accelerapp.server.promql.functions.resets import add_reached
from accelerapp.server.promql.windows import Edges, Selection, Windows


def anchored(windows: Windows, edges: Edges) -> Selection:
    """Take the windows that hold a sample, each from the last sample on that is not within it, where there is one."""
    chosen = windows.selected(1)
    earliest, _ = _reach(chosen, edges)
    first = np.where(chosen.first > earliest, chosen.first - 1, chosen.first)
    return Selection(windows, chosen.index, first, chosen.last)


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Some windows with the values on both their edges, and the samples `first` to `last` (exclusive) between them."""

    chosen: Selection
    left: Floats
    right: Floats
    first: Ints
    last: Ints

    def change(self, *, counter: bool) -> Floats:
        """Return right minus left; of a counter, plus what it had reached before each of its resets."""
        change = self.right - self.left
        if counter:
            values = self.chosen.windows.samples.values
            change += _reached(values, self.first, self.last, self.left, self.right)
        return change


def between(windows: Windows, edges: Edges, *, counter: bool, beyond: bool = False) -> Between:
    """Find the values on the edges of the windows that have them.

    A counter that fell between the samples around an edge started from nought there. With `beyond`, windows are taken
    too that have only samples after their end, as Prometheus does where a smoothed range is the whole query.
    """
    if edges.smoothed:
        return _smoothed(windows, edges, counter=counter, beyond=beyond)
    return _anchored(windows, edges)


def with_edges(windows: Windows, edges: Edges) -> Bools:
    """Tell which windows have a change from edge to edge."""
    present = np.zeros(windows.shape, dtype=np.bool_)
    present.ravel()[between(windows, edges, counter=False).chosen.index] = True
    return present


def _anchored(windows: Windows, edges: Edges) -> Between:
    chosen = anchored(windows, edges)
    stamps, values, step = windows.samples.timestamps, windows.samples.values, chosen.step
    inner = chosen.first + (stamps[chosen.first] <= windows.start_ms[step])
    last = chosen.last - (stamps[chosen.last - 1] >= windows.end_ms[step])
    return Between(chosen, values[chosen.first], values[chosen.last - 1], inner, last)


def _smoothed(windows: Windows, edges: Edges, *, counter: bool, beyond: bool) -> Between:
    every = windows.chosen(np.arange(windows.first.size))
    earliest, latest = _reach(every, edges)
    some = latest > earliest
    every, earliest, latest = every.taken(some), earliest[some], latest[some]
    stamps, step = windows.samples.timestamps, every.step
    start, end = windows.start_ms[step], windows.end_ms[step]
    first = np.where(every.first > earliest, every.first - 1, earliest)
    # A sample at the very end is the first that is not before it.
    exact = stamps[np.maximum(every.last - 1, 0)] == end
    last = np.minimum(every.last - (exact & (every.last > every.first)), latest - 1)
    usable = (stamps[last] > start) & ((stamps[first] <= end) | beyond)
    chosen, first, last = every.taken(usable), first[usable], last[usable]
    start, end = start[usable], end[usable]
    left = _on_line(windows, first, first + 1, start, counter=counter, inside=stamps[first] < start)
    after = (stamps[last] > end) & (last > first)
    right = _on_line(windows, last - 1, last, end, counter=counter, inside=after)
    left = np.where(stamps[first] < start, left, windows.samples.values[first])
    right = np.where(after, right, windows.samples.values[last])
    return Between(chosen, left, right, first + (stamps[first] <= start), last + (stamps[last] < end))


def _reach(chosen: Selection, edges: Edges) -> tuple[Ints, Ints]:
    """Return where the samples begin and end that each window may look at."""
    windows = chosen.windows
    earliest = windows.samples.count_until(windows.start_ms - edges.lookback_ms)
    latest = windows.samples.count_until(windows.end_ms + (edges.lookback_ms if edges.smoothed else 0))
    return earliest.ravel()[chosen.index], latest.ravel()[chosen.index]


def _on_line(
    windows: Windows, before: Ints, after: Ints, at: Ints, *, counter: bool, inside: Bools
) -> Floats:
    """Return the values at some times between two samples each; only where `inside` they are meant."""
    before, after = np.where(inside, before, 0), np.where(inside, after, 0)
    stamps, values = windows.samples.timestamps, windows.samples.values
    low, high = values[before], values[after]
    if counter:
        low = np.where(high < low, 0.0, low)
    value: Floats = low + (high - low) * (at - stamps[before]) / (stamps[after] - stamps[before])
    return value


def _reached(values: Floats, first: Ints, last: Ints, left: Floats, right: Floats) -> Floats:
    """Add up what a counter had reached before each fall on its way from the left edge over samples to the right."""
    empty = last <= first
    begin, end = values[np.where(empty, 0, first)], values[np.where(empty, 0, last - 1)]
    reached = np.where(~empty & (begin < left), left, 0.0)
    add_reached(reached, values, first, last)
    before = np.where(empty, left, end)
    return reached + np.where(right < before, before, 0.0)
