"""Structured logs: one JSON object a line, with the ids that tie a line to a request and a trace."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from accelerapp.monitoring.correlation import get_correlation_id
from accelerapp.monitoring.trace_context import current_trace

#: What the logging module itself puts on a record; all else was put there by the caller's `extra`.
#: `color_message` is uvicorn's, the message once more with escape codes for a terminal.
_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "color_message",
    "message",
    "taskName",
}
_OURS = frozenset({"extra_fields", "correlation_id", "trace_id", "span_id"})

_HANDLER_MARK = "_accelerapp_handler"


def stamp(record: logging.LogRecord) -> None:
    """Put correlation, trace and span id on a record that lacks them.

    Called where the record is made or first handled, for a formatter may run in another thread.
    """
    if getattr(record, "correlation_id", None) is None:
        record.correlation_id = get_correlation_id()
    if not hasattr(record, "trace_id"):
        trace = current_trace()
        record.trace_id, record.span_id = trace if trace is not None else (None, None)


def extra_fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller added: the fields of `extra_fields` and all other `extra` attributes."""
    fields = {
        key: value
        for key, value in vars(record).items()
        if key not in _STANDARD_ATTRIBUTES and key not in _OURS
    }
    nested = getattr(record, "extra_fields", None)
    if isinstance(nested, Mapping):
        fields.update({str(key): value for key, value in nested.items()})
    return fields


class ContextFilter(logging.Filter):
    """Stamps every record that passes and lets all pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        stamp(record)
        return True


def record_as_dict(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of one log line; times are RFC 3339 in UTC, extra fields stand beside the others.

    An extra field that has the name of one of ours keeps its value under the name with `_` appended.
    """
    stamp(record)
    fields: dict[str, Any] = {
        "timestamp": _rfc3339(record.created),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    for key in ("correlation_id", "trace_id", "span_id"):
        value = getattr(record, key, None)
        if value is not None:
            fields[key] = value
    fields |= {"module": record.module, "function": record.funcName, "line": record.lineno}
    if record.exc_info:
        fields["exception"] = record.exc_text or logging.Formatter().formatException(record.exc_info)
    if record.stack_info:
        fields["stack"] = record.stack_info
    for key, value in extra_fields_of(record).items():
        fields[f"{key}_" if key in fields else key] = value
    return fields


def to_json(fields: Mapping[str, Any]) -> str:
    """Return one line of JSON, whatever the values are; what JSON cannot say becomes its text."""
    try:
        line = json.dumps(fields, default=_text_of, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        line = json.dumps(_plain(fields, 8), ensure_ascii=False)
    # A lone surrogate has no UTF-8; its escape `\\ud800` is the same in JSON.
    return line if line.isascii() else line.encode("utf-8", "backslashreplace").decode("utf-8")


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not cost the line
        return f"<{type(value).__name__}>"


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > 0 and isinstance(value, Mapping):
        return {str(key): _plain(item, depth - 1) for key, item in value.items()}
    if depth > 0 and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in value]
    return _text_of(value)


def _rfc3339(created: float) -> str:
    moment = dt.datetime.fromtimestamp(created, tz=dt.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return to_json(record_as_dict(record))


class TextFormatter(logging.Formatter):
    """Formats a record for a person: time, level, logger, message, ids and extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        stamp(record)
        line = f"{_rfc3339(record.created)} {record.levelname:<8} {record.name}: {record.getMessage()}"
        ids = {key: getattr(record, key, None) for key in ("correlation_id", "trace_id")}
        pairs = {**{key: value for key, value in ids.items() if value}, **extra_fields_of(record)}
        if pairs:
            line += " [" + " ".join(f"{key}={value}" for key, value in pairs.items()) + "]"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            line += "\n" + record.stack_info
        return line


def setup_logging(
    level: str | int = "INFO", structured: bool = True, log_file: str | Path | None = None
) -> None:
    """Send the root logger's records to standard error and, where given, to a file.

    Handlers of an earlier call are replaced; handlers of others stay.

    Args:
        level: Name or number of the lowest level that is let through.
        structured: JSON lines, or lines for people.
        log_file: Appended to, in UTF-8; its folder is made.

    Raises:
        ValueError: there is no such level.
        OSError: the file cannot be opened.
    """
    number = logging.getLevelNamesMapping().get(level.upper()) if isinstance(level, str) else level
    if number is None:
        raise ValueError(f"log level {level!r} is none of {', '.join(logging.getLevelNamesMapping())}")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file is not None:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, _HANDLER_MARK, False)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        setattr(handler, _HANDLER_MARK, True)
        handler.addFilter(ContextFilter())
        handler.setFormatter(JsonFormatter() if structured else TextFormatter())
        root.addHandler(handler)
    root.setLevel(number)


class ContextLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that adds its correlation id and fields to each record."""

    def __init__(
        self, logger: logging.Logger, correlation_id: str | None, extra_fields: Mapping[str, Any]
    ) -> None:
        super().__init__(logger, {})
        self.correlation_id = correlation_id
        self.extra_fields = dict(extra_fields)

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        extra = dict(kwargs.get("extra") or {})
        given = extra.get("extra_fields")
        extra["extra_fields"] = {**self.extra_fields, **(given if isinstance(given, Mapping) else {})}
        if self.correlation_id is not None:
            extra.setdefault("correlation_id", self.correlation_id)
        kwargs["extra"] = extra
        return msg, kwargs


def get_logger(name: str, correlation_id: str | None = None, **extra_fields: Any) -> ContextLogger:
    """Return a logger whose records carry these fields.

    Args:
        name: As for `logging.getLogger`.
        correlation_id: For all records of this logger; None takes the one of the context at each record.
        extra_fields: End as top-level fields of the JSON, as do those of `extra={"extra_fields": {…}}`.
    """
    return ContextLogger(logging.getLogger(name), correlation_id, extra_fields)
