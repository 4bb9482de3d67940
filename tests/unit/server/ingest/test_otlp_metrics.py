"""OTLP metrics become the samples that Prometheus' own receiver makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.otlp_metrics import plain_number, translate
from accelerapp.server.ingest.otlp_names import label_name, metric_name
from accelerapp.server.signals import is_stale

Resource = dict[str, str]


def translated(*metrics: dict[str, Any], **resource: str) -> dict[str, float]:
    """Translate metrics given in OTLP JSON; return the values by their series, written as in PromQL."""
    attributes = [
        {"key": key.replace("__", "."), "value": {"stringValue": text}} for key, text in resource.items()
    ]
    document = {
        "resourceMetrics": [
            {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": list(metrics)}]}
        ]
    }
    result = translate(parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest()))
    assert result.rejected == 0
    written: dict[str, float] = {}
    for labels, at_ms, value in result.samples:
        assert at_ms == 5
        pairs = dict(labels)
        name = pairs.pop("__name__")
        inner = ",".join(f'{key}="{text}"' for key, text in pairs.items())
        written[f"{name}{{{inner}}}"] = value
    return written


AT = {"timeUnixNano": "5000000"}


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("http.server.duration", "s", "", "http_server_duration_seconds"),
        ("system.network.io", "By", "counter", "system_network_io_bytes_total"),
        ("requests_total", "1", "counter", "requests_total"),
        ("total.requests", "", "counter", "requests_total"),
        ("utilization", "1", "gauge", "utilization_ratio"),
        ("utilization", "1", "", "utilization"),
        ("speed", "m/s", "gauge", "speed_meters_per_second"),
        ("queue", "{item}", "gauge", "queue"),
        ("rate", "{item}/s", "gauge", "rate_per_second"),
        ("memory_bytes", "By", "gauge", "memory_bytes"),
        ("2xx", "", "gauge", "_2xx"),
        ("a..b__c", "", "gauge", "a_b_c"),
        ("fan", "widgets/min²", "gauge", "fan_widgets_per_min"),
        ("☃", "", "gauge", ""),
    ],
)
def test_metric_names(name: str, unit: str, kind: str, expected: str) -> None:
    assert metric_name(name, unit, monotonic=kind == "counter", gauge=kind == "gauge") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("http.method", "http_method"),
        ("1st", "key_1st"),
        ("a..b", "a_b"),
        ("_private", "_private"),
        ("__reserved__", "__reserved__"),
        ("☃", ""),
    ],
)
def test_label_names(name: str, expected: str) -> None:
    assert label_name(name) == expected


def test_a_gauge_and_its_attributes() -> None:
    attributes = [
        {"key": "host.name", "value": {"stringValue": "a"}},
        {"key": "n", "value": {"intValue": "3"}},
        {"key": "b", "value": {"boolValue": True}},
        {"key": "f", "value": {"doubleValue": 1.0}},
        {"key": "l", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
        {"key": "host_name", "value": {"stringValue": "b"}},
    ]
    metric = {
        "name": "temperature",
        "unit": "Cel",
        "gauge": {"dataPoints": [{**AT, "asDouble": 1.5, "attributes": attributes}]},
    }
    assert translated(metric) == {
        'temperature_celsius{b="true",f="1",host_name="a;b",l="[1]",n="3"}': 1.5,
    }


def test_a_sum_that_is_not_monotonic_is_no_counter() -> None:
    metric = {"name": "queue", "sum": {"aggregationTemporality": 2, "dataPoints": [{**AT, "asInt": "4"}]}}
    assert translated(metric) == {"queue{}": 4}


def test_histogram_buckets_are_summed_up_to_infinity() -> None:
    point = {**AT, "count": "7", "sum": 3.5, "bucketCounts": ["1", "2", "4"], "explicitBounds": [0.5, 1]}
    metric = {"name": "d", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [point]}}
    assert translated(metric) == {
        "d_seconds_sum{}": 3.5,
        "d_seconds_count{}": 7,
        'd_seconds_bucket{le="0.5"}': 1,
        'd_seconds_bucket{le="1"}': 3,
        'd_seconds_bucket{le="+Inf"}': 7,
    }


def test_a_histogram_without_a_sum_has_none() -> None:
    metric = {"name": "d", "histogram": {"aggregationTemporality": 2, "dataPoints": [{**AT, "count": "1"}]}}
    assert translated(metric) == {"d_count{}": 1, 'd_bucket{le="+Inf"}': 1}


def test_a_summary_has_quantiles() -> None:
    point = {**AT, "count": "2", "sum": 3.0, "quantileValues": [{"quantile": 0.99, "value": 2.5}]}
    assert translated({"name": "d", "summary": {"dataPoints": [point]}}) == {
        "d_sum{}": 3,
        "d_count{}": 2,
        'd{quantile="0.99"}': 2.5,
    }


def test_the_resource_becomes_job_instance_and_target_info() -> None:
    metric = {"name": "g", "gauge": {"dataPoints": [{**AT, "asInt": "1"}]}}
    resource = {
        "service__name": "shop",
        "service__namespace": "eu",
        "service__instance__id": "i-1",
        "host__name": "h",
    }
    assert translated(metric, **resource) == {
        'g{instance="i-1",job="eu/shop"}': 1,
        'target_info{host_name="h",instance="i-1",job="eu/shop"}': 1,
    }


def test_a_resource_with_nothing_but_its_identity_has_no_target_info() -> None:
    metric = {"name": "g", "gauge": {"dataPoints": [{**AT, "asInt": "1"}]}}
    assert translated(metric, service__name="shop") == {'g{job="shop"}': 1}


def test_no_recorded_value_ends_the_series() -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="g")
    metric.gauge.data_points.add(flags=1)
    ((_, _, value),) = translate(request).samples
    import numpy as np

    assert is_stale(np.array([value])).all()


@pytest.mark.parametrize("form", ["delta sum", "delta histogram", "exponential", "no data", "no name"])
def test_what_cannot_be_stored_is_rejected_by_name(form: str) -> None:
    request = ExportMetricsServiceRequest()
    metric = (
        request.resource_metrics.add()
        .scope_metrics.add()
        .metrics.add(name="☃" if form == "no name" else "odd")
    )
    if form == "delta sum":
        metric.sum.data_points.add()
    elif form == "delta histogram":
        metric.histogram.data_points.add()
    elif form == "exponential":
        metric.exponential_histogram.data_points.add()
    elif form == "no name":
        metric.gauge.data_points.add()
    result = translate(request)
    assert result.samples == []
    assert result.rejected == (0 if form == "no data" else 1)
    assert f"metric {metric.name!r}" in result.reasons[0]


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (0.25, "0.25")]
)
def test_numbers_have_no_exponent(value: float, text: str) -> None:
    assert plain_number(value) == text
