"""Spans as SQL: the sources of one read as one relation, the conditions of a query, and the search for traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelerapp.server.storage.contracts import SpanQuery, TracePosition
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.deadline import Deadline
from accelerapp.server.storage.head import TableHead
from accelerapp.server.storage.otlp import SPAN_COLUMNS, attribute_line
from accelerapp.server.storage.segments import TableSegment

TableSource = TableHead | TableSegment
Row = tuple[Any, ...]
Rows = list[Row]

_COLUMNS = ", ".join(SPAN_COLUMNS)
#: Of how many spans a trace is taken to consist when the first part of the time is chosen to search in.
_SPANS_OF_A_TRACE = 32
_WIDER = 8


class SpanTables:
    """The pinned sources of one read; every query of it is ended by one deadline."""

    def __init__(self, database: Database, sources: Sequence[TableSource], deadline: Deadline) -> None:
        self._database = database
        self._deadline = deadline
        self._sources = sources
        self.all = self._union(sources)
        self.lowest = min((one.lowest for one in sources), default=0)
        self.highest = max((one.highest for one in sources), default=-1)
        self.row_count = sum(one.rows for one in sources)

    def between(self, start_ns: int, end_ns: int) -> str:
        """Return the relation of the sources that reach into a time range."""
        return self._union([one for one in self._sources if one.overlaps(start_ns, end_ns)])

    def rows(self, query: str, parameters: Sequence[Any]) -> Rows:
        """Run a query; raises ReadTimeoutError once the deadline is over."""
        with self._database.cursor() as cursor, self._deadline.bounding(cursor):
            return cursor.execute(query, list(parameters)).fetchall()

    @staticmethod
    def among(column: str, count: int) -> str:
        """Return the condition that a column is one of `count` parameters, in the form that skips blocks."""
        return f"{column} IN ({', '.join('?' * count)})"

    @staticmethod
    def _union(sources: Sequence[TableSource]) -> str:
        if not sources:
            types = ", ".join(f"NULL::{sql_type} AS {name}" for name, sql_type in SPAN_COLUMNS.items())
            return f"(SELECT {types} WHERE false)"
        parts = (f"SELECT {_COLUMNS} FROM {one.relation}" for one in sources)  # noqa: S608
        return f"({' UNION ALL '.join(parts)})"


def newest_traces(tables: SpanTables, query: SpanQuery) -> list[TracePosition]:
    """Return where the traces stand that have a span which meets the query, the newest first.

    The newest part of the time is searched first, then wider ones, until there are enough: what most people ask for
    is found without grouping all spans, and what is rare costs little more than one pass over all of them.
    """
    first = max(query.start_ns, tables.lowest)
    last = min(query.end_ns, tables.highest)
    newest = last if query.before is None else min(last, query.before.start_ns)
    if first > last or not query.limit:
        return []
    width = max(1, (tables.highest - tables.lowest) * query.limit * _SPANS_OF_A_TRACE // tables.row_count)
    conditions, parameters = span_conditions(query)
    page, place = "true", []
    if query.before is not None:
        page = "(max(start_ns) < ? OR (max(start_ns) = ? AND trace_id > ?))"
        place = [query.before.start_ns, query.before.start_ns, query.before.trace_id]
    while True:
        begin = max(first, newest - width)
        rows = tables.rows(
            f"SELECT max(start_ns), trace_id FROM {tables.between(begin, last)} "  # noqa: S608 - values are parameters
            f"WHERE start_ns BETWEEN ? AND ? AND {conditions} "
            f"GROUP BY trace_id HAVING {page} ORDER BY max(start_ns) DESC, trace_id LIMIT ?",
            [begin, last, *parameters, *place, query.limit],
        )
        if begin == first or len(rows) == query.limit:
            return [TracePosition(*row) for row in rows]
        width *= _WIDER


def span_conditions(query: SpanQuery) -> tuple[str, list[Any]]:
    """Return the conditions of a query but for its times, and their parameters."""
    optional: list[tuple[str, Any]] = [
        ("service = ?", query.service),
        ("name = ?", query.name),
        ("kind = ?", query.kind),
        ("status = ?", query.status),
        ("scope = ?", query.scope),
        ("end_ns - start_ns >= ?", query.min_duration_ns),
        ("end_ns - start_ns <= ?", query.max_duration_ns),
    ]
    optional += [("contains(search, ?)", attribute_line(*pair)) for pair in query.attributes.items()]
    given = [(condition, value) for condition, value in optional if value is not None]
    return " AND ".join(["true", *(condition for condition, _ in given)]), [value for _, value in given]
