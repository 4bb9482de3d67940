"""OTLP's exemplars as Prometheus keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opentelemetry.proto.metrics.v1 import metrics_pb2

from accelerapp.server.ingest.otlp_labels import attribute_text
from accelerapp.server.signals import Exemplar, Labels, make_labels

#: Characters that an exemplar's labels may have in all (OpenMetrics 1.0, "Exemplars").
_MOST_CHARACTERS = 128


def exemplars_of(exemplars: Iterable[metrics_pb2.Exemplar], series: Labels, at_ms: int) -> Iterator[Exemplar]:
    """Return exemplars of a series, those without a time at that of their point (Unix milliseconds).

    Trace and span id are the labels `trace_id` and `span_id`; the filtered attributes are added where all of them leave
    the labels as short as they must be.
    """
    for one in exemplars:
        kind = one.WhichOneof("value")
        if kind is None:
            continue
        ids = {"trace_id": one.trace_id.hex(), "span_id": one.span_id.hex()}
        ids = {name: text for name, text in ids.items() if text.strip("0")}
        attributes = {pair.key: attribute_text(pair.value) for pair in one.filtered_attributes}
        both = {**attributes, **ids}
        if sum(len(name) + len(text) for name, text in both.items()) > _MOST_CHARACTERS:
            both = ids
        time_ms = one.time_unix_nano // 1_000_000 or at_ms
        yield Exemplar(series, make_labels(both), float(getattr(one, kind)), time_ms)
