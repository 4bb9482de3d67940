"""The engine's limits, its settings, and laws that hold whatever the samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.promql import (
    Binary,
    Engine,
    MemoryReader,
    PromQLError,
    QueryLimitError,
    QueryOptions,
    QueryTimeoutError,
    Vector,
    binary,
    evaluator,
    parse,
    scale_time,
)
from accelerapp.server.signals import Labels, Matcher, MatchType, make_labels

counters = st.lists(st.integers(min_value=0, max_value=50), min_size=12, max_size=40)


def one_series(values: list[float] | list[int], step_ms: int, name: str = "total") -> MemoryReader:
    reader = MemoryReader()
    reader.add(make_labels({"__name__": name}), [k * step_ms for k in range(len(values))], values)
    return reader


def answer(engine: Engine, expr: str, at: float) -> list[float]:
    value = engine.instant(expr, at)
    assert isinstance(value, Vector)
    return [float(number) for number in value.values]


@pytest.mark.parametrize("factor", [2, 10, 20])
@settings(deadline=None)
@given(increments=counters)
def test_compressed_time_gives_the_same_increase_and_a_rate_that_much_higher(
    factor: int, increments: list[int]
) -> None:
    values = np.cumsum(increments).tolist()
    plain, fast = (
        Engine(one_series(values, 20_000)),
        Engine(one_series(values, 20_000 // factor), 300 / factor),
    )
    at = 20.0 * (len(values) - 1)
    for expr in (
        "increase(total[2m])",
        "avg_over_time(total[3m] offset 20s)",
        "max_over_time(total[2m:20s])",
    ):
        compressed = fast.instant(scale_time(parse(expr), factor), at / factor)
        assert isinstance(compressed, Vector)
        np.testing.assert_allclose(compressed.values, answer(plain, expr, at), rtol=1e-9)
    scaled = fast.instant(scale_time(parse("rate(total[2m])"), factor), at / factor)
    assert isinstance(scaled, Vector)
    np.testing.assert_allclose(
        scaled.values, np.array(answer(plain, "rate(total[2m])", at)) * factor, rtol=1e-9
    )


@settings(deadline=None)
@given(increments=counters, restart=st.integers(min_value=1, max_value=11))
def test_a_counter_that_restarts_increases_as_if_it_had_not(increments: list[int], restart: int) -> None:
    straight = 1_000_000 + np.cumsum(increments)
    restarted = straight.copy()
    restarted[restart:] -= straight[restart - 1]
    at = 15.0 * (len(increments) - 1)
    found = answer(Engine(one_series(restarted.tolist(), 15_000)), "increase(total[1h])", at)
    np.testing.assert_allclose(
        found, answer(Engine(one_series(straight.tolist(), 15_000)), "increase(total[1h])", at), rtol=1e-9
    )


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=30))
def test_a_range_query_answers_each_step_as_an_instant_query_does(values: list[float]) -> None:
    engine = Engine(one_series(values, 15_000), lookback_seconds=20)
    for expr in (
        "total",
        "sum_over_time(total[40s])",
        "rate(total[1m])",
        "total > 0",
        "quantile_over_time(0.3, total[1m])",
    ):
        matrix = engine.range(expr, 0, 300, 7)
        points = {
            int(stamp): float(value)
            for series in matrix.series
            for stamp, value in zip(series.timestamps, series.values, strict=True)
        }
        for at in range(0, 301, 7):
            assert answer(engine, expr, at) == ([points[at * 1000]] if at * 1000 in points else [])


def test_the_lookback_is_a_setting_and_excludes_its_own_end() -> None:
    reader = one_series([7], 1000)
    assert answer(Engine(reader, lookback_seconds=10), "total", 9.999) == [7]
    assert answer(Engine(reader, lookback_seconds=10), "total", 10) == []


def test_a_query_that_takes_too_long_is_ended() -> None:
    now = iter(range(0, 1000, 5))
    engine = Engine(one_series([1] * 5, 1000), timeout_seconds=12, clock=lambda: float(next(now)))
    with pytest.raises(QueryTimeoutError, match="query timed out"):
        engine.instant("sum(total + total + total + total)", 4)


def test_a_query_that_reads_too_much_is_refused() -> None:
    engine = Engine(one_series([1] * 100, 1000), max_samples=50)
    with pytest.raises(QueryLimitError, match="too many samples"):
        engine.instant("sum_over_time(total[100s])", 99)
    assert answer(engine, "sum_over_time(total[40s])", 99) == [40]


def test_a_range_whose_answer_is_too_large_is_refused() -> None:
    engine = Engine(one_series([1] * 10, 1000), max_samples=50)
    with pytest.raises(QueryLimitError, match="too many samples"):
        engine.range("total", 0, 100, 1)


def test_a_step_of_no_length_is_refused() -> None:
    with pytest.raises(PromQLError, match="zero or negative query resolution step widths are not accepted"):
        Engine(MemoryReader()).range("up", 0, 10, 0)


def test_eleven_thousand_steps_are_allowed_and_no_more() -> None:
    engine = Engine(MemoryReader())
    assert len(engine.range("time()", 0, 11_000, 1).series[0].values) == 11_001
    with pytest.raises(PromQLError, match="exceeded maximum resolution of 11,000 points per timeseries"):
        engine.range("time()", 0, 11_001, 1)


def test_a_matrix_is_in_order_of_its_labels() -> None:
    reader = MemoryReader()
    for job in ("b", "c", "a"):
        reader.add(make_labels({"__name__": "up", "job": job}), [0], [{"a": 1, "b": 3, "c": 2}[job]])
    matrix = Engine(reader).range("sort(up)", 0, 60, 60)
    assert [dict(series.labels)["job"] for series in matrix.series] == ["a", "b", "c"]


def test_samples_in_memory_are_read_as_the_contract_has_it() -> None:
    reader = MemoryReader()
    api, web = make_labels({"__name__": "up", "job": "api"}), make_labels({"__name__": "up", "job": "web"})
    reader.add(web, [1000, 2000], [1, 2])
    reader.add(api, [3000, 1000], [3, 1])
    reader.add(api, [3000], [9])
    found = reader.select([Matcher("__name__", MatchType.EQUAL, "up")], 2000, 3000)
    assert (found.labels, found.offsets.tolist()) == ([api, web], [0, 1, 2])
    assert (found.timestamps.tolist(), found.values.tolist()) == ([3000, 2000], [3, 2])
    assert reader.series([], 2500, 9000) == [api]
    assert reader.label_names([], 0, 9000) == ["__name__", "job"]
    assert reader.label_values("job", [[Matcher("job", MatchType.NOT_REGEX, "w.*")]], 0, 9000) == ["api"]
    assert reader.select([Matcher("nothing", MatchType.EQUAL, "")], 0, 9000).labels == [api, web]
    assert reader.select([Matcher("nothing", MatchType.NOT_EQUAL, "")], 0, 9000).labels == []


def test_a_long_window_is_ended_in_the_middle_of_its_samples() -> None:
    ticks = iter(range(1_000_000))
    engine = Engine(one_series([1] * 500, 1000), timeout_seconds=100, clock=lambda: float(next(ticks)))
    with pytest.raises(QueryTimeoutError, match="query timed out"):
        engine.instant("stddev_over_time(total[500s])", 499)


@pytest.mark.parametrize(
    "expr",
    [
        "total",
        "rate(total[1m])",
        "quantile_over_time(0.5, total[40s])",
        "last_over_time(total[40s])",
        "increase(total[1m] smoothed)",
        "absent_over_time(total[15s])",
        "avg_over_time((total * 2)[1m:20s])",
        "timestamp(total)",
    ],
)
def test_series_are_worked_out_in_parts_with_the_same_answer(
    expr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = MemoryReader()
    for number in range(7):
        values = [float((number + 2) * k % 11) for k in range(40)]
        labels = make_labels({"__name__": "total", "n": str(number)})
        reader.add(labels, [k * 15_000 + number * 60_000 for k in range(40)], values)
    engine = Engine(reader)
    whole = engine.range(expr, 0, 900, 30)
    monkeypatch.setattr(evaluator, "_CELLS_AT_ONCE", 70)  # two series
    parts = engine.range(expr, 0, 900, 30)
    assert [series.labels for series in parts.series] == [series.labels for series in whole.series]
    for part, other in zip(parts.series, whole.series, strict=True):
        np.testing.assert_array_equal(part.timestamps, other.timestamps)
        np.testing.assert_array_equal(part.values, other.values)


def test_series_that_are_the_same_in_different_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "_CELLS_AT_ONCE", 1)
    reader = one_series([1, 2, 3], 15_000)
    reader.add(make_labels({"__name__": "other"}), [0, 15_000, 30_000], [1, 2, 3])
    with pytest.raises(PromQLError, match="vector cannot contain metrics with the same labelset"):
        Engine(reader).instant('rate({__name__=~".+"}[1m])', 30)


def test_what_is_too_much_is_named() -> None:
    engine = Engine(one_series([1] * 100, 1000), max_samples=50)
    reads = "too many samples into memory in query execution: the query reads 100 samples"
    with pytest.raises(QueryLimitError, match=reads):
        engine.instant("sum_over_time(total[100s])", 99)
    holds = r"in query execution: total\[5s\] @ 10.000 has 100 values over all steps, more than 50"
    with pytest.raises(QueryLimitError, match=holds):
        engine.range("sum(sum_over_time(total[5s] @ 10))", 0, 99, 1)


def test_values_are_counted_up_to_the_limit() -> None:
    engine = Engine(one_series([*range(100)], 1000), max_samples=500)
    assert len(engine.range('count_values("x", total)', 0, 4, 1).series) == 5
    holds = r'count_values\("x", total\) has 510 values over all steps, more than 500'
    with pytest.raises(QueryLimitError, match=holds):
        engine.range('count_values("x", total)', 0, 29, 1)


def many_series(count: int) -> MemoryReader:
    reader = MemoryReader()
    for number in range(count):
        # Either of the two has values where the other has none.
        reader.add(make_labels({"__name__": "early", "n": str(number)}), [0], [1.0])
        reader.add(make_labels({"__name__": "late", "n": str(number)}), [1000], [1.0])
    return reader


def test_what_matches_everything_is_refused_before_all_pairs_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = []
    labels_of = binary._result_labels

    def counted(expr: Binary, many: Labels, one: Labels) -> Labels:
        pairs.append(one)
        return labels_of(expr, many, one)

    monkeypatch.setattr(binary, "_result_labels", counted)
    with pytest.raises(PromQLError, match="found duplicate series for the match group"):
        Engine(many_series(100)).instant("early * on() early", 0)
    assert len(pairs) <= 200


def test_a_long_search_for_partners_is_ended() -> None:
    now = iter(range(10_000))
    engine = Engine(many_series(100), lookback_seconds=1, timeout_seconds=50, clock=lambda: float(next(now)))
    with pytest.raises(QueryTimeoutError):
        engine.range("early * on() late", 0, 1, 1)


def test_queries_that_meet_a_limit_are_counted_by_which() -> None:
    now = iter(range(0, 1000, 5))
    engine = Engine(
        one_series([1] * 100, 1000), max_samples=50, timeout_seconds=12, clock=lambda: float(next(now))
    )
    for expr, error in (
        ("sum_over_time(total[100s])", QueryLimitError),
        ("sum(total + total + total + total)", QueryTimeoutError),
        ("total + total + total + total + total", QueryTimeoutError),
    ):
        with pytest.raises(error):
            engine.instant(expr, 99)
    assert engine.refused() == {"samples": 1, "timeout": 2}


@pytest.mark.parametrize(
    "expr",
    [
        "(" * 99 + "total" + ")" * 99,
        "-" * 98 + "total",
        "abs(" * 99 + "total" + ")" * 99,
        "sum(" * 99 + "total" + ")" * 99,
        "topk(1, " * 99 + "total" + ")" * 99,
        "max_over_time(" * 49 + "total" + "[1m:15s])" * 49,
        "total" + " or total" * 190,
        "1" + " + 1" * 190,
        "2" + " ^ 1" * 95,
    ],
    ids=["parentheses", "signs", "calls", "sums", "rankings", "subqueries", "or", "numbers", "powers"],
)
def test_the_deepest_expressions_that_are_taken_are_evaluated(expr: str) -> None:
    taken = parse(expr)
    assert parse(str(taken)) == taken
    matrix = Engine(one_series([1, 2, 3], 15_000)).range(taken, 0, 30, 15)
    assert len(matrix.series) == 1


def test_a_query_may_have_a_look_back_and_a_time_out_of_its_own_and_tells_what_it_read() -> None:
    now = 0.0
    engine = Engine(one_series([1, 2], 1000), lookback_seconds=5, timeout_seconds=60, clock=lambda: now)
    assert answer(engine, "total", 30) == []
    options = QueryOptions(lookback_seconds=60)
    value = engine.instant("total + on () count(total)", 30, options=options)
    assert isinstance(value, Vector)
    assert (value.values.tolist(), options.series_touched) == ([3.0], 2)
    with pytest.raises(QueryTimeoutError):
        engine.instant("total", 0, options=QueryOptions(timeout_seconds=-1))


def test_a_group_that_no_pattern_has_is_empty_however_long_its_number() -> None:
    engine = Engine(one_series([1], 1000))
    value = engine.instant(f'label_replace(total, "x", "a${"1" * 5000}", "__name__", "(.*)")', 0)
    assert isinstance(value, Vector)
    assert value.labels == [make_labels({"__name__": "total", "x": "a"})]


def test_the_step_of_subqueries_can_be_changed() -> None:
    engine = Engine(one_series(list(range(61)), 1000), subquery_step_seconds=10)
    assert answer(engine, "count_over_time(total[60s:])", 60) == [6]
    engine.set_subquery_step(5)
    assert answer(engine, "count_over_time(total[60s:])", 60) == [12]
