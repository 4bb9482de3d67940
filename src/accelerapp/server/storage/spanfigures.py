"""Spans summed up: how long they take, by operation, and who calls whom."""

from __future__ import annotations

from accelerapp.server.storage.contracts import (
    OperationFigures,
    ServiceCall,
    SpanFigures,
    SpanPoint,
    SpanQuery,
)
from accelerapp.server.storage.index import EVERY_BLOCK
from accelerapp.server.storage.spansql import LONGEST_NS, SpanTables, search_condition, union

#: Upper bounds of the durations that are counted together, in nanoseconds: 1, 2 and 5 of each decade, 10 µs to 100 s.
_BOUNDS = (*(digit * 10**exponent for exponent in range(4, 11) for digit in (1, 2, 5)), 10**11)
_TOOK = "greatest(end_ns - start_ns, 0)"


def figures(tables: SpanTables, query: SpanQuery, limit: int) -> SpanFigures:
    """Sum up the spans that meet a query, the operations with the most spans first, at most `limit`."""
    condition = search_condition(tables, query)
    read = union(tables.where(condition.wanted, query.start_ns, query.end_ns))
    found = f"{read} WHERE start_ns BETWEEN ? AND ? AND {condition.sql}"
    parameters = [query.start_ns, query.end_ns, *condition.parameters]
    ((spans, errors, counted),) = tables.rows(
        f"SELECT count(*), count_if(status = 'error'), histogram({_TOOK}, ?::BIGINT[]) FROM {found}",  # noqa: S608
        [list(_BOUNDS), *parameters],
    )
    operations = tables.rows(
        f"SELECT service, name, kind, count(*), count_if(status = 'error'), "  # noqa: S608 - values are parameters
        f"quantile_cont({_TOOK}, [0.5, 0.95, 0.99]), max({_TOOK}) FROM {found} "
        "GROUP BY service, name, kind ORDER BY count(*) DESC, service, name, kind LIMIT ?",
        [*parameters, limit + 1],
    )
    counts = counted or {}
    durations = [(bound, counts.pop(bound, 0)) for bound in _BOUNDS]
    return SpanFigures(
        spans=spans,
        errors=errors or 0,
        durations=(*durations, (None, sum(counts.values()))),
        operations=tuple(
            OperationFigures(service, name, kind, spans, errors, float(p50), float(p95), float(p99), longest)
            for service, name, kind, spans, errors, (p50, p95, p99), longest in operations[:limit]
        ),
        truncated=len(operations) > limit,
    )


def points(tables: SpanTables, query: SpanQuery, limit: int) -> list[SpanPoint]:
    """Return spans that meet a query in order of their start, a sample where there are more than `limit`."""
    condition = search_condition(tables, query)
    read = union(tables.where(condition.wanted, query.start_ns, query.end_ns))
    extreme = limit // 5
    # The hash of an id chooses evenly, and the same spans at each refresh.
    rows = tables.rows(
        f"""
        WITH found AS MATERIALIZED (
            SELECT trace_id, span_id, service, name, start_ns, {_TOOK} AS took, status
            FROM {read} WHERE start_ns BETWEEN ? AND ? AND {condition.sql}
        ), chosen AS (
            (FROM found ORDER BY took DESC, span_id LIMIT ?) UNION
            (FROM found WHERE status = 'error' ORDER BY hash(span_id), span_id LIMIT ?) UNION
            (FROM found ORDER BY hash(span_id), span_id LIMIT ?)
        )
        FROM chosen ORDER BY start_ns, trace_id, span_id
        """,  # noqa: S608 - values are parameters
        [query.start_ns, query.end_ns, *condition.parameters, extreme, extreme, limit - 2 * extreme],
    )
    return [SpanPoint(*row) for row in rows]


def calls(tables: SpanTables, start_ns: int, end_ns: int, limit: int) -> list[ServiceCall]:
    """Return who calls whom by the spans that start in a time range, the most calls first, at most `limit`."""
    within = union(tables.where(EVERY_BLOCK, start_ns, end_ns))
    around = union(tables.where(EVERY_BLOCK, start_ns - LONGEST_NS, end_ns + LONGEST_NS))
    rows = tables.rows(
        f"""
        SELECT above.service, below.service, count(*), count_if(below.status = 'error'),
            quantile_cont(greatest(below.end_ns - below.start_ns, 0), [0.5, 0.95])
        FROM {within} AS below JOIN {around} AS above
            ON above.trace_id = below.trace_id AND above.span_id = below.parent_span_id
        WHERE below.start_ns BETWEEN ? AND ? AND below.parent_span_id <> ''
            AND above.service <> below.service
        GROUP BY above.service, below.service
        ORDER BY count(*) DESC, above.service, below.service LIMIT ?
        """,  # noqa: S608
        [start_ns, end_ns, limit],
    )
    return [ServiceCall(*row[:4], *map(float, row[4])) for row in rows]
