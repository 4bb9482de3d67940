"""OTLP metrics translated to Prometheus samples, by the rules of Prometheus' own OTLP receiver."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

from accelerapp.server.ingest.otlp_names import label_name, metric_name
from accelerapp.server.signals import METRIC_NAME, STALE_NAN, Labels, make_labels

Sample = tuple[Labels, int, float]

_NO_RECORDED_VALUE = metrics_pb2.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_CUMULATIVE = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
_IDENTITY = frozenset({"service.name", "service.namespace", "service.instance.id"})


@dataclass
class Translated:
    """What became of a request: its samples, and the data points that could not be translated, with reasons."""

    samples: list[Sample] = field(default_factory=list)
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, points: int, reason: str) -> None:
        self.rejected += points
        if reason not in self.reasons:
            self.reasons.append(reason)


class RejectedMetricError(ValueError):
    """A metric has a form that cannot be stored."""


def translate(request: ExportMetricsServiceRequest) -> Translated:
    """Translate gauges, cumulative sums and histograms, and summaries; anything else is rejected by name."""
    result = Translated()
    for resource_metrics in request.resource_metrics:
        resource = {pair.key: pair.value for pair in resource_metrics.resource.attributes}
        identity = _identity(resource)
        latest = 0
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                points = _points(metric)
                try:
                    samples = list(_samples(metric, identity))
                except RejectedMetricError as error:
                    result.reject(len(points), str(error))
                    continue
                result.samples += samples
                latest = max([latest, *(point.time_unix_nano for point in points)])
        if latest and identity:
            result.samples += _target_info(resource, identity, _milliseconds(latest))
    return result


def _points(metric: metrics_pb2.Metric) -> list[Any]:
    kind = metric.WhichOneof("data")
    return list(getattr(metric, kind).data_points) if kind else []


def _samples(metric: metrics_pb2.Metric, identity: Mapping[str, str]) -> Iterator[Sample]:
    kind = metric.WhichOneof("data")
    if kind in ("sum", "histogram") and getattr(metric, kind).aggregation_temporality != _CUMULATIVE:
        raise RejectedMetricError(
            f"metric {metric.name!r}: only cumulative temporality can be stored; set "
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative"
        )
    if kind is None or kind == "exponential_histogram":
        raise RejectedMetricError(
            f"metric {metric.name!r}: exponential histograms cannot be stored; use explicit bucket boundaries"
            if kind
            else f"metric {metric.name!r}: it has no data of a known kind"
        )
    monotonic = kind == "sum" and metric.sum.is_monotonic
    name = metric_name(metric.name, metric.unit, monotonic=monotonic, gauge=kind == "gauge")
    if not name:
        raise RejectedMetricError(f"metric {metric.name!r}: nothing of the name is left in Prometheus' form")
    if kind == "gauge":
        yield from _numbers(name, metric.gauge.data_points, identity)
    elif kind == "sum":
        yield from _numbers(name, metric.sum.data_points, identity)
    elif kind == "histogram":
        yield from _histograms(name, metric.histogram.data_points, identity)
    else:
        yield from _summaries(name, metric.summary.data_points, identity)


def _numbers(
    name: str, points: Iterable[metrics_pb2.NumberDataPoint], identity: Mapping[str, str]
) -> Iterator[Sample]:
    for point in points:
        value = float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
        labels = _labels(point.attributes, identity)
        yield _sample(name, labels, point, value)


def _histograms(
    name: str, points: Iterable[metrics_pb2.HistogramDataPoint], identity: Mapping[str, str]
) -> Iterator[Sample]:
    for point in points:
        labels = _labels(point.attributes, identity)
        if point.HasField("sum"):
            yield _sample(f"{name}_sum", labels, point, point.sum)
        yield _sample(f"{name}_count", labels, point, float(point.count))
        cumulative = 0
        # The last bucket count has no bound of its own: it is in +Inf, which is the count.
        for bound, count in zip(point.explicit_bounds, point.bucket_counts, strict=False):
            cumulative += count
            bucket = labels | {"le": plain_number(bound)}
            yield _sample(f"{name}_bucket", bucket, point, float(cumulative))
        yield _sample(f"{name}_bucket", labels | {"le": "+Inf"}, point, float(point.count))


def _summaries(
    name: str, points: Iterable[metrics_pb2.SummaryDataPoint], identity: Mapping[str, str]
) -> Iterator[Sample]:
    for point in points:
        labels = _labels(point.attributes, identity)
        yield _sample(f"{name}_sum", labels, point, point.sum)
        yield _sample(f"{name}_count", labels, point, float(point.count))
        for quantile in point.quantile_values:
            of_quantile = labels | {"quantile": plain_number(quantile.quantile)}
            yield _sample(name, of_quantile, point, quantile.value)


def _sample(name: str, labels: Mapping[str, str], point: Any, value: float) -> Sample:
    if point.flags & _NO_RECORDED_VALUE:
        value = STALE_NAN
    return make_labels({**labels, METRIC_NAME: name}), _milliseconds(point.time_unix_nano), value


def _labels(attributes: Iterable[common_pb2.KeyValue], identity: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as labels; of those whose names become one, the values are joined as Prometheus does."""
    labels: dict[str, str] = {}
    for pair in sorted(attributes, key=lambda one: one.key):
        name, value = label_name(pair.key), _text(pair.value)
        if not name or name == METRIC_NAME:
            continue
        labels[name] = f"{labels[name]};{value}" if labels.get(name) else value
    return {**labels, **identity}


def _identity(resource: Mapping[str, common_pb2.AnyValue]) -> dict[str, str]:
    """Return the labels `job` and `instance` that a resource's attributes give."""
    service = _text(resource["service.name"]) if "service.name" in resource else ""
    namespace = _text(resource["service.namespace"]) if "service.namespace" in resource else ""
    instance = _text(resource["service.instance.id"]) if "service.instance.id" in resource else ""
    job = f"{namespace}/{service}" if namespace and service else service
    return {name: value for name, value in (("job", job), ("instance", instance)) if value}


def _target_info(
    resource: Mapping[str, common_pb2.AnyValue], identity: Mapping[str, str], at_ms: int
) -> Iterator[Sample]:
    """Give the resource's other attributes as the labels of `target_info`, if there are any."""
    others = [
        common_pb2.KeyValue(key=key, value=value) for key, value in resource.items() if key not in _IDENTITY
    ]
    if others:
        yield make_labels({**_labels(others, identity), METRIC_NAME: "target_info"}), at_ms, 1.0


def _text(value: common_pb2.AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return plain_number(value.double_value)
    return orjson.dumps(_plain(value)).decode()


def _plain(value: common_pb2.AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    return getattr(value, kind) if kind else None


def plain_number(value: float) -> str:
    """Write a number in the fewest digits without an exponent, as Go's `FormatFloat(v, 'f', -1, 64)` does."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _milliseconds(nanoseconds: int) -> int:
    return nanoseconds // 1_000_000
