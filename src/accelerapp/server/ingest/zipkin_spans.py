"""Zipkin's spans, version 2, translated to OTLP as the collector translates them."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from accelerapp.server.ingest.otlp_attributes import add_attributes
from accelerapp.server.ingest.receiver import check_items

_KINDS = {
    "CLIENT": Span.SPAN_KIND_CLIENT,
    "SERVER": Span.SPAN_KIND_SERVER,
    "PRODUCER": Span.SPAN_KIND_PRODUCER,
    "CONSUMER": Span.SPAN_KIND_CONSUMER,
}
_STATUSES = {
    "OK": Status.STATUS_CODE_OK,
    "ERROR": Status.STATUS_CODE_ERROR,
    "STATUS_CODE_OK": Status.STATUS_CODE_OK,
    "STATUS_CODE_ERROR": Status.STATUS_CODE_ERROR,
}
#: OpenTelemetry's attributes of resources, which its exporters to Zipkin write as tags of every span.
_OF_RESOURCES = frozenset(
    f"{group}.{name}"
    for group, names in {
        "cloud": "provider account.id region availability_zone platform",
        "container": "name id runtime image.name image.tag",
        "deployment": "environment environment.name",
        "device": "id model.identifier model.name manufacturer",
        "host": "id name type arch image.name image.id image.version",
        "k8s": "cluster.name node.name node.uid namespace.name pod.uid pod.name container.name replicaset.uid "
        "replicaset.name deployment.uid deployment.name statefulset.uid statefulset.name daemonset.uid "
        "daemonset.name job.uid job.name cronjob.uid cronjob.name",
        "os": "type description name version",
        "process": "pid executable.name executable.path command command_line command_args owner runtime.name "
        "runtime.version runtime.description",
        "service": "name namespace instance.id version",
        "telemetry": "sdk.name sdk.language sdk.version auto.version",
        "webengine": "name version description",
    }.items()
    for name in names.split()
)
_SCOPE_NAMES = ("otel.scope.name", "otel.library.name")
_SCOPE_VERSIONS = ("otel.scope.version", "otel.library.version")
_LAST_MICROSECOND = (2**63 - 1) // 1000

Tags = dict[str, str]


class ZipkinSpanError(ValueError):
    """A span is not as Zipkin's API has it; the message names its place in the list."""


def translate(body: bytes, received_ns: int) -> bytes:
    """Return a list of spans in JSON as an OTLP request; `received_ns` is the present, in Unix nanoseconds.

    It is the start of a span that has neither timestamp nor annotations, which is marked as the collector does. A
    server's span that shares its id with the client's gets an id of its own below that, for ids are unique in OTLP.
    Raises ZipkinSpanError where a span is wrong, ValueError where the body is no list in JSON, and RefusedError where
    there are too many.
    """
    try:
        spans = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(spans, list):
        raise ValueError("the body is not a list of spans")
    check_items(len(spans), "spans")
    request = ExportTraceServiceRequest()
    groups: dict[tuple[Any, ...], ScopeSpans] = {}
    shared = _shared_ids(spans)
    for number, span in enumerate(spans):
        try:
            _add(span, request, groups, shared, received_ns)
        except ZipkinSpanError as error:
            raise ZipkinSpanError(f"span {number}: {error}") from None
    return request.SerializeToString()


def _add(
    span: Any,
    request: ExportTraceServiceRequest,
    groups: dict[tuple[Any, ...], ScopeSpans],
    shared: Mapping[tuple[bytes, bytes, str], bytes],
    received_ns: int,
) -> None:
    if not isinstance(span, dict):
        raise ZipkinSpanError("it is not an object")
    tags = _tags(span)
    service = _service(span)
    resource = {key: tags.pop(key) for key in sorted(tags.keys() & _OF_RESOURCES)}
    if service:
        resource["service.name"] = service
    scope = (_first(tags, _SCOPE_NAMES), _first(tags, _SCOPE_VERSIONS))
    group = (*resource.items(), scope)
    if group not in groups:
        resourced = request.resource_spans.add()
        add_attributes(resourced.resource.attributes, resource)
        groups[group] = resourced.scope_spans.add()
        groups[group].scope.name, groups[group].scope.version = scope
    made = groups[group].spans.add(name=_text(span, "name"))
    _set_ids(made, span, service, shared)
    made.trace_state = tags.pop("w3c.tracestate", "")
    made.kind = _kind(span, tags)
    _set_status(made.status, tags)
    attributes = {**tags, **_endpoints(span)}
    _set_times(made, span, attributes, received_ns)
    add_attributes(made.attributes, attributes)


def _set_ids(
    made: Span, span: dict[str, Any], service: str, shared: Mapping[tuple[bytes, bytes, str], bytes]
) -> None:
    trace, own = _id(span, "traceId", 16), _id(span, "id", 8)
    parent = _id(span, "parentId", 8) if span.get("parentId") else b""
    made.trace_id, made.span_id = trace, own
    if (trace, own, service) in shared and span.get("shared") is True:
        made.span_id, made.parent_span_id = shared[trace, own, service], own
    elif parent != own:
        # What a server calls hangs on the server's span, where both came together.
        made.parent_span_id = shared.get((trace, parent, service), parent)


def _shared_ids(spans: list[Any]) -> dict[tuple[bytes, bytes, str], bytes]:
    """Return the new ids of servers' spans that share one with their client's, by trace, shared id and service."""
    found: dict[tuple[bytes, bytes, str], bytes] = {}
    for span in spans:
        if isinstance(span, dict) and span.get("shared") is True and span.get("kind") == "SERVER":
            try:
                trace, own, service = _id(span, "traceId", 16), _id(span, "id", 8), _service(span)
            except ZipkinSpanError:
                continue  # it is refused when its turn comes
            found[trace, own, service] = hashlib.blake2b(trace + own + b"server", digest_size=8).digest()
    return found


def _id(span: dict[str, Any], name: str, size: int) -> bytes:
    """Return an id of `size` bytes; a shorter one is filled with zeros before it."""
    text = span.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= 2 * size:
        raise ZipkinSpanError(f"{name} must have 1 to {2 * size} hexadecimal digits, not {text!r:.60}")
    try:
        value = bytes.fromhex(text.zfill(2 * size))
    except ValueError:
        raise ZipkinSpanError(f"{name} is not hexadecimal: {text!r}") from None
    if len(value) != size or not any(value):
        raise ZipkinSpanError(f"{name} must be hexadecimal and not all zero: {text!r}")
    return value


def _kind(span: dict[str, Any], tags: Tags) -> Span.SpanKind.ValueType:
    kind = span.get("kind")
    if kind is None:
        internal = tags.pop("span.kind", "") == "internal"
        return Span.SPAN_KIND_INTERNAL if internal else Span.SPAN_KIND_UNSPECIFIED
    if kind not in _KINDS:
        raise ZipkinSpanError(f"kind {kind!r:.60} is none of {', '.join(_KINDS)}")
    return _KINDS[kind]


def _set_status(status: Status, tags: Tags) -> None:
    """Set the status that OpenTelemetry's tags tell, and an error where the tag `error` is there, whatever it says."""
    if "otel.status_code" in tags:
        status.code = _STATUSES.get(tags.pop("otel.status_code").upper(), Status.STATUS_CODE_UNSET)
        status.message = tags.pop("otel.status_description", "")
    if "error" in tags:
        status.code = Status.STATUS_CODE_ERROR
        if tags["error"] == "true":
            del tags["error"]
        elif not status.message:
            status.message = tags["error"]


def _set_times(made: Span, span: dict[str, Any], attributes: dict[str, Any], received_ns: int) -> None:
    events = span.get("annotations") or []
    if not isinstance(events, list):
        raise ZipkinSpanError("annotations must be a list")
    for event in events:
        if not isinstance(event, dict):
            raise ZipkinSpanError("an annotation must be an object")
        at, value = _microseconds(event, "timestamp"), _text(event, "value")
        if at is None:
            raise ZipkinSpanError("an annotation has no timestamp")
        name, own = _event(value)
        add_attributes(made.events.add(time_unix_nano=at * 1000, name=name).attributes, own)
    start, duration = _microseconds(span, "timestamp"), _microseconds(span, "duration") or 0
    if start:
        made.start_time_unix_nano = start * 1000
    else:
        attributes["otel.zipkin.absentField.startTime"] = True
        made.start_time_unix_nano = min((event.time_unix_nano for event in made.events), default=received_ns)
    made.end_time_unix_nano = made.start_time_unix_nano + duration * 1000


def _event(value: str) -> tuple[str, dict[str, Any]]:
    """Return an event's name and attributes; exporters of OpenTelemetry write {"name": {attributes}}."""
    if value.startswith("{"):
        try:
            decoded = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value, {}
        if isinstance(decoded, dict) and len(decoded) == 1:
            ((name, attributes),) = decoded.items()
            if isinstance(attributes, dict):
                return name, attributes
    return value, {}


def _microseconds(of: dict[str, Any], name: str) -> int | None:
    value = of.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_MICROSECOND // 2:
        raise ZipkinSpanError(f"{name} must be a whole number of microseconds, not {value!r:.60}")
    return value


def _endpoints(span: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of both endpoints, under the collector's names: OpenTelemetry's new ones but for ports."""
    found: dict[str, Any] = {}
    for name, network, net in (
        ("localEndpoint", "network.local", "net.host"),
        ("remoteEndpoint", "network.peer", "net.peer"),
    ):
        endpoint = _endpoint(span, name)
        if name == "remoteEndpoint" and (peer := _text(endpoint, "serviceName")):
            found["service.peer.name"] = peer
        for version in ("ipv4", "ipv6"):
            if text := _text(endpoint, version):
                try:
                    found[f"{network}.address"] = _address(text)
                except ValueError:
                    raise ZipkinSpanError(f"{name}: {version} is not an address: {text!r:.60}") from None
        port = endpoint.get("port")
        if port is not None and not (isinstance(port, int) and 0 <= port <= 65535):
            raise ZipkinSpanError(f"{name}: port must be a number up to 65535, not {port!r:.60}")
        if port:
            found[f"{net}.port"] = int(port)
    return found


@functools.lru_cache(maxsize=1000)
def _address(text: str) -> str:
    """Return an address in its usual form; most spans of a request have the same few. Raises ValueError."""
    return str(ipaddress.ip_address(text))


def _service(span: dict[str, Any]) -> str:
    return _text(_endpoint(span, "localEndpoint"), "serviceName")


def _endpoint(span: dict[str, Any], name: str) -> dict[str, Any]:
    endpoint = span.get(name) or {}
    if not isinstance(endpoint, dict):
        raise ZipkinSpanError(f"{name} must be an object")
    return endpoint


def _tags(span: dict[str, Any]) -> Tags:
    tags = span.get("tags") or {}
    if not isinstance(tags, dict):
        raise ZipkinSpanError("tags must be an object")
    wrong = next((key for key, value in tags.items() if not isinstance(value, str)), None)
    if wrong is not None:
        raise ZipkinSpanError(f"tags: the value of {wrong!r} must be a text, not {tags[wrong]!r:.60}")
    return dict(tags)


def _text(of: dict[str, Any], name: str) -> str:
    value = of.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ZipkinSpanError(f"{name} must be a text, not {value!r:.60}")
    return value


def _first(tags: Tags, names: tuple[str, ...]) -> str:
    """Take the tags of all these names away and return the first value."""
    values = [tags.pop(name) for name in names if name in tags]
    return values[0] if values else ""
