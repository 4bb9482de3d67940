"""OTLP requests: sliced on arrival without touching their items, decoded to columns when they are loaded."""

from __future__ import annotations

import base64
import math
import string
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from accelerapp.server.storage import wire
from accelerapp.server.storage.wire import BYTES, Field

Columns = dict[str, npt.NDArray[Any]]

#: How numpy has what columns of these types hold.
DTYPES = {"VARCHAR": "O", "BIGINT": "i8", "INTEGER": "i4"}

SPAN_COLUMNS = {
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "parent_span_id": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "service": "VARCHAR",
    "start_ns": "BIGINT",
    "end_ns": "BIGINT",
    "status": "VARCHAR",
    "status_message": "VARCHAR",
    "attributes": "VARCHAR",
    "resource": "VARCHAR",
    "events": "VARCHAR",
    "links": "VARCHAR",
    "scope": "VARCHAR",
    "scope_version": "VARCHAR",
    "trace_state": "VARCHAR",
    "search": "VARCHAR",
}
#: What joins the words of an attribute's line, so that the index has name and value as one.
NO_WORDS = " " + string.punctuation.replace("_", "")
_JOINED = str.maketrans(NO_WORDS, "_" * len(NO_WORDS))
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")
_LAST_NS = 2**63 - 1
_NO_TRACE_ID, _NO_SPAN_ID = bytes(16), bytes(8)
UNKNOWN_SERVICE = "unknown_service"
# Every item is stored with its resource, so that a large one before many small items would fill the memory.
_REPEATED_BYTES = 128 * 1024 * 1024
# A request of the largest size has fewer, unless they are empty; each takes microseconds to load.
_MOST_ITEMS = 500_000


class MalformedRequestError(ValueError):
    """The bytes are not the OTLP request that they should be."""


#: Reads traces and logs requests alike, leaving every item as bytes: both have one shape and the same field numbers
#: down to the items, and slicing a span costs a hundredth of decoding it.
[SlicedRequest] = wire.messages(
    "sliced",
    {
        "Request": {"resourced": Field(1, "Resourced", repeated=True)},
        "Resourced": {"resource": Field(1, BYTES), "scoped": Field(2, "Scoped", repeated=True)},
        "Scoped": {"scope": Field(1, BYTES), "items": Field(2, BYTES, repeated=True)},
    },
    "Request",
)


def count_items(request: bytes, signal: str) -> int:
    """Check the shape of an OTLP traces or logs request and count its spans or records, not decoding them.

    Raises MalformedRequestError where the request, a resource or a scope cannot be read, and where the resources,
    written beside each of their items, would be too large, and where there are too many items.
    """
    try:
        sliced = SlicedRequest.FromString(request)
        count = repeated = 0
        for resourced in sliced.resourced:
            resource_pb2.Resource.FromString(resourced.resource)
            for scoped in resourced.scoped:
                common_pb2.InstrumentationScope.FromString(scoped.scope)
                count += len(scoped.items)
                repeated += len(scoped.items) * (len(resourced.resource) + len(scoped.scope))
    except DecodeError as error:
        raise MalformedRequestError(
            f"the body is not an OTLP {signal} request in protobuf: {error}"
        ) from error
    if count > _MOST_ITEMS:
        raise MalformedRequestError(
            f"the {signal} request has {count} items, {_MOST_ITEMS} are allowed: send smaller batches"
        )
    if repeated > _REPEATED_BYTES:
        raise MalformedRequestError(
            f"the {signal} request's resource and scope attributes take {repeated} bytes when kept with each of its "
            f"{count} items, {_REPEATED_BYTES} are allowed: send smaller batches or smaller resources"
        )
    return count


def without_invalid_spans(request: bytes) -> tuple[bytes, int]:
    """Return an OTLP traces request without the spans that have no valid ids, and the number of those.

    An id is not valid where it is missing, all zero or of a wrong length. A request without such spans is returned as
    it is, and so is one that cannot be read. Senders write fields in order, so
    that the ids are seen without decoding the span.
    """
    try:
        sliced = SlicedRequest.FromString(request)
    except DecodeError:
        return request, 0
    invalid = 0
    for resourced in sliced.resourced:
        for scoped in resourced.scoped:
            valid = [item for item in scoped.items if _starts_with_ids(item) or _has_ids(item)]
            if len(valid) < len(scoped.items):
                invalid += len(scoped.items) - len(valid)
                scoped.items[:] = valid
    return (sliced.SerializeToString(), invalid) if invalid else (request, 0)


def _starts_with_ids(item: bytes) -> bool:
    return (
        item[:2] == b"\x0a\x10"
        and item[18:20] == b"\x12\x08"
        and item[2:18] != _NO_TRACE_ID
        and item[20:28] != _NO_SPAN_ID
        and len(item) >= 28
    )


def _has_ids(item: bytes) -> bool:
    try:
        span = trace_pb2.Span.FromString(item)
    except DecodeError:
        return False
    return (
        len(span.trace_id) == 16
        and len(span.span_id) == 8
        and span.trace_id != _NO_TRACE_ID
        and span.span_id != _NO_SPAN_ID
    )


class SpanDecoder:
    """Gathers the spans of requests as columns; `damaged` counts those that could not be read."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self.damaged = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, request: bytes) -> None:
        for resourced in SlicedRequest.FromString(request).resourced:
            resource = attributes(resource_pb2.Resource.FromString(resourced.resource).attributes)
            service = str(resource.get("service.name") or UNKNOWN_SERVICE)
            resource_json, resource_search = to_json(resource), search_text(resource)
            for scoped in resourced.scoped:
                named = common_pb2.InstrumentationScope.FromString(scoped.scope)
                scope = (named.name, named.version)
                for item in scoped.items:
                    try:
                        self._rows.append(_span(item, service, resource_json, resource_search, scope))
                    except (DecodeError, MalformedRequestError):
                        self.damaged += 1

    def columns(self) -> Columns:
        return _columns(SPAN_COLUMNS, self._rows)


def _span(
    item: bytes, service: str, resource_json: str, resource_search: str, scope: tuple[str, str]
) -> tuple[Any, ...]:
    span = trace_pb2.Span.FromString(item)
    if len(span.trace_id) != 16 or len(span.span_id) != 8:
        raise MalformedRequestError("a trace id has 16 bytes and a span id 8")
    own = attributes(span.attributes)
    of_events = [attributes(event.attributes) for event in span.events]
    events = [
        {"time_ns": event.time_unix_nano, "name": event.name, "attributes": told}
        for event, told in zip(span.events, of_events, strict=True)
    ]
    links = [
        {
            "trace_id": link.trace_id.hex(),
            "span_id": link.span_id.hex(),
            "attributes": attributes(link.attributes),
        }
        for link in span.links
    ]
    return (
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "unspecified",
        service,
        time_ns(span.start_time_unix_nano),
        time_ns(span.end_time_unix_nano),
        _STATUSES[span.status.code] if 0 <= span.status.code < len(_STATUSES) else "unset",
        span.status.message,
        to_json(own),
        resource_json,
        to_json(events),
        to_json(links),
        *scope,
        span.trace_state,
        search_text(own) + resource_search + "".join(map(search_text, of_events)) + _links_text(links),
    )


def _links_text(links: Sequence[dict[str, Any]]) -> str:
    """Return links as lines under the names that TraceQL has for their ids, so that the spans that link are found."""
    return "".join(
        attribute_line("link:traceID", link["trace_id"]) + attribute_line("link:spanID", link["span_id"])
        for link in links
    )


def attributes(pairs: Iterable[common_pb2.KeyValue]) -> dict[str, Any]:
    """Return OTLP attributes as Python values; bytes become base64 text, as in OTLP's JSON form."""
    return {pair.key: any_value(pair.value) for pair in pairs}


def search_text(values: dict[str, Any]) -> str:
    """Return attributes as lines that a search for `attribute_line` finds."""
    return "".join(attribute_line(key, value) for key, value in values.items())


def attribute_line(key: str, value: Any) -> str:
    """Return the one form in which an attribute is searched: a line that nothing else can contain."""
    text = value if isinstance(value, str) else to_json(value)
    line = f"{key}={text}".replace("\\", "\\\\").replace("\n", "\\n")
    return f"\n{line}\n"


def attribute_words(line: str) -> str:
    """Return the one form of an attribute's line in which its words are indexed: as far as can be one word."""
    return line.translate(_JOINED)


def to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def any_value(value: common_pb2.AnyValue) -> Any:
    """Return an OTLP value as one that JSON has."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    content = getattr(value, which)
    if which == "array_value":
        return [any_value(one) for one in content.values]
    if which == "kvlist_value":
        return attributes(content.values)
    if which == "bytes_value":
        return base64.b64encode(content).decode("ascii")
    if which == "double_value" and not math.isfinite(content):
        return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
    return content


def time_ns(nanoseconds: int) -> int:
    """Return a time that can be kept; raises MalformedRequestError."""
    if nanoseconds > _LAST_NS:
        raise MalformedRequestError(f"the time {nanoseconds} is after the year 2262")
    return nanoseconds


def _columns(types: dict[str, str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    columns: Columns = {}
    for (name, sql_type), cells in zip(types.items(), zip(*rows, strict=True), strict=True):
        columns[name] = np.array(cells, dtype=DTYPES[sql_type])
    return columns
