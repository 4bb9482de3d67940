"""Spans as SQL: the sources of one read as one relation, the conditions of a query, and the search for traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accelerapp.server.storage.conditions import Condition, all_of
from accelerapp.server.storage.contracts import SpanQuery, TracePosition
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.deadline import Deadline
from accelerapp.server.storage.index import EVERY_BLOCK, HasWords, Wanted
from accelerapp.server.storage.otlp import SPAN_COLUMNS, attribute_line, attribute_words
from accelerapp.server.storage.parts import TableSource, counted

Row = tuple[Any, ...]
Rows = list[Row]

#: How long before or after a span others of its trace are looked for that go with it: a day.
LONGEST_NS = 24 * 3600 * 1_000_000_000
#: Trace ids with their places, as SQL to join: of a segment, which is in the order of trace ids, DuckDB then reads what
#: lies around them, in a third of the time that a list of them takes.
NAMED = "(SELECT unnest(?::VARCHAR[]) AS id, unnest(?::INTEGER[]) AS place) AS named"
_COLUMNS = ", ".join(SPAN_COLUMNS)
#: Of how many spans a trace is taken to consist when the first part of the time is chosen to search in.
_SPANS_OF_A_TRACE = 32
_WIDER = 8
#: Fewer rows are read at once: a pass over some of them would save nothing.
_FEW_ROWS = 60_000


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows as SQL that stands behind FROM, about how many they are, and between which times they lie."""

    sql: str
    rows: int
    lowest: int
    highest: int


class SpanTables:
    """The pinned sources of one read; every query of it is ended by one deadline."""

    def __init__(self, database: Database, sources: Sequence[TableSource], deadline: Deadline) -> None:
        self._database = database
        self._deadline = deadline
        self._sources = [Relation(one.relation, one.rows, one.lowest, one.highest) for one in sources]
        self._pinned = sources
        self.all = union(self._sources)

    def where(self, wanted: Wanted, start_ns: int, end_ns: int) -> list[Relation]:
        """Return the rows that may be wanted, of the sources that reach into a time range."""
        times = (start_ns, end_ns)
        if wanted == EVERY_BLOCK:
            return [one for one in self._sources if one.lowest <= end_ns and one.highest >= start_ns]
        with self._database.cursor() as cursor, self._deadline.bounding(cursor):
            counts = [
                (source, counted(cursor, source, wanted, times))
                for source in self._pinned
                if source.overlaps(*times)
            ]
        return [Relation(*some, one.lowest, one.highest) for one, some in counts if some is not None]

    def rows(self, query: str, parameters: Sequence[Any]) -> Rows:
        """Run a query; raises ReadTimeoutError once the deadline is over."""
        with self._database.cursor() as cursor, self._deadline.bounding(cursor):
            return cursor.execute(query, list(parameters)).fetchall()


def named(trace_ids: Sequence[str]) -> list[Any]:
    """Return the parameters of `NAMED`."""
    return [list(trace_ids), list(range(len(trace_ids)))]


def union(relations: Sequence[Relation]) -> str:
    """Return all rows of some relations as one."""
    if not relations:
        types = ", ".join(f"NULL::{sql_type} AS {name}" for name, sql_type in SPAN_COLUMNS.items())
        return f"(SELECT {types} WHERE false)"
    parts = (f"SELECT {_COLUMNS} FROM {one.sql}" for one in relations)  # noqa: S608 - own names
    return f"({' UNION ALL '.join(parts)})"


def newest_traces(tables: SpanTables, query: SpanQuery) -> list[TracePosition]:
    """Return where the traces stand that have a span which meets the query, the newest first.

    The newest part of the time is searched first, then wider ones, until there are enough: what most people ask for
    is found without grouping all spans, and what is rare costs little more than one pass over all of them.
    """
    condition = search_condition(tables, query)
    relations = tables.where(condition.wanted, query.start_ns, query.end_ns)
    if not relations or not query.limit:
        return []
    lowest, highest = min(one.lowest for one in relations), max(one.highest for one in relations)
    first, last = max(query.start_ns, lowest), min(query.end_ns, highest)
    newest = last if query.before is None else min(last, query.before.start_ns)
    rows = sum(one.rows for one in relations)
    width = max(1, (highest - lowest) * max(_FEW_ROWS, query.limit * _SPANS_OF_A_TRACE) // rows)
    page, place = "true", []
    if query.before is not None:
        page = "(max(start_ns) < ? OR (max(start_ns) = ? AND trace_id > ?))"
        place = [query.before.start_ns, query.before.start_ns, query.before.trace_id]
    while True:
        begin = max(first, newest - width)
        searched = union([one for one in relations if one.highest >= begin])
        found = tables.rows(
            f"SELECT max(start_ns), trace_id FROM {searched} "  # noqa: S608 - values are parameters
            f"WHERE start_ns BETWEEN ? AND ? AND {condition.sql} "
            f"GROUP BY trace_id HAVING {page} ORDER BY max(start_ns) DESC, trace_id LIMIT ?",
            [begin, last, *condition.parameters, *place, query.limit],
        )
        if begin <= first or len(found) == query.limit:
            return [TracePosition(*row) for row in found]
        width *= _WIDER


def longest_traces(tables: SpanTables, query: SpanQuery) -> list[TracePosition]:
    """Return where the traces stand that have a span which meets the query, those that last longest first."""
    condition = search_condition(tables, query)
    searched = union(tables.where(condition.wanted, query.start_ns, query.end_ns))
    around = union(tables.where(EVERY_BLOCK, query.start_ns - LONGEST_NS, query.end_ns + LONGEST_NS))
    rows = tables.rows(
        f"""
        WITH found AS (
            SELECT trace_id, max(start_ns) AS newest FROM {searched}
            WHERE start_ns BETWEEN ? AND ? AND {condition.sql} GROUP BY trace_id
        )
        SELECT max(newest), trace_id FROM {around} JOIN found USING (trace_id)
        GROUP BY trace_id ORDER BY max(end_ns) - min(start_ns) DESC, trace_id LIMIT ?
        """,  # noqa: S608 - values are parameters
        [query.start_ns, query.end_ns, *condition.parameters, query.limit],
    )
    return [TracePosition(*row) for row in rows]


def search_condition(tables: SpanTables, query: SpanQuery) -> Condition:
    """Return the condition that a query is but for its times, over the spans of these tables."""
    if query.caller is None:
        return span_condition(query)
    around = union(tables.where(EVERY_BLOCK, query.start_ns - LONGEST_NS, query.end_ns + LONGEST_NS))
    called = f"(trace_id, parent_span_id) IN (SELECT (trace_id, span_id) FROM {around} WHERE service = ?)"  # noqa: S608
    return all_of([span_condition(query), Condition(called, (query.caller,))])


def span_condition(query: SpanQuery) -> Condition:
    """Return the condition that a query is by a span itself, so but for its times and for who called it."""
    compared: list[tuple[str, Any]] = [
        ("service = ?", query.service),
        ("name = ?", query.name),
        ("kind = ?", query.kind),
        ("status = ?", query.status),
        ("scope = ?", query.scope),
        ("parent_span_id = ?", "" if query.root else None),
        ("end_ns - start_ns >= ?", query.min_duration_ns),
        ("end_ns - start_ns <= ?", query.max_duration_ns),
    ]
    conditions = [Condition(sql, (value,)) for sql, value in compared if value is not None]
    return all_of([*conditions, *(_attribute(name, value) for name, value in query.attributes.items())])


def _attribute(name: str, value: str) -> Condition:
    """Return the condition that a span, its resource or one of its events has an attribute."""
    line = attribute_line(name, value)
    return Condition("contains(search, ?)", (line,), HasWords("lines", attribute_words(line)))
