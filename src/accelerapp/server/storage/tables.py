"""The two signals that are kept as tables: how spans and log records are named, ordered and timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelerapp.server.storage.database import quoted
from accelerapp.server.storage.index import IndexedText
from accelerapp.server.storage.journal import Kind
from accelerapp.server.storage.otlp import NO_WORDS, SPAN_COLUMNS
from accelerapp.server.storage.otlp_logs import LOG_COLUMNS


@dataclass(frozen=True, slots=True)
class TableSignal:
    """A signal that is kept as rows of a table.

    `order` is how a segment is sorted: spans by trace, so that one trace is read from few blocks. `texts` are those
    whose words are indexed.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    time_column: str
    order: str
    texts: tuple[IndexedText, ...]


TRACES = TableSignal(
    "traces",
    "spans",
    SPAN_COLUMNS,
    "start_ns",
    "trace_id, start_ns",
    texts=(IndexedText("lines", f"translate(search, {quoted(NO_WORDS)}, '{'_' * len(NO_WORDS)}')"),),
)
LOGS = TableSignal(
    "logs",
    "logs",
    LOG_COLUMNS,
    "time_ns",
    "time_ns, id",
    texts=(
        IndexedText("body", "body"),
        IndexedText("ids", "trace_id || ' ' || span_id"),
        IndexedText("fields", "attributes"),
        IndexedText("fields", "resource", repeated=True),
        IndexedText("scope", "scope", repeated=True),
    ),
)
METRICS = "metrics"
#: The names of all signals.
SIGNALS = (TRACES.name, LOGS.name, METRICS)
#: The signal of each kind of journal record that has items.
SIGNAL_OF = {
    Kind.TRACES: TRACES.name,
    Kind.LOGS: LOGS.name,
    Kind.SAMPLES: METRICS,
    Kind.HISTOGRAMS: METRICS,
}
