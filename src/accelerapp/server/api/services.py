"""What the HTTP layer is given to answer from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from accelerapp.monitoring import FamilySnapshot
from accelerapp.server.alerting import Alertmanager
from accelerapp.server.api.own_health import OwnHealth
from accelerapp.server.api.query_threads import QueryThreads
from accelerapp.server.dashboards import Dashboard
from accelerapp.server.ingest import Account, ReceiverStatus, Scraper
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
#: Measures something when it is asked, for its answer to be scraped.
Exporter = Callable[[], Awaitable[Sequence[FamilySnapshot]]]


class ReloadError(Exception):
    """The files cannot be read again; the message says what is wrong, and what ran before goes on."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is in use: `source` tells where from, `number` is its value where that is a number."""

    name: str
    variable: str
    value: str
    number: float | None
    default: str
    unit: str
    description: str
    source: str  # default, environment or option


@dataclass(frozen=True, slots=True)
class FileInUse:
    """A file that was read; `role` is what it is for, `modified` when it had been written, in Unix seconds."""

    role: str  # scrape, routes, overlay, rules or dashboard
    path: str
    modified: float | None


def modified(path: str | Path) -> float | None:
    """Return when a file was last written, in Unix seconds; None where it is not there."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What runs: the scrape file as text, without secrets, and the settings under the names of Prometheus' flags.

    `read_at` is when the files were last read well and `tried_at` when they were last read, in Unix seconds; `error`
    is what was wrong with them at that time. `overlay` is the overlay as text, without secrets, "" where there is none.
    `scrape_interval` is how many seconds there are between two scrapes, as the file says it.
    """

    yaml: str
    flags: Mapping[str, str]
    external_url: str
    read_at: float
    tried_at: float
    error: str = ""
    overlay: str = ""
    settings: tuple[Setting, ...] = ()
    files: tuple[FileInUse, ...] = ()
    scrape_interval: float = 15.0


@dataclass(frozen=True)
class Services:
    """The parts of a running observatory that requests are answered from."""

    version: str
    revision: str
    external_url: str
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
    exporters: Mapping[str, Exporter]  # by the last part of the path at which each is scraped
    dashboards: Mapping[str, Dashboard]
    playbooks: Playbooks
    storage_stats: Callable[[], Mapping[str, Any]]
    inventory: Callable[[], Inventory]
    backup: Callable[[], Generator[bytes]]
    configuration: Callable[[], Configuration]
    reload: Callable[[], Awaitable[None]]  # raises ReloadError
    ports: Callable[[], Mapping[str, int]]
    receivers: Callable[[], Sequence[ReceiverStatus]]
    #: Counts what is refused at the page's port before it is asked.
    account: Account
    query_threads: QueryThreads = field(repr=False)
    health: OwnHealth = field(repr=False)
    #: Set when the observatory begins to stop: answers that would go on for ever end then.
    stopping: asyncio.Event

    async def in_query_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking read on one of the query threads; raises QueueFullError and QueueTimeoutError."""
        return await self.query_threads.run(partial(call, *args, **kwargs))
