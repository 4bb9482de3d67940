"""A trace in the JSON of Jaeger's query API: tags with types, processes by number, references, logs.

Follows the collector's translation of OTLP to Jaeger's model, and what Jaeger's query service makes of a trace before
it shows it: collections in order, numeric addresses as text, warnings.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accelerapp.server.signals import Span
from accelerapp.server.traces.skew import skew_warnings

#: Beyond it a number loses digits in a browser, so that it is told as text.
_SAFE_INTEGER = 2**53 - 1
_ADDRESSES = {"ip", "peer.ipv4"}
_STATUS_CODES = {"ok": "OK", "error": "ERROR"}

Json = dict[str, Any]


def jaeger_trace(spans: Sequence[Span], *, raw: bool = False, warnings: Sequence[str] = ()) -> Json:
    """Return one trace; `raw` leaves the order of tags and the values as they were sent, and gives no warnings."""
    processes: dict[str, tuple[str, Json]] = {}
    told = []
    noticed = {} if raw else skew_warnings(spans)
    for position, span in enumerate(spans):
        process = _process(span, raw)
        key = json.dumps(process, sort_keys=True)
        name, _ = processes.setdefault(key, (f"p{len(processes) + 1}", process))
        told.append(_span(span, name, noticed.get(position, []), raw))
    return {
        "traceID": short_id(spans[0].trace_id),
        "spans": told,
        "processes": dict(processes.values()),
        "warnings": list(warnings) or None,
    }


def short_id(trace_id: str) -> str:
    """Return a trace id as Jaeger writes it: one of 64 bits without the zeros before it."""
    return trace_id[16:] if trace_id.startswith("0" * 16) else trace_id


def _span(span: Span, process: str, warnings: list[str], raw: bool) -> Json:
    references, invalid = _references(span, raw)
    return {
        "traceID": short_id(span.trace_id),
        "spanID": span.span_id,
        "operationName": span.name,
        "references": references,
        "startTime": span.start_ns // 1000,
        "duration": max(0, span.end_ns - span.start_ns) // 1000,
        "tags": _ordered([*_scope_tags(span), *_tags(span.attributes, raw), *_own_tags(span)], raw),
        "logs": [
            {"timestamp": event["time_ns"] // 1000, "fields": _log_fields(event, raw)}
            for event in span.events
        ],
        "processID": process,
        "warnings": [*warnings, *invalid] or None,
    }


def _process(span: Span, raw: bool) -> Json:
    resource = {name: value for name, value in span.resource.items() if name != "service.name"}
    return {"serviceName": span.service, "tags": _ordered(_tags(resource, raw), raw)}


def _scope_tags(span: Span) -> list[Json]:
    named = (("otel.scope.name", span.scope), ("otel.scope.version", span.scope_version))
    return [_tag(name, value) for name, value in named if value]


def _own_tags(span: Span) -> list[Json]:
    """Return what OTLP has in fields and Jaeger in tags."""
    tags = [] if span.kind == "unspecified" else [_tag("span.kind", span.kind)]
    if span.status in _STATUS_CODES:
        tags.append(_tag("otel.status_code", _STATUS_CODES[span.status]))
    if span.status == "error":
        tags.append(_tag("error", True))
    if span.status_message:
        tags.append(_tag("otel.status_description", span.status_message))
    if span.trace_state:
        tags.append(_tag("w3c.tracestate", span.trace_state))
    return tags


def _log_fields(event: Mapping[str, Any], raw: bool) -> list[Json]:
    attributes = event["attributes"]
    fields = _tags(attributes, raw)
    if event["name"] and "event" not in attributes:
        return [_tag("event", event["name"]), *_ordered(fields, raw)]
    named = [field for field in fields if field["key"] == "event" and field["type"] == "string"]
    return [*named, *_ordered([field for field in fields if field not in named], raw)]


def _references(span: Span, raw: bool) -> tuple[list[Json], list[str]]:
    """Return the parent and the links, and a warning for each link that leads nowhere."""
    references: list[Json] = []
    warnings = []
    if span.parent_span_id.strip("0"):
        references.append(_reference("CHILD_OF", span.trace_id, span.parent_span_id))
    for link in span.links:
        child = link["attributes"].get("opentracing.ref_type") == "child_of"
        one = _reference("CHILD_OF" if child else "FOLLOWS_FROM", link["trace_id"], link["span_id"])
        if references and span.parent_span_id and _same_span(one, references[0]):
            references[0] = one
        elif not raw and not link["trace_id"].strip("0"):
            kind = one["refType"]
            warnings.append(
                f"Invalid span reference removed {{TraceID:{one['traceID']} SpanID:{one['spanID']} RefType:{kind}}}"
            )
        else:
            references.append(one)
    return references, warnings


def _same_span(one: Json, other: Json) -> bool:
    return (one["traceID"], one["spanID"]) == (other["traceID"], other["spanID"])


def _reference(kind: str, trace_id: str, span_id: str) -> Json:
    return {"refType": kind, "traceID": short_id(trace_id.zfill(32)), "spanID": span_id.zfill(16)}


def _tags(attributes: Mapping[str, Any], raw: bool) -> list[Json]:
    return [
        _tag(name, _address(value) if name in _ADDRESSES and not raw else value)
        for name, value in attributes.items()
    ]


def _tag(name: str, value: Any) -> Json:
    match value:
        case bool():
            return {"key": name, "type": "bool", "value": value}
        case int():
            shown = value if abs(value) <= _SAFE_INTEGER else str(value)
            return {"key": name, "type": "int64", "value": shown}
        case float():
            # Go writes a whole number without a fraction, whatever its type.
            whole = value.is_integer() and abs(value) <= _SAFE_INTEGER
            return {"key": name, "type": "float64", "value": int(value) if whole else value}
        case str():
            return {"key": name, "type": "string", "value": value}
        case None:
            return {"key": name, "type": "string", "value": ""}
    return {"key": name, "type": "string", "value": _as_text(value)}


def _as_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _address(value: Any) -> Any:
    """Return a number of 32 bits as the IPv4 address that it stands for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(ipaddress.IPv4Address(int(value) & 0xFFFFFFFF))


def _ordered(tags: Iterable[Json], raw: bool) -> list[Json]:
    return list(tags) if raw else sorted(tags, key=lambda tag: (tag["key"], str(tag["value"])))
