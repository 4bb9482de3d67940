"""OTLP log records, decoded to columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from struct import unpack_from
from typing import Any, Final

import numpy as np
import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from accelerapp.server.storage import wire
from accelerapp.server.storage.otlp import (
    DTYPES,
    UNKNOWN_SERVICE,
    Columns,
    MalformedRequestError,
    SlicedRequest,
    any_value,
    attributes,
    time_ns,
    to_json,
)
from accelerapp.server.storage.wire import BYTES, FIXED64, INT32, STRING, Field

LOG_COLUMNS: Final = {
    "time_ns": "BIGINT",
    "id": "BIGINT",
    "level": "VARCHAR",
    "severity_number": "INTEGER",
    "service": "VARCHAR",
    "body": "VARCHAR",
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "correlation_id": "VARCHAR",
    "attributes": "VARCHAR",
    "resource": "VARCHAR",
    "scope": "VARCHAR",
}
# What a record has of its own, in the order in which it is added; the other columns are those of its scope.
_OWN = (
    "time_ns",
    "id",
    "level",
    "severity_number",
    "body",
    "trace_id",
    "span_id",
    "correlation_id",
    "attributes",
)
#: The `id` of a line is the number of its request in the journal, and in the bits below its place in that request.
_PLACE_BITS = 24
#: The levels of OpenTelemetry's severity numbers, four to each.
LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITIES = {level: 4 * index + 1 for index, level in enumerate(LEVELS)} | {
    "WARNING": 13,
    "CRITICAL": 21,
    "NOTSET": 0,
}
_REMEMBERED = 1000

# Values are decoded by their first byte, below; what is in a message of its own costs three times as much to reach.
_SHAPES = {
    "Request": {"resourced": Field(1, "Resourced", repeated=True)},
    "Resourced": {"resource": Field(1, BYTES), "scoped": Field(2, "Scoped", repeated=True)},
    "Scoped": {"scope": Field(1, BYTES), "items": Field(2, "LogRecord", repeated=True)},
    "LogRecord": {
        "time_unix_nano": Field(1, FIXED64),
        "observed_time_unix_nano": Field(11, FIXED64),
        "severity_number": Field(2, INT32),
        "severity_text": Field(3, BYTES),
        "body": Field(5, BYTES),
        "attributes": Field(6, "KeyValue", repeated=True),
        "trace_id": Field(9, BYTES),
        "span_id": Field(10, BYTES),
    },
    "KeyValue": {"key": Field(1, STRING), "value": Field(2, BYTES)},
}
_Request, _Record = wire.messages("logs", _SHAPES, "Request", "LogRecord")


class LogDecoder:
    """Gathers the log records of requests as columns; `damaged` counts those that could not be read."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in LOG_COLUMNS}
        self._levels: dict[tuple[bytes, int], tuple[str, int]] = {}
        self.damaged = 0

    def __len__(self) -> int:
        return len(self._columns["time_ns"])

    def add(self, request: bytes, received_ns: int, sequence: int) -> None:
        """Decode a request with the number that it has in the journal.

        A record without a time gets that of its receipt.
        """
        place = sequence << _PLACE_BITS
        columns = self._columns
        try:
            whole = _Request.FromString(request)
        except DecodeError:  # a record is damaged, and the others are not
            whole = SlicedRequest.FromString(request)
        for resourced in whole.resourced:
            resource = attributes(resource_pb2.Resource.FromString(resourced.resource).attributes)
            service = str(resource.get("service.name") or UNKNOWN_SERVICE)
            resource_json = to_json(resource)
            for scoped in resourced.scoped:
                scope = common_pb2.InstrumentationScope.FromString(scoped.scope).name
                before = len(self)
                try:
                    self._add(scoped.items, place, received_ns)
                finally:
                    added = len(self) - before
                    columns["service"] += [service] * added
                    columns["resource"] += [resource_json] * added
                    columns["scope"] += [scope] * added
                place += len(scoped.items)

    def columns(self) -> Columns:
        return {
            name: np.array(cells, dtype=DTYPES[LOG_COLUMNS[name]]) for name, cells in self._columns.items()
        }

    def _add(self, items: Iterable[Any], first_id: int, received_ns: int) -> None:
        """Add the records of a scope, each decoded already or, after damage, its bytes."""
        (
            add_time,
            add_id,
            add_level,
            add_number,
            add_body,
            add_trace_id,
            add_span_id,
            add_correlation_id,
            add_attributes,
        ) = (self._columns[name].append for name in _OWN)
        levels = self._levels
        for line_id, item in enumerate(items, first_id):
            try:
                record = _Record.FromString(item) if isinstance(item, bytes) else item
                at = time_ns(record.time_unix_nano or record.observed_time_unix_nano or received_ns)
                own = {pair.key: _value(pair.value) for pair in record.attributes}
                body = _value(record.body)
                text = body if isinstance(body, str) else "" if body is None else to_json(body)
                correlation_id = str(own.get("correlation_id") or own.get("correlation.id") or "")
                own_json = orjson.dumps(own).decode()
                severity = record.severity_text, record.severity_number
                level, number = levels.get(severity) or self._level(*severity)
            except (DecodeError, MalformedRequestError, UnicodeDecodeError):
                self.damaged += 1
                continue
            trace_id, span_id = record.trace_id, record.span_id
            add_time(at)
            add_id(line_id)
            add_level(level)
            add_number(number)
            add_body(text)
            add_trace_id(trace_id.hex() if len(trace_id) == 16 else "")
            add_span_id(span_id.hex() if len(span_id) == 8 else "")
            add_correlation_id(correlation_id)
            add_attributes(own_json)

    def _level(self, raw: bytes, number: int) -> tuple[str, int]:
        """Return a severity's text and number, each made from the other where only one was sent."""
        text = raw.decode()
        known = (number if 0 < number <= 24 else 0) or _SEVERITIES.get(text.upper(), 0)
        level = text or (LEVELS[(known - 1) // 4] if known else ""), known
        if len(self._levels) < _REMEMBERED:
            self._levels[raw, number] = level
        return level


def _value(raw: bytes) -> Any:
    """Return the value of an `AnyValue`: short texts, numbers and what else is common without a message of its own."""
    kind = raw[:1]
    if kind == b"\x0a" and 1 < len(raw) < 130 and len(raw) == raw[1] + 2:  # string_value
        return raw[2:].decode()
    if kind == b"\x18" and len(raw) == 2 and raw[1] < 128:  # int_value, of one byte
        return raw[1]
    if kind == b"\x18" and len(raw) == 3 and raw[2] < 128:  # and of two
        return raw[1] & 127 | raw[2] << 7
    if kind == b"\x21" and len(raw) == 9:  # double_value
        (number,) = unpack_from("<d", raw, 1)
        if math.isfinite(number):
            return number
    return any_value(common_pb2.AnyValue.FromString(raw))
