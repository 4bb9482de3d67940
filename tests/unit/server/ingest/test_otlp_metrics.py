"""OTLP metrics become the samples that Prometheus' own receiver makes of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from accelerapp.server.ingest.otlp_deltas import DeltaStreams
from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.otlp_labels import plain_number
from accelerapp.server.ingest.otlp_metrics import Translated, translate
from accelerapp.server.ingest.otlp_names import label_name, metric_name
from accelerapp.server.signals import Exemplar, Metadata, NativeHistogram, is_stale, make_labels

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
    result = without_state(parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest()))
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
        ("area", "m²", "gauge", "area_m_"),
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
        ("a..b", "a__b"),
        ("_private", "key_private"),
        ("__reserved__", "__reserved__"),
        ("___x__", "___x__"),
        ("____", ""),
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


def point_request(kind: str, **point: Any) -> ExportMetricsServiceRequest:
    """Make a request with one point of one metric, given in OTLP JSON."""
    form = {} if kind in ("gauge", "summary") else {"aggregationTemporality": 2}
    metric = {"name": "m", kind: {**form, "dataPoints": [{**AT, **point}]}}
    return request_of(metric)


def request_of(*metrics: dict[str, Any]) -> ExportMetricsServiceRequest:
    document = {"resourceMetrics": [{"scopeMetrics": [{"metrics": list(metrics)}]}]}
    return parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest())


def without_state(request: ExportMetricsServiceRequest) -> Translated:
    return translate(request, DeltaStreams(lambda: 0.0))


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponentialHistogram", "summary"])
def test_no_recorded_value_ends_every_series(kind: str) -> None:
    result = without_state(point_request(kind, flags=1))
    assert result.histograms == []
    assert is_stale(np.array([value for _, _, value in result.samples])).all()
    assert len(result.samples) == {"histogram": 2, "summary": 2}.get(kind, 1)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"name": "odd"}, ""),
        ({"name": "☃", "gauge": {"dataPoints": [AT]}}, "nothing of the name is left"),
        ({"name": "odd", "sum": {"dataPoints": [AT]}}, "neither cumulative nor delta"),
        (
            {"name": "odd", "gauge": {"dataPoints": [{**AT, "attributes": [{"key": "☃"}]}]}},
            "attribute's name '☃'",
        ),
        (
            {
                "name": "odd",
                "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{**AT, "scale": -5}]},
            },
            "scale must be -4 or more",
        ),
        (
            {
                "name": "odd",
                "exponentialHistogram": {
                    "aggregationTemporality": 2,
                    "dataPoints": [{**AT, "count": "3", "positive": {"bucketCounts": ["2"]}}],
                },
            },
            "2 observations in its buckets where its count is 3",
        ),
        (
            {
                "name": "odd",
                "exponentialHistogram": {
                    "aggregationTemporality": 2,
                    "dataPoints": [{**AT, "count": "1", "positive": {"offset": 5000, "bucketCounts": ["1"]}}],
                },
            },
            "",
        ),
        (
            {
                "name": "odd",
                "exponentialHistogram": {
                    "aggregationTemporality": 2,
                    "dataPoints": [
                        {**AT, "count": "1", "positive": {"offset": 10**6, "bucketCounts": ["1"]}}
                    ],
                },
            },
            "beyond every number",
        ),
    ],
)
def test_what_cannot_be_stored_is_rejected_by_name(metric: dict[str, Any], reason: str) -> None:
    result = without_state(request_of(metric))
    assert result.samples == []
    if not reason and "exponentialHistogram" in metric:
        assert (result.rejected, len(result.histograms)) == (0, 1)
        return
    assert result.rejected == (1 if reason else 0)
    assert f"metric {metric['name']!r}" in result.reasons[0]
    assert reason in result.reasons[0]


def test_the_other_points_of_a_metric_are_kept() -> None:
    good = {**AT, "count": "1", "zeroCount": "1"}
    metric = {
        "name": "m",
        "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{**AT, "count": "1"}, good]},
    }
    result = without_state(request_of(metric))
    assert (result.points, result.rejected, len(result.histograms)) == (2, 1, 1)


@pytest.mark.parametrize(
    ("scale", "offset", "schema", "buckets"),
    [
        (0, 0, 0, ((1, 1.0), (2, 2.0), (4, 3.0))),
        (8, -2, 8, ((-1, 1.0), (0, 2.0), (2, 3.0))),
        (9, 0, 8, ((1, 3.0), (2, 3.0))),
        (9, -3, 8, ((-1, 1.0), (0, 2.0), (1, 3.0))),
        (20, 4096, 8, ((2, 6.0),)),
    ],
)
def test_exponential_histograms_become_native_ones(
    scale: int, offset: int, schema: int, buckets: tuple[tuple[int, float], ...]
) -> None:
    side = {"offset": offset, "bucketCounts": ["1", "2", "0", "3"]}
    request = point_request(
        "exponentialHistogram", scale=scale, count="8", sum=9.5, zeroCount="2", positive=side
    )
    ((labels, at_ms, histogram),) = without_state(request).histograms
    assert (labels, at_ms) == (make_labels({"__name__": "m"}), 5)
    assert histogram == NativeHistogram(schema, 8.0, 9.5, 1e-128, 2.0, buckets)


def test_metadata_has_type_unit_and_description() -> None:
    metrics = [
        {"name": "g", "unit": "By", "description": "how much", "gauge": {"dataPoints": [AT]}},
        {"name": "c", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [AT]}},
        {"name": "u", "sum": {"aggregationTemporality": 2, "dataPoints": [AT]}},
        {"name": "h", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [AT]}},
        {"name": "s", "summary": {"dataPoints": [AT]}},
    ]
    assert without_state(request_of(*metrics)).metadata == {
        "g_bytes": Metadata("gauge", "how much", "bytes"),
        "c_total": Metadata("counter"),
        "u": Metadata("gauge"),
        "h_seconds": Metadata("histogram", "", "seconds"),
        "s": Metadata("summary"),
    }


def test_exemplars_lie_in_their_buckets_and_have_the_ids_of_their_trace() -> None:
    exemplar = {"timeUnixNano": "4000000", "traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2"}
    request = point_request(
        "histogram",
        count="3",
        bucketCounts=["1", "1", "1"],
        explicitBounds=[1, 2],
        exemplars=[
            {
                **exemplar,
                "asDouble": 1.5,
                "filteredAttributes": [{"key": "user", "value": {"stringValue": "u"}}],
            },
            {
                **exemplar,
                "asInt": "7",
                "filteredAttributes": [{"key": "k", "value": {"stringValue": "x" * 100}}],
            },
            {"asDouble": 0.5},
        ],
    )
    ids = {"trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "2"}
    bucket = {"__name__": "m_bucket"}
    assert without_state(request).exemplars == [
        Exemplar(make_labels({**bucket, "le": "2"}), make_labels({**ids, "user": "u"}), 1.5, 4),
        Exemplar(make_labels({**bucket, "le": "+Inf"}), make_labels(ids), 7.0, 4),
        Exemplar(make_labels({**bucket, "le": "1"}), (), 0.5, 5),
    ]


def test_a_point_without_a_time_does_not_make_samples_of_target_info_for_fifty_years() -> None:
    metric = {
        "name": "g",
        "gauge": {"dataPoints": [{"timeUnixNano": "0"}, {"timeUnixNano": str(1_700_000_000 * 10**9)}]},
    }
    document = {
        "resourceMetrics": [
            {
                "resource": {
                    "attributes": [
                        {"key": "service.name", "value": {"stringValue": "s"}},
                        {"key": "host.name", "value": {"stringValue": "h"}},
                    ]
                },
                "scopeMetrics": [{"metrics": [metric]}],
            }
        ]
    }
    result = without_state(parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest()))
    assert len(result.samples) == 2 + 1001


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (0.25, "0.25")]
)
def test_numbers_have_no_exponent(value: float, text: str) -> None:
    assert plain_number(value) == text
