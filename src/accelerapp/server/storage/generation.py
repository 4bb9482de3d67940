"""A generation: what was loaded between two seals, its heads and the journal records that they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accelerapp.server.storage.database import Database
from accelerapp.server.storage.head import MetricHead, TableHead
from accelerapp.server.storage.segments import MetricSegment, TableSegment
from accelerapp.server.storage.sources import Sources
from accelerapp.server.storage.tables import LOGS, METRICS, TRACES


@dataclass(frozen=True, slots=True)
class Shelves:
    """The sources of the three signals."""

    spans: Sources[TableHead | TableSegment] = field(default_factory=Sources)
    logs: Sources[TableHead | TableSegment] = field(default_factory=Sources)
    metrics: Sources[MetricHead | MetricSegment] = field(default_factory=Sources)

    def by_signal(self) -> tuple[tuple[str, Sources[Any], int], ...]:
        """Return each signal's name, its sources, and how many of its units of time make a second."""
        return (
            (TRACES.name, self.spans, 10**9),
            (LOGS.name, self.logs, 10**9),
            (METRICS, self.metrics, 1000),
        )


class Generation:
    """The heads of the three signals, put on the shelves when made.

    `first` and `last` give, for each signal, the sequence numbers of the journal records loaded here; `through`
    is the newest record of any kind, `size` their bytes in the journal.
    """

    def __init__(self, database: Database, shelves: Shelves) -> None:
        self.spans = TableHead(database, TRACES)
        self.logs = TableHead(database, LOGS)
        self.metrics = MetricHead()
        shelves.spans.add(self.spans)
        shelves.logs.add(self.logs)
        shelves.metrics.add(self.metrics)
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.through = 0
        self.size = 0

    def loaded(self, signal: str, sequence: int, size: int) -> None:
        """Note that a journal record is in these heads."""
        self.first.setdefault(signal, sequence)
        self.last[signal] = sequence
        self.through = sequence
        self.size += size
