"""Jaeger's query API in JSON, as its page before version 3 of the API and Grafana's data source ask it."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.goparameters import (
    GoValueError,
    go_bool,
    go_duration,
    go_hexadecimal,
    go_int,
)
from accelerapp.server.api.query_threads import QueueFullError
from accelerapp.server.api.services import Services
from accelerapp.server.signals import Span
from accelerapp.server.storage import ReadTimeoutError, ReadTooLargeError, SpanQuery
from accelerapp.server.traces import jaeger_trace, short_id

#: The most traces and spans that one answer holds.
MOST_TRACES = 5000
MOST_SPANS = 50_000
TRUNCATED = "the trace has more spans than one answer holds; its earliest are shown"
DEFAULT_TRACES = 100
_NS = {"µs": 1_000, "ms": 1_000_000}
_TWO_DAYS_NS = 48 * 3600 * 1_000_000_000
_DAY_MS = 24 * 3600 * 1000
_LAST_NS = 2**63 - 1
#: What Jaeger has as tags and is stored beside the attributes; the value of a tag by that of the condition.
_TAGS_OF_FIELDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "error": ("status", {"true": "error"}),
    "otel.status_code": ("status", {"OK": "ok", "ERROR": "error"}),
    "span.kind": ("kind", {kind: kind for kind in ("internal", "server", "client", "producer", "consumer")}),
}


class JaegerError(Exception):
    """What is answered as `{"errors": [{"code": …, "msg": …}]}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def routes(services: Services) -> list[Route]:
    """Return the routes of the API over the stored spans."""

    def now_ns() -> int:
        return int(services.clock() * 1e9)

    async def service_list(request: Request) -> Response:
        found = await services.in_query_thread(services.spans.services)
        return _answer(request, found, total=len(found))

    async def operation_names(request: Request) -> Response:
        found = await services.in_query_thread(services.spans.operations, request.path_params["service"])
        names = list(dict.fromkeys(one.name for one in found))
        return _answer(request, names or None, total=len(names))

    async def operations(request: Request) -> Response:
        service, kind = request.query_params.get("service", ""), request.query_params.get("spanKind", "")
        if not service:
            raise JaegerError(400, "parameter 'service' is required")
        found = [
            {"name": one.name, "spanKind": span_kind(one.kind)}
            for one in await services.in_query_thread(services.spans.operations, service)
            if kind in ("", span_kind(one.kind))
        ]
        return _answer(request, found, total=len(found))

    async def traces(request: Request) -> Response:
        values = request.query_params
        ids, query, raw = _search(values, now_ns())

        def read() -> Response:
            named = ids or [one.trace_id for one in services.spans.search(query)]
            found = services.spans.traces(named, MOST_SPANS + 1)
            missing = [
                {"msg": "trace not found", "traceID": short_id(one)} for one in ids if one not in found
            ]
            return _answer(request, told_traces(found, raw=raw), errors=missing or None)

        return await services.in_query_thread(read)

    async def trace(request: Request) -> Response:
        values = request.query_params
        trace_id = read_trace_id(request.path_params["trace_id"])
        for name in ("start", "end"):  # where to look, which need not be told here
            _time(values, name, "µs", 0)
        raw = _parameter(values, "raw", go_bool, default=False)

        def read() -> Response:
            found = services.spans.traces([trace_id], MOST_SPANS + 1)
            if not found:
                raise JaegerError(404, "trace not found")
            return _answer(request, told_traces(found, raw=raw))

        return await services.in_query_thread(read)

    async def dependencies(request: Request) -> Response:
        values = request.query_params
        end = _time(values, "endTs", "ms", now_ns())
        lookback = _parameter(values, "lookback", go_int, default=_DAY_MS) * _NS["ms"]
        service = values.get("service", "")
        found = await services.in_query_thread(services.spans.calls, max(0, end - lookback), end)
        links = [
            {"parent": one.caller, "child": one.callee, "callCount": one.calls}
            for one in found
            if service in ("", one.caller, one.callee)
        ]
        return _answer(request, links)

    async def metrics(_: Request) -> Response:
        raise JaegerError(501, "metrics querying is currently disabled")

    return [
        Route("/api/services", jaeger(service_list)),
        Route("/api/services/{service:path}/operations", jaeger(operation_names)),
        Route("/api/operations", jaeger(operations)),
        Route("/api/traces", jaeger(traces)),
        Route("/api/traces/{trace_id}", jaeger(trace)),
        Route("/api/dependencies", jaeger(dependencies)),
        Route("/api/metrics/{name}", jaeger(metrics)),
    ]


#: What a handler may raise, and is answered in Jaeger's forms.
FAILURES = (GoValueError, JaegerError, ReadTooLargeError, ReadTimeoutError, QueueFullError)


def status_of(error: Exception) -> int:
    """Return the status with which one of `FAILURES` is answered."""
    match error:
        case JaegerError():
            return error.status
        case ReadTooLargeError():
            return 422
        case ReadTimeoutError() | QueueFullError():
            return 503
    return 400


def jaeger(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer what a handler raises as Jaeger does: JSON, sent as text."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except FAILURES as error:
            status, message = status_of(error), str(error)
        content = _envelope(None, errors=[{"code": status, "msg": message}])
        return Response(orjson.dumps(content) + b"\n", status, media_type="text/plain")

    return answer


def told_traces(found: Mapping[str, Sequence[Span]], *, raw: bool) -> list[dict[str, Any]]:
    """Return traces in Jaeger's form; where there are more spans than an answer holds the last trace is cut."""
    left, told = MOST_SPANS, []
    for one in found.values():
        if left <= 0:
            break
        warnings = [TRUNCATED] if len(one) > left else []
        told.append(jaeger_trace(one[:left], raw=raw, warnings=warnings))
        left -= len(one)
    return told


def span_kind(kind: str) -> str:
    """Return a span's kind in Jaeger's words: none where it is not specified."""
    return "" if kind == "unspecified" else kind


def read_trace_id(text: str) -> str:
    """Read a trace id of 64 or 128 bits, as 32 hexadecimal digits; raises GoValueError."""
    if len(text) > 32:
        raise GoValueError(f"TraceID cannot be longer than 32 hex characters: {text[:200]}")
    if len(text) > 16:
        return f"{go_hexadecimal(text[:-16]):016x}{go_hexadecimal(text[-16:]):016x}"
    return f"{go_hexadecimal(text):032x}"


def tag_conditions(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the conditions of a `SpanQuery` that stand for Jaeger's tags."""
    conditions: dict[str, Any] = {"attributes": {}}
    for name, value in tags.items():
        field, values = _TAGS_OF_FIELDS.get(name, ("", {}))
        if name == "otel.scope.name":
            conditions["scope"] = value
        elif value in values:
            conditions[field] = values[value]
        else:
            conditions["attributes"][name] = value
    return conditions


def read_tags(text: str) -> dict[str, str]:
    """Read tags as a JSON object of texts; raises GoValueError with what is wrong with it."""
    try:
        tags = json.loads(text)
    except json.JSONDecodeError as error:
        problem = "unexpected end of JSON input" if error.pos >= len(text) else str(error)
        raise GoValueError(f"malformed 'tags' parameter, cannot unmarshal JSON: {problem}") from error
    except RecursionError as error:
        raise GoValueError("malformed 'tags' parameter, cannot unmarshal JSON: exceeded max depth") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise GoValueError(f"malformed 'tags' parameter, cannot unmarshal JSON: {error}") from error
    problem = "malformed 'tags' parameter, cannot unmarshal JSON: json: cannot unmarshal"
    if tags is None:
        return {}
    if not isinstance(tags, dict):
        raise GoValueError(f"{problem} {_json_type(tags)} into Go value of type map[string]string")
    for value in tags.values():
        if value is not None and not isinstance(value, str):
            raise GoValueError(f"{problem} {_json_type(value)} into Go value of type string")
    return {name: value or "" for name, value in tags.items()}


def check_durations(shortest: int, longest: int) -> None:
    """Refuse durations that no span can have; 0 is none."""
    if shortest and longest and longest < shortest:
        raise GoValueError("'maxDuration' should be greater than 'minDuration'")


def most_traces(limit: int) -> int:
    if limit > MOST_TRACES:
        raise GoValueError(f"at most {MOST_TRACES} traces can be asked for, not {limit}")
    return limit if limit > 0 else DEFAULT_TRACES


def _search(values: QueryParams, now_ns: int) -> tuple[list[str], SpanQuery, bool]:
    start = _time(values, "start", "µs", now_ns - _TWO_DAYS_NS)
    end = _time(values, "end", "µs", now_ns)
    tags: dict[str, str] = {}
    for text in values.getlist("tag"):
        name, colon, value = text.partition(":")
        if not colon:
            raise GoValueError(f"malformed 'tag' parameter, expecting key:value, received: {text[:200]}")
        tags[name] = value
    for text in values.getlist("tags"):
        tags |= read_tags(text)
    limit = go_int(values["limit"], 32) if values.get("limit") else DEFAULT_TRACES
    shortest = _parameter(values, "minDuration", go_duration, default=0)
    longest = _parameter(values, "maxDuration", go_duration, default=0)
    ids = []
    for text in values.getlist("traceID"):
        try:
            ids.append(read_trace_id(text))
        except GoValueError as error:
            raise GoValueError(f"cannot parse traceID param: {error}") from error
    raw = _parameter(values, "raw", go_bool, default=False)
    if not ids and not values.get("service"):
        raise GoValueError("parameter 'service' is required")
    if len(ids) > MOST_TRACES:
        raise GoValueError(f"at most {MOST_TRACES} traces can be asked for, not {len(ids)}")
    check_durations(shortest, longest)
    query = SpanQuery(
        start_ns=start,
        end_ns=end,
        service=values.get("service") or None,
        name=values.get("operation") or None,
        limit=most_traces(limit),
        min_duration_ns=shortest or None,
        max_duration_ns=longest or None,
        **tag_conditions(tags),
    )
    return ids, query, raw


def _parameter(values: QueryParams, name: str, read: Callable[[str], Any], *, default: Any) -> Any:
    text = values.get(name, "")
    if not text:
        return default
    try:
        return read(text)
    except GoValueError as error:
        raise GoValueError(f"unable to parse param '{name}': {error}") from error


def _time(values: QueryParams, name: str, unit: str, default_ns: int) -> int:
    """Read a time since 1970 in a unit, as nanoseconds within what can be stored."""
    text = values.get(name, "")
    if not text:
        return default_ns
    count: int = _parameter(values, name, go_int, default=0)
    return max(0, min(count * _NS[unit], _LAST_NS))


def _json_type(value: Any) -> str:
    """Return what Go's decoder calls a value that is not the one it wants."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


def _envelope(data: Any, *, total: int = 0, errors: Any = None) -> dict[str, Any]:
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def _answer(request: Request, data: Any, *, total: int = 0, errors: Any = None) -> Response:
    content = _envelope(data, total=total, errors=errors)
    pretty = request.query_params.get("prettyPrint", "")
    encoded = (
        json.dumps(content, indent=4, ensure_ascii=False).encode()
        if pretty not in ("", "false")
        else orjson.dumps(content)
    )
    return Response(encoded, media_type="application/json")
