"""The fields of a log line, under their own names and under those of the Elastic Common Schema, which Kibana shows."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from accelerapp.server.storage import Expression


class Kind(enum.Enum):
    """How the values of a field are compared."""

    BODY = "text"  # by words, letter case ignored
    TIME = "date"
    LEVEL = "level"  # by severity
    NUMBER = "number"
    COLUMN = "keyword"  # as they are
    ID = "id"  # as they are, in lower case
    ATTRIBUTE = "attribute"  # as they are, and numbers by size


@dataclass(frozen=True, slots=True)
class LogField:
    """A field: its kind, its column or its attribute's names, and the indexed text that has its words."""

    kind: Kind
    column: str = ""
    indexed: str = ""
    attributes: tuple[str, ...] = ()
    scale: float = 1.0  # what a value is multiplied by to have the unit of the first name


_BODY = LogField(Kind.BODY, "body", "body")
_TIME = LogField(Kind.TIME, "time_ns")
_LEVEL = LogField(Kind.LEVEL, "level")
_SERVICE = LogField(Kind.COLUMN, "service")
_SCOPE = LogField(Kind.COLUMN, "scope", "scope")
_TRACE = LogField(Kind.ID, "trace_id", "ids")
_SPAN = LogField(Kind.ID, "span_id", "ids")
_CORRELATION = LogField(Kind.COLUMN, "correlation_id", "fields")
_COLUMNS: Final = {
    "body": _BODY,
    "message": _BODY,
    "time": _TIME,
    "timestamp": _TIME,
    "@timestamp": _TIME,
    "level": _LEVEL,
    "log.level": _LEVEL,
    "severity_number": LogField(Kind.NUMBER, "severity_number"),
    "service": _SERVICE,
    "service.name": _SERVICE,
    "scope": _SCOPE,
    "logger": _SCOPE,
    "log.logger": _SCOPE,
    "trace_id": _TRACE,
    "trace.id": _TRACE,
    "span_id": _SPAN,
    "span.id": _SPAN,
    "correlation_id": _CORRELATION,
    "correlation.id": _CORRELATION,
    "labels.correlation_id": _CORRELATION,
}
#: What the schema calls otherwise than OpenTelemetry.
_ATTRIBUTES: Final = {
    "error.type": "exception.type",
    "error.message": "exception.message",
    "error.stack_trace": "exception.stacktrace",
    "log.origin.function": "code.function.name",
    "log.origin.file.line": "code.line.number",
    "log.origin.stack": "code.stacktrace",
}
_LABELS = "labels."
_NANOSECONDS = 1e9


def field_named(name: str) -> LogField:
    """Return the field of a name; a name that is not known is that of an attribute, of the line or its resource."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    if name == "event.duration":  # in nanoseconds; our own lines have seconds
        return LogField(Kind.ATTRIBUTE, attributes=("duration_seconds",), scale=_NANOSECONDS)
    names: tuple[str, ...] = (name, _ATTRIBUTES[name]) if name in _ATTRIBUTES else (name,)
    if name.startswith(_LABELS):
        # The shipped pipeline makes labels of attributes, with underscores in place of dots.
        label = name.removeprefix(_LABELS)
        names = tuple(dict.fromkeys((name, label, label.replace("_", "."))))
    return LogField(Kind.ATTRIBUTE, indexed="fields", attributes=names)


def value_of(field: LogField) -> Expression:
    """Return the value of a field as text, NULL where a line has none."""
    if field.kind is Kind.TIME:
        return Expression("time_ns::VARCHAR")
    if field.kind is Kind.NUMBER:
        return Expression(f"nullif({field.column}, 0)::VARCHAR")
    if field.kind is not Kind.ATTRIBUTE:
        return Expression(f"nullif({field.column}, '')")
    found, parameters = _extracted(field, "json_extract_string")
    if field.scale != 1.0:
        return Expression(f"(try_cast({found} AS DOUBLE) * {field.scale!r})::VARCHAR", parameters)
    return Expression(found, parameters)


def number_of(field: LogField) -> Expression:
    """Return the value of a field as a number, NULL where it is none: a text that looks like one is none."""
    if field.kind is not Kind.ATTRIBUTE:
        return Expression(f"{field.column}::DOUBLE")
    found, parameters = _extracted(field, "json_extract")
    return Expression(f"(try_cast({found}::VARCHAR AS DOUBLE) * {field.scale!r})", parameters)


def _extracted(field: LogField, function: str) -> tuple[str, tuple[str, ...]]:
    """Return the SQL that takes an attribute out of the line's or the resource's, with its parameters."""
    pointers = [pointer for name in field.attributes for pointer in _pointers(name)]
    found = ", ".join(f"{function}({column}, ?)" for _ in pointers for column in ("attributes", "resource"))
    return f"coalesce({found})", tuple(pointer for pointer in pointers for _ in range(2))


def _pointers(name: str) -> list[str]:
    """Return where JSON may have a dotted name: as one key, or as keys of objects within each other."""
    escaped = name.replace("~", "~0").replace("/", "~1")
    return list(dict.fromkeys([f"/{escaped}", f"/{escaped.replace('.', '/')}"]))
