"""Traces, what they sum up to, and services, as the page asks for them."""

from __future__ import annotations

import re
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import NotFoundError, json_response, own
from accelerapp.server.api.parameters import (
    ParameterError,
    limit,
    nanoseconds,
    number,
    one_of,
    parameters,
    period_ns,
)
from accelerapp.server.api.services import Services
from accelerapp.server.storage import RawSpan, SpanFigures, SpanPoint, SpanQuery, TracePosition, TraceSummary
from accelerapp.server.traces import WaterfallRow, waterfall

_NS_PER_MS = 1_000_000
_STATUSES = ("error", "ok", "unset")
_KINDS = ("internal", "server", "client", "producer", "consumer", "unspecified")
#: A trace of more spans is told in part: the page has no use for them, and the answer would not fit the memory.
_MOST_SPANS = 50_000
_TRACE_ID = re.compile(r"[0-9A-Fa-f]{1,32}")
_POSITION = re.compile(r"([0-9]{1,19})-([0-9a-f]{32})")


def routes(services: Services) -> list[Route]:
    """Return the routes over traces and the services that sent them."""

    async def traces(request: Request) -> Response:
        query = _query(await parameters(request))

        def read() -> Response:
            found = services.spans.search(query)
            more = len(found) == query.limit and not query.longest
            last = found[-1].position if more and found else None
            return json_response(
                {
                    "traces": [_summary(trace) for trace in found],
                    "next": None if last is None else _position_text(last),
                }
            )

        return await services.in_query_thread(read)

    async def trace(request: Request) -> Response:
        trace_id = _trace_id(request.path_params["trace_id"])

        def read() -> Response:
            spans = services.spans.raw_trace(trace_id, _MOST_SPANS + 1)
            if not spans:
                raise NotFoundError(
                    f"no trace {trace_id}: it was not received, or is older than what is kept"
                )
            return json_response(_trace(trace_id, spans))

        return await services.in_query_thread(read)

    async def figures(request: Request) -> Response:
        values = await parameters(request)
        query, most = _query(values), limit(values, 100, 1000)

        def read() -> Response:
            return json_response(_figures(services.spans.figures(query, most)))

        return await services.in_query_thread(read)

    async def points(request: Request) -> Response:
        values = await parameters(request)
        query, most = _query(values), limit(values, 1000, 5000)

        def read() -> Response:
            return json_response({"spans": [_point(one) for one in services.spans.points(query, most)]})

        return await services.in_query_thread(read)

    async def service_list(_: Request) -> Response:
        def read() -> Response:
            found: dict[str, dict[str, None]] = {}
            for one in services.spans.operations():
                found.setdefault(one.service, {})[one.name] = None
            return json_response(
                {"services": [{"name": name, "operations": list(names)} for name, names in found.items()]}
            )

        return await services.in_query_thread(read)

    async def operations(request: Request) -> Response:
        service = (await parameters(request)).get("service") or None

        def read() -> Response:
            return json_response(
                {
                    "operations": [
                        {"service": one.service, "name": one.name, "kind": one.kind}
                        for one in services.spans.operations(service)
                    ]
                }
            )

        return await services.in_query_thread(read)

    prefix = "/api/accelerapp/v1"
    return [
        Route(f"{prefix}/traces", own(traces)),
        Route(f"{prefix}/traces/{{trace_id}}", own(trace)),
        Route(f"{prefix}/spans", own(points)),
        Route(f"{prefix}/spans/figures", own(figures)),
        Route(f"{prefix}/services", own(service_list)),
        Route(f"{prefix}/operations", own(operations)),
    ]


def _trace_id(text: str) -> str:
    """Read a trace id of 64 or 128 bits, as 32 hexadecimal digits; the shorter ones are Zipkin's and Jaeger's."""
    if not _TRACE_ID.fullmatch(text):
        raise ParameterError(f'a trace id has 1 to 32 hexadecimal digits; "{text[:80]}" has not')
    return text.lower().zfill(32)


def _query(values: QueryParams) -> SpanQuery:
    attributes = {}
    for pair in values.getlist("attribute"):
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ParameterError(f'parameter "attribute" must have the form name=value, not "{pair[:80]}"')
        attributes[name] = value
    shortest, longest = number(values, "min_duration_ms"), number(values, "max_duration_ms")
    start, end = period_ns(values)
    by_length = one_of(values, "order", ("newest", "longest")) == "longest"
    before = _position(values.get("before", ""))
    if by_length and before is not None:
        raise ParameterError('parameter "before" does not go with "order=longest", which has one page')
    return SpanQuery(
        start_ns=start,
        end_ns=end,
        service=values.get("service") or None,
        name=values.get("name") or None,
        kind=one_of(values, "kind", _KINDS),
        status=one_of(values, "status", _STATUSES),
        scope=values.get("scope") or None,
        caller=values.get("caller") or None,
        root=one_of(values, "root", ("true", "false")) == "true",
        min_duration_ns=None if shortest is None else nanoseconds(shortest),
        max_duration_ns=None if longest is None else nanoseconds(longest),
        attributes=attributes,
        limit=limit(values, 20, 1000),
        before=before,
        longest=by_length,
    )


def _position(text: str) -> TracePosition | None:
    if not text:
        return None
    match = _POSITION.fullmatch(text)
    if match is None or int(match[1]) >= 2**63:
        raise ParameterError(f'parameter "before" must be the "next" of a search before, not "{text[:80]}"')
    return TracePosition(int(match[1]), match[2])


def _position_text(position: TracePosition) -> str:
    return f"{position.start_ns}-{position.trace_id}"


def _summary(trace: TraceSummary) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "root_service": trace.root_service,
        "root_name": trace.root_name,
        "start_ms": trace.start_ns / _NS_PER_MS,
        "duration_ms": max(0, trace.end_ns - trace.start_ns) / _NS_PER_MS,
        "span_count": trace.span_count,
        "error_count": trace.error_count,
        "orphan_count": trace.orphan_count,
        "services": [share.name for share in trace.services],
    }


def _figures(found: SpanFigures) -> dict[str, Any]:
    return {
        "spans": found.spans,
        "errors": found.errors,
        "durations": [
            {"up_to_ms": None if bound is None else bound / _NS_PER_MS, "spans": spans}
            for bound, spans in found.durations
        ],
        "operations": [
            {
                "service": one.service,
                "name": one.name,
                "kind": one.kind,
                "spans": one.spans,
                "errors": one.errors,
                "p50_ms": one.p50_ns / _NS_PER_MS,
                "p95_ms": one.p95_ns / _NS_PER_MS,
                "p99_ms": one.p99_ns / _NS_PER_MS,
                "max_ms": one.max_ns / _NS_PER_MS,
            }
            for one in found.operations
        ],
        "truncated": found.truncated,
    }


def _point(one: SpanPoint) -> dict[str, Any]:
    return {
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "service": one.service,
        "name": one.name,
        "start_ms": one.start_ns / _NS_PER_MS,
        "duration_ms": one.took_ns / _NS_PER_MS,
        "status": one.status,
    }


def _trace(trace_id: str, spans: list[RawSpan]) -> dict[str, Any]:
    told = spans[:_MOST_SPANS]
    begin = min(span.start_ns for span in told)
    # Spans that end before they begin, which clocks that were set cause, do not make the time of a trace negative.
    end = max(begin, *(span.end_ns for span in told))
    resources: dict[str, int] = {}
    rows = [_span(row, begin, resources) for row in waterfall(told)]
    return {
        "trace_id": trace_id,
        "start_ms": begin / _NS_PER_MS,
        "duration_ms": (end - begin) / _NS_PER_MS,
        "services": sorted({span.service for span in told}),
        "resources": [orjson.Fragment(one) for one in resources],
        "spans": rows,
        "truncated": len(spans) > len(told),
    }


def _span(row: WaterfallRow[RawSpan], begin_ns: int, resources: dict[str, int]) -> dict[str, Any]:
    """Return a span without what it has not; JSON is passed on as it is stored, since a large trace has much of it."""
    span = row.span
    told: dict[str, Any] = {
        "span_id": span.span_id,
        "name": span.name,
        "kind": span.kind,
        "service": span.service,
        "start_ms": (span.start_ns - begin_ns) / _NS_PER_MS,
        "duration_ms": (span.end_ns - span.start_ns) / _NS_PER_MS,
        "status": span.status,
        "resource": resources.setdefault(span.resource, len(resources)),
        "depth": row.depth,
    }
    if span.parent_span_id:
        told["parent_span_id"] = span.parent_span_id
    if span.scope:
        told["scope"] = span.scope
    if span.scope_version:
        told["scope_version"] = span.scope_version
    if span.trace_state:
        told["trace_state"] = span.trace_state
    if span.status_message:
        told["status_message"] = span.status_message
    if span.attributes != "{}":
        told["attributes"] = orjson.Fragment(span.attributes)
    if span.events != "[]":
        told["events"] = [
            {
                "time_ms": (event["time_ns"] - begin_ns) / _NS_PER_MS,
                "name": event["name"],
                "attributes": event["attributes"],
            }
            for event in orjson.loads(span.events)
        ]
    if span.links != "[]":
        told["links"] = orjson.Fragment(span.links)
    if row.orphan:
        told["orphan"] = True
    return told
