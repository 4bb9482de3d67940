"""OTLP metrics translated to Prometheus samples, by the rules of Prometheus' own OTLP receiver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from accelerapp.server.ingest.otlp_deltas import DeltaStreams, DroppedPointError, stream_key
from accelerapp.server.ingest.otlp_exemplars import exemplars_of
from accelerapp.server.ingest.otlp_histograms import InvalidHistogramError, native_histogram
from accelerapp.server.ingest.otlp_labels import (
    IDENTITY,
    InvalidAttributeError,
    attribute_labels,
    identity_labels,
    plain_number,
)
from accelerapp.server.ingest.otlp_names import metric_name, unit_name
from accelerapp.server.signals import (
    METRIC_NAME,
    STALE_NAN,
    Exemplar,
    Labels,
    Metadata,
    NativeHistogram,
    make_labels,
)

_NO_RECORDED_VALUE = metrics_pb2.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_CUMULATIVE = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
_DELTA = metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
_INFINITY = float("inf")
#: How far apart the samples of `target_info` are within a request: half of how long one is found.
_INFO_MS = 150_000
_MOST_INFO = 1000


@dataclass
class Translated:
    """What became of a request, and the data points that could not be translated, with reasons."""

    samples: list[tuple[Labels, int, float]] = field(default_factory=list)
    histograms: list[tuple[Labels, int, NativeHistogram]] = field(default_factory=list)
    exemplars: list[Exemplar] = field(default_factory=list)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    points: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, metric: str, points: int, reason: str) -> None:
        """Note that points of a metric are left out; a reason is kept for each metric once."""
        self.rejected += points
        text = f"metric {metric!r}: {reason}"
        if text not in self.reasons:
            self.reasons.append(text)


class RejectedMetricError(ValueError):
    """A metric has a form that cannot be stored."""


def has_deltas(request: ExportMetricsServiceRequest) -> bool:
    """Tell whether any metric of a request has delta temporality."""
    return any(
        getattr(getattr(metric, metric.WhichOneof("data") or "gauge"), "aggregation_temporality", 0) == _DELTA
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def translate(request: ExportMetricsServiceRequest, deltas: DeltaStreams) -> Translated:
    """Translate every kind of data point; those of delta temporality are added up in `deltas`."""
    result = Translated()
    for resource_metrics in request.resource_metrics:
        resource = {pair.key: pair.value for pair in resource_metrics.resource.attributes}
        identity = identity_labels(resource)
        times: list[int] = []
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                points = _points(metric)
                result.points += len(points)
                try:
                    kind = _Kind.of(metric, resource_metrics.resource, scope_metrics.scope)
                except RejectedMetricError as error:
                    result.reject(metric.name, len(points), str(error))
                    times += [point.time_unix_nano for point in points]
                    continue
                for point in points:
                    try:
                        _translate_point(kind, point, identity, deltas, result)
                    except DroppedPointError as error:
                        result.reject(metric.name, 1, str(error))
                        continue
                    except (InvalidAttributeError, InvalidHistogramError) as error:
                        result.reject(metric.name, 1, str(error))
                    times.append(point.time_unix_nano)
        if times and identity:
            _add_target_info(resource, identity, (min(times), max(times)), result)
    return result


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the points of a metric have in common; `stream` tells its delta streams from others' and is else empty."""

    name: str
    data: str  # the name of the protobuf field: gauge, sum, histogram, exponential_histogram or summary
    metadata: Metadata
    stream: bytes

    @staticmethod
    def of(metric: metrics_pb2.Metric, resource: Resource, scope: InstrumentationScope) -> _Kind:
        """Describe a metric; raises RejectedMetricError where it cannot be stored."""
        data = metric.WhichOneof("data")
        if data is None:
            raise RejectedMetricError("it has no data of a known kind")
        temporality = getattr(getattr(metric, data), "aggregation_temporality", _CUMULATIVE)
        if temporality not in (_CUMULATIVE, _DELTA):
            raise RejectedMetricError("its aggregation temporality is neither cumulative nor delta")
        monotonic = data == "sum" and metric.sum.is_monotonic
        name = metric_name(metric.name, metric.unit, monotonic=monotonic, gauge=data == "gauge")
        if not name:
            raise RejectedMetricError("nothing of the name is left in Prometheus' form")
        kinds = {"gauge": "gauge", "summary": "summary", "sum": "counter" if monotonic else "gauge"}
        stream = b""
        if temporality == _DELTA:
            stream = stream_key(b"", resource.attributes)
            stream = stream_key(stream, scope.attributes, scope.name, scope.version)
            stream = stream_key(stream, (), metric.name, metric.unit, data, str(monotonic))
        metadata = Metadata(kinds.get(data, "histogram"), metric.description, unit_name(metric.unit))
        return _Kind(name, data, metadata, stream)


def _points(metric: metrics_pb2.Metric) -> Sequence[Any]:
    data = metric.WhichOneof("data")
    points: Sequence[Any] = getattr(metric, data).data_points if data else ()
    return points


def _translate_point(
    kind: _Kind, point: Any, identity: Mapping[str, str], deltas: DeltaStreams, result: Translated
) -> None:
    labels = attribute_labels(((pair.key, pair.value) for pair in point.attributes), identity)
    at_ms = _milliseconds(point.time_unix_nano)
    stale = bool(point.flags & _NO_RECORDED_VALUE)
    exemplars = () if kind.data in ("gauge", "summary") else point.exemplars
    if kind.stream and not stale:
        point = deltas.cumulative(kind.stream, point)
    if kind.data == "exponential_histogram":
        series = make_labels({**labels, METRIC_NAME: kind.name})
        if stale:
            result.samples.append((series, at_ms, STALE_NAN))
        else:
            result.histograms.append((series, at_ms, native_histogram(point)))
        result.exemplars += exemplars_of(exemplars, series, at_ms)
    else:
        _add_samples(kind, point, labels, at_ms, stale=stale, result=result)
        if exemplars:
            result.exemplars += _placed(kind, exemplars, point, labels, at_ms)
    result.metadata[kind.name] = kind.metadata


def _add_samples(
    kind: _Kind, point: Any, labels: Mapping[str, str], at_ms: int, *, stale: bool, result: Translated
) -> None:
    if kind.data == "histogram":
        samples = _histogram(kind.name, point)
    elif kind.data == "summary":
        samples = _summary(kind.name, point)
    else:
        samples = iter([(kind.name, "", "", _number(point))])
    common = make_labels(labels)
    for name, label, text, value in samples:
        if label in labels:
            series = make_labels({**labels, METRIC_NAME: name, label: text})
        else:
            more = ((METRIC_NAME, name), (label, text)) if label else ((METRIC_NAME, name),)
            series = tuple(sorted((*common, *more)))
        result.samples.append((series, at_ms, STALE_NAN if stale else value))


#: The series' name, a label of its own with its value, and the sample.
_Parts = Iterator[tuple[str, str, str, float]]


def _number(point: metrics_pb2.NumberDataPoint) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _histogram(name: str, point: metrics_pb2.HistogramDataPoint) -> _Parts:
    if point.HasField("sum"):
        yield f"{name}_sum", "", "", point.sum
    yield f"{name}_count", "", "", float(point.count)
    cumulative = 0
    # The last bucket count has no bound of its own: it is in +Inf, which is the count.
    for bound, count in zip(point.explicit_bounds, point.bucket_counts, strict=False):
        cumulative += count
        if bound != _INFINITY:
            yield f"{name}_bucket", "le", plain_number(bound), float(cumulative)
    yield f"{name}_bucket", "le", "+Inf", float(point.count)


def _summary(name: str, point: metrics_pb2.SummaryDataPoint) -> _Parts:
    yield f"{name}_sum", "", "", point.sum
    yield f"{name}_count", "", "", float(point.count)
    for quantile in point.quantile_values:
        yield name, "quantile", plain_number(quantile.quantile), quantile.value


def _placed(
    kind: _Kind,
    exemplars: Iterable[metrics_pb2.Exemplar],
    point: Any,
    labels: Mapping[str, str],
    at_ms: int,
) -> Iterator[Exemplar]:
    """Put the exemplars of a histogram on the buckets that they fell into, others on the series itself."""
    if kind.data != "histogram":
        yield from exemplars_of(exemplars, make_labels({**labels, METRIC_NAME: kind.name}), at_ms)
        return
    bounds = [bound for bound in point.explicit_bounds if bound != _INFINITY]
    for exemplar in exemplars:
        value = exemplar.as_int if exemplar.WhichOneof("value") == "as_int" else exemplar.as_double
        bound = next((bound for bound in bounds if value <= bound), _INFINITY)
        series = make_labels({**labels, METRIC_NAME: f"{kind.name}_bucket", "le": plain_number(bound)})
        yield from exemplars_of([exemplar], series, at_ms)


def _add_target_info(
    resource: Mapping[str, AnyValue], identity: Mapping[str, str], times: tuple[int, int], result: Translated
) -> None:
    """Give the resource's other attributes as the labels of `target_info`, if there are any.

    Its samples span the points' times (Unix nanoseconds), so close that one is found wherever there is a point.
    """
    others = [pair for pair in resource.items() if pair[0] not in IDENTITY]
    if not others:
        return
    try:
        labels = attribute_labels(others, identity)
    except InvalidAttributeError as error:
        result.reject("target_info", 0, str(error))
        return
    series = make_labels({**labels, METRIC_NAME: "target_info"})
    first, last = map(_milliseconds, times)
    first = max(first, last - _MOST_INFO * _INFO_MS)  # a point may say no time at all
    result.samples += [(series, at_ms, 1.0) for at_ms in (*range(first, last, _INFO_MS), last)]
    result.metadata["target_info"] = Metadata("gauge", "Target metadata")


def _milliseconds(nanoseconds: int) -> int:
    return nanoseconds // 1_000_000
