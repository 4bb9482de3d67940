"""The collector and its families: names, labels, sums, and what is refused."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.monitoring import MetricsCollector, get_metrics
from accelerapp.monitoring.families import OVERFLOW


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


def test_the_process_has_one_collector() -> None:
    assert get_metrics() is get_metrics()


def test_the_same_name_is_the_same_object(metrics: MetricsCollector) -> None:
    assert metrics.counter("jobs", "Jobs.") is metrics.counter("jobs")
    assert metrics.gauge("queue") is metrics.gauge("queue")
    first = metrics.histogram("seconds", buckets=(1, 2))
    assert metrics.histogram("seconds") is first
    assert metrics.histogram("seconds", buckets=(1.0, 2.0, math.inf)) is first


def test_a_counter_counts_and_resets(metrics: MetricsCollector) -> None:
    counter = metrics.counter("jobs")
    counter.inc()
    counter.inc(2.5)
    assert counter.get() == 3.5
    counter.reset()
    assert counter.get() == 0


@pytest.mark.parametrize("amount", [-1, -0.001, math.nan])
def test_a_counter_refuses_to_shrink(metrics: MetricsCollector, amount: float) -> None:
    counter = metrics.counter("jobs")
    with pytest.raises(ValueError, match="only grow"):
        counter.inc(amount)
    assert counter.get() == 0


def test_a_gauge_goes_both_ways(metrics: MetricsCollector) -> None:
    gauge = metrics.gauge("queue")
    gauge.set(10)
    gauge.inc(5)
    gauge.dec()
    assert gauge.get() == 14


def test_a_histogram_sums_up_what_it_saw(metrics: MetricsCollector) -> None:
    histogram = metrics.histogram("seconds")
    assert histogram.get() == {"count": 0, "sum": 0.0, "min": 0.0, "max": 0.0, "avg": 0.0}
    histogram.observe(0.5)
    histogram.observe(1.5)
    assert histogram.get() == {"count": 2, "sum": 2.0, "min": 0.5, "max": 1.5, "avg": 1.0}


def test_a_bucket_includes_its_bound(metrics: MetricsCollector) -> None:
    histogram = metrics.histogram("seconds", buckets=(1.0, 2.0))
    for value in (1.0, 1.0001, 2.0, 2.1, math.nan):
        histogram.observe(value)
    ((_, state),) = histogram.snapshot().values
    assert not isinstance(state, float)
    assert state.counts == (1, 2, 2)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True)), st.sets(st.integers(-50, 50), min_size=1))
def test_every_observation_is_in_exactly_one_bucket(values: list[float], bounds: set[int]) -> None:
    histogram = MetricsCollector().histogram("h", buckets=sorted(bounds))
    for value in values:
        histogram.observe(value)
    ((_, state),) = histogram.snapshot().values
    assert not isinstance(state, float)
    for index, bound in enumerate(sorted(bounds)):
        assert sum(state.counts[: index + 1]) == sum(value <= bound for value in values)
    assert state.count == len(values)


def test_the_default_buckets_hold_one_second_and_reach_two_minutes(metrics: MetricsCollector) -> None:
    bounds = metrics.histogram("seconds").bounds
    assert 1.0 in bounds
    assert bounds[-1] == 120.0


@pytest.mark.parametrize("buckets", [(), (2, 1), (1, 1), (math.nan,), (math.inf,)])
def test_buckets_must_ascend(metrics: MetricsCollector, buckets: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="buckets must"):
        metrics.histogram("seconds", buckets=buckets)


def test_children_are_kept_by_their_values_whatever_the_order(metrics: MetricsCollector) -> None:
    family = metrics.counter("requests", labelnames=("route", "code"))
    family.labels(route="/a", code=200).inc()
    family.labels(code="200", route="/a").inc()
    family.labels(route="/a", code=500).inc(3)
    assert family.labels(route="/a", code=200).get() == 2
    assert family.get() == 5


@pytest.mark.parametrize(
    "labels", [{}, {"route": "/a"}, {"route": "/a", "code": 1, "more": 2}, {"rout": 1, "code": 2}]
)
def test_labels_must_be_those_of_the_family(metrics: MetricsCollector, labels: dict[str, object]) -> None:
    family = metrics.counter("requests", labelnames=("route", "code"))
    with pytest.raises(ValueError, match=r"labels are \('route', 'code'\)"):
        family.labels(**labels)


def test_a_labelled_family_itself_takes_no_value(metrics: MetricsCollector) -> None:
    with pytest.raises(ValueError, match=r"call \.labels"):
        metrics.counter("requests", labelnames=("route",)).inc()
    with pytest.raises(ValueError, match=r"call \.labels"):
        metrics.gauge("queue", labelnames=("route",)).set(1)
    with pytest.raises(ValueError, match=r"call \.labels"):
        metrics.histogram("seconds", labelnames=("route",)).observe(1)


def test_the_same_name_for_something_else_is_refused(metrics: MetricsCollector) -> None:
    metrics.counter("jobs", labelnames=("a",))
    metrics.histogram("seconds", buckets=(1, 2))
    with pytest.raises(ValueError, match="exists as a counter, asked for as a gauge"):
        metrics.gauge("jobs")
    with pytest.raises(ValueError, match=r"exists with the labels \('a',\)"):
        metrics.counter("jobs", labelnames=("b",))
    with pytest.raises(ValueError, match="exists with the buckets"):
        metrics.histogram("seconds", buckets=(1, 3))
    with pytest.raises(ValueError, match="namespace"):
        metrics.counter("jobs", labelnames=("a",), namespace="")


def test_two_families_cannot_export_the_same_name(metrics: MetricsCollector) -> None:
    metrics.histogram("seconds")
    with pytest.raises(ValueError, match="accelerapp_seconds_count, as seconds already is"):
        metrics.counter("seconds_count")
    with pytest.raises(ValueError, match="as seconds already is"):
        metrics.gauge("accelerapp_seconds", namespace="")
    assert metrics.get_all_metrics()["counters"] == {}


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "ä", "a.b"])
def test_names_are_those_of_the_data_model(metrics: MetricsCollector, name: str) -> None:
    with pytest.raises(ValueError, match="metric name"):
        metrics.counter(name)


@pytest.mark.parametrize("label", ["", "1st", "a-b", "__reserved", "ä"])
def test_label_names_are_those_of_the_data_model(metrics: MetricsCollector, label: str) -> None:
    with pytest.raises(ValueError, match="label name"):
        metrics.counter("jobs", labelnames=(label,))


def test_le_is_the_histograms_own_label(metrics: MetricsCollector) -> None:
    with pytest.raises(ValueError, match="reserved"):
        metrics.histogram("seconds", labelnames=("le",))
    assert metrics.counter("jobs", labelnames=("le",)).labelnames == ("le",)


def test_label_names_as_one_string_are_refused(metrics: MetricsCollector) -> None:
    with pytest.raises(ValueError, match="must be a sequence of names"):
        metrics.counter("jobs", labelnames="route")


def test_a_full_family_counts_on_in_one_child() -> None:
    metrics = MetricsCollector(max_series_per_metric=2)
    family = metrics.counter("requests", labelnames=("route",))
    for route in ("/a", "/b", "/c", "/d", "/a"):
        family.labels(route=route).inc()
    assert {values: child.get() for values, child in family.children()} == {
        ("/a",): 2,
        ("/b",): 1,
        (OVERFLOW,): 2,
    }
    assert family.overflowed == 2
    assert family.get() == 5


def test_all_metrics_by_name(metrics: MetricsCollector) -> None:
    metrics.counter("jobs").inc(2)
    requests = metrics.counter("requests", labelnames=("route", "code"))
    requests.labels(route='/"a"\\\n', code=200).inc()
    requests.labels(route="/b", code=500).inc(4)
    metrics.gauge("queue").set(7)
    seconds = metrics.histogram("seconds", labelnames=("route",))
    seconds.labels(route="/a").observe(1)
    seconds.labels(route="/b").observe(3)
    everything = metrics.get_all_metrics()
    assert everything["uptime_seconds"] >= 0
    assert everything["counters"] == {
        "jobs": 2,
        "requests": 5,
        'requests{route="/\\"a\\"\\\\\\n",code="200"}': 1,
        'requests{route="/b",code="500"}': 4,
    }
    assert everything["gauges"] == {"queue": 7}
    assert everything["histograms"]["seconds"] == {"count": 2, "sum": 4.0, "min": 1.0, "max": 3.0, "avg": 2.0}
    assert everything["histograms"]['seconds{route="/b"}']["max"] == 3.0


def test_a_labelled_histogram_without_children_is_empty(metrics: MetricsCollector) -> None:
    assert metrics.histogram("seconds", labelnames=("route",)).get()["count"] == 0


def test_reset_keeps_the_children_that_the_application_holds(metrics: MetricsCollector) -> None:
    family = metrics.counter("requests", labelnames=("route",))
    child = family.labels(route="/a")
    child.inc(5)
    metrics.gauge("queue").set(3)
    metrics.reset_all()
    child.inc()
    assert metrics.get_all_metrics()["counters"]['requests{route="/a"}'] == 1
    assert metrics.gauge("queue").get() == 3


def test_uptime_is_told_by_the_injected_clock() -> None:
    now = [100.0]
    metrics = MetricsCollector(clock=lambda: now[0])
    now[0] = 142.5
    assert metrics.get_all_metrics()["uptime_seconds"] == 42.5


def test_nothing_is_lost_between_threads(metrics: MetricsCollector) -> None:
    family = metrics.counter("requests", labelnames=("thread",))
    histogram = metrics.histogram("seconds")

    def work(number: int) -> None:
        for _ in range(2000):
            family.labels(thread=number % 2).inc()
            histogram.observe(1)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert family.get() == 8000
    assert histogram.get()["count"] == 8000
