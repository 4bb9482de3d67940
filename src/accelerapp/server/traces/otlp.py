"""Spans in OTLP's JSON form, each resource and scope told once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from accelerapp.server.signals import Span

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")

Json = dict[str, Any]


def otlp_json(spans: Iterable[Span]) -> Json:
    """Return `TracesData` as the OTLP specification writes it in JSON: ids in hexadecimal, 64-bit numbers as text."""
    resources: dict[str, dict[tuple[str, str], list[Span]]] = {}
    for span in spans:
        resource = json.dumps(dict(span.resource), sort_keys=True)
        resources.setdefault(resource, {}).setdefault((span.scope, span.scope_version), []).append(span)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(next(iter(scopes.values()))[0].resource)},
                "scopeSpans": [
                    {
                        "scope": _given(name=name, version=version),
                        "spans": [_span(span) for span in of_scope],
                    }
                    for (name, version), of_scope in scopes.items()
                ],
            }
            for scopes in resources.values()
        ]
    }


def _span(span: Span) -> Json:
    """Return a span; a field that has its default value is left out, as Protobuf's JSON form does."""
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "status": _status(span),
    } | _given(
        traceState=span.trace_state,
        parentSpanId=span.parent_span_id,
        kind=_KINDS.index(span.kind),
        attributes=_attributes(span.attributes),
        events=[
            {"timeUnixNano": str(event["time_ns"])}
            | _given(name=event["name"], attributes=_attributes(event["attributes"]))
            for event in span.events
        ],
        links=[
            {"traceId": link["trace_id"], "spanId": link["span_id"]}
            | _given(attributes=_attributes(link["attributes"]))
            for link in span.links
        ],
    )


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value}


def _status(span: Span) -> Json:
    status: Json = {"message": span.status_message} if span.status_message else {}
    if span.status != "unset":
        status["code"] = _STATUSES.index(span.status)
    return status


def _attributes(values: Mapping[str, Any]) -> list[Json]:
    return [{"key": name, "value": _value(value)} for name, value in sorted(values.items())]


def _value(value: Any) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_value(one) for one in value]}}
        case dict():
            return {"kvlistValue": {"values": _attributes(value)}}
    return {}
