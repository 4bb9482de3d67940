"""The contracts between storage and everything else; one test suite checks every implementation against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from accelerapp.server.signals import Exemplar, Labels, LogRecord, Matcher, NativeHistogram, SeriesSet, Span
from accelerapp.server.storage.conditions import Condition, Expression
from accelerapp.server.storage.metadata import MetricMetadata
from accelerapp.server.storage.samples import Samples


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
    full, in which case nothing was kept. Safe to call from the event loop, concurrently. Exemplars and `metadata` are
    the exception: they are kept in memory, for their senders show them again.
    """

    metadata: MetricMetadata

    async def write_traces(self, request: bytes) -> int:
        """Keep an `ExportTraceServiceRequest` (OTLP, protobuf bytes, decompressed); return how many spans it has."""

    async def write_logs(self, request: bytes) -> int:
        """Keep an `ExportLogsServiceRequest` (OTLP, protobuf bytes, decompressed); return how many records it has."""

    async def write_samples(self, samples: Sequence[tuple[Labels, int, float]]) -> int:
        """Keep samples, each (labels, Unix milliseconds, value).

        Returns how many were kept: those of new series beyond the limit are left out, and counted.
        """

    def number_series(self, labels: Sequence[Labels]) -> list[int | None]:
        """Return the number of each series for `write_columns`, a new one where it has none.

        None for new series beyond the limit, which are counted. The numbers hold for the life of the sink.
        """

    async def write_columns(self, samples: Samples) -> int:
        """Keep samples of series that `number_series` numbered, and return how many they are."""

    async def write_histograms(self, histograms: Sequence[tuple[Labels, int, NativeHistogram]]) -> int:
        """Keep samples of native histograms, as `write_samples` does; their end is marked by a sample."""

    async def write_exemplars(self, exemplars: Sequence[Exemplar]) -> int:
        """Keep exemplars in memory and return how many are kept; the others are counted as refused."""


class ExemplarReader(Protocol):
    """Reads exemplars; safe to call from any thread, concurrently."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[Exemplar]:
        """Return the exemplars with start_ms <= t <= end_ms of the series that all matchers accept.

        They come in ascending order of their series' labels, then of time.
        """


class MetricReader(Protocol):
    """Reads samples; safe to call from any thread, concurrently."""

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        max_samples: int = 50_000_000,
        check_time: Callable[[], None] = lambda: None,
    ) -> SeriesSet:
        """Return every sample with start_ms <= t <= end_ms of the series that all matchers accept.

        An absent label matches as the empty string. A series without a sample in the range is left out. Series
        come in ascending order of their labels. Of two samples with one timestamp the first written is kept.
        Raises TooManySamplesError above `max_samples`. `check_time` is called between the parts of a long read and ends
        it with what it raises. Every call may raise ReadTimeoutError and ReadTooLargeError.
        """

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[Labels]:
        """Return the labels of the series that any of the matcher sets accepts (all series where none is given)."""

    def label_names(
        self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[str]: ...

    def label_values(
        self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[str]: ...


class ReadTooLargeError(Exception):
    """A read needs more memory than it may take; the message says what to do."""


@dataclass(frozen=True, slots=True)
class TracePosition:
    """Where a trace stands in a search: the start of its newest found span, then its id."""

    start_ns: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class SpanQuery:
    """A search for spans; every given condition must hold. What is from `limit` on is of a search for traces alone."""

    start_ns: int  # a span is found by its start, both ends of the range included
    end_ns: int
    service: str | None = None
    name: str | None = None
    kind: str | None = None  # one of signals.Span's
    status: str | None = None  # "error", "ok" or "unset"
    scope: str | None = None  # the name of the instrumentation
    caller: str | None = None  # the service of the span's parent, where that is stored
    min_duration_ns: int | None = None
    max_duration_ns: int | None = None
    root: bool = False  # only spans that name no parent
    #: Of the span, its resource or one of its events; each must be equal, compared as text.
    attributes: Mapping[str, str] = field(default_factory=dict)
    limit: int = 20
    #: Traces that stand here or above are left out: the position of a page's last trace asks for the next page.
    before: TracePosition | None = None
    #: The traces that last longest come first, instead of the newest; there is no next page of these.
    longest: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ServiceShare:
    """The spans of one service in a trace."""

    name: str
    span_count: int
    error_count: int


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One found trace; `root_*` are of its earliest span without a stored parent.

    `orphan_count` are the spans whose parent is named and not stored; `services` come in ascending order.
    """

    position: TracePosition
    root_service: str
    root_name: str
    start_ns: int
    end_ns: int
    span_count: int
    error_count: int
    orphan_count: int
    services: tuple[ServiceShare, ...]

    @property
    def trace_id(self) -> str:
        return self.position.trace_id


@dataclass(frozen=True, slots=True, order=True)
class Operation:
    """The name and the kind of a service's spans."""

    service: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class OperationFigures:
    """The spans of one operation that a search finds; durations in nanoseconds."""

    service: str
    name: str
    kind: str
    spans: int
    errors: int
    p50_ns: float
    p95_ns: float
    p99_ns: float
    max_ns: int


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """What a search finds, summed up; a span that was sent twice counts twice.

    `durations` has, for each upper bound in nanoseconds, the spans that took longer than the bound before it and at
    most as long as this one; the last bound is None. `truncated` tells that there were more operations.
    """

    spans: int
    errors: int
    durations: tuple[tuple[int | None, int], ...]
    operations: tuple[OperationFigures, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class SpanPoint:
    """A span as a point in a picture: when it began, how long it took, and whether it failed."""

    trace_id: str
    span_id: str
    service: str
    name: str
    start_ns: int
    took_ns: int
    status: str


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """The calls from one service to another: spans of `callee` whose parent is a span of `caller`."""

    caller: str
    callee: str
    calls: int
    errors: int
    p50_ns: float
    p95_ns: float


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """What a service was asked: spans of the kinds server and consumer, roots, and those below another service's span.

    `spans` are all that it sent. Percentiles are None where it was asked nothing.
    """

    service: str
    spans: int
    requests: int
    errors: int
    p50_ns: float | None
    p95_ns: float | None
    p99_ns: float | None
    operations: int
    last_ns: int  # when the last of its spans ended


@dataclass(frozen=True, slots=True)
class PeerCall:
    """The calls from a service to what sends no spans itself, as the spans that call name it."""

    caller: str
    peer: str
    type: str  # database, queue, model or external
    calls: int
    errors: int
    p50_ns: float
    p95_ns: float


class RawSpan(NamedTuple):
    """A span as it is stored: `attributes`, `resource`, `events` and `links` are JSON, else as `Span` has it."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str = ""
    attributes: str = "{}"
    resource: str = "{}"
    events: str = "[]"
    links: str = "[]"
    scope: str = ""
    scope_version: str = ""
    trace_state: str = ""


class SpanReader(Protocol):
    """Reads spans; safe to call from any thread, concurrently.

    Every call may raise ReadTimeoutError and ReadTooLargeError.
    """

    def trace(self, trace_id: str, limit: int = 100_000) -> list[Span]:
        """Return the spans of one trace in order of their start, each once, at most `limit`; empty where none is."""

    def raw_trace(self, trace_id: str, limit: int = 100_000) -> list[RawSpan]:
        """Return what `trace` does without reading the JSON in it, for who only passes that on."""

    def traces(self, trace_ids: Sequence[str], limit: int = 100_000) -> dict[str, list[Span]]:
        """Return the spans of several traces by their ids, as `trace` does; `limit` is of all spans together.

        Where it bites, the traces named last are cut or left out. A trace that is not stored is not there.
        """

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        """Return the traces that have a span which meets the query, the newest position first, then by trace id.

        Where the query wants the longest, these come first.
        """

    def figures(self, query: SpanQuery, limit: int = 100) -> SpanFigures:
        """Sum up the spans that meet a query, the operations with the most spans first, at most `limit` of them."""

    def points(self, query: SpanQuery, limit: int = 1000) -> list[SpanPoint]:
        """Return spans that meet a query in order of their start, at most `limit`, each once.

        Where there are more, a fifth are the longest, a fifth failed ones, and the rest are chosen evenly by their ids,
        and the same ones again as long as they are in the range.
        """

    def calls(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[ServiceCall]:
        """Return who calls whom by the spans that start in a time range, the most calls first, at most `limit`.

        What a service calls within itself is not among them, nor is a span whose parent is not stored.
        """

    def service_figures(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[ServiceFigures]:
        """Sum up the services whose spans start in a time range, the most requests first, at most `limit`."""

    def peers(self, start_ns: int, end_ns: int, limit: int = 1000) -> list[PeerCall]:
        """Return what is called and sends no spans, by the spans that start in a time range, at most `limit`."""

    def services(self) -> list[str]: ...

    def operations(self, service: str | None = None, most: int = 1000) -> list[Operation]:
        """Return what the spans of one service, or of all, are called, in ascending order, at most so many of each.

        A service that writes what differs with each request into the names of its spans has one for each.
        """


@dataclass(frozen=True, slots=True, order=True)
class LinePosition:
    """Where a log record stands among all: its time, and among those of one time its id. It never changes."""

    time_ns: int
    id: int

    def __str__(self) -> str:
        return f"{self.time_ns}-{self.id}"


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
    condition: Condition | None = None
    #: Lines that stand here or later are left out: the position of a page's last line asks for the next page.
    before: LinePosition | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """The newest lines that a query finds, and whether there may be more behind them."""

    records: list[LogRecord]
    more: bool


@dataclass(frozen=True, slots=True)
class LogContext:
    """A line and those around it, each part in ascending order of time, and whether there may be more on a side."""

    before: tuple[LogRecord, ...]
    line: LogRecord
    after: tuple[LogRecord, ...]
    more_before: bool
    more_after: bool


@dataclass(frozen=True, slots=True)
class LogBucket:
    """How many lines of one level begin at `time_ns` or within the step after; `level` is empty where unknown."""

    time_ns: int
    level: str
    count: int


@dataclass(frozen=True, slots=True)
class TopValues:
    """The most frequent values of a field, each with its lines; `having` of all `lines` have the field."""

    lines: int
    having: int
    values: tuple[tuple[str, int], ...]


class LogTail(Protocol):
    """What arrives from now on; belongs to one reader, and holds no more than a bounded number of lines."""

    def take(self) -> tuple[list[LogRecord], int]:
        """Return the lines that arrived since the last call, and how many were left out because they were too many.

        This may block for as long as a read may take. May raise ReadTimeoutError.
        """

    def close(self) -> None: ...


class LogReader(Protocol):
    """Reads log records; safe to call from any thread, concurrently.

    Every read may raise ReadTimeoutError and ReadTooLargeError.
    """

    def search(self, query: LogQuery) -> list[LogRecord]:
        """Return the records of a page."""

    def page(self, query: LogQuery) -> LogPage:
        """Return the newest records first, at most `query.limit`; fewer where their texts are very long."""

    def around(
        self, position: LinePosition, before: int, after: int, condition: Condition
    ) -> LogContext | None:
        """Return the line at a position, and at most so many before and after it that meet a condition.

        None where there is no such line.
        """

    def histogram(self, query: LogQuery, step_ns: int) -> list[LogBucket]:
        """Count the lines of a query by level and by steps of time, which begin at multiples of `step_ns`.

        Buckets without a line are left out.
        """

    def top_values(self, query: LogQuery, field: Expression, limit: int) -> TopValues:
        """Return the most frequent values of a field, at most `limit`, those with the most lines first."""

    def follow(self, condition: Condition, arrived: Callable[[], None]) -> LogTail:
        """Follow the lines that meet a condition; `arrived` is called, from any thread, when there may be some."""
