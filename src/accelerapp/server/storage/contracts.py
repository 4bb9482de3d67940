"""The contracts between storage and everything else; one test suite checks every implementation against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from accelerapp.server.signals import Labels, LogRecord, Matcher, SeriesSet, Span


class StorageFullError(Exception):
    """Nothing more can be accepted now; the sender is to try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManySamplesError(Exception):
    """A query would read more samples than the limit allows."""


class ReadTimeoutError(Exception):
    """A read took longer than it may, and was ended; the message says how long that is."""


class Sink(Protocol):
    """Accepts decoded signals; every call returns only after the data is durable (journalled and synced).

    A call that returns may be acknowledged to the sender. Raises StorageFullError where a queue or the disk is
    full, in which case nothing was kept. Safe to call from the event loop, concurrently.
    """

    async def write_traces(self, request: bytes) -> int:
        """Keep an `ExportTraceServiceRequest` (OTLP, protobuf bytes, decompressed); return how many spans it has."""

    async def write_logs(self, request: bytes) -> int:
        """Keep an `ExportLogsServiceRequest` (OTLP, protobuf bytes, decompressed); return how many records it has."""

    async def write_samples(self, samples: Sequence[tuple[Labels, int, float]]) -> int:
        """Keep samples, each (labels, Unix milliseconds, value).

        Returns how many were kept: those of new series beyond the limit are left out, and counted.
        """


class MetricReader(Protocol):
    """Reads samples; safe to call from any thread, concurrently."""

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, max_samples: int = 50_000_000
    ) -> SeriesSet:
        """Return every sample with start_ms <= t <= end_ms of the series that all matchers accept.

        An absent label matches as the empty string. A series without a sample in the range is left out. Series
        come in ascending order of their labels. Of two samples with one timestamp the first written is kept.
        Raises TooManySamplesError above `max_samples`.
        """

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[Labels]:
        """Return the labels of the series that any of the matcher sets accepts (all series where none is given)."""

    def label_names(
        self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[str]: ...

    def label_values(
        self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class SpanQuery:
    """A search for traces; a trace is found where one of its spans meets every condition."""

    start_ns: int
    end_ns: int
    service: str | None = None
    name: str | None = None
    status: str | None = None  # "error", "ok" or "unset"
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)  # each must be equal, compared as text
    limit: int = 20


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One found trace; `root_*` are of its earliest span without a stored parent."""

    trace_id: str
    root_service: str
    root_name: str
    start_ns: int
    end_ns: int
    span_count: int
    error_count: int
    services: tuple[str, ...]


class SpanReader(Protocol):
    """Reads spans; safe to call from any thread, concurrently. Every call may raise ReadTimeoutError."""

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace in order of their start, each once; empty where there is no such trace."""

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        """Return the newest traces first, at most `query.limit`."""

    def services(self) -> list[str]: ...

    def operations(self, service: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A filter over log records; every given condition must hold."""

    start_ns: int
    end_ns: int
    text: str | None = None  # words or a phrase that the body contains, letter case ignored
    service: str | None = None
    min_severity: int | None = None  # OpenTelemetry's severity number
    trace_id: str | None = None
    span_id: str | None = None
    correlation_id: str | None = None
    limit: int = 200


class LogReader(Protocol):
    """Reads log records; safe to call from any thread, concurrently. Every call may raise ReadTimeoutError."""

    def search(self, query: LogQuery) -> list[LogRecord]:
        """Return the newest records first, at most `query.limit`."""
