"""Functions of range vectors over native histograms, beside what they make of the floats of the same series."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from accelerapp.server.promql import annotation, ast
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Bools, Cells, Floats, Ints, Steps, get_label
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.histogram import Hint, Histogram, joint_hint
from accelerapp.server.promql.histogram_rows import histograms_of, mean, total
from accelerapp.server.promql.histogram_samples import HistogramWindows
from accelerapp.server.promql.windows import Windows
from accelerapp.server.signals import METRIC_NAME


@dataclass(frozen=True, slots=True)
class _Given:
    """A context whose range vector is known already."""

    context: Context
    given: Windows

    @property
    def steps(self) -> Steps:
        return self.context.steps

    @property
    def times(self) -> Ints:
        return self.context.times

    @property
    def notes(self) -> Annotations:
        return self.context.notes

    def vector(self, expr: ast.Expr) -> Block:
        return self.context.vector(expr)

    def scalar(self, expr: ast.Expr) -> Floats:
        return self.context.scalar(expr)

    def windows(self, expr: ast.Expr) -> Windows:
        return self.given

    def instant(self, selector: ast.VectorSelector) -> tuple[Block, Ints]:
        return self.context.instant(selector)


@dataclass(frozen=True, slots=True)
class _Native:
    """The windows of a call that has native histograms in them."""

    call: ast.Call
    place: ast.Expr
    windows: Windows
    histograms: HistogramWindows
    notes: Annotations

    @staticmethod
    def of(call: ast.Call, windows: Windows, histograms: HistogramWindows, notes: Annotations) -> _Native:
        place = call.args[0]
        if isinstance(ast.unwrap(place), ast.Subquery):
            place = replace(place, start=0)  # Prometheus does not know any more where it stands
        return _Native(call, place, windows, histograms, notes)

    @property
    def mixed(self) -> Bools:
        return (self.windows.counts > 0) & (self.histograms.counts > 0)

    def metric(self, row: int) -> str:
        return get_label(self.windows.labels[row], METRIC_NAME)

    def warn_of(self, windows: Bools, text: Callable[[str], str]) -> None:
        """Warn of the metrics that have any of the given windows."""
        for row in np.flatnonzero(windows.any(axis=1)).tolist():
            self.notes.warning(text(self.metric(row)), self.place)

    def without(self, windows: Bools) -> Windows:
        """Return the windows of floats alone, some of them emptied."""
        last = np.where(windows, self.windows.first, self.windows.last)
        return replace(self.windows, last=last, histograms=None)

    def cells(self) -> Cells:
        return np.full(self.windows.shape, None, dtype=object)

    def each(self, windows: Bools) -> Iterator[tuple[int, int, list[int]]]:
        """Yield series, step and histograms of some windows."""
        for row, step in np.argwhere(windows).tolist():
            self.windows.check_time()
            yield row, step, self.histograms.within(row, step)

    def block(self, cells: Cells, *, keep_name: bool = False) -> Block:
        nothing = np.zeros(self.windows.shape)
        block = Block(self.windows.labels, nothing, nothing.astype(np.bool_), cells).without_empty()
        return block if keep_name else block.without_name()

    def numbers(self, values: Floats, present: Bools) -> Block:
        return Block(self.windows.labels, values, present).without_empty().without_name()


#: Gives the windows of floats that the function of floats is to see, and what is made of the rest.
_Form = Callable[[_Native], tuple[Windows, Block | None]]


def over_windows(call: ast.Call, function: Function, context: Context, windows: Windows) -> Block | Floats:
    """Evaluate a function whose range vector has native histograms."""
    histograms = windows.histograms
    if histograms is None:
        return function(call, _Given(context, windows))
    native = _Native.of(call, windows, histograms, context.notes)
    floats, rest = _FORMS.get(call.name, _ignored)(native)
    result = function(call, _Given(context, floats))
    if rest is None or not isinstance(result, Block):
        return result
    return result.beside(rest)


def _ignored(native: _Native) -> tuple[Windows, Block | None]:
    """Leave the histograms out, and say so where a window has floats as well."""
    for row in np.flatnonzero(native.mixed.any(axis=1)).tolist():
        native.notes.info(annotation.ignored_in_range(native.metric(row)), native.place)
    return replace(native.windows, histograms=None), None


def _rate(native: _Native) -> tuple[Windows, Block]:
    counter = native.call.name != "delta"
    native.warn_of(native.mixed, annotation.mixed_samples)
    cells = native.cells()
    for row, steps, first, last in _pairs(native):
        _note_kind(native, row, first, last, counter=counter)
        for step, one in zip(
            steps.tolist(), _rates(native, steps, first, last, counter=counter), strict=True
        ):
            cells[row, step] = one
    return native.without(native.mixed), native.block(cells)


def rated_statistics(expr: ast.Expr, context: Context) -> tuple[Block, Block] | None:
    """Return count and sum of a rate of native histograms, for which no bucket is looked at.

    None where the expression is no such rate, or where there are floats as well.
    """
    call = ast.unwrap(expr)
    if not isinstance(call, ast.Call) or call.name not in ("rate", "increase", "delta"):
        return None
    windows = context.windows(call.args[0])
    if windows.histograms is None or (windows.counts > 0).any():
        return None
    native = _Native.of(call, windows, windows.histograms, context.notes)
    samples, counter = windows.histograms.samples, call.name != "delta"
    results = np.zeros((*windows.shape, 2))
    present = np.zeros(windows.shape, dtype=np.bool_)
    for row, steps, first, last in _pairs(native):
        _note_kind(native, row, first, last, counter=counter)
        changes = samples.statistics[last] - samples.statistics[first]
        if counter:
            _add_before_resets(native, changes, samples.statistics, first, last)
        results[row, steps] = changes * _factors(native, steps, first, last, changes[:, 0])[:, None]
        present[row, steps] = True
    return Block(windows.labels, results[:, :, 0], present), Block(windows.labels, results[:, :, 1], present)


def _pairs(native: _Native) -> Iterator[tuple[int, Ints, Ints, Ints]]:
    """Yield of each series the steps whose window has two histograms, and the first and the last of these."""
    chosen = (native.histograms.counts > 1) & ~native.mixed
    for row in np.flatnonzero(chosen.any(axis=1)).tolist():
        native.windows.check_time()
        steps = np.flatnonzero(chosen[row])
        yield row, steps, native.histograms.first[row, steps], native.histograms.last[row, steps] - 1


def _rates(native: _Native, steps: Ints, first: Ints, last: Ints, *, counter: bool) -> list[Histogram]:
    """Return what the changes between pairs of a series' samples are for the windows of some steps."""
    low, high = int(first.min()), int(last.max()) + 1
    table = native.histograms.samples.table(low, high)
    if table is None:
        pairs = zip(first.tolist(), last.tolist(), strict=True)
        single = [_change(native, list(range(one, other + 1)), counter=counter) for one, other in pairs]
        factors = _factors(native, steps, first, last, np.array([one.count for one in single]))
        return [one.scaled(factor) for one, factor in zip(single, factors.tolist(), strict=True)]
    layout, rows = table
    changes = rows[last - low] - rows[first - low]
    if counter:
        _add_before_resets(native, changes, rows, first, last, low)
    factors = _factors(native, steps, first, last, changes[:, 0])
    return histograms_of(layout, changes * factors[:, None], [Hint.GAUGE] * len(changes))


def _add_before_resets(
    native: _Native, changes: Floats, rows: Floats, first: Ints, last: Ints, low: int = 0
) -> None:
    """Add to the changes of counters what they had reached before each of their resets.

    `rows` are the samples from number `low` on.
    """
    begin = int(first.min())
    resets = np.flatnonzero(native.histograms.samples.resets[begin : int(last.max()) + 1]) + begin
    after, until = resets.searchsorted(first, "right"), resets.searchsorted(last, "right")
    for window in np.flatnonzero(until > after).tolist():
        for reset in resets[after[window] : until[window]].tolist():
            changes[window] += rows[reset - 1 - low]


def _note_kind(native: _Native, row: int, first: Ints, last: Ints, *, counter: bool) -> None:
    """Warn where a counter is wanted and a window has a gauge, or the other way round at its ends."""
    gauges = native.histograms.samples.gauges
    if counter:
        before = np.concatenate(([0], np.cumsum(gauges)))
        if (before[last + 1] > before[first]).any():
            native.notes.warning(annotation.not_a_counter(native.metric(row)), native.place)
    elif not (gauges[first] & gauges[last]).all():
        native.notes.warning(annotation.not_a_gauge(native.metric(row)), native.place)


def _change(native: _Native, samples: list[int], *, counter: bool) -> Histogram:
    """Return last minus first; of a counter, plus what it had reached before each of its resets."""
    at, resets = native.histograms.samples.at, native.histograms.samples.resets
    fallen = [one for one in samples[1:] if resets[one]] if counter else []
    # A reset right after the first sample leaves nothing of it to be looked at, nor added again.
    skipped = bool(fallen) and fallen[0] == samples[1]
    change = at(samples[-1]) if skipped else at(samples[-1]).subtracted(at(samples[0]))
    for one in fallen[skipped:]:
        change = change.added(at(one - 1))
    if counter:
        change = change.widened(min(change.schema, *(at(one).schema for one in samples[1:])))
    return change.with_hint(Hint.GAUGE)


def _factors(native: _Native, steps: Ints, first: Ints, last: Ints, counts: Floats) -> Floats:
    """Return by what changes between two samples are multiplied for whole windows, as for floats.

    `counts` are the changes of the counts.
    """
    times = native.histograms.samples.timestamps
    first_ms, last_ms = times[first], times[last]
    sampled = (last_ms - first_ms) / 1000
    average = sampled / (last - first)
    to_start = (first_ms - native.windows.start_ms[steps]) / 1000
    to_end = (native.windows.end_ms[steps] - last_ms) / 1000
    to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
    if native.call.name != "delta":
        began = native.histograms.samples.statistics[first, 0]
        to_zero = np.where((counts > 0) & (began >= 0), sampled * (began / counts), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
    factors: Floats = (sampled + to_start + to_end) / sampled
    if native.call.name == "rate":
        factors = factors / ((native.windows.end_ms[0] - native.windows.start_ms[0]) / 1000)
    return factors


def _instant_change(native: _Native) -> tuple[Windows, Block]:
    counter = native.call.name == "irate"
    older, newer = _last_times(native)
    kinds = (_is_native(native, older), _is_native(native, newer))
    both = (older > _NEVER) & (newer > _NEVER)
    native.warn_of(both & (kinds[0] != kinds[1]), annotation.mixed_samples)
    cells = native.cells()
    at, times = native.histograms.samples.at, native.histograms.samples.timestamps
    for row, step, samples in native.each(both & kinds[0] & kinds[1]):
        before, now = at(samples[-2]), at(samples[-1])
        gauges = [one.hint is Hint.GAUGE for one in (before, now)]
        if counter and any(gauges):
            native.notes.warning(annotation.not_a_counter(native.metric(row)), native.place)
        if not counter and not all(gauges):
            native.notes.warning(annotation.not_a_gauge(native.metric(row)), native.place)
        reset = counter and native.histograms.samples.resets[samples[-1]]
        change = (now if reset else now.subtracted(before)).with_hint(Hint.GAUGE)
        if counter:
            change = change.divided(int(times[samples[-1]] - times[samples[-2]]) / 1000)
        cells[row, step] = change
    return native.without(kinds[0] | kinds[1]), native.block(cells)


_NEVER = -(2**63)


def _last_times(native: _Native) -> tuple[Ints, Ints]:
    """Return of each window the times of the sample before the last, and of the last, of either kind."""
    parts = []
    for times, first, last in (
        (native.windows.samples.timestamps, native.windows.first, native.windows.last),
        (native.histograms.samples.timestamps, native.histograms.first, native.histograms.last),
    ):
        padded = np.append(times, _NEVER)
        parts += [padded[np.where(last - back >= first, last - back, len(times))] for back in (1, 2)]
    ordered = np.sort(np.array(parts), axis=0)
    return ordered[-2], ordered[-1]


def _is_native(native: _Native, times: Ints) -> Bools:
    """Tell whether the sample of each window with the given time is a histogram."""
    stamps = np.append(native.histograms.samples.timestamps, _NEVER)
    found = np.zeros(times.shape, dtype=np.bool_)
    for back in (1, 2):
        at = native.histograms.last - back
        found |= (at >= native.histograms.first) & (stamps[np.maximum(at, 0)] == times)
    return found


def _sum(native: _Native) -> tuple[Windows, Block]:
    return _aggregated(native, total)


def _avg(native: _Native) -> tuple[Windows, Block]:
    return _aggregated(native, mean)


def _aggregated(native: _Native, reduce: Callable[[list[Histogram]], Histogram]) -> tuple[Windows, Block]:
    native.warn_of(native.mixed, annotation.mixed_samples)
    cells = native.cells()
    for row, step, samples in native.each((native.histograms.counts > 0) & ~native.mixed):
        found = [native.histograms.samples.at(one) for one in samples]
        if joint_hint(found)[1]:
            native.notes.warning(annotation.conflicting_resets("aggregation"), native.place)
        cells[row, step] = reduce(found)
    return native.without(native.mixed), native.block(cells)


def _count(native: _Native) -> tuple[Windows, Block]:
    there = native.histograms.counts > 0
    counts = (native.windows.counts + native.histograms.counts).astype(np.float64)
    return native.without(there), native.numbers(counts, there)


def _present(native: _Native) -> tuple[Windows, Block]:
    there = native.histograms.counts > 0
    return native.without(there), native.numbers(np.ones(there.shape), there)


def _first(native: _Native) -> tuple[Windows, Block]:
    ends = native.windows.first, native.histograms.first
    return _picked(native, ends, lambda floats, native_ones: native_ones <= floats)


def _last(native: _Native) -> tuple[Windows, Block]:
    ends = native.windows.last - 1, native.histograms.last - 1
    return _picked(native, ends, lambda floats, native_ones: native_ones >= floats)


def _picked(
    native: _Native, at: tuple[Ints, Ints], prefers: Callable[[Ints, Ints], Bools]
) -> tuple[Windows, Block]:
    """Take one sample of each window, where that is a histogram by the times of the two that may be taken."""
    stamps = []
    for times, where in zip(
        (native.windows.samples.timestamps, native.histograms.samples.timestamps), at, strict=True
    ):
        stamps.append(np.append(times, 0)[np.clip(where, 0, len(times))])
    chosen = (native.histograms.counts > 0) & ((native.windows.counts == 0) | prefers(*stamps))
    cells = native.cells()
    for row, step in np.argwhere(chosen).tolist():
        cells[row, step] = native.histograms.samples.at(int(at[1][row, step]))
    return native.without(chosen), native.block(cells, keep_name=True)


def _resets(native: _Native) -> tuple[Windows, Block]:
    floats = native.windows.samples.values

    def differ(before: float | Histogram, now: float | Histogram) -> bool:
        if isinstance(before, Histogram) and isinstance(now, Histogram):
            return now.is_reset_of(before)
        return isinstance(before, Histogram) or isinstance(now, Histogram) or now < before

    return _counted(native, floats, differ)


def _changes(native: _Native) -> tuple[Windows, Block]:
    floats = native.windows.samples.values

    def differ(before: float | Histogram, now: float | Histogram) -> bool:
        if isinstance(before, Histogram) and isinstance(now, Histogram):
            return not now.same_as(before)
        if isinstance(before, Histogram) or isinstance(now, Histogram):
            return True
        return now != before and not (np.isnan(now) and np.isnan(before))

    return _counted(native, floats, differ)


def _counted(
    native: _Native, floats: Floats, differ: Callable[[float | Histogram, float | Histogram], bool]
) -> tuple[Windows, Block]:
    """Count between which neighbours of a window there is a difference."""
    there = native.histograms.counts > 0
    counts = np.zeros(there.shape)
    stamps, native_stamps = native.windows.samples.timestamps, native.histograms.samples.timestamps
    for row, step, samples in native.each(there):
        first, last = int(native.windows.first[row, step]), int(native.windows.last[row, step])
        found: list[tuple[int, float | Histogram]] = [
            (int(native_stamps[one]), native.histograms.samples.at(one)) for one in samples
        ]
        found += [(int(stamps[one]), float(floats[one])) for one in range(first, last)]
        found.sort(key=lambda one: one[0])
        counts[row, step] = sum(differ(before, now) for (_, before), (_, now) in itertools.pairwise(found))
    return native.without(there), native.numbers(counts, there)


def _unchanged(native: _Native) -> tuple[Windows, Block | None]:
    return native.windows, None


_FORMS: dict[str, _Form] = {
    "absent_over_time": _unchanged,
    "avg_over_time": _avg,
    "changes": _changes,
    "count_over_time": _count,
    "delta": _rate,
    "first_over_time": _first,
    "idelta": _instant_change,
    "increase": _rate,
    "irate": _instant_change,
    "last_over_time": _last,
    "present_over_time": _present,
    "rate": _rate,
    "resets": _resets,
    "sum_over_time": _sum,
}
