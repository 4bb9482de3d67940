"""Reads spans from the head and the segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from accelerapp.server.signals import Span
from accelerapp.server.storage.contracts import (
    Operation,
    PeerCall,
    RawSpan,
    ServiceCall,
    ServiceFigures,
    ServiceShare,
    SpanFigures,
    SpanPoint,
    SpanQuery,
    TracePosition,
    TraceSummary,
)
from accelerapp.server.storage.index import EVERY_BLOCK
from accelerapp.server.storage.parts import TableSource
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.servicefigures import peers, services
from accelerapp.server.storage.spanfigures import calls, figures, points
from accelerapp.server.storage.spansql import (
    LONGEST_NS,
    NAMED,
    Rows,
    SpanTables,
    longest_traces,
    named,
    newest_traces,
    union,
)

Result = TypeVar("Result")

_COLUMNS = ", ".join(RawSpan._fields)
#: Traces are read by so many at a time, until there are enough spans.
_TRACES_AT_ONCE = 100
_PARTS = "trace_id, span_id, parent_span_id, name, service, start_ns, end_ns, status"


class StoredSpans:
    """Implements `SpanReader`."""

    def __init__(self, reader: SourceReader[TableSource]) -> None:
        self._reader = reader

    def trace(self, trace_id: str, limit: int = 100_000) -> list[Span]:
        """Return the spans of one trace in order of their start, each once, at most `limit`."""
        return [_span(one) for one in self.raw_trace(trace_id, limit)]

    def raw_trace(self, trace_id: str, limit: int = 100_000) -> list[RawSpan]:
        """Return what `trace` does without reading the JSON in it."""
        return self._read(lambda tables: _spans(tables, [trace_id.lower()], limit))

    def traces(self, trace_ids: Sequence[str], limit: int = 100_000) -> dict[str, list[Span]]:
        """Return the spans of several traces by their ids, at most `limit` together."""
        ids = list(dict.fromkeys(one.lower() for one in trace_ids))

        def read(tables: SpanTables) -> dict[str, list[Span]]:
            found: dict[str, list[Span]] = {}
            left = limit
            for first in range(0, len(ids), _TRACES_AT_ONCE):
                spans = _spans(tables, ids[first : first + _TRACES_AT_ONCE], left)
                for span in spans:
                    found.setdefault(span.trace_id, []).append(_span(span))
                left -= len(spans)
                if not left:
                    break
            return found

        return self._read(read)

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        """Return the traces that have a span which meets every condition, the newest or the longest first."""

        def read(tables: SpanTables) -> list[TraceSummary]:
            found = (longest_traces if query.longest else newest_traces)(tables, query)
            return _summaries(tables, found) if found else []

        return self._read(read)

    def figures(self, query: SpanQuery, limit: int = 100) -> SpanFigures:
        """Sum up the spans that meet a query, the operations with the most spans first."""
        return self._read(lambda tables: figures(tables, query, limit))

    def points(self, query: SpanQuery, limit: int = 1000) -> list[SpanPoint]:
        """Return spans that meet a query in order of their start, a sample where there are more than `limit`."""
        return self._read(lambda tables: points(tables, query, limit))

    def calls(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[ServiceCall]:
        """Return who calls whom by the spans that start in a time range, the most calls first."""
        return self._read(lambda tables: calls(tables, start_ns, end_ns, limit))

    def service_figures(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[ServiceFigures]:
        """Sum up the services whose spans start in a time range, the most requests first."""
        return self._read(lambda tables: services(tables, start_ns, end_ns, limit))

    def peers(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[PeerCall]:
        """Return what is called and sends no spans, by the spans that start in a time range."""
        return self._read(lambda tables: peers(tables, start_ns, end_ns, limit))

    def services(self) -> list[str]:
        """Return the names of the services that sent spans, in ascending order."""
        rows = self._read(
            lambda tables: tables.rows(f"SELECT DISTINCT service FROM {tables.all} ORDER BY service", [])  # noqa: S608
        )
        return [row[0] for row in rows]

    def operations(self, service: str | None = None, most: int = 1000) -> list[Operation]:
        """Return what the spans of one service, or of all, are called, in ascending order, at most so many of each."""
        condition, parameters = ("true", []) if service is None else ("service = ?", [service])

        def read(tables: SpanTables) -> Rows:
            return tables.rows(
                f"FROM (SELECT DISTINCT service, name, kind FROM {tables.all} WHERE {condition}) "  # noqa: S608
                "QUALIFY row_number() OVER (PARTITION BY service ORDER BY name, kind) <= ? "
                "ORDER BY service, name, kind",
                [*parameters, most],
            )

        return [Operation(*row) for row in self._read(read)]

    def _read(self, run: Callable[[SpanTables], Result]) -> Result:
        """Return what `run` makes of all sources that hold anything; all its queries have one deadline."""
        deadline = self._reader.deadline()
        return self._reader.read(
            lambda one: one.rows > 0,
            lambda sources: run(SpanTables(self._reader.database, sources, deadline)),
        )


def _spans(tables: SpanTables, ids: Sequence[str], limit: int) -> list[RawSpan]:
    """Return the spans of some traces, in the order of the ids, then of their start, each once, at most `limit`."""
    asked = limit
    while True:
        rows = tables.rows(
            f"SELECT {_COLUMNS} FROM {tables.all} JOIN {NAMED} ON named.id = trace_id "  # noqa: S608 - own names
            "ORDER BY named.place, start_ns, end_ns DESC, span_id LIMIT ?",
            [*named(ids), asked],
        )
        # Few spans were sent twice: to have DuckDB look for them costs as much again as the read.
        once: dict[tuple[str, str, int], RawSpan] = {}
        for span in map(RawSpan._make, rows):
            once.setdefault((span.trace_id, span.span_id, span.start_ns), span)
        if len(rows) < asked or len(once) >= limit:
            return list(once.values())[:limit]
        asked *= 2


def _summaries(tables: SpanTables, found: Sequence[TracePosition]) -> list[TraceSummary]:
    """Sum up traces, in the order in which they were found."""
    ids, starts = [one.trace_id for one in found], [one.start_ns for one in found]
    around = union(tables.where(EVERY_BLOCK, min(starts) - LONGEST_NS, max(starts) + LONGEST_NS))
    rows = tables.rows(
        f"""
        WITH spans AS (
            SELECT DISTINCT ON (trace_id, span_id, start_ns) {_PARTS}
            FROM {around} JOIN {NAMED} ON named.id = trace_id
        ), parents AS (SELECT DISTINCT trace_id, span_id FROM spans)
        SELECT spans.trace_id, service, count(*), count_if(status = 'error'), min(start_ns), max(end_ns),
            count_if(parents.span_id IS NULL AND parent_span_id NOT IN ('', spans.span_id)),
            min({{'start': start_ns, 'id': spans.span_id, 'name': name}}) FILTER (WHERE parents.span_id IS NULL),
            min({{'start': start_ns, 'id': spans.span_id, 'name': name}})
        FROM spans LEFT JOIN parents ON parents.trace_id = spans.trace_id
            AND parents.span_id = spans.parent_span_id AND spans.span_id <> spans.parent_span_id
        GROUP BY spans.trace_id, service ORDER BY spans.trace_id, service
        """,  # noqa: S608
        named(ids),
    )
    parts: dict[str, Rows] = {}
    for row in rows:
        parts.setdefault(row[0], []).append(row)
    return [_summary(one, parts[one.trace_id]) for one in found]


def _summary(position: TracePosition, rows: Rows) -> TraceSummary:
    """Sum up a trace from what each of its services has; spans that form a ring have no root but their earliest."""
    roots = [(row[7], row[1]) for row in rows if row[7] is not None] or [(row[8], row[1]) for row in rows]
    root, service = min(roots, key=lambda one: (one[0]["start"], one[0]["id"]))
    return TraceSummary(
        position=position,
        root_service=service,
        root_name=root["name"],
        start_ns=min(row[4] for row in rows),
        end_ns=max(row[5] for row in rows),
        span_count=sum(row[2] for row in rows),
        error_count=sum(row[3] for row in rows),
        orphan_count=sum(row[6] for row in rows),
        services=tuple(ServiceShare(row[1], row[2], row[3]) for row in rows),
    )


def _span(raw: RawSpan) -> Span:
    told = raw._asdict()
    for name in ("attributes", "resource"):
        told[name] = orjson.loads(told[name])
    for name in ("events", "links"):
        told[name] = tuple(orjson.loads(told[name]))
    return Span(**told)
