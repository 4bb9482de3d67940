"""The collector: where an application asks for its metrics by name, and an exporter reads them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypedDict, TypeVar

from accelerapp.monitoring.children import HistogramSummary
from accelerapp.monitoring.families import (
    DEFAULT_BUCKETS,
    Counter,
    FamilySnapshot,
    Gauge,
    Histogram,
    LabelValues,
    check_name,
    normalize_buckets,
)

#: What exported names begin with unless a family says otherwise.
DEFAULT_NAMESPACE = "accelerapp"

AnyFamily = Counter | Gauge | Histogram
F = TypeVar("F", Counter, Gauge, Histogram)


class AllMetrics(TypedDict):
    """A labelled family has its sum under its name and each child under `name{label="value"}`."""

    uptime_seconds: float
    counters: dict[str, float]
    gauges: dict[str, float]
    histograms: dict[str, HistogramSummary]


class MetricsCollector:
    """A set of metrics with distinct names; safe to use from any thread.

    Args:
        max_series_per_metric: How many label sets one metric holds before further ones share a child.
        clock: Monotonic seconds, for the uptime.
    """

    def __init__(
        self, *, max_series_per_metric: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if max_series_per_metric < 1:
            raise ValueError(f"max_series_per_metric must be at least 1, got {max_series_per_metric}")
        self._max_series = max_series_per_metric
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()
        self._families: dict[str, AnyFamily] = {}
        self._exported: dict[str, str] = {}

    def counter(
        self,
        name: str,
        description: str = "",
        labelnames: Sequence[str] = (),
        *,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> Counter:
        """Return the counter of this name, made on first use.

        Args:
            name: As the data model of Prometheus allows; it gets no forced suffix.
            description: What it counts; the first caller's stays.
            labelnames: Names of its labels.
            namespace: What the exported name begins with, `<namespace>_<name>`; "" exports the name as it
                is, for names that are fixed elsewhere, such as OpenTelemetry's `gen_ai_…`.

        Raises:
            ValueError: a name is malformed, or the metric exists with another type, labels or namespace.
        """
        return self._get(
            Counter,
            name,
            labelnames,
            namespace,
            lambda: Counter(name, description, labelnames, namespace=namespace, max_series=self._max_series),
        )

    def gauge(
        self,
        name: str,
        description: str = "",
        labelnames: Sequence[str] = (),
        *,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> Gauge:
        """Return the gauge of this name, made on first use; arguments and errors as for `counter`."""
        return self._get(
            Gauge,
            name,
            labelnames,
            namespace,
            lambda: Gauge(name, description, labelnames, namespace=namespace, max_series=self._max_series),
        )

    def histogram(
        self,
        name: str,
        description: str = "",
        labelnames: Sequence[str] = (),
        *,
        buckets: Iterable[float] | None = None,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> Histogram:
        """Return the histogram of this name, made on first use.

        `buckets` are ascending inclusive upper bounds, in the unit of what is observed, +Inf implied; None
        asks for the existing ones, or the default ones (0.005 to 120, in seconds) for a new histogram. Other
        arguments and errors as for `counter`; other buckets than it has are a ValueError as well.
        """
        bounds = None if buckets is None else normalize_buckets(name, buckets)
        histogram = self._get(
            Histogram,
            name,
            labelnames,
            namespace,
            lambda: Histogram(
                name,
                description,
                labelnames,
                buckets=DEFAULT_BUCKETS if bounds is None else bounds,
                namespace=namespace,
                max_series=self._max_series,
            ),
        )
        if bounds is not None and bounds != histogram.bounds:
            raise ValueError(f"{name} exists with the buckets {histogram.bounds!r}, asked for {bounds!r}")
        return histogram

    def _get(
        self, kind: type[F], name: str, labelnames: Sequence[str], namespace: str, make: Callable[[], F]
    ) -> F:
        with self._lock:
            family = self._families.get(name)
            if family is None:
                made = make()
                self._claim(made)
                self._families[name] = made
                return made
        if not isinstance(family, kind):
            raise ValueError(f"{name} exists as a {family.type}, asked for as a {kind.type}")
        if family.labelnames != tuple(labelnames):
            raise ValueError(
                f"{name} exists with the labels {family.labelnames!r}, asked for with {tuple(labelnames)!r}"
            )
        if family.namespace != namespace:
            raise ValueError(
                f"{name} exists in the namespace {family.namespace!r}, asked for in {namespace!r}"
            )
        return family

    def _claim(self, family: AnyFamily) -> None:
        """Refuse a family whose exported samples would carry another family's names."""
        check_name(family.exported_name)
        names = {family.exported_name}
        if family.type == "histogram":
            names |= {f"{family.exported_name}{suffix}" for suffix in ("_bucket", "_count", "_sum")}
        for exported in names:
            owner = self._exported.get(exported)
            if owner is not None:
                raise ValueError(f"{family.name} would be exported as {exported}, as {owner} already is")
        self._exported.update(dict.fromkeys(names, family.name))

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the collector was made."""
        return self._clock() - self._started

    def families(self) -> list[AnyFamily]:
        """Return all families in the order of their making."""
        with self._lock:
            return list(self._families.values())

    def collect(self) -> list[FamilySnapshot]:
        """Read every family once, for an exporter."""
        return [family.snapshot() for family in self.families()]

    def get_all_metrics(self) -> AllMetrics:
        """Return uptime, counters, gauges and histogram summaries by name."""
        result: AllMetrics = {
            "uptime_seconds": self.uptime_seconds,
            "counters": {},
            "gauges": {},
            "histograms": {},
        }
        for family in self.families():
            if isinstance(family, Histogram):
                result["histograms"].update(_by_child(family, family.get()))
                continue
            section = result["counters"] if isinstance(family, Counter) else result["gauges"]
            section[family.name] = family.get()
            if family.labelnames:
                for values, child in family.children():
                    section[_child_name(family, values)] = child.get()
        return result

    def reset_all(self) -> None:
        """Set every counter and histogram to zero; gauges stay, for they say what is now."""
        for family in self.families():
            if not isinstance(family, Gauge):
                family.reset()


def _by_child(family: Histogram, total: HistogramSummary) -> dict[str, HistogramSummary]:
    summaries = {family.name: total}
    if family.labelnames:
        summaries |= {_child_name(family, values): child.get() for values, child in family.children()}
    return summaries


def _child_name(family: AnyFamily, values: LabelValues) -> str:
    pairs = ",".join(
        f'{name}="{escape_label_value(value)}"' for name, value in zip(family.labelnames, values, strict=True)
    )
    return f"{family.name}{{{pairs}}}"


def escape_label_value(value: str) -> str:
    """Escape a label value as the text exposition format 0.0.4 has it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


_process_wide = MetricsCollector()


def get_metrics() -> MetricsCollector:
    """Return the collector that the whole process shares."""
    return _process_wide
