"""The words all layers share: labels, matchers, series, spans, log records and alerts; no I/O."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

#: Label names and values in ascending order of name; the metric's name is the label `__name__`.
Labels = tuple[tuple[str, str], ...]

#: Returns the present as Unix time in seconds; injected wherever time decides something.
Clock = Callable[[], float]

Timestamps = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

METRIC_NAME = "__name__"

#: The NaN with which Prometheus marks the end of a series (`value.StaleNaN`).
STALE_NAN_BITS = 0x7FF0000000000002
STALE_NAN: float = float(np.array([STALE_NAN_BITS], dtype=np.uint64).view(np.float64)[0])


def make_labels(values: Mapping[str, str]) -> Labels:
    """Sort a mapping into labels, leaving out empty values, which Prometheus treats as absent."""
    return tuple(sorted((name, value) for name, value in values.items() if value != ""))


def is_stale(values: Values) -> npt.NDArray[np.bool_]:
    """Tell which values are staleness markers, by their bits, since every NaN compares unequal."""
    stale: npt.NDArray[np.bool_] = values.view(np.uint64) == np.uint64(STALE_NAN_BITS)
    return stale


class MatchType(enum.StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label, as in a PromQL selector; regular expressions are RE2 and fully anchored."""

    name: str
    type: MatchType
    value: str

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.type}"{escaped}"'


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """One sample of a native histogram: exponential buckets, only those that are not empty.

    `schema` (-4 to 8) says that a bucket is 2^(2^-schema) times as wide as the one before; bucket i of `positive` holds
    the observations in (base^(i-1), base^i], of `negative` the same mirrored, each as (i, count) in ascending order
    of i. `zero_count` are those within ±`zero_threshold`. `gauge` says that counts may fall without a reset.
    Follows Prometheus' specification of native histograms.
    """

    schema: int
    count: float
    sum: float
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: tuple[tuple[int, float], ...] = ()
    negative: tuple[tuple[int, float], ...] = ()
    gauge: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class HistogramColumns:
    """Samples of native histograms as columns, one entry a sample, and their buckets end to end.

    Sample i has the buckets `bounds[i]` to `bounds[i + 1]` of `index` and `population`: the first `positive[i]` of
    them are positive, the others negative. `bounds` has one entry more than there are samples.
    """

    timestamps: Timestamps
    schema: npt.NDArray[np.int8]
    gauge: npt.NDArray[np.bool_]
    zero_threshold: Values
    zero_count: Values
    count: Values
    sum: Values
    positive: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    index: npt.NDArray[np.int32]
    population: Values

    def __len__(self) -> int:
        return len(self.timestamps)

    def take(self, rows: npt.NDArray[np.int64]) -> HistogramColumns:
        """Return some of the samples, in the given order."""
        lengths = np.diff(self.bounds)[rows]
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        buckets = np.repeat(self.bounds[rows] - bounds[:-1], lengths) + np.arange(bounds[-1])
        return HistogramColumns(
            self.timestamps[rows],
            self.schema[rows],
            self.gauge[rows],
            self.zero_threshold[rows],
            self.zero_count[rows],
            self.count[rows],
            self.sum[rows],
            self.positive[rows],
            bounds,
            self.index[buckets],
            self.population[buckets],
        )


@dataclass(frozen=True, slots=True, eq=False)
class HistogramSet:
    """The native histograms of a `SeriesSet`: series i owns the samples `offsets[i]` to `offsets[i + 1]`."""

    offsets: npt.NDArray[np.int64]
    samples: HistogramColumns


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """Samples of several series, laid end to end.

    `labels[i]` owns `timestamps[offsets[i]:offsets[i + 1]]` (Unix milliseconds, strictly ascending) and the
    values beside them; staleness markers are kept. `offsets` has one entry more than there are series.
    `histograms` has the samples of the same series that are native histograms, None where there is none; the end of
    these is marked among the values too.
    """

    labels: list[Labels]
    offsets: npt.NDArray[np.int64]
    timestamps: Timestamps
    values: Values
    histograms: HistogramSet | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a metric beside its samples; `type` in Prometheus' words, such as counter or gauge."""

    type: str
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation shown with where it came from, mostly a trace id, on the series `series`."""

    series: Labels
    labels: Labels
    value: float
    time_ms: int  # Unix milliseconds


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it is read back; times are Unix nanoseconds, ids lower-case hexadecimal."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str  # internal, server, client, producer, consumer, unspecified
    service: str
    start_ns: int
    end_ns: int
    status: str  # unset, ok, error
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()  # each {"time_ns", "name", "attributes"}
    links: tuple[Mapping[str, Any], ...] = ()  # each {"trace_id", "span_id", "attributes"}
    scope: str = ""  # the name of the instrumentation
    scope_version: str = ""
    trace_state: str = ""  # as W3C Trace Context writes it


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record as it is read back; `time_ns` is Unix nanoseconds, `level` the severity's text.

    `id` tells records of one time apart; it never changes.
    """

    time_ns: int
    level: str  # TRACE, DEBUG, INFO, WARN, ERROR, FATAL or what the sender wrote
    severity_number: int  # OpenTelemetry's 1 to 24, 0 where unknown
    service: str
    body: str
    trace_id: str = ""
    span_id: str = ""
    correlation_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """What the rules tell the alerting side: one instance of an alerting rule.

    `ends_at` is Unix seconds; in the past for a resolved alert, in the future (the time until which it may be
    believed without being repeated) for a firing one, as Prometheus sends it.
    """

    labels: Labels
    annotations: Labels
    starts_at: float
    ends_at: float
    generator_url: str = ""

    def resolved(self, now: float) -> bool:
        return self.ends_at <= now
