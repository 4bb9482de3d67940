"""Reads log records from the head and the segments."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import duckdb

from accelerapp.server.signals import LogRecord
from accelerapp.server.storage.conditions import Condition, Expression, all_of, in_json
from accelerapp.server.storage.contracts import (
    LinePosition,
    LogBucket,
    LogContext,
    LogPage,
    LogQuery,
    LogTail,
    TopValues,
)
from accelerapp.server.storage.index import EVERY_BLOCK, HasWords
from accelerapp.server.storage.otlp_logs import LEVELS, LOG_COLUMNS
from accelerapp.server.storage.parts import Part, TableSource, parts, whole
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.tail import LogTails, record_of

Row = tuple[Any, ...]
Result = TypeVar("Result")

_COLUMNS = ", ".join(LOG_COLUMNS)
_TIME, _ID = (list(LOG_COLUMNS).index(name) for name in ("time_ns", "id"))
_FIRST, _LAST = 0, 2**63 - 1
#: With the line with which its texts reach so many bytes a page ends.
_PAGE_BYTES = 16 << 20
_BYTES = "strlen(body) + strlen(attributes) + strlen(resource)"


class StoredLogs:
    """Implements `LogReader`."""

    def __init__(self, reader: SourceReader[TableSource], tails: LogTails) -> None:
        self._reader = reader
        self._tails = tails

    def search(self, query: LogQuery) -> list[LogRecord]:
        """Return the records of a page."""
        return self.page(query).records

    def page(self, query: LogQuery) -> LogPage:
        """Return the newest records that meet every condition."""
        return self._nearest(condition_of(query), _times(query), query.limit)

    def around(
        self, position: LinePosition, before: int, after: int, condition: Condition
    ) -> LogContext | None:
        """Return a line with its neighbours that meet a condition; None where there is no such line."""
        at = position.time_ns
        found = self._nearest(Condition("id = ?", (position.id,)), (at, at), 1).records
        if not found:
            return None
        earlier = all_of([condition, _beyond(position, "<")])
        later = all_of([condition, _beyond(position, ">")])
        older = self._nearest(earlier, (_FIRST, at), before)
        newer = self._nearest(later, (at, _LAST), after, newest_first=False)
        return LogContext(
            before=tuple(reversed(older.records)),
            line=found[0],
            after=tuple(newer.records),
            more_before=older.more,
            more_after=newer.more,
        )

    def histogram(self, query: LogQuery, step_ns: int) -> list[LogBucket]:
        """Count the lines that meet a query by time and level, in ascending order of both."""
        rows = self._sum_up(
            query,
            "SELECT time_ns // ? AS bucket, CASE WHEN severity_number BETWEEN 1 AND 24 "
            "THEN (severity_number - 1) // 4 END AS four, count(*) FROM {} "
            "GROUP BY bucket, four ORDER BY bucket, four NULLS FIRST",
            (step_ns,),
        )
        return [
            LogBucket(bucket * step_ns, "" if four is None else LEVELS[four], count)
            for bucket, four, count in rows
        ]

    def top_values(self, query: LogQuery, field: Expression, limit: int) -> TopValues:
        """Return the most frequent values of a field among the lines that meet a query."""
        rows = self._sum_up(
            query,
            "SELECT value, lines, sum(lines) OVER (), sum(lines) FILTER (value IS NOT NULL) OVER () "  # noqa: S608 - values are parameters
            f"FROM (SELECT {field.sql} AS value, count(*) AS lines FROM {{}} GROUP BY value) "
            "ORDER BY value IS NULL, lines DESC, value LIMIT ?",
            field.parameters,
            (limit,),
        )
        if not rows:
            return TopValues(0, 0, ())
        values = tuple((str(value), int(lines)) for value, lines, _, _ in rows if value is not None)
        return TopValues(int(rows[0][2]), int(rows[0][3] or 0), values)

    def follow(self, condition: Condition, arrived: Callable[[], None]) -> LogTail:
        """Follow the lines that meet a condition as they are loaded."""
        return self._tails.follow(condition, arrived)

    def _nearest(
        self, condition: Condition, times: tuple[int, int], limit: int, *, newest_first: bool = True
    ) -> LogPage:
        """Return the records between two times that meet a condition, from one end on, at most `limit`."""
        direction = "DESC" if newest_first else "ASC"
        order = f"ORDER BY time_ns {direction}, id {direction}"
        query = (
            f"SELECT {_COLUMNS}, bytes FROM (SELECT *, sum(bytes) OVER ({order}) - bytes AS nearer FROM ("  # noqa: S608 - values are parameters
            f"SELECT {_COLUMNS}, {_BYTES} AS bytes FROM {{}} "
            f"WHERE time_ns BETWEEN ? AND ? AND ({condition.sql}) {order} LIMIT ?)) WHERE nearer < ?"
        )
        parameters = [*times, *condition.parameters, limit, _PAGE_BYTES]

        def run(cursor: duckdb.DuckDBPyConnection, sources: Sequence[TableSource]) -> list[Row]:
            found: list[Row] = []
            for source in sorted(sources, key=end, reverse=newest_first):
                if enough(found, source):
                    break
                for part in parts(cursor, source, condition.wanted, times, newest_first=newest_first):
                    if enough(found, part):
                        break
                    found += cursor.execute(query.format(part.relation), parameters).fetchall()
                    found.sort(key=_position, reverse=newest_first)
                    del found[_room(found, limit) :]
            return found

        def end(source: TableSource) -> int:
            return source.highest if newest_first else source.lowest

        def enough(found: list[Row], rest: TableSource | Part) -> bool:
            """Tell whether nothing that is still to be read can come before what was found."""
            if not full(found):
                return False
            last: int = found[-1][_TIME]
            return rest.highest < last if newest_first else rest.lowest > last

        def full(found: list[Row]) -> bool:
            return len(found) == limit or sum(row[-1] for row in found) >= _PAGE_BYTES

        rows = self._read(times, run) if limit else []
        return LogPage([record_of(row[:-1]) for row in rows], full(rows))

    def _sum_up(
        self, query: LogQuery, select: str, before: tuple[Any, ...] = (), after: tuple[Any, ...] = ()
    ) -> list[Row]:
        """Run a selection whose `{}` stands for all lines that meet a query.

        `before` and `after` are the parameters that come before and after those of the query.
        """
        condition, times = condition_of(query), _times(query)
        parameters = [*before, *times, *condition.parameters, *after]

        def run(cursor: duckdb.DuckDBPyConnection, sources: Sequence[TableSource]) -> list[Row]:
            relations = [whole(cursor, one, condition.wanted, times) for one in sources]
            union = " UNION ALL ".join(f"SELECT {_COLUMNS} FROM {one}" for one in relations if one)  # noqa: S608 - own names
            if not union:
                return []
            rows = f"(SELECT * FROM ({union}) WHERE time_ns BETWEEN ? AND ? AND ({condition.sql}))"  # noqa: S608
            return cursor.execute(select.format(rows), parameters).fetchall()

        return self._read(times, run)

    def _read(
        self,
        times: tuple[int, int],
        run: Callable[[duckdb.DuckDBPyConnection, Sequence[TableSource]], Result],
    ) -> Result:
        """Return what `run` makes of the sources that reach into a time range; all its queries have one deadline."""
        deadline = self._reader.deadline()

        def read(sources: Sequence[TableSource]) -> Result:
            with self._reader.database.cursor() as cursor, deadline.bounding(cursor):
                return run(cursor, sources)

        return self._reader.read(lambda one: one.rows > 0 and one.overlaps(*times), read)


def words(text: str) -> list[str]:
    """Split a search into its words and quoted phrases; an unpaired quote is an ordinary character."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.quotes, lexer.escape, lexer.commenters = '"', "", ""
    try:
        return [word for word in lexer if word]
    except ValueError:
        return text.split()


def condition_of(query: LogQuery) -> Condition:
    """Return what a query asks of a line, its time range and limit apart."""
    conditions = [query.condition] if query.condition else []
    optional: list[tuple[str, Any, str]] = [
        ("service = ?", query.service, ""),
        ("severity_number >= ?", query.min_severity, ""),
        ("trace_id = ?", query.trace_id.lower() if query.trace_id else None, "ids"),
        ("span_id = ?", query.span_id.lower() if query.span_id else None, "ids"),
        ("correlation_id = ?", query.correlation_id, "fields"),
    ]
    # What a text contains need not be whole words, so the index cannot tell of it.
    optional += [("contains(lower(body), lower(?))", word, "") for word in words(query.text or "")]
    conditions += [
        Condition(sql, (value,), HasWords(indexed, in_json(value)) if indexed else EVERY_BLOCK)
        for sql, value, indexed in optional
        if value is not None
    ]
    if query.before:
        conditions.append(_beyond(query.before, "<"))
    return all_of(conditions)


def _times(query: LogQuery) -> tuple[int, int]:
    """Return the times between which a query's lines are; a page ends where the one before began."""
    end = query.end_ns if query.before is None else min(query.end_ns, query.before.time_ns)
    return query.start_ns, end


def _beyond(position: LinePosition, comparison: str) -> Condition:
    return Condition(
        f"time_ns {comparison} ? OR (time_ns = ? AND id {comparison} ?)",
        (position.time_ns, position.time_ns, position.id),
    )


def _room(rows: list[Row], limit: int) -> int:
    """Return how many of some rows a page has."""
    size = 0
    for number, row in enumerate(rows[:limit], 1):
        size += row[-1]
        if size >= _PAGE_BYTES:
            return number
    return limit


def _position(row: Row) -> tuple[int, int]:
    return row[_TIME], row[_ID]
