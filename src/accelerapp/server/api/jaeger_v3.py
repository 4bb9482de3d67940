"""Version 3 of Jaeger's query API, whose traces are OTLP's, as Jaeger's page and Grafana's newer data source ask it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import json_response
from accelerapp.server.api.goparameters import GoValueError, go_bool, go_duration, go_int
from accelerapp.server.api.jaeger import (
    DEFAULT_TRACES,
    FAILURES,
    MOST_SPANS,
    JaegerError,
    check_durations,
    most_traces,
    read_tags,
    read_trace_id,
    span_kind,
    status_of,
    tag_conditions,
)
from accelerapp.server.api.services import Services
from accelerapp.server.signals import Span
from accelerapp.server.storage import SpanQuery, TraceSummary
from accelerapp.server.traces import otlp_json

_LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"


def routes(services: Services) -> list[Route]:
    """Return the routes of the API over the stored spans."""

    async def service_list(_: Request) -> Any:
        return {"services": await services.in_query_thread(services.spans.services)}

    async def operations(request: Request) -> Any:
        values = request.query_params
        kind = values.get("span_kind", "")
        found = await services.in_query_thread(services.spans.operations, values.get("service", ""))
        return {
            "operations": [
                {"name": one.name, "spanKind": span_kind(one.kind)}
                for one in found
                if kind in ("", span_kind(one.kind))
            ]
        }

    async def trace(request: Request) -> Response:
        values = request.query_params
        trace_id = _parameter("trace_id", request.path_params["trace_id"], read_trace_id)
        for name in ("start_time", "end_time"):  # where to look, which need not be told here
            _time(values, name)
        if values.get("raw_traces"):
            _parameter("raw_traces", values["raw_traces"], go_bool)
        return await services.in_query_thread(lambda: _answer(services.spans.traces([trace_id], MOST_SPANS)))

    async def traces(request: Request) -> Response:
        query = _query(request.query_params)

        def read() -> Response:
            found = [one.trace_id for one in services.spans.search(query)]
            return _answer(services.spans.traces(found, MOST_SPANS))

        return await services.in_query_thread(read)

    async def summaries(request: Request) -> Any:
        query = _query(request.query_params)
        return {
            "summaries": [
                _summary(one) for one in await services.in_query_thread(services.spans.search, query)
            ]
        }

    prefix = "/api/v3"
    return [
        Route(f"{prefix}/services", _gateway(service_list)),
        Route(f"{prefix}/operations", _gateway(operations)),
        Route(f"{prefix}/traces", _gateway(traces)),
        Route(f"{prefix}/traces/{{trace_id}}", _gateway(trace)),
        Route(f"{prefix}/trace-summaries", _gateway(summaries)),
    ]


def _gateway(handler: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer what a handler raises as Jaeger's gateway does: `{"error": {"httpCode": …, "message": …}}`."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            content = await handler(request)
            return content if isinstance(content, Response) else json_response(content)
        except FAILURES as error:
            status, message = status_of(error), str(error)
        return json_response({"error": {"httpCode": status, "message": message}}, status)

    return answer


def _answer(found: dict[str, list[Span]]) -> Response:
    if not found:
        raise JaegerError(404, "No traces found")
    resource_spans = [one for spans in found.values() for one in otlp_json(spans)["resourceSpans"]]
    return json_response({"result": {"resourceSpans": resource_spans}})


def _query(values: QueryParams) -> SpanQuery:
    def optional(name: str, read: Callable[[str], int]) -> int:
        text = values.get(f"query.{name}", "")
        return _parameter(f"query.{name}", text, read) if text else 0

    start, end = _time(values, "query.start_time_min"), _time(values, "query.start_time_max")
    if start is None or end is None:
        raise GoValueError("query.start_time_min and query.start_time_max are required")
    limit = optional("num_traces", go_int) or optional("search_depth", go_int) or DEFAULT_TRACES
    tags = read_tags(values["query.attributes"]) if values.get("query.attributes") else {}
    shortest, longest = optional("duration_min", go_duration), optional("duration_max", go_duration)
    check_durations(shortest, longest)
    return SpanQuery(
        start_ns=start,
        end_ns=end,
        service=values.get("query.service_name") or None,
        name=values.get("query.operation_name") or values.get("query.span_name") or None,
        limit=most_traces(limit),
        min_duration_ns=shortest or None,
        max_duration_ns=longest or None,
        **tag_conditions(tags),
    )


def _parameter(name: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except GoValueError as error:
        raise GoValueError(f"malformed parameter {name}: {error}") from error


def _time(values: QueryParams, name: str) -> int | None:
    """Read a time of RFC 3339 as Unix nanoseconds, those below a microsecond left out."""
    text = values.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or len(text) < 20:
        shown = text[:80]
        raise GoValueError(
            f'malformed parameter {name}: parsing time "{shown}" as "{_LAYOUT}": cannot parse "{shown}" as "2006"'
        )
    seconds = int(moment.timestamp())
    return max(0, min(seconds * 1_000_000_000 + moment.microsecond * 1000, 2**63 - 1))


def _summary(trace: TraceSummary) -> dict[str, Any]:
    return {
        "traceId": trace.trace_id,
        "rootServiceName": trace.root_service,
        "rootOperationName": trace.root_name,
        "minStartTimeUnixNano": str(trace.start_ns),
        "maxEndTimeUnixNano": str(trace.end_ns),
        "spanCount": trace.span_count,
        "errorSpanCount": trace.error_count,
        "orphanSpanCount": trace.orphan_count,
        "services": [
            {"name": one.name, "spanCount": one.span_count, "errorSpanCount": one.error_count}
            for one in trace.services
        ],
    }
