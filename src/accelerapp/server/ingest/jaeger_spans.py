"""Jaeger's spans in Thrift, translated to OTLP as the collector translates them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from accelerapp.server.ingest.otlp_attributes import add_attributes
from accelerapp.server.ingest.receiver import check_items
from accelerapp.server.ingest.thrift import Field, Shape, ThriftError, Type, read_struct

_TAG = Shape(
    "Tag",
    {
        1: Field("key", Type.STRING, required=True),
        2: Field("type", Type.I32, required=True),
        3: Field("string", Type.STRING),
        4: Field("double", Type.DOUBLE),
        5: Field("bool", Type.BOOL),
        6: Field("long", Type.I64),
        7: Field("binary", Type.STRING),
    },
)
_LOG = Shape(
    "Log",
    {
        1: Field("timestamp", Type.I64, required=True),
        2: Field("fields", Type.LIST, _TAG, required=True),
    },
)
_REFERENCE = Shape(
    "SpanRef",
    {
        1: Field("type", Type.I32, required=True),
        2: Field("trace_low", Type.I64, required=True),
        3: Field("trace_high", Type.I64, required=True),
        4: Field("span", Type.I64, required=True),
    },
)
_SPAN = Shape(
    "Span",
    {
        1: Field("trace_low", Type.I64, required=True),
        2: Field("trace_high", Type.I64, required=True),
        3: Field("span", Type.I64, required=True),
        4: Field("parent", Type.I64, required=True),
        5: Field("name", Type.STRING, required=True),
        6: Field("references", Type.LIST, _REFERENCE),
        7: Field("flags", Type.I32, required=True),
        8: Field("start", Type.I64, required=True),
        9: Field("duration", Type.I64, required=True),
        10: Field("tags", Type.LIST, _TAG),
        11: Field("logs", Type.LIST, _LOG),
    },
)
_PROCESS = Shape(
    "Process",
    {1: Field("service", Type.STRING, required=True), 2: Field("tags", Type.LIST, _TAG)},
)
_BATCH = Shape(
    "Batch",
    {
        1: Field("process", Type.STRUCT, _PROCESS, required=True),
        2: Field("spans", Type.LIST, _SPAN, required=True),
    },
)
#: By a tag's type the field that has its value, and what it is where that is missing.
_TAG_VALUES: dict[int, tuple[str, Any]] = {
    0: ("string", b""),
    1: ("double", 0.0),
    2: ("bool", False),
    3: ("long", 0),
    4: ("binary", b""),
}
_KINDS = {
    "client": Span.SPAN_KIND_CLIENT,
    "server": Span.SPAN_KIND_SERVER,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
    "internal": Span.SPAN_KIND_INTERNAL,
}
_CHILD_OF, _FOLLOWS_FROM = 0, 1
_REFERENCE_TYPES = {_CHILD_OF: "child_of", _FOLLOWS_FROM: "follows_from"}
_SAMPLED = 1
_LAST_MICROSECOND = (2**63 - 1) // 1000

Attributes = dict[str, Any]


def translate(body: bytes) -> bytes:
    """Return a Batch in Thrift's binary protocol as an OTLP request.

    Raises ThriftError, which names a wrong span, and RefusedError where there are too many.
    """
    batch = read_struct(body, _BATCH)
    check_items(len(batch["spans"]), "spans")
    request = ExportTraceServiceRequest()
    resourced = request.resource_spans.add()
    add_attributes(resourced.resource.attributes, _resource(batch["process"]))
    spans = resourced.scope_spans.add().spans
    for number, span in enumerate(batch["spans"]):
        try:
            _fill(spans.add(), span)
        except ThriftError as error:
            raise ThriftError(f"spans {number}: {error}") from None
    return request.SerializeToString()


def _resource(process: dict[str, Any]) -> Attributes:
    resource = _attributes(process.get("tags", ()))
    if service := _text(process["service"]):
        resource.setdefault("service.name", service)
    if "hostname" in resource:
        resource.setdefault("host.name", resource["hostname"])
        if resource["host.name"] == resource["hostname"]:
            del resource["hostname"]
    if "jaeger.version" in resource:
        resource["opencensus.exporterversion"] = f"Jaeger-{resource.pop('jaeger.version')}"
    return resource


def _fill(made: Span, span: dict[str, Any]) -> None:
    made.trace_id = _id(span["trace_high"], span["trace_low"])
    made.span_id = _id(span["span"])
    if not any(made.trace_id) or not any(made.span_id):
        raise ThriftError("an id is zero")
    made.name = _text(span["name"])
    made.flags = span["flags"] & _SAMPLED
    made.start_time_unix_nano = _nanoseconds(span["start"], "startTime")
    made.end_time_unix_nano = _nanoseconds(span["start"] + max(span["duration"], 0), "duration")
    parent = _parent(span)
    if parent:
        made.parent_span_id = _id(parent)
    attributes = _attributes(span.get("tags", ()))
    made.kind = _KINDS.get(attributes.pop("span.kind", ""), Span.SPAN_KIND_UNSPECIFIED)
    _set_status(made, attributes)
    add_attributes(made.attributes, attributes)
    for log in span.get("logs", ()):
        fields = _attributes(log["fields"])
        name = fields.pop("event", "")
        event = made.events.add(
            time_unix_nano=_nanoseconds(log["timestamp"], "a log's timestamp"),
            name=name if isinstance(name, str) else str(name),
        )
        add_attributes(event.attributes, fields)
    for reference in span.get("references", ()):
        if reference["span"] == parent and reference["type"] == _CHILD_OF:
            continue
        kind = _REFERENCE_TYPES.get(reference["type"], "follows_from")
        link = made.links.add(
            trace_id=_id(reference["trace_high"], reference["trace_low"]), span_id=_id(reference["span"])
        )
        add_attributes(link.attributes, {"opentracing.ref_type": kind})


def _parent(span: dict[str, Any]) -> int:
    """Return the parent's id: without one that of the first reference within the trace, CHILD_OF before others."""
    if span["parent"]:
        return int(span["parent"])
    trace = (span["trace_high"], span["trace_low"])
    within = [one for one in span.get("references", ()) if (one["trace_high"], one["trace_low"]) == trace]
    for kind in (_CHILD_OF, _FOLLOWS_FROM):
        for reference in within:
            if reference["type"] == kind:
                return int(reference["span"])
    return 0


def _set_status(made: Span, attributes: Attributes) -> None:
    """Set the status by the tags: `error` before OpenTelemetry's before that of HTTP."""
    code = attributes.pop("otel.status_code", None)
    if attributes.get("error") is True:
        del attributes["error"]
        made.status.code = Status.STATUS_CODE_ERROR
        message = attributes.pop("otel.status_description", attributes.get("http.status_message", ""))
    elif code is not None:
        made.status.code = {
            "OK": Status.STATUS_CODE_OK,
            "ERROR": Status.STATUS_CODE_ERROR,
        }.get(str(code).upper(), Status.STATUS_CODE_UNSET)
        message = attributes.pop("otel.status_description", "")
    elif _failed(attributes.get("http.status_code"), made.kind):
        made.status.code = Status.STATUS_CODE_ERROR
        message = attributes.get("http.status_message", "")
    else:
        return
    made.status.message = str(message)


def _failed(status: Any, kind: int) -> bool:
    """Tell whether a response's status is an error: not for a server, where it is the client's fault."""
    try:
        number = int(status)
    except (TypeError, ValueError):
        return False
    if 400 <= number < 500:
        return kind != Span.SPAN_KIND_SERVER
    return not 100 <= number < 399


def _attributes(tags: Iterable[dict[str, Any]]) -> Attributes:
    found: Attributes = {}
    for tag in tags:
        key = _text(tag["key"])
        if tag["type"] not in _TAG_VALUES:
            raise ThriftError(f"the tag {key!r:.60} has a type that there is not: {tag['type']}")
        kind, empty = _TAG_VALUES[tag["type"]]
        value = tag.get(kind, empty)
        found[key] = _text(value) if kind == "string" else value
    return found


def _id(*parts: int) -> bytes:
    return b"".join(part.to_bytes(8, "big", signed=True) for part in parts)


def _nanoseconds(microseconds: int, name: str) -> int:
    if not 0 <= microseconds <= _LAST_MICROSECOND:
        raise ThriftError(f"{name} is not a time in microseconds: {microseconds}")
    return microseconds * 1000


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
