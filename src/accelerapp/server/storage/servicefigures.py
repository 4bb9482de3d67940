"""Services summed up: what each was asked, and what it asked of others that send no spans themselves."""

from __future__ import annotations

from accelerapp.server.storage.contracts import PeerCall, ServiceFigures
from accelerapp.server.storage.index import EVERY_BLOCK
from accelerapp.server.storage.spansql import LONGEST_NS, SpanTables, union

_TOOK = "greatest(end_ns - start_ns, 0)"
#: The attributes that tell what is called, by OpenTelemetry's semantic conventions, the present ones and those before.
_PEER_ATTRIBUTES = (
    *("service.peer.name", "peer.service"),
    *("db.system.name", "db.system", "db.namespace", "db.name"),
    *("messaging.destination.name", "messaging.system"),
    *("gen_ai.provider.name", "gen_ai.system"),
    *("server.address", "net.peer.name"),
)
_PATHS = "[" + ", ".join(f"'$.\"{name}\"'" for name in _PEER_ATTRIBUTES) + "]"


def _told(*names: str) -> str:
    """Return, as SQL, the first of some attributes that is there."""
    return f"coalesce({', '.join(f'told[{_PEER_ATTRIBUTES.index(name) + 1}]' for name in names)})"


_SERVICE = _told("service.peer.name", "peer.service")
_DATABASE = _told("db.system.name", "db.system")
_NAMESPACE = _told("db.namespace", "db.name")
_QUEUE = _told("messaging.destination.name", "messaging.system")
_MODEL = _told("gen_ai.provider.name", "gen_ai.system")
_ADDRESS = _told("server.address", "net.peer.name")
_PEER = (
    f"coalesce({_SERVICE}, CASE WHEN {_DATABASE} IS NOT NULL "
    f"THEN concat_ws(' ', {_DATABASE}, coalesce({_NAMESPACE}, {_ADDRESS})) END, {_QUEUE}, {_MODEL}, {_ADDRESS})"
)
_TYPE = (
    f"CASE WHEN {_DATABASE} IS NOT NULL THEN 'database' WHEN {_QUEUE} IS NOT NULL THEN 'queue' "
    f"WHEN {_MODEL} IS NOT NULL THEN 'model' ELSE 'external' END"
)


def services(tables: SpanTables, start_ns: int, end_ns: int, limit: int) -> list[ServiceFigures]:
    """Sum up the services whose spans start in a time range, those with the most requests first, at most `limit`."""
    within = union(tables.where(EVERY_BLOCK, start_ns, end_ns))
    around = union(tables.where(EVERY_BLOCK, start_ns - LONGEST_NS, end_ns + LONGEST_NS))
    rows = tables.rows(
        f"""
        WITH told AS (
            SELECT below.service, below.name, below.status, below.end_ns,
                greatest(below.end_ns - below.start_ns, 0) AS took,
                coalesce(below.kind IN ('server', 'consumer') OR below.parent_span_id = ''
                    OR above.service <> below.service, false) AS asked
            FROM {within} AS below LEFT JOIN {around} AS above
                ON above.trace_id = below.trace_id AND above.span_id = below.parent_span_id
            WHERE below.start_ns BETWEEN ? AND ?
        )
        SELECT service, count(*), count_if(asked), count_if(asked AND status = 'error'),
            quantile_cont(took, [0.5, 0.95, 0.99]) FILTER (WHERE asked),
            count(DISTINCT name) FILTER (WHERE asked), max(end_ns)
        FROM told GROUP BY service ORDER BY count_if(asked) DESC, service LIMIT ?
        """,  # noqa: S608 - values are parameters
        [start_ns, end_ns, limit],
    )
    return [
        ServiceFigures(
            *row[:4], *(None if at is None else float(at) for at in row[4] or (None,) * 3), *row[5:]
        )
        for row in rows
    ]


def peers(tables: SpanTables, start_ns: int, end_ns: int, limit: int) -> list[PeerCall]:
    """Return who calls what that sends no spans, the most calls first, at most `limit`."""
    within = union(tables.where(EVERY_BLOCK, start_ns, end_ns))
    around = union(tables.where(EVERY_BLOCK, start_ns - LONGEST_NS, end_ns + LONGEST_NS))
    rows = tables.rows(
        f"""
        WITH answered AS (
            SELECT DISTINCT trace_id, parent_span_id FROM {around}
            WHERE parent_span_id <> '' AND kind IN ('client', 'producer', 'server', 'consumer')
        ), asked AS (
            SELECT service, status, {_TOOK} AS took, json_extract_string(attributes, {_PATHS}) AS told
            FROM {within} AS spans ANTI JOIN answered
                ON answered.trace_id = spans.trace_id AND answered.parent_span_id = spans.span_id
            WHERE start_ns BETWEEN ? AND ? AND kind IN ('client', 'producer')
        ), named AS (SELECT service, {_PEER} AS peer, {_TYPE} AS type, status, took FROM asked)
        SELECT service, peer, type, count(*), count_if(status = 'error'), quantile_cont(took, [0.5, 0.95])
        FROM named WHERE peer IS NOT NULL
        GROUP BY service, peer, type ORDER BY count(*) DESC, service, peer, type LIMIT ?
        """,  # noqa: S608 - values are parameters
        [start_ns, end_ns, limit],
    )
    return [PeerCall(*row[:5], *map(float, row[5])) for row in rows]
