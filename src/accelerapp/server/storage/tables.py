"""The two signals that are kept as tables: how spans and log records are named, ordered and timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelerapp.server.storage.otlp import LOG_COLUMNS, SPAN_COLUMNS


@dataclass(frozen=True, slots=True)
class TableSignal:
    """A signal that is kept as rows of a table.

    `order` is how a segment is sorted: spans by trace, so that one trace is read from few blocks.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    time_column: str
    order: str


TRACES = TableSignal("traces", "spans", SPAN_COLUMNS, "start_ns", "trace_id, start_ns")
LOGS = TableSignal("logs", "logs", LOG_COLUMNS, "time_ns", "time_ns")
METRICS = "metrics"
