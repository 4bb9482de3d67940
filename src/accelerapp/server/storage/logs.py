"""Reads log records from the head and the segments."""

from __future__ import annotations

import shlex
from typing import Any

import orjson

from accelerapp.server.signals import LogRecord
from accelerapp.server.storage.contracts import LogQuery
from accelerapp.server.storage.otlp import LOG_COLUMNS
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.spans import TableSource, table_rows

_COLUMNS = ", ".join(LOG_COLUMNS)


class StoredLogs:
    """Implements `LogReader`."""

    def __init__(self, reader: SourceReader[TableSource]) -> None:
        self._reader = reader

    def search(self, query: LogQuery) -> list[LogRecord]:
        """Return the newest records that meet every condition.

        The words of `text` may stand anywhere in the body; what stands in double quotes is one phrase.
        """
        conditions, parameters = _conditions(query)
        rows = table_rows(
            self._reader,
            _COLUMNS,
            f"SELECT {_COLUMNS} FROM {{}} WHERE {conditions} ORDER BY time_ns DESC LIMIT ?",  # noqa: S608
            [*parameters, query.limit],
            self._reader.deadline(),
            (query.start_ns, query.end_ns),
        )
        return [_record(row) for row in rows]


def words(text: str) -> list[str]:
    """Split a search into its words and quoted phrases; an unpaired quote is an ordinary character."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.quotes, lexer.escape, lexer.commenters = '"', "", ""
    try:
        return [word for word in lexer if word]
    except ValueError:
        return text.split()


def _conditions(query: LogQuery) -> tuple[str, list[Any]]:
    conditions, parameters = ["time_ns BETWEEN ? AND ?"], [query.start_ns, query.end_ns]
    optional: list[tuple[str, Any]] = [
        ("service = ?", query.service),
        ("severity_number >= ?", query.min_severity),
        ("trace_id = ?", query.trace_id.lower() if query.trace_id else None),
        ("span_id = ?", query.span_id.lower() if query.span_id else None),
        ("correlation_id = ?", query.correlation_id),
    ]
    optional += [("contains(lower(body), lower(?))", word) for word in words(query.text or "")]
    for condition, value in optional:
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    return " AND ".join(conditions), parameters


def _record(row: tuple[Any, ...]) -> LogRecord:
    named = dict(zip(LOG_COLUMNS, row, strict=True))
    named["attributes"] = orjson.loads(named["attributes"])
    named["resource"] = orjson.loads(named["resource"])
    return LogRecord(**named)
