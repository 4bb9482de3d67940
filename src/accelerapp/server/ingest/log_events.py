"""Events as Logstash knows them, JSON objects of a log line's fields, translated to OTLP's log records.

The fields are those that the shipped pipeline for Logstash and Elasticsearch knows, under its names and under those of
the Elastic Common Schema; so a line is stored alike whether it comes here or goes there.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs

from accelerapp.server.ingest.log_text import text_fields
from accelerapp.server.ingest.otlp_attributes import add_attributes, as_json, set_value
from accelerapp.server.ingest.receiver import check_items

Event = dict[str, Any]

#: Objects whose members are fields of their own, `http.request.method`; other objects are values.
_OBJECTS = frozenset(
    {"agent", "cloud", "container", "error", "event", "fields", "file", "host", "http", "input", "kubernetes"}
    | {
        "labels",
        "log",
        "network",
        "process",
        "service",
        "source",
        "span",
        "trace",
        "url",
        "user",
        "user_agent",
    }
)
#: How Logstash tags what should be JSON and is not.
NOT_JSON_TAG = "_jsonparsefailure"
_DEEPEST = 8
_LEVELS = ("level", "severity", "levelname", "log_level", "lvl", "log.level")
#: Names of one field, the first that an event has counts; each becomes an attribute of OpenTelemetry's name.
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "correlation_id": ("correlation_id", "correlationId", "x_correlation_id", "labels.correlation_id"),
    "exception.stacktrace": ("exception", "error.stack_trace"),
    "exception.type": ("exception_type", "error.type"),
    "exception.message": ("exception_message", "error.message"),
    "code.function.name": ("function", "log.origin.function"),
    "code.line.number": ("line", "log.origin.file.line"),
    "code.stacktrace": ("stack", "log.origin.stack"),
}
_RESOURCE: dict[str, tuple[str, ...]] = {
    "service.name": ("service", "service.name"),
    "service.version": ("service_version", "service.version"),
    "host.name": ("host_name", "host.name"),
}
#: What Logstash adds or keeps for itself.
_DROPPED = ("@version", "@metadata", "port", "ecs")
_SEVERITIES: dict[str, tuple[str, int]] = {
    "trace": ("TRACE", 1),
    "debug": ("DEBUG", 5),
    "info": ("INFO", 9),
    "information": ("INFO", 9),
    "informational": ("INFO", 9),
    "notice": ("NOTICE", 10),
    "warn": ("WARN", 13),
    "warning": ("WARN", 13),
    "err": ("ERROR", 17),
    "error": ("ERROR", 17),
    "severe": ("ERROR", 17),
    "critical": ("FATAL", 21),
    "crit": ("FATAL", 21),
    "fatal": ("FATAL", 21),
    "alert": ("ALERT", 22),
    "emerg": ("EMERGENCY", 24),
    "emergency": ("EMERGENCY", 24),
}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})\d*)? ?(Z|[+-]\d\d:?\d\d)?")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SCALARS = (str, int, float)
_LAST_YEAR = 2261  # nanoseconds since 1970 in 63 bits end a year later
_HEX = re.compile(r"[0-9a-fA-F]+")


class LogBatch:
    """Gathers events as one OTLP request; `received_ns` is when they came, in Unix nanoseconds."""

    def __init__(self, received_ns: int) -> None:
        self._received_ns = received_ns
        self._request = ExportLogsServiceRequest()
        self._scopes: dict[tuple[str, ...], ScopeLogs] = {}
        self._resources: dict[tuple[str, ...], Any] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Take an event."""
        fields = _fields(event)
        time_ns = _take_time(fields)
        resource = tuple(_take_text(fields, names) for names in _RESOURCE.values())
        logger = _take_text(fields, ("logger", "log.logger"))
        record = self._scope(resource, logger).log_records.add(
            time_unix_nano=time_ns or self._received_ns, observed_time_unix_nano=self._received_ns
        )
        if (message := fields.pop("message", None)) is not None:
            set_value(record.body, message)
        _set_severity(record, fields)
        _set_ids(record, fields)
        for name, names in _ATTRIBUTES.items():
            if (value := _take(fields, names)) not in (None, ""):
                set_value(
                    record.attributes.add(key=name).value,
                    _line_number(value) if name == "code.line.number" else value,
                )
        for key, value in fields.items():
            if value is not None:
                set_value(record.attributes.add(key=key.removeprefix("labels.")).value, value)

    def serialized(self) -> bytes:
        """Return the request."""
        return self._request.SerializeToString()

    def _scope(self, resource: tuple[str, ...], logger: str) -> ScopeLogs:
        key = (*resource, logger)
        found = self._scopes.get(key)
        if found is None:
            resourced = self._resources.get(resource)
            if resourced is None:
                resourced = self._resources[resource] = self._request.resource_logs.add()
                known = zip(_RESOURCE, resource, strict=True)
                add_attributes(resourced.resource.attributes, {name: value for name, value in known if value})
            found = self._scopes[key] = resourced.scope_logs.add()
            found.scope.name = logger
        return found


def to_request(events: Iterable[Mapping[str, Any]], received_ns: int) -> bytes:
    """Return events as one OTLP request."""
    batch = LogBatch(received_ns)
    for event in events:
        batch.add(event)
    return batch.serialized()


def from_lines(lines: Iterable[bytes], received_ns: int) -> tuple[bytes, int]:
    """Return lines of JSON as one OTLP request, and how many events of it are no JSON object.

    Those are kept as text, and tagged. Raises RefusedError where one line holds too many events.
    """
    batch, not_json = LogBatch(received_ns), 0
    for line in lines:
        events = events_of_line(line)
        check_items(len(events), "events in one line")
        for event in events:
            not_json += is_not_json(event)
            batch.add(event)
    return batch.serialized(), not_json


def events_of(text: bytes) -> list[Event] | None:
    """Return what JSON holds: an object is an event, a list is as many; None for anything else."""
    decoded = _decoded(text)
    if isinstance(decoded, dict):
        return [decoded]
    if isinstance(decoded, list):
        return [one if isinstance(one, dict) else _text_of(one) for one in decoded]
    return None


def events_of_line(line: bytes) -> list[Event]:
    """Return the events of a line that should be JSON; what is not is kept as text, and tagged."""
    events = events_of(line)
    return [text_event(line, NOT_JSON_TAG)] if events is None else events


def text_event(text: bytes, *tags: str) -> Event:
    """Return a text that is not JSON as an event that has it as message."""
    return {"message": text.decode("utf-8", "replace"), **({"tags": [*tags]} if tags else {})}


def is_not_json(event: Event) -> bool:
    """Tell whether an event is the text of what should have been JSON."""
    return event.get("tags") == [NOT_JSON_TAG]


def _text_of(decoded: Any) -> Event:
    return text_event(as_json(decoded).encode(), NOT_JSON_TAG)


def _decoded(text: bytes | str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _fields(event: Mapping[str, Any]) -> Event:
    """Return the fields of an event, known objects as dotted names, and what its message tells."""
    fields: Event = {}
    _flatten(event, "", fields, _DEEPEST)
    message = fields.get("message")
    if isinstance(message, str) and message.lstrip().startswith("{") and message.rstrip().endswith("}"):
        inner = _decoded(message)
        if isinstance(inner, dict):
            _flatten(inner, "", fields, _DEEPEST)
            message = fields.get("message")
    if isinstance(message, str) and not any(fields.get(name) for name in _LEVELS):
        told = text_fields(message)
        fields.update(told)
        if not told:
            _tag(fields, "unparsed")
    for name in _DROPPED:
        fields.pop(name, None)
    return fields


def _flatten(value: Mapping[str, Any], prefix: str, into: Event, depth: int) -> None:
    for key, one in value.items():
        if isinstance(one, dict) and depth and (prefix or key in _OBJECTS):
            _flatten(one, f"{prefix}{key}.", into, depth - 1)
        else:
            into[f"{prefix}{key}"] = one


def _take(fields: Event, names: tuple[str, ...]) -> Any:
    """Take the first of these fields that is a text, a number or true or false."""
    for name in names:
        if name in fields and isinstance(fields[name], _SCALARS):
            return fields.pop(name)
    return None


def _take_text(fields: Event, names: tuple[str, ...]) -> str:
    value = _take(fields, names)
    return "" if value is None else str(value)


def _take_time(fields: Event) -> int:
    """Take the event's time in Unix nanoseconds, 0 without one; the line's own counts before that of its shipping."""
    time_ns = 0
    for name in ("timestamp", "@timestamp"):
        if name not in fields:
            continue
        own = _nanoseconds(fields[name])
        if own:
            del fields[name]
            time_ns = time_ns or own
        elif name == "@timestamp":
            # As Logstash does with one that it cannot read.
            fields["_@timestamp"] = fields.pop(name)
            _tag(fields, "_timestampparsefailure")
    return time_ns


def _nanoseconds(value: Any) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return 0
    day, time, fraction, zone = found.groups()
    seconds = _seconds(f"{day}T{time}{zone or 'Z'}")
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0")) if seconds else 0


@functools.lru_cache(maxsize=1000)
def _seconds(text: str) -> int:
    """Return a time in Unix seconds, 0 where there is no such time; of many lines it is the same."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return 0
    if not 1970 <= moment.year <= _LAST_YEAR:
        return 0
    since = moment - _EPOCH
    return max(since.days * 86400 + since.seconds, 0)


def _tag(fields: Event, tag: str) -> None:
    tags = fields.get("tags")
    fields["tags"] = [*tags, tag] if isinstance(tags, list) else [tag] if tags is None else [tags, tag]


def _set_severity(record: LogRecord, fields: Event) -> None:
    level = _take_text(fields, _LEVELS)
    record.severity_text, number = _SEVERITIES.get(level.lower(), (level, 0))
    record.severity_number = number  # type: ignore[assignment]


def _set_ids(record: LogRecord, fields: Event) -> None:
    """Set trace and span id; what is none stays an attribute."""
    for name, ecs, digits in (("trace_id", "trace.id", 32), ("span_id", "span.id", 16)):
        for key in (name, ecs):
            value = fields.get(key)
            if isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value):
                setattr(record, name, bytes.fromhex(value))
                del fields[key]
                break


def _line_number(value: Any) -> Any:
    short = isinstance(value, str) and len(value) < 10
    return int(value) if short and value.isdecimal() else value
