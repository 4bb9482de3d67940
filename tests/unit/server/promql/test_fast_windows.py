"""Functions of windows give what Prometheus' own way through the samples gives, one window and one sample at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.promql import Engine, Matrix, MemoryReader
from accelerapp.server.promql.extremes import extremes
from accelerapp.server.promql.functions.over_time import mean_by_lanes, sum_by_lanes
from accelerapp.server.promql.running_sums import RunningSums
from accelerapp.server.promql.windows import Samples, Windows
from accelerapp.server.signals import SeriesSet, make_labels

STEP_MS = 15_000

integers = st.integers(-(10**6), 10**6).map(float)
#: Of every size, but so that the sum of a hundred of them does not overflow.
reals = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
near = st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False)
odd = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0])
numbers = st.one_of(
    st.lists(integers, min_size=1, max_size=60),
    st.lists(near, min_size=1, max_size=60),
    st.lists(st.one_of(integers, odd), min_size=1, max_size=60),
    st.lists(st.one_of(near, reals), min_size=1, max_size=60),
)


def windows_over(values: list[float], length: int) -> Windows:
    """Lay windows of up to so many samples over the samples of one series, each a sample further."""
    count = len(values)
    offsets = np.array([0, count])
    series = SeriesSet([()], offsets, np.arange(count) * STEP_MS, np.array(values))
    last = np.arange(1, count + 1)[None, :]
    ends = np.arange(count) * STEP_MS
    first = np.maximum(last - length, 0)
    return Windows(
        Samples(series, keep_stale=True), first, last, ends - length * STEP_MS, ends, ends, lambda: None
    )


@settings(deadline=None, max_examples=200)
@given(numbers, st.integers(1, 60))
def test_running_sums_are_exact_or_known_not_to_be(values: list[float], length: int) -> None:
    chosen = windows_over(values, length).selected(1)
    sums = RunningSums(np.array(values))
    held = sums.held(chosen.first, chosen.last)
    with np.errstate(all="ignore"):
        total, lost = sums.sums(chosen.first, chosen.last)
    for index in np.flatnonzero(held).tolist():
        part = values[int(chosen.first[index]) : int(chosen.last[index])]
        found = float(total[index]) + float(lost[index])
        if all(map(math.isfinite, part)):
            # Rounded once; where the rest is just half a unit, maybe the other way.
            assert found == pytest.approx(float(sum(map(Fraction, part))), rel=2.0**-52, abs=0)
        else:
            with np.errstate(all="ignore"):
                np.testing.assert_equal(found, float(np.sum([v for v in part if not math.isfinite(v)])))


@settings(deadline=None)
@given(st.lists(integers, min_size=1, max_size=60), st.integers(1, 60))
def test_sums_and_means_of_integers_are_those_of_the_lanes_to_the_bit(
    values: list[float], length: int
) -> None:
    chosen = windows_over(values, length).selected(1)
    sums = RunningSums(np.array(values))
    assert sums.held(chosen.first, chosen.last).all()
    total, lost = sums.sums(chosen.first, chosen.last)
    assert not lost.any()
    np.testing.assert_array_equal(total + lost, sum_by_lanes(chosen))
    np.testing.assert_array_equal(total / chosen.counts + lost / chosen.counts, mean_by_lanes(chosen))


def test_numbers_of_very_different_size_are_known_not_to_be_held() -> None:
    sums = RunningSums(np.array([1e280, 1.0, 2.0, 1e-300, 5.0]))
    first, last = np.array([0, 1, 3, 4]), np.array([1, 3, 4, 5])
    assert sums.held(first, last).tolist() == [True, False, False, False]


@settings(deadline=None, max_examples=150)
@given(numbers, st.integers(1, 60))
def test_sums_and_means_over_time_are_those_of_the_lanes(values: list[float], length: int) -> None:
    chosen = windows_over(values, length).selected(1)
    with np.errstate(all="ignore"):
        by_lanes = {"sum_over_time": sum_by_lanes(chosen), "avg_over_time": mean_by_lanes(chosen)}
    sizes = np.array(
        [
            sum(abs(v) for v in values[f:l] if math.isfinite(v))
            for f, l in zip(chosen.first, chosen.last, strict=True)  # noqa: E741
        ]
    )
    for function, expected in by_lanes.items():
        found = over_time(function, values, length)
        divisor = chosen.counts if function == "avg_over_time" else 1
        # Two units in the last place, and what the lanes' own compensation lets go of large numbers that cancel.
        slack = 2.0**-51 * np.abs(expected) + 2.0**-100 * sizes / divisor
        with np.errstate(all="ignore"):
            close = np.abs(found - expected) <= slack
        same = close | (found == expected) | (np.isnan(found) & np.isnan(expected))
        assert same.all(), (function, found[~same], expected[~same])


@settings(deadline=None, max_examples=150)
@given(numbers, st.integers(1, 60))
def test_extremes_over_time_are_found_as_by_looking_at_each_sample(values: list[float], length: int) -> None:
    for function, better in (("max_over_time", float.__gt__), ("min_over_time", float.__lt__)):
        expected = [extreme(values[max(0, end - length) : end], better) for end in range(1, len(values) + 1)]
        assert bits(over_time(function, values, length)) == bits(np.array(expected))


def extreme(values: list[float], better: Callable[[float, float], bool]) -> float:
    best = values[0]
    for value in values[1:]:
        if better(value, best) or math.isnan(best):
            best = value
    return best


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.one_of(st.integers(0, 5).map(float), near, odd), min_size=2, max_size=40), st.integers(2, 40)
)
def test_increases_are_those_of_going_through_the_samples(values: list[float], length: int) -> None:
    for function in ("increase", "delta", "resets", "changes", "irate", "idelta"):
        expected = [
            by_samples(function, values[max(0, end - length) : end], end, length)
            for end in range(1, len(values) + 1)
        ]
        found = over_time(function, values, length)
        assert bits(found) == bits(np.array(expected)), function


def by_samples(function: str, values: list[float], end: int, length: int) -> float:
    """Follow Prometheus' own steps for a window of samples at equal distances; NaN stands for no answer."""
    count = len(values)
    pairs = list(itertools.pairwise(values))
    with np.errstate(all="ignore"):
        match function:
            case "resets":
                return float(sum(now < before for before, now in pairs))
            case "changes":
                return float(
                    sum(
                        now != before and not (math.isnan(now) and math.isnan(before))
                        for before, now in pairs
                    )
                )
        if count < 2:
            return ABSENT
        before, now = np.float64(values[-2]), np.float64(values[-1])
        if function == "idelta":
            return float(now - before)
        if function == "irate":
            return float((now if now < before else now - before) / (STEP_MS / 1000))
        change = np.float64(values[-1]) - np.float64(values[0])
        if function == "increase":
            for earlier, later in pairs:
                if later < earlier:
                    change += earlier
        sampled = (count - 1) * STEP_MS / 1000
        average = sampled / (count - 1)
        to_start = (length - (count - 1)) * STEP_MS / 1000
        if to_start >= average * 1.1:
            to_start = average / 2
        if function == "increase" and change > 0 and values[0] >= 0:
            to_start = min(to_start, sampled * (np.float64(values[0]) / change))
        return float(change * ((sampled + to_start + 0.0) / sampled))


#: A NaN that no arithmetic gives.
ABSENT = float(np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0])


def over_time(
    function: str, values: list[float], length: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Evaluate a function over windows of so many samples, at the time of each sample; ABSENT where there is none."""
    reader = MemoryReader()
    stamps = [k * STEP_MS for k in range(len(values))]
    reader.add(make_labels({"__name__": "x"}), stamps, values)
    last = (len(values) - 1) * STEP_MS / 1000
    matrix = Engine(reader).range(f"{function}(x[{length * STEP_MS}ms])", 0, last, STEP_MS / 1000)
    assert isinstance(matrix, Matrix)
    found = np.full(len(values), ABSENT)
    for series in matrix.series:
        found[series.timestamps // STEP_MS] = series.values
    return found


def bits(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int | str]:
    """Return numbers so that they are equal where their bits are, all NaN but ABSENT being the same."""
    plain = values.view(np.uint64).tolist()
    absent = np.array([ABSENT]).view(np.uint64)[0]
    return [
        "NaN" if math.isnan(value) and word != absent else word
        for value, word in zip(values.tolist(), plain, strict=True)
    ]


def test_an_empty_block_has_no_extremes() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert len(extremes(np.empty(0), nothing, nothing, np.greater)) == 0
