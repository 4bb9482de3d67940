"""Native histograms as values: their arithmetic is that of what they observed, in whichever form it is done."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelerapp.server.promql import Annotations, Engine, Matrix, histogram_rows
from accelerapp.server.promql.estimation import fraction, quantile, quantiles, variances
from accelerapp.server.promql.histogram import Hint, Histogram, Side, joint_hint
from accelerapp.server.promql.histogram_layout import bounds
from accelerapp.server.promql.histogram_rows import joint_layout, mean, rows_of, total
from accelerapp.server.promql.histogram_samples import HistogramSamples
from accelerapp.server.signals import HistogramSet, Matcher, NativeHistogram, SeriesSet, make_labels
from accelerapp.server.storage.histograms import of_objects

SIDES = st.dictionaries(st.integers(-6, 6), st.integers(1, 1000), max_size=6).map(
    lambda found: Side(
        np.array(sorted(found), dtype=np.int32), np.array([float(found[i]) for i in sorted(found)])
    )
)

SIGNED = st.dictionaries(st.integers(-1, 1), st.sampled_from([-2.0, 1.0]), max_size=3).map(
    lambda found: Side(np.array(sorted(found), dtype=np.int32), np.array([found[i] for i in sorted(found)]))
)


def made(
    schema: int, threshold: float, zero: int, positive: Side, negative: Side, hint: Hint = Hint.UNKNOWN
) -> Histogram:
    # Buckets within the zero bucket belong to it.
    sides = []
    for side in (positive, negative):
        kept = bounds(side.index - 1, schema) >= threshold
        sides.append(Side(side.index[kept], side.population[kept]))
    count = zero + sum(float(side.population.sum()) for side in sides)
    return Histogram.of_sides(schema, count, count * 0.5, threshold, float(zero), sides[0], sides[1], hint)


HISTOGRAMS = st.builds(
    made,
    st.integers(-1, 2),
    st.sampled_from([0.0, 1e-128, 0.3, 1.0]),
    st.integers(0, 9),
    SIDES,
    SIDES,
)


def same(one: Histogram, other: Histogram) -> bool:
    return one.same_as(other)


@given(st.lists(HISTOGRAMS, min_size=1, max_size=5))
def test_a_total_is_what_comes_of_adding_one_after_the_other(histograms: list[Histogram]) -> None:
    added = histograms[0]
    for one in histograms[1:]:
        added = added.added(one)
    assert same(total(histograms), added)
    assert total(histograms).count == sum(one.count for one in histograms)
    assert mean(histograms).count == pytest.approx(added.count / len(histograms))


def test_a_zero_bucket_grows_to_the_end_of_a_bucket_that_it_would_cut() -> None:
    side = Side(np.array([-2, -1, 1], dtype=np.int32), np.array([5.0, 7.0, 11.0]))  # up to 0.25, 0.5 and 2
    cut = Histogram.of_sides(0, 23.0, 9.0, 0.0, 0.0, side, Side.empty())
    wide = Histogram.of_sides(0, 2.0, 0.1, 0.3, 2.0, Side.empty(), Side.empty())
    for added in (cut.added(wide), wide.added(cut)):
        assert (added.zero_threshold, added.zero_count, added.count) == (0.5, 14.0, 25.0)
        assert added.positive.index.tolist() == [1]


@given(HISTOGRAMS, HISTOGRAMS)
def test_what_was_added_can_be_taken_away_but_for_how_fine_it_was(one: Histogram, other: Histogram) -> None:
    back = one.added(other).subtracted(other)
    assert (back.count, back.sum) == (one.count, one.sum)
    counts = [side.population.sum() for side in (back.positive, back.negative)]
    assert back.zero_count + sum(counts) == one.count
    assert (back.schema, back.zero_threshold) == (
        min(one.schema, other.schema),
        one.added(other).zero_threshold,
    )


@given(HISTOGRAMS, HISTOGRAMS)
def test_a_counter_that_only_grew_was_not_reset(before: Histogram, more: Histogram) -> None:
    grown = before.added(more)
    assert not grown.is_reset_of(before)
    if more.count:
        assert before.is_reset_of(grown)


@given(HISTOGRAMS, st.floats(0.001, 0.999))
def test_the_share_below_a_quantile_is_the_quantile(histogram: Histogram, q: float) -> None:
    if not histogram.count:
        assert math.isnan(quantile(q, histogram, pytest.fail))
        return
    assume(
        histogram.zero_threshold or not histogram.zero_count
    )  # else the zero bucket has no width to be shared
    value = quantile(q, histogram, pytest.fail)
    assert fraction(-math.inf, value, histogram, pytest.fail) == pytest.approx(q, abs=1e-9)


@given(
    st.lists(st.builds(made, st.just(0), st.just(0.3), st.integers(0, 9), SIDES, SIDES), min_size=1),
    st.data(),
)
def test_what_is_estimated_of_rows_is_what_is_of_one_histogram_after_the_other(
    histograms: list[Histogram], data: st.DataObject
) -> None:
    """A row has columns for the buckets of all, and so for some that are empty."""
    layout = joint_layout(histograms)
    assert layout is not None
    number = st.floats(-0.1, 1.1) | st.sampled_from([0.0, 0.5, 1.0, math.nan])
    q = np.array(data.draw(st.lists(number, min_size=len(histograms), max_size=len(histograms))))
    if data.draw(st.booleans()):  # as where some observations were NaN, which lie in no bucket
        total_of = data.draw(st.sampled_from([math.nan, 1.0]))
        for one in histograms:
            one.numbers[:2] = 9 * one.count + 5, total_of
    together: list[str] = []
    apart: list[str] = []
    found = quantiles(q, layout, rows_of(layout, histograms), together.append)
    expected = [quantile(each, one, apart.append) for each, one in zip(q.tolist(), histograms, strict=True)]
    np.testing.assert_array_equal(found, expected)
    assert set(together) == set(apart)
    with np.errstate(all="ignore"):
        found = variances(layout, rows_of(layout, histograms))
        expected = [variances(one.layout, one.numbers[None, :])[0] for one in histograms]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("factor", [math.inf, -math.inf, math.nan])
def test_a_bucket_without_observations_has_none_whatever_it_is_multiplied_by(factor: float) -> None:
    side = Side(np.array([1, 2, 3], dtype=np.int32), np.array([5.0, 0.0, 7.0]))
    histogram = Histogram.of_sides(0, 12.0, 20.0, 0.0, 0.0, side, Side.empty())
    with np.errstate(all="ignore"):
        assert histogram.scaled(factor).positive.index.tolist() == [1, 3]
        assert histogram.divided(factor).positive.index.tolist() == ([1, 3] if math.isnan(factor) else [])
        assert len(histogram.divided(0.0).positive) == 0


@given(HISTOGRAMS)
def test_buckets_are_in_order_and_have_all_observations(histogram: Histogram) -> None:
    buckets = histogram.buckets()
    assert sum(one.count for one in buckets) == histogram.count
    assert all(one.upper <= other.lower for one, other in itertools.pairwise(buckets))


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        ((Hint.NOT_RESET, Hint.NOT_RESET), (Hint.NOT_RESET, False)),
        ((Hint.RESET, Hint.NOT_RESET), (Hint.UNKNOWN, True)),
        ((Hint.GAUGE, Hint.UNKNOWN), (Hint.GAUGE, False)),
        ((Hint.UNKNOWN, Hint.RESET), (Hint.UNKNOWN, False)),
    ],
)
def test_hints_of_several_histograms_are_joined(hints: tuple[Hint, ...], expected: tuple[Hint, bool]) -> None:
    empty = made(0, 0.0, 0, Side.empty(), Side.empty())
    assert joint_hint([empty.with_hint(hint) for hint in hints]) == expected


class Reader:
    """Gives series of histograms, whatever is asked for."""

    def __init__(self, series: Sequence[Sequence[NativeHistogram]]) -> None:
        self.labels = [make_labels({"__name__": "h", "i": str(number)}) for number in range(len(series))]
        flat = [(owner, at, one) for owner, own in enumerate(series) for at, one in enumerate(own)]
        columns = of_objects(
            [owner for owner, _, _ in flat], [at * 15_000 for _, at, _ in flat], [one for _, _, one in flat]
        )
        offsets = np.cumsum([0, *map(len, series)], dtype=np.int64)
        self.histograms = HistogramSet(offsets, columns.columns)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        max_samples: int = 0,
        check_time: Callable[[], None] = lambda: None,
    ) -> SeriesSet:
        nothing = np.zeros(len(self.labels) + 1, dtype=np.int64)
        return SeriesSet(self.labels, nothing, np.empty(0, dtype=np.int64), np.empty(0), self.histograms)

    def series(self, *_: object) -> list[object]:
        raise NotImplementedError

    label_names = label_values = series


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(
            st.builds(made, st.just(0), st.just(0.0), st.integers(0, 3), SIDES, SIDES),
            min_size=1,
            max_size=12,
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["rate", "increase", "delta"]),
)
def test_histograms_computed_at_once_are_as_those_computed_one_by_one(
    series: list[list[Histogram]], function: str
) -> None:
    engine = Engine(Reader([[one.native() for one in own] for own in series]))  # type: ignore[arg-type]
    expressions = [f"{function}(h[1m])", "sum(h)", "avg(h)", f"sum({function}(h[45s]))"]
    notes = Annotations()

    def answers() -> list[Matrix]:
        return [engine.range(each, 0, 200, 10, notes=notes) for each in expressions]

    at_once = answers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histogram_rows, "_MOST_CELLS", 0)
        one_by_one = answers()
    for fast, slow in zip(at_once, one_by_one, strict=True):
        assert [each.labels for each in fast.series] == [each.labels for each in slow.series]
        for each, other in zip(fast.series, slow.series, strict=True):
            assert [at for at, _ in each.histograms] == [at for at, _ in other.histograms]
            for (_, one), (_, two) in zip(each.histograms, other.histograms, strict=True):
                alike(one, two)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.lists(HISTOGRAMS, min_size=1, max_size=12), min_size=1, max_size=3),
    st.sampled_from(["rate", "increase", "delta"]),
)
def test_count_and_sum_of_a_rate_are_those_that_its_histograms_have(
    series: list[list[Histogram]], function: str
) -> None:
    engine = Engine(Reader([[one.native() for one in own] for own in series]))  # type: ignore[arg-type]
    rates = engine.range(f"{function}(h[1m])", 0, 200, 10).series
    for statistic in ("count", "sum"):
        found = engine.range(f"histogram_{statistic}({function}(h[1m]))", 0, 200, 10).series
        assert [one.labels for one in found] == [one.labels for one in rates]
        for one, rate in zip(found, rates, strict=True):
            assert one.timestamps.tolist() == [at for at, _ in rate.histograms]
            expected = [getattr(each, statistic) for _, each in rate.histograms]
            np.testing.assert_allclose(one.values, expected, rtol=1e-12, atol=1e-9)


def alike(one: Histogram, other: Histogram) -> None:
    assert (one.schema, one.hint) == (other.schema, other.hint)
    assert one.count == pytest.approx(other.count, rel=1e-12, abs=1e-9)
    assert one.sum == pytest.approx(other.sum, rel=1e-12, abs=1e-9)
    for side, beside in ((one.positive, other.positive), (one.negative, other.negative)):
        assert side.index.tolist() == beside.index.tolist()
        np.testing.assert_allclose(side.population, beside.population, rtol=1e-12)


@given(
    st.lists(
        st.builds(made, st.integers(0, 1), st.just(0.0), st.integers(1, 3), SIDES, SIDES | SIGNED), min_size=2
    )
)
def test_resets_are_found_as_between_any_two_histograms(histograms: list[Histogram]) -> None:
    """Where one has the buckets of the one before, they are compared as columns."""
    natives = [one.native() for one in histograms]
    grown = [
        replace(
            one, positive=tuple((i, count + step) for i, count in one.positive), count=one.count + 9 * step
        )
        for one in natives
        for step in (0, 0.5, 0.25)
    ]
    fewer = [replace(one, count=1e6 + number) for number, one in enumerate(grown)]
    samples = HistogramSamples.of_set(Reader([fewer]).histograms)
    found = [samples.at(number).with_hint(Hint.UNKNOWN) for number in range(len(fewer))]
    expected = [now.is_reset_of(before) for before, now in itertools.pairwise(found)]
    assert samples.resets.tolist() == [False, *expected]


@pytest.mark.parametrize("side", ["positive", "negative"])
@pytest.mark.parametrize(
    ("before", "now", "reset"),
    [
        ({1: 2.0}, {1: 2.0, 3: 1.0}, False),
        ({3: 2.0}, {1: 1.0, 3: 2.0}, False),
        ({1: 2.0, 3: 1.0}, {1: 2.0}, True),
        ({1: 2.0}, {1: 1.0, 3: 9.0}, True),
        ({1: 2.0}, {1: 2.0, 3: -1.0}, True),
        ({1: 2.0, 3: -1.0}, {1: 2.0}, False),
    ],
)
def test_a_counter_was_reset_where_a_bucket_fell_also_one_that_is_new_or_gone(
    side: str, before: dict[int, float], now: dict[int, float], reset: bool
) -> None:
    pair = [
        replace(NativeHistogram(0, 9.0, 1.0), **{side: tuple(counts.items())})  # type: ignore[arg-type]
        for counts in (before, now)
    ]
    assert HistogramSamples.of_set(Reader([pair]).histograms).resets.tolist() == [False, reset]
