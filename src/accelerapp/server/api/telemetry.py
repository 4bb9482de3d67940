"""Traces, logs and services as the page asks for them."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import NotFoundError, own
from accelerapp.server.api.parameters import ParameterError, limit, number, parameters
from accelerapp.server.api.services import Services
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import LogQuery, SpanQuery, TraceSummary
from accelerapp.server.traces import WaterfallRow, waterfall

_NS_PER_MS = 1_000_000
_STATUSES = ("error", "ok", "unset")
#: The lowest OpenTelemetry severity number of each level (Logs Data Model, SeverityNumber).
_SEVERITY = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "WARN": 13,
    "WARNING": 13,
    "ERROR": 17,
    "FATAL": 21,
    "CRITICAL": 21,
}


def routes(services: Services) -> list[Route]:
    """Return the routes over traces and logs."""

    async def traces(request: Request) -> Any:
        query = _span_query(await parameters(request))
        found = await services.in_query_thread(services.spans.search, query)
        return {"traces": [_summary(trace) for trace in found]}

    async def trace(request: Request) -> Any:
        trace_id = request.path_params["trace_id"].lower()
        spans = await services.in_query_thread(services.spans.trace, trace_id)
        if not spans:
            raise NotFoundError(
                f"no trace {trace_id[:64]}: it was not received, or is older than what is kept"
            )
        begin, end = min(s.start_ns for s in spans), max(s.end_ns for s in spans)
        return {
            "trace_id": trace_id,
            "start_ms": begin / _NS_PER_MS,
            "duration_ms": (end - begin) / _NS_PER_MS,
            "services": sorted({s.service for s in spans}),
            "spans": [_span(row, begin) for row in waterfall(spans)],
        }

    async def logs(request: Request) -> Any:
        query = _log_query(await parameters(request))
        found = await services.in_query_thread(services.logs.search, query)
        return {"logs": [_log(record) for record in found]}

    async def service_list(_: Request) -> Any:
        def read() -> list[dict[str, Any]]:
            return [
                {"name": name, "operations": services.spans.operations(name)}
                for name in services.spans.services()
            ]

        return {"services": await services.in_query_thread(read)}

    prefix = "/api/accelerapp/v1"
    return [
        Route(f"{prefix}/traces", own(traces)),
        Route(f"{prefix}/traces/{{trace_id}}", own(trace)),
        Route(f"{prefix}/logs", own(logs)),
        Route(f"{prefix}/services", own(service_list)),
    ]


def _period(values: QueryParams) -> tuple[int, int]:
    """Read `start_ms` and `end_ms`; without them, everything that is kept."""
    start, end = number(values, "start_ms", 0.0), number(values, "end_ms", 4_102_444_800_000.0)
    assert start is not None
    assert end is not None
    if end < start:
        raise ParameterError('"end_ms" is before "start_ms"')
    # Nanoseconds are 64-bit numbers in the store; what lies beyond them holds nothing.
    most = 2**63 - 1
    return max(0, min(int(start * _NS_PER_MS), most)), max(0, min(int(end * _NS_PER_MS), most))


def _span_query(values: QueryParams) -> SpanQuery:
    status = values.get("status") or None
    if status is not None and status not in _STATUSES:
        raise ParameterError(f'parameter "status" must be one of {", ".join(_STATUSES)}, not "{status[:20]}"')
    attributes = {}
    for pair in values.getlist("attribute"):
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ParameterError(f'parameter "attribute" must have the form name=value, not "{pair[:80]}"')
        attributes[name] = value
    shortest, longest = number(values, "min_duration_ms"), number(values, "max_duration_ms")
    start, end = _period(values)
    return SpanQuery(
        start_ns=start,
        end_ns=end,
        service=values.get("service") or None,
        name=values.get("name") or None,
        status=status,
        min_duration_ns=None if shortest is None else int(shortest * _NS_PER_MS),
        max_duration_ns=None if longest is None else int(longest * _NS_PER_MS),
        attributes=attributes,
        limit=limit(values, 20, 1000),
    )


def _log_query(values: QueryParams) -> LogQuery:
    level = values.get("level", "").upper()
    if level and level not in _SEVERITY:
        raise ParameterError(f'parameter "level" must be one of {", ".join(_SEVERITY)}, not "{level[:20]}"')
    start, end = _period(values)
    return LogQuery(
        start_ns=start,
        end_ns=end,
        text=values.get("text") or None,
        service=values.get("service") or None,
        min_severity=_SEVERITY.get(level),
        trace_id=values.get("trace_id") or None,
        span_id=values.get("span_id") or None,
        correlation_id=values.get("correlation_id") or None,
        limit=limit(values, 200, 5000),
    )


def _summary(trace: TraceSummary) -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "root_service": trace.root_service,
        "root_name": trace.root_name,
        "start_ms": trace.start_ns / _NS_PER_MS,
        "duration_ms": (trace.end_ns - trace.start_ns) / _NS_PER_MS,
        "span_count": trace.span_count,
        "error_count": trace.error_count,
        "services": list(trace.services),
    }


def _span(row: WaterfallRow, begin_ns: int) -> dict[str, Any]:
    span = row.span
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "kind": span.kind,
        "service": span.service,
        "start_ms": (span.start_ns - begin_ns) / _NS_PER_MS,
        "duration_ms": (span.end_ns - span.start_ns) / _NS_PER_MS,
        "status": span.status,
        "status_message": span.status_message,
        "attributes": dict(span.attributes),
        "resource": dict(span.resource),
        "events": [
            {
                "time_ms": (event["time_ns"] - begin_ns) / _NS_PER_MS,
                "name": event["name"],
                "attributes": event["attributes"],
            }
            for event in span.events
        ],
        "links": [dict(link) for link in span.links],
        "depth": row.depth,
        "orphan": row.orphan,
    }


def _log(record: LogRecord) -> dict[str, Any]:
    return {
        "time_ms": record.time_ns / _NS_PER_MS,
        "level": record.level,
        "severity_number": record.severity_number,
        "service": record.service,
        "body": record.body,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "correlation_id": record.correlation_id,
        "attributes": dict(record.attributes),
        "resource": dict(record.resource),
    }
