"""Logs as the page asks for them."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import own
from accelerapp.server.api.parameters import ParameterError, limit, parameters, period_ns
from accelerapp.server.api.services import Services
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import LogQuery

_NS_PER_MS = 1_000_000
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
    """Return the routes over logs."""

    async def logs(request: Request) -> Any:
        query = _log_query(await parameters(request))
        found = await services.in_query_thread(services.logs.search, query)
        return {"logs": [_log(record) for record in found]}

    prefix = "/api/accelerapp/v1"
    return [
        Route(f"{prefix}/logs", own(logs)),
    ]


def _log_query(values: QueryParams) -> LogQuery:
    level = values.get("level", "").upper()
    if level and level not in _SEVERITY:
        raise ParameterError(f'parameter "level" must be one of {", ".join(_SEVERITY)}, not "{level[:20]}"')
    start, end = period_ns(values)
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
