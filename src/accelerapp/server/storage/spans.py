"""Reads spans from the head and the segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from accelerapp.server.signals import Span
from accelerapp.server.storage.contracts import SpanQuery, TraceSummary
from accelerapp.server.storage.deadline import Deadline
from accelerapp.server.storage.head import TableHead
from accelerapp.server.storage.otlp import SPAN_COLUMNS, attribute_line
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.segments import TableSegment

TableSource = TableHead | TableSegment
Row = tuple[Any, ...]

_SPAN = ", ".join(name for name in SPAN_COLUMNS if name != "search")
_SUMMARY = "trace_id, span_id, parent_span_id, name, service, start_ns, end_ns, status"


class StoredSpans:
    """Implements `SpanReader`."""

    def __init__(self, reader: SourceReader[TableSource]) -> None:
        self._reader = reader

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace in order of their start, each once."""
        rows = self._rows(
            f"SELECT DISTINCT ON (span_id, start_ns) {_SPAN} FROM {{}} WHERE trace_id = ? "  # noqa: S608
            "ORDER BY start_ns, end_ns DESC, span_id",
            [trace_id.lower()],
            self._reader.deadline(),
        )
        return [_span(row) for row in rows]

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        """Return the newest traces that have a span which meets every condition."""
        deadline = self._reader.deadline()
        conditions, parameters = _conditions(query)
        found = self._rows(
            f"SELECT trace_id FROM {{}} WHERE {conditions} "  # noqa: S608 - values are parameters
            "GROUP BY trace_id ORDER BY max(start_ns) DESC, trace_id LIMIT ?",
            [*parameters, query.limit],
            deadline,
            (query.start_ns, query.end_ns),
        )
        rows = self._rows(
            f"SELECT DISTINCT {_SUMMARY} FROM {{}} WHERE list_contains(?, trace_id) "  # noqa: S608
            "ORDER BY start_ns, span_id",
            [[row[0] for row in found]],
            deadline,
        )
        by_trace: dict[str, dict[tuple[str, int], Row]] = {}
        for row in rows:
            by_trace.setdefault(row[0], {}).setdefault((row[1], row[5]), row)
        summaries = [_summary(trace_id, list(spans.values())) for trace_id, spans in by_trace.items()]
        return sorted(summaries, key=lambda one: (-one.start_ns, one.trace_id))

    def services(self) -> list[str]:
        """Return the names of the services that sent spans, in ascending order."""
        query = "SELECT DISTINCT service FROM {} ORDER BY service"
        return [row[0] for row in self._rows(query, [], self._reader.deadline())]

    def operations(self, service: str) -> list[str]:
        """Return the names of a service's spans, in ascending order."""
        query = "SELECT DISTINCT name FROM {} WHERE service = ? ORDER BY name"
        return [row[0] for row in self._rows(query, [service], self._reader.deadline())]

    def _rows(
        self, query: str, parameters: list[Any], deadline: Deadline, times: tuple[int, int] | None = None
    ) -> list[Row]:
        """Run a query over the sources that reach into a time range, or over all."""
        return table_rows(self._reader, ", ".join(SPAN_COLUMNS), query, parameters, deadline, times)


def table_rows(
    reader: SourceReader[TableSource],
    columns: str,
    query: str,
    parameters: list[Any],
    deadline: Deadline,
    times: tuple[int, int] | None,
) -> list[Row]:
    """Run a query whose `{}` stands for all rows of the sources that reach into a time range, or of all.

    Raises ReadTimeoutError once the deadline is over.
    """

    def run(sources: Sequence[TableSource]) -> list[Row]:
        if not sources:
            return []
        union = " UNION ALL ".join(f"SELECT {columns} FROM {one.relation}" for one in sources)  # noqa: S608
        with reader.database.cursor() as cursor, deadline.bounding(cursor):
            return cursor.execute(query.format(f"({union})"), parameters).fetchall()

    return reader.read(lambda one: one.rows > 0 and (times is None or one.overlaps(*times)), run)


def _conditions(query: SpanQuery) -> tuple[str, list[Any]]:
    conditions, parameters = ["start_ns BETWEEN ? AND ?"], [query.start_ns, query.end_ns]
    optional: list[tuple[str, Any]] = [
        ("service = ?", query.service),
        ("name = ?", query.name),
        ("status = ?", query.status),
        ("end_ns - start_ns >= ?", query.min_duration_ns),
        ("end_ns - start_ns <= ?", query.max_duration_ns),
    ]
    optional += [
        ("contains(search, ?)", attribute_line(key, value)) for key, value in query.attributes.items()
    ]
    for condition, value in optional:
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    return " AND ".join(conditions), parameters


def _span(row: Row) -> Span:
    named = dict(zip((name for name in SPAN_COLUMNS if name != "search"), row, strict=True))
    for name in ("attributes", "resource"):
        named[name] = orjson.loads(named[name])
    for name in ("events", "links"):
        named[name] = tuple(orjson.loads(named[name]))
    return Span(**named)


def _summary(trace_id: str, rows: Sequence[Row]) -> TraceSummary:
    """Sum up the spans of a trace, which come in order of their start."""
    stored = {row[1] for row in rows}
    root = next((row for row in rows if row[2] not in stored), rows[0])
    return TraceSummary(
        trace_id=trace_id,
        root_service=root[4],
        root_name=root[3],
        start_ns=rows[0][5],
        end_ns=max(row[6] for row in rows),
        span_count=len(rows),
        error_count=sum(row[7] == "error" for row in rows),
        services=tuple(sorted({row[4] for row in rows})),
    )
