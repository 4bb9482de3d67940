"""Log lines as the page asks for them: search, histogram, top values, fields, context, patterns, and what arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import NotFoundError, json_response, own
from accelerapp.server.api.log_patterns import patterns_route
from accelerapp.server.api.log_query import NS_PER_MS, line, log_query, position, position_of
from accelerapp.server.api.log_tail import tail_route
from accelerapp.server.api.parameters import ParameterError, limit, nanoseconds, number, one_of, parameters
from accelerapp.server.api.services import Services
from accelerapp.server.logs import Field, Match, Value, compile_field, compile_query, fields_of
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import Condition, LogQuery, all_of

PREFIX = "/api/accelerapp/v1/logs"

_BUCKETS = 60
_MOST_BUCKETS = 2_000
_DAY_MS = 86_400_000
#: The steps of a histogram that is not asked for one: such as people read easily, in milliseconds.
_STEPS_MS = (
    *(factor * power for power in (1, 10, 100, 1_000) for factor in (1, 2, 5)),
    *(seconds * 1_000 for seconds in (10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200)),
    _DAY_MS,
)
#: Lines from which it is told which fields there are.
_SAMPLED_LINES = 1_000
_MOST_AROUND = 500
#: What the lines around one may have in common with it: the field, and how the line has it.
_SAME: dict[str, tuple[str, Callable[[LogRecord], str]]] = {
    "service": ("service", lambda record: record.service),
    "host": ("host.name", lambda record: str(record.resource.get("host.name", ""))),
    "trace": ("trace_id", lambda record: record.trace_id),
}


def routes(services: Services) -> list[Route]:
    """Return the routes over log lines."""

    async def search(request: Request) -> Any:
        query = log_query(await parameters(request), services.clock())

        def read() -> Response:
            page = services.logs.page(query)
            return json_response(
                {
                    "logs": [line(record) for record in page.records],
                    "next": str(position_of(page.records[-1])) if page.more else None,
                }
            )

        return await services.in_query_thread(read)

    async def histogram(request: Request) -> Any:
        values = await parameters(request)
        query = log_query(values, services.clock())
        step_ns = _step_ns(values, query)
        counted = await services.in_query_thread(services.logs.histogram, query, step_ns)
        buckets: dict[int, dict[str, int]] = {}
        for one in counted:
            buckets.setdefault(one.time_ns, {})[one.level] = one.count
        return {
            "step_ms": step_ns / NS_PER_MS,
            "lines": sum(one.count for one in counted),
            "buckets": [
                {"time_ms": time_ns / NS_PER_MS, "lines": sum(levels.values()), "levels": levels}
                for time_ns, levels in buckets.items()
            ],
        }

    async def top(request: Request) -> Any:
        values = await parameters(request)
        name = values.get("field", "")
        if not 0 < len(name) <= 256:
            raise ParameterError('parameter "field" must be the name of a field, of at most 256 characters')
        query, most = log_query(values, services.clock(), most=1000), limit(values, 10, 1000)
        found = await services.in_query_thread(services.logs.top_values, query, compile_field(name), most)
        return {
            "field": name,
            "lines": found.lines,
            "having": found.having,
            "share": _share(found.having, found.lines),
            "values": [
                {"value": value, "lines": count, "share": _share(count, found.having)}
                for value, count in found.values
            ],
        }

    async def fields(request: Request) -> Any:
        values = await parameters(request)
        query = replace(log_query(values, services.clock()), limit=_SAMPLED_LINES)
        found = await services.in_query_thread(lambda: fields_of(services.logs.search(query)))
        return {
            # Every line has a time.
            "lines": max((one.lines for one in found), default=0),
            "fields": [{"name": one.name, "type": one.type, "lines": one.lines} for one in found],
        }

    async def context(request: Request) -> Any:
        values = await parameters(request)
        at = position(values, "line")
        if at is None:
            raise ParameterError('parameter "line" is missing: it is the "id" of a line')
        same = one_of(values, "same", tuple(_SAME))
        before, after = _count(values, "before"), _count(values, "after")

        def read() -> Response:
            found = services.logs.around(at, 0, 0, all_of([]))
            if found and (before or after):
                condition = _common(same, found.line) if same else all_of([])
                found = services.logs.around(at, before, after, condition)
            if found is None:
                raise NotFoundError(f"no line {at}: it was not received, or is older than what is kept")
            return json_response(
                {
                    "before": [line(one) for one in found.before],
                    "line": line(found.line),
                    "after": [line(one) for one in found.after],
                    "more": {"before": found.more_before, "after": found.more_after},
                }
            )

        return await services.in_query_thread(read)

    return [
        Route(PREFIX, own(search)),
        Route(f"{PREFIX}/histogram", own(histogram)),
        Route(f"{PREFIX}/top", own(top)),
        Route(f"{PREFIX}/fields", own(fields)),
        Route(f"{PREFIX}/context", own(context)),
        patterns_route(services, f"{PREFIX}/patterns"),
        tail_route(services, f"{PREFIX}/tail"),
    ]


def _step_ns(values: QueryParams, query: LogQuery) -> int:
    """Read a histogram's step in milliseconds, or choose one that gives some sixty buckets."""
    for name in ("start_ms", "end_ms"):
        if not values.get(name):
            raise ParameterError(f'parameter "{name}" is missing: a histogram is of a time range')
    range_ms = (query.end_ns - query.start_ns) / NS_PER_MS
    step_ms = number(values, "step_ms")
    if step_ms is None:
        wanted = range_ms / _BUCKETS
        days = -(-int(wanted) // _DAY_MS) * _DAY_MS
        return int(next((step for step in _STEPS_MS if step >= wanted), days)) * NS_PER_MS
    if step_ms < 1 or range_ms / step_ms > _MOST_BUCKETS:
        raise ParameterError(
            f'parameter "step_ms" must be at least 1 and give at most {_MOST_BUCKETS} buckets, not "{step_ms:g}"'
        )
    return nanoseconds(step_ms)


def _count(values: QueryParams, name: str) -> int:
    text = values.get(name, "") or "10"
    if not text.isdecimal() or len(text) > 9 or int(text) > _MOST_AROUND:
        raise ParameterError(
            f'parameter "{name}" must be a whole number from 0 to {_MOST_AROUND}, not "{text[:20]}"'
        )
    return int(text)


def _common(same: str, record: LogRecord) -> Condition:
    name, value_of = _SAME[same]
    value = value_of(record)
    if not value:
        raise ParameterError(f'parameter "same": the line has no {same}')
    return compile_query(Match(Field(name), (Value((value,)),)), 0)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
