"""What the HTTP layer is given to answer from, and the threads on which queries run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from accelerapp.server.alerting import Alertmanager
from accelerapp.server.dashboards import Dashboard
from accelerapp.server.ingest import ReceiverStatus, Scraper
from accelerapp.server.oncall import Playbooks
from accelerapp.server.promql import Engine
from accelerapp.server.rules import RuleManager
from accelerapp.server.signals import Clock
from accelerapp.server.storage import (
    ExemplarReader,
    Inventory,
    LogReader,
    MetricMetadata,
    MetricReader,
    SpanReader,
)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """The parts of a running observatory that requests are answered from."""

    version: str
    revision: str
    started_at: float  # Unix seconds
    time_factor: float
    clock: Clock
    engine: Engine
    metrics: MetricReader
    metadata: MetricMetadata
    exemplars: ExemplarReader
    spans: SpanReader
    logs: LogReader
    rules: RuleManager
    alertmanager: Alertmanager
    scraper: Scraper
    dashboards: Mapping[str, Dashboard]
    playbooks: Playbooks
    storage_stats: Callable[[], Mapping[str, Any]]
    inventory: Callable[[], Inventory]
    backup: Callable[[], Generator[bytes]]
    ports: Callable[[], Mapping[str, int]]
    receivers: Callable[[], Sequence[ReceiverStatus]]
    query_threads: ThreadPoolExecutor = field(repr=False)
    #: Set when the observatory begins to stop: answers that would go on for ever end then.
    stopping: asyncio.Event

    async def in_query_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking read on one of the query threads."""
        return await asyncio.get_running_loop().run_in_executor(
            self.query_threads, lambda: call(*args, **kwargs)
        )
