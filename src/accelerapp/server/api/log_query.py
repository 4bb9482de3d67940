"""Reading what a request asks of log lines, and how a line is written."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams

from accelerapp.server.api.parameters import ParameterError, limit, period_ns
from accelerapp.server.logs import LogQueryError, compile_pattern, compile_query, parse
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import Condition, LinePosition, LogQuery, all_of
from accelerapp.server.storage.conditions import opposite

NS_PER_MS = 1_000_000
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
_LAST = 2**63
_MOST_PATTERN_CHARACTERS = 16_384


def log_query(values: QueryParams, now: float, *, most: int = 5000) -> LogQuery:
    """Read a search; `now` is Unix seconds, for times such as now-1h. Raises ParameterError."""
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
        limit=limit(values, 200, most),
        condition=_condition(values, now),
        before=position(values, "before"),
    )


def position(values: QueryParams, name: str) -> LinePosition | None:
    """Read the id of a line; None where the parameter is not given."""
    text = values.get(name, "")
    if not text:
        return None
    time_ns, _, number = text.partition("-")
    if time_ns.isdecimal() and number.isdecimal() and len(text) < 50:
        found = LinePosition(int(time_ns), int(number))
        if max(found.time_ns, found.id) < _LAST:
            return found
    raise ParameterError(f'parameter "{name}" must be the "id" of a line, not "{text[:50]}"')


def line(record: LogRecord) -> dict[str, Any]:
    """Return a line as JSON has it."""
    return {
        "id": str(position_of(record)),
        "time_ms": record.time_ns / NS_PER_MS,
        "level": record.level,
        "severity_number": record.severity_number,
        "service": record.service,
        "body": record.body,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "correlation_id": record.correlation_id,
        "attributes": dict(record.attributes),
        "resource": dict(record.resource),
        "scope": record.scope,
    }


def position_of(record: LogRecord) -> LinePosition:
    return LinePosition(record.time_ns, record.id)


def _condition(values: QueryParams, now: float) -> Condition | None:
    """Read what is asked in words: the query, the filter that must hold as well, and patterns; and after which line."""
    conditions = [
        _written(values[name], name, now) for name in ("query", "filter") if values.get(name, "").strip()
    ]
    conditions += [compile_pattern(one) for one in _patterns(values, "pattern")]
    conditions += [opposite(compile_pattern(one)) for one in _patterns(values, "without_pattern")]
    if (seen := position(values, "arrived_after")) is not None:
        conditions.append(Condition("id > ?", (seen.id,)))  # ids grow in the order of arrival
    return all_of(conditions) if conditions else None


def _written(text: str, name: str, now: float) -> Condition:
    try:
        return compile_query(parse(text), now)
    except LogQueryError as error:
        raise ParameterError(f'parameter "{name}": {error}') from error


def _patterns(values: QueryParams, name: str) -> list[str]:
    """Read patterns, one a line."""
    text = values.get(name, "")
    if len(text) > _MOST_PATTERN_CHARACTERS:
        raise ParameterError(f'parameter "{name}" has more than {_MOST_PATTERN_CHARACTERS} characters')
    return [one for one in text.split("\n") if one]
