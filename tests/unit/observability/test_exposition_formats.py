"""The text formats: read back by Prometheus' own Python parsers, and letter by letter where it matters."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from accelerapp.monitoring import MetricsCollector, set_current_trace
from accelerapp.observability import PrometheusMetricsExporter
from accelerapp.observability.exposition import format_value, prefers_openmetrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse_text(text: str) -> list[Metric]:
    return list(read_text(text))


def parse_openmetrics(text: str) -> list[Metric]:
    return list(read_openmetrics(text))  # type: ignore[no-untyped-call]


def samples(families: list[Metric]) -> Samples:
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector(clock=lambda: 0.0)


@pytest.fixture
def exporter(metrics: MetricsCollector) -> PrometheusMetricsExporter:
    return PrometheusMetricsExporter(metrics)


def test_a_counter_gets_the_prefix_and_no_suffix(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter
) -> None:
    metrics.counter("test_counter").inc()
    metrics.counter("test_counter").inc()
    lines = exporter.generate_prometheus_metrics().splitlines()
    assert "# TYPE accelerapp_test_counter counter" in lines
    assert "accelerapp_test_counter 2" in lines


def test_a_name_of_another_namespace_is_exported_as_it_is(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter
) -> None:
    metrics.histogram("gen_ai_client_token_usage", buckets=(1, 4), namespace="").observe(3)
    lines = exporter.generate_prometheus_metrics().splitlines()
    assert 'gen_ai_client_token_usage_bucket{le="4.0"} 1' in lines
    assert not any("accelerapp_gen_ai" in line for line in lines)


def test_bounds_are_written_as_floats(metrics: MetricsCollector, exporter: PrometheusMetricsExporter) -> None:
    histogram = metrics.histogram("seconds", buckets=(0.5, 1, 120))
    for value in (0.5, 1, 119, 121):
        histogram.observe(value)
    text = exporter.generate_prometheus_metrics()
    assert [line for line in text.splitlines() if line.startswith("accelerapp_seconds")] == [
        'accelerapp_seconds_bucket{le="0.5"} 1',
        'accelerapp_seconds_bucket{le="1.0"} 2',
        'accelerapp_seconds_bucket{le="120.0"} 3',
        'accelerapp_seconds_bucket{le="+Inf"} 4',
        "accelerapp_seconds_sum 241.5",
        "accelerapp_seconds_count 4",
    ]


def test_openmetrics_names_a_counter_without_total_unknown(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter
) -> None:
    metrics.counter("plain").inc()
    metrics.counter("requests_total").inc(3)
    text = exporter.generate_openmetrics()
    assert text.endswith("# EOF\n")
    assert "# TYPE accelerapp_plain unknown\naccelerapp_plain 1\n" in text
    assert "# TYPE accelerapp_requests counter\naccelerapp_requests_total 3\n" in text
    assert {family.name: family.type for family in parse_openmetrics(text)} == {
        "accelerapp_uptime_seconds": "gauge",
        "accelerapp_plain": "unknown",
        "accelerapp_requests": "counter",
    }


def test_openmetrics_has_no_family_twice(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter
) -> None:
    metrics.gauge("requests").set(1)
    metrics.counter("requests_total").inc(2)
    text = exporter.generate_openmetrics()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert "# TYPE accelerapp_requests_total unknown" in text


def test_the_count_of_refused_label_sets_is_exported() -> None:
    metrics = MetricsCollector(max_series_per_metric=1)
    family = metrics.counter("requests_total", labelnames=("route",))
    for route in "abc":
        family.labels(route=route).inc()
    found = samples(parse_text(PrometheusMetricsExporter(metrics).generate_prometheus_metrics()))
    key = ("accelerapp_metric_series_overflow_total", frozenset({("metric", "requests_total")}))
    assert found[key] == 2
    assert found["accelerapp_requests_total", frozenset({("route", "__overflow__")})] == 2


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


@given(
    description=texts,
    children=st.dictionaries(st.tuples(texts, texts), numbers, max_size=5),
    observations=st.lists(st.floats(-1e6, 1e6), max_size=10),
)
def test_what_is_written_is_what_parsers_read(
    description: str, children: dict[tuple[str, str], float], observations: list[float]
) -> None:
    metrics = MetricsCollector(clock=lambda: 0.0)
    gauge = metrics.gauge("g", description, ("one", "two"))
    expected: Samples = {("accelerapp_uptime_seconds", frozenset()): 0.0}
    for (one, two), value in children.items():
        gauge.labels(one=one, two=two).set(value)
        expected["accelerapp_g", frozenset({("one", one), ("two", two)})] = float(value)
    histogram = metrics.histogram("h", description, buckets=(-1, 0, 1.5))
    for value in observations:
        histogram.observe(value)
    for bound, text in ((-1, "-1.0"), (0, "0.0"), (1.5, "1.5"), (math.inf, "+Inf")):
        expected["accelerapp_h_bucket", frozenset({("le", text)})] = sum(v <= bound for v in observations)
    expected["accelerapp_h_sum", frozenset()] = histogram.get()["sum"]
    expected["accelerapp_h_count", frozenset()] = len(observations)
    exporter = PrometheusMetricsExporter(metrics)
    assert samples(parse_text(exporter.generate_prometheus_metrics())) == expected
    for suffix in ("sum", "count"):  # which OpenMetrics forbids beside a negative bound
        del expected[f"accelerapp_h_{suffix}", frozenset()]
    assert samples(parse_openmetrics(exporter.generate_openmetrics())) == expected


def test_help_and_labels_are_escaped_as_each_format_has_it(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter
) -> None:
    metrics.gauge("g", 'a "b"\\\nc', ("l",)).labels(l='x"\\\ny').set(1)
    text, openmetrics = exporter.generate_prometheus_metrics(), exporter.generate_openmetrics()
    assert '# HELP accelerapp_g a "b"\\\\\\nc\n' in text
    assert '# HELP accelerapp_g a \\"b\\"\\\\\\nc\n' in openmetrics
    for written in (text, openmetrics):
        assert 'accelerapp_g{l="x\\"\\\\\\ny"} 1\n' in written
    (family,) = [f for f in parse_openmetrics(openmetrics) if f.name == "accelerapp_g"]
    assert family.documentation == 'a "b"\\\nc'
    assert family.samples[0].labels == {"l": 'x"\\\ny'}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (2.0, "2"),
        (0.1, "0.1"),
        (-0.5, "-0.5"),
        (1e100, "1e+100"),
        (123456789012345.0, "123456789012345"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (5e-324, "5e-324"),
    ],
)
def test_values(value: float, text: str) -> None:
    assert format_value(value) == text


PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.5", False),
        ("application/openmetrics-text;q=nonsense", False),
        (PROMETHEUS_3, True),
    ],
)
def test_negotiation(accept: str | None, openmetrics: bool) -> None:
    assert prefers_openmetrics(accept) is openmetrics
    content_type, body = PrometheusMetricsExporter(MetricsCollector()).render(accept)
    expected = "application/openmetrics-text; version=1.0.0" if openmetrics else "text/plain; version=0.0.4"
    assert content_type == f"{expected}; charset=utf-8"
    assert body.endswith(b"# EOF\n") is openmetrics


@pytest.fixture
def traced() -> Iterator[list[tuple[str, str] | None]]:
    """The traces that observations are made in, one after the other; the last one stays."""
    ids: list[tuple[str, str] | None] = [("ab" * 16, "cd" * 8)]
    set_current_trace(lambda: ids.pop(0) if len(ids) > 1 else ids[0])
    yield ids
    set_current_trace(None)


def exemplars(exporter: PrometheusMetricsExporter) -> dict[str, tuple[dict[str, str], float]]:
    """Return labels and value of the exemplar of each bucket that has one."""
    return {
        sample.labels["le"]: (sample.exemplar.labels, sample.exemplar.value)
        for family in parse_openmetrics(exporter.generate_openmetrics())
        for sample in family.samples
        if sample.exemplar
    }


def test_a_bucket_tells_the_trace_of_an_observation(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter, traced: list[tuple[str, str] | None]
) -> None:
    histogram = metrics.histogram("waits", buckets=(1, 2))
    histogram.observe(1.5)
    traced[:] = [None]
    histogram.observe(0.5)
    assert exemplars(exporter) == {"2.0": ({"trace_id": "ab" * 16, "span_id": "cd" * 8}, 1.5)}
    # The older format has none.
    assert "ab" * 16 not in exporter.generate_prometheus_metrics()


def test_a_bucket_keeps_its_exemplar_for_a_second(
    metrics: MetricsCollector,
    exporter: PrometheusMetricsExporter,
    traced: list[tuple[str, str] | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    histogram = metrics.histogram("waits", buckets=(1, 2))
    now = 100.0
    monkeypatch.setattr("accelerapp.monitoring.children.time.monotonic", lambda: now)
    for value, at in ((1.1, 100.0), (1.2, 100.9), (0.5, 100.9), (1.3, 101.0)):
        now = at
        histogram.observe(value)
        assert exemplars(exporter)["2.0"][1] == (1.3 if at == 101.0 else 1.1)
    assert exemplars(exporter)["1.0"][1] == 0.5


def test_what_no_number_is_is_no_exemplar_and_a_failing_provider_none_either(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter, traced: list[tuple[str, str] | None]
) -> None:
    histogram = metrics.histogram("waits", buckets=(1, 2))
    histogram.observe(math.nan)
    histogram.observe(math.inf)
    traced.clear()
    histogram.observe(1.5)
    assert " # {" not in exporter.generate_openmetrics()
    assert histogram.get()["count"] == 3


def test_nothing_is_left_of_exemplars_after_a_reset(
    metrics: MetricsCollector, exporter: PrometheusMetricsExporter, traced: list[tuple[str, str] | None]
) -> None:
    del traced
    histogram = metrics.histogram("waits", buckets=(1, 2))
    histogram.observe(1.5)
    histogram.reset()
    assert exemplars(exporter) == {}
    histogram.observe(1.7)
    assert exemplars(exporter)["2.0"][1] == 1.7
