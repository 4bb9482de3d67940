"""The series of one target: which its scrapes write, which are new, and which have ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accelerapp.server.ingest.exposition import (
    ExpositionError,
    ExpositionParser,
    Parsed,
    RefusedSeriesError,
)
from accelerapp.server.ingest.fetch import Exposition
from accelerapp.server.ingest.relabel import relabel
from accelerapp.server.ingest.scrape_job import ScrapeJob, ScrapeLimits
from accelerapp.server.signals import METRIC_NAME, STALE_NAN, Exemplar, Labels, Metadata, make_labels
from accelerapp.server.storage import Samples, Sink

#: What every scrape reports of itself.
REPORTED = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
_EXPORTED = "exported_"
_MANY = 5000  # series
#: How far from the present a sample's own time may be, in milliseconds, as in Prometheus.
_AHEAD_MS = 10 * 60 * 1000
_BEHIND_MS = 60 * 60 * 1000


class ScrapedSeries:
    """One series; `number` is the sink's for it, None before it has one, and `fresh` until it was written once.

    `last` is the time and value of its last sample that came with a time of its own.
    """

    __slots__ = ("fresh", "labels", "last", "number")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.number: int | None = None
        self.fresh = True
        self.last: tuple[int, float] | None = None


#: What stands for the series that relabelling drops.
_DROPPED = ScrapedSeries(())


#: Series in the order in which they were written, each once.
_Alive = dict[ScrapedSeries, None]


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which samples of an exposition are written at the time of the scrape, and which series they are of."""

    series: Sequence[ScrapedSeries]  # of every sample exposed
    indexes: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.uint32]
    alive: _Alive
    fresh: list[ScrapedSeries]
    duplicates: int
    after_relabelling: int


@dataclass(slots=True)
class Scrape:
    """What came of one scrape, to be written and then to be told to `SeriesOfTarget.written`."""

    at_ms: int
    error: str = ""
    scraped: int = 0
    after_relabelling: int = 0
    added: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    out_of_bounds: int = 0
    numbers: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    times: list[npt.NDArray[np.int64]] = field(default_factory=list)
    values: list[npt.NDArray[np.float64]] = field(default_factory=list)
    exemplars: list[Exemplar] = field(default_factory=list)
    metadata: Mapping[str, Metadata] | None = None
    alive: _Alive = field(default_factory=dict)
    fresh: list[ScrapedSeries] = field(default_factory=list)
    last: list[tuple[ScrapedSeries, tuple[int, float]]] = field(default_factory=list)

    def samples(self) -> Samples:
        return Samples(np.concatenate(self.times), np.concatenate(self.numbers), np.concatenate(self.values))


class SeriesOfTarget:
    """Turns expositions of one target into samples; not safe to call from several threads at once."""

    def __init__(self, job: ScrapeJob, labels: Labels, sink: Sink) -> None:
        self._job = job
        self._labels = dict(labels)
        self._target = labels
        self._sink = sink
        self._parser = ExpositionParser(self._resolve)
        self._by_labels: dict[Labels, ScrapedSeries] = {}
        self._alive: _Alive = {}
        self._selection: _Selection | None = None
        self._reports = [ScrapedSeries(make_labels({**self._labels, METRIC_NAME: name})) for name in REPORTED]
        self._metadata: Mapping[str, Metadata] = {}

    def take_over(self, before: SeriesOfTarget) -> None:
        """Go on with the series of the same target under other settings."""
        self._by_labels, self._alive, self._reports = before._by_labels, before._alive, before._reports
        self._metadata = before._metadata

    def read(self, answer: Exposition, at_ms: int) -> Scrape:
        """Read an exposition; one that is refused is an error in the scrape, and ends the series as a failure does."""
        scrape = Scrape(at_ms)
        if not answer.body:
            return scrape
        try:
            parsed = self._parser.parse(answer.body.decode("utf-8"), openmetrics=answer.openmetrics)
        except UnicodeDecodeError as error:
            scrape.error = f"the answer is not UTF-8: {error}"
        except ExpositionError as error:
            scrape.error = str(error)
            kept = [one for one in error.series if one is not _DROPPED]
            scrape.scraped, scrape.after_relabelling = error.read, len(kept)
            self._refuse(scrape, kept)
        else:
            self._take(scrape, parsed)
        return scrape

    @property
    def large(self) -> bool:
        """Tell whether there are so many series that to look at each takes a while."""
        return len(self._alive) > _MANY

    def finish(self, scrape: Scrape, duration_seconds: float) -> Samples:
        """Return the samples of a scrape, with the markers of series that ended and the report on it."""
        ended = self._ended(scrape.alive)
        numbers = (
            float(not scrape.error),
            duration_seconds,
            float(scrape.scraped),
            float(scrape.after_relabelling),
            float(scrape.added),
        )
        reports = dict(zip(self._reports, numbers, strict=True))
        numbered = self._numbered(self._reports)
        _append(scrape, [*ended, *numbered], [STALE_NAN] * len(ended) + [reports[one] for one in numbered])
        return scrape.samples()

    def end(self, at_ms: int) -> Samples:
        """Return the markers that end every series, the report's among them."""
        scrape = Scrape(at_ms)
        ended = self._ended({})
        reports = [one for one in self._reports if one.number is not None]
        _append(scrape, [*ended, *reports], [STALE_NAN] * (len(ended) + len(reports)))
        self._alive = {}
        self._tell({})
        return scrape.samples()

    def written(self, scrape: Scrape) -> None:
        """Remember a scrape whose samples are stored."""
        self._alive = scrape.alive
        for one in scrape.fresh:
            one.fresh = False
        scrape.fresh.clear()
        for one, last in scrape.last:
            one.last = last
        if scrape.metadata is not None:
            self._tell(scrape.metadata)

    def _take(self, scrape: Scrape, parsed: Parsed[ScrapedSeries]) -> None:
        times = {
            index: at_ms
            for index, at_ms in parsed.times.items()
            if self._job.honor_timestamps and parsed.series[index] is not _DROPPED
        }
        selection = self._selection
        if selection is None or parsed.series is not selection.series or times:
            selection = self._select(parsed.series, times)
            self._by_labels = {one.labels: one for one in parsed.series if one is not _DROPPED}
            complete = not times and len(selection.numbers) == len(selection.alive)
            self._selection = selection if complete else None
        scrape.scraped = len(parsed.series)
        scrape.after_relabelling = selection.after_relabelling
        limit = self._job.limits.samples
        if limit and len(selection.alive) + len(times) > limit:
            scrape.error = "sample limit exceeded"
            self._refuse(scrape, list(selection.alive)[:limit])
            return
        scrape.duplicates = selection.duplicates
        scrape.numbers.append(selection.numbers)
        scrape.times.append(np.full(len(selection.numbers), scrape.at_ms, dtype=np.int64))
        scrape.values.append(parsed.values[selection.indexes])
        scrape.alive, scrape.fresh = selection.alive, selection.fresh
        if times:
            timed = self._with_own_times(scrape, parsed, times)
            scrape.fresh = [*selection.fresh, *(one for one in timed if one.fresh)]
            if self._job.track_timestamps_staleness:
                scrape.alive = selection.alive | timed
        scrape.added = len(scrape.fresh)
        if parsed.metadata != self._metadata:
            scrape.metadata = parsed.metadata
        scrape.exemplars = [
            Exemplar(one.labels, said.labels, said.value, said.time_ms or times.get(at, scrape.at_ms))
            for at, said in parsed.exemplars
            if (one := parsed.series[at]) is not _DROPPED
        ]

    def _select(self, series: Sequence[ScrapedSeries], times: Mapping[int, int]) -> _Selection:
        """Choose the first sample of each series that has no time of its own."""
        chosen: dict[ScrapedSeries, int] = {}
        duplicates = kept = 0
        for index, one in enumerate(series):
            if one is _DROPPED:
                continue
            kept += 1
            if index in times:
                continue
            if one in chosen:
                duplicates += 1
            else:
                chosen[one] = index
        numbered = self._numbered(list(chosen))
        return _Selection(
            series,
            np.array([chosen[one] for one in numbered], dtype=np.int64),
            np.array([one.number for one in numbered], dtype=np.uint32),
            dict.fromkeys(chosen),
            [one for one in chosen if one.fresh],
            duplicates,
            kept,
        )

    def _with_own_times(
        self, scrape: Scrape, parsed: Parsed[ScrapedSeries], times: Mapping[int, int]
    ) -> _Alive:
        """Add the samples that come with a time of their own, but for those that come too late or too early."""
        taken: list[tuple[ScrapedSeries, int, float]] = []
        seen: dict[ScrapedSeries, tuple[int, float]] = {}
        alive: _Alive = {}
        for index, at_ms in times.items():
            one, value = parsed.series[index], float(parsed.values[index])
            last = seen.get(one, one.last)
            if not scrape.at_ms - _BEHIND_MS <= at_ms <= scrape.at_ms + _AHEAD_MS:
                scrape.out_of_bounds += 1
            elif last is not None and at_ms < last[0]:
                scrape.out_of_order += 1
            elif last is not None and at_ms == last[0]:
                same = value == last[1] or (math.isnan(value) and math.isnan(last[1]))
                scrape.duplicates += not same
                if same:
                    alive[one] = None
            else:
                seen[one] = (at_ms, value)
                taken.append((one, at_ms, value))
                alive[one] = None
        numbered = set(self._numbered([one for one, _, _ in taken]))
        taken = [sample for sample in taken if sample[0] in numbered]
        scrape.numbers.append(np.array([one.number for one, _, _ in taken], dtype=np.uint32))
        scrape.times.append(np.array([at_ms for _, at_ms, _ in taken], dtype=np.int64))
        scrape.values.append(np.array([value for _, _, value in taken], dtype=np.float64))
        scrape.last = list(seen.items())
        return alive

    def _refuse(self, scrape: Scrape, read: Sequence[ScrapedSeries]) -> None:
        """Count the new series of a refused exposition up to where it was refused; they are new no more."""
        scrape.fresh = [one for one in dict.fromkeys(read) if one.fresh]
        scrape.added = len(scrape.fresh)
        if len(self._by_labels) > 2 * len(self._alive) + 1000:  # ever new series, and none is ever written
            self._by_labels = {one.labels: one for one in self._alive}

    def _ended(self, alive: _Alive) -> list[ScrapedSeries]:
        if alive is self._alive:
            return []
        return [one for one in self._alive if one not in alive and one.number is not None]

    def _numbered(self, series: Sequence[ScrapedSeries]) -> list[ScrapedSeries]:
        """Return the series that the sink has a number for, after asking for those that are missing."""
        missing = [one for one in series if one.number is None]
        if missing:
            numbers = self._sink.number_series([one.labels for one in missing])
            for one, number in zip(missing, numbers, strict=True):
                one.number = number
        return [one for one in series if one.number is not None]

    def _tell(self, metadata: Mapping[str, Metadata]) -> None:
        self._metadata = metadata
        self._sink.metadata.of_target(self._target, metadata)

    def _resolve(self, exposed: dict[str, str]) -> ScrapedSeries:
        labels = self._stored(exposed)
        if labels is None:
            return _DROPPED
        known = self._by_labels.get(labels)
        if known is None:
            known = self._by_labels[labels] = ScrapedSeries(labels)
        return known

    def _stored(self, exposed: dict[str, str]) -> Labels | None:
        """Return the labels under which a series is stored, None where it is dropped; raises RefusedSeriesError."""
        labels = self._joined({name: value for name, value in exposed.items() if value})
        if self._job.metric_relabel:
            if not relabel(self._job.metric_relabel, labels):
                return None
            if METRIC_NAME not in labels:
                raise RefusedSeriesError("missing metric name (__name__ label)")
        check_limits(labels, self._job.limits)
        return make_labels(labels)

    def _joined(self, own: dict[str, str]) -> dict[str, str]:
        """Join a series' own labels with the target's; of two with one name `honor_labels` decides."""
        if self._job.honor_labels:
            return {**self._labels, **own}
        conflicting = {name: own.pop(name) for name in self._labels if name in own}
        merged = {**own, **self._labels}
        if not conflicting:
            return merged
        for name in sorted(conflicting, key=len):
            exported = _EXPORTED + name
            while exported in merged:
                exported = _EXPORTED + exported
            merged[exported] = conflicting[name]
        return merged


def check_limits(labels: Mapping[str, str], limits: ScrapeLimits) -> None:
    """Raise RefusedSeriesError, in Prometheus' words, where a series has too many labels or too long ones."""
    metric = labels.get(METRIC_NAME, "")[:50]
    if limits.labels and len(labels) > limits.labels:
        raise RefusedSeriesError(
            f"label_limit exceeded (metric: {metric}, number of labels: {len(labels)}, limit: {limits.labels})"
        )
    if not limits.label_name_length and not limits.label_value_length:
        return
    for name, value in sorted(labels.items()):
        size = len(name.encode())
        if limits.label_name_length and size > limits.label_name_length:
            raise RefusedSeriesError(
                f"label_name_length_limit exceeded (metric: {metric}, label name: {name[:50]}, "
                f"length: {size}, limit: {limits.label_name_length})"
            )
        size = len(value.encode())
        if limits.label_value_length and size > limits.label_value_length:
            raise RefusedSeriesError(
                f"label_value_length_limit exceeded (metric: {metric}, label name: {name[:50]}, "
                f'value: "{value[:50]}", length: {size}, limit: {limits.label_value_length})'
            )


def _append(scrape: Scrape, series: Sequence[ScrapedSeries], values: Sequence[float]) -> None:
    scrape.numbers.append(np.array([one.number for one in series], dtype=np.uint32))
    scrape.times.append(np.full(len(series), scrape.at_ms, dtype=np.int64))
    scrape.values.append(np.array(values, dtype=np.float64))
