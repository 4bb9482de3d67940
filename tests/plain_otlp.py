"""OTLP requests as plain values, without what is empty, so that a test can compare and write them."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from accelerapp.server.storage.otlp import attributes


def plain_spans(*requests: bytes) -> list[dict[str, Any]]:
    """Return the spans of requests in the order of their ids, each with its resource and scope."""
    spans = []
    for request in map(ExportTraceServiceRequest.FromString, requests):
        for resourced in request.resource_spans:
            for scoped in resourced.scope_spans:
                scope = " ".join(filter(None, (scoped.scope.name, scoped.scope.version)))
                around = {"resource": attributes(resourced.resource.attributes), "scope": scope}
                spans += [_filled(around | _span(span)) for span in scoped.spans]
    return sorted(spans, key=lambda span: (span["trace"], span["span"], span.get("kind", "")))


def plain_logs(*requests: bytes) -> list[dict[str, Any]]:
    """Return the log records of requests, each with its resource and scope; ids in hexadecimal."""
    records = []
    for request in map(ExportLogsServiceRequest.FromString, requests):
        for resourced in request.resource_logs:
            for scoped in resourced.scope_logs:
                for record in scoped.log_records:
                    body = attributes([KeyValue(key="body", value=record.body)])["body"]
                    records.append(
                        _filled(
                            {
                                "resource": attributes(resourced.resource.attributes),
                                "scope": scoped.scope.name,
                                "time": record.time_unix_nano,
                                "severity": record.severity_text,
                                "number": record.severity_number,
                                "body": body,
                                "trace": record.trace_id.hex(),
                                "span": record.span_id.hex(),
                                "attributes": attributes(record.attributes),
                            }
                        )
                    )
    return records


def _span(span: Span) -> dict[str, Any]:
    return {
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "state": span.trace_state,
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower().replace("unspecified", ""),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": ("", "ok", "error")[span.status.code],
        "message": span.status.message,
        "attributes": attributes(span.attributes),
        "events": [
            _filled(
                {"at": event.time_unix_nano, "name": event.name, "attributes": attributes(event.attributes)}
            )
            for event in span.events
        ],
        "links": [
            _filled(
                {
                    "trace": link.trace_id.hex(),
                    "span": link.span_id.hex(),
                    "attributes": attributes(link.attributes),
                }
            )
            for link in span.links
        ],
    }


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", 0, None, [], {})}
