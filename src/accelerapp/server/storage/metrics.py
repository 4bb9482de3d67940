"""Reads samples from the head and the segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from accelerapp.server.signals import HistogramSet, Labels, Matcher, SeriesSet, Timestamps
from accelerapp.server.storage.contracts import TooManySamplesError
from accelerapp.server.storage.head import MetricHead
from accelerapp.server.storage.histograms import Histograms, concatenate_histograms, sorted_histograms
from accelerapp.server.storage.reading import SourceReader
from accelerapp.server.storage.samples import Samples, SeriesIds, concatenate
from accelerapp.server.storage.segments import MetricSegment
from accelerapp.server.storage.series import SeriesRegistry

MetricSource = MetricHead | MetricSegment
MatcherSets = Sequence[Sequence[Matcher]]


class StoredMetrics:
    """Implements `MetricReader`."""

    def __init__(self, reader: SourceReader[MetricSource], registry: SeriesRegistry) -> None:
        self._reader = reader
        self._registry = registry

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        max_samples: int = 50_000_000,
        check_time: Callable[[], None] = lambda: None,
    ) -> SeriesSet:
        """Return the samples of the matching series; see `MetricReader.select`."""
        series = self._registry.match(matchers)

        def check(read: int) -> None:
            check_time()
            if read > max_samples:
                selector = "{" + ", ".join(map(str, matchers)) + "}"
                raise TooManySamplesError(
                    f"the query reads more than {max_samples} samples from {selector}: "
                    "select fewer series or a shorter time range"
                )

        def run(sources: Sequence[MetricSource]) -> tuple[list[Samples], list[Histograms]]:
            parts: list[Samples] = []
            native: list[Histograms] = []
            read = 0
            for source in sources:
                for part in source.read(series, start_ms, end_ms):
                    parts.append(part)
                    read += len(part)
                    check(read)
                for histograms in source.read_histograms(series, start_ms, end_ms):
                    native.append(histograms)
                    read += histograms.weight
                    check(read)
            return parts, native

        return self._laid_out(*self._reader.read(lambda one: one.overlaps(start_ms, end_ms), run))

    def series(self, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[Labels]:
        """Return the labels of the series that any matcher set accepts, in ascending order."""
        return sorted(map(self._registry.labels, self._ids(matcher_sets, start_ms, end_ms).tolist()))

    def label_names(self, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[str]:
        """Return the names of the labels of such series, in ascending order."""
        found = map(self._registry.labels, self._ids(matcher_sets, start_ms, end_ms).tolist())
        return sorted({name for labels in found for name, _ in labels})

    def label_values(self, name: str, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[str]:
        """Return the values that a label has in such series, in ascending order."""
        found = map(self._registry.labels, self._ids(matcher_sets, start_ms, end_ms).tolist())
        return sorted({value for labels in found for other, value in labels if other == name})

    def _ids(self, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> SeriesIds:
        def run(sources: Sequence[MetricSource]) -> list[SeriesIds]:
            return [source.present(start_ms, end_ms) for source in sources]

        parts = self._reader.read(lambda one: one.overlaps(start_ms, end_ms), run)
        present = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint32)
        if not matcher_sets:
            return present
        accepted = np.unique(np.concatenate([self._registry.match(one) for one in matcher_sets]))
        return np.intersect1d(present, accepted, assume_unique=True)

    def _laid_out(self, parts: Sequence[Samples], native: Sequence[Histograms]) -> SeriesSet:
        """Order samples by labels and time, keeping the first written of those with one timestamp."""
        samples, histograms = concatenate(parts), concatenate_histograms(native)
        ids = _distinct(samples.series)
        if len(histograms):
            ids = np.union1d(ids, histograms.series)
        labels = [self._registry.labels(series) for series in ids.tolist()]
        by_labels = sorted(range(len(labels)), key=labels.__getitem__)
        rank = np.zeros(len(labels), dtype=np.int64)
        rank[by_labels] = np.arange(len(labels))
        place = np.zeros(int(ids[-1]) + 1 if len(ids) else 0, dtype=np.int64)
        place[ids] = rank
        ranks = place[samples.series]
        order = _order(ranks, samples.timestamps, len(labels))
        ranks, times = ranks[order], samples.timestamps[order]
        kept = np.ones(len(order), dtype=np.bool_)
        kept[1:] = (np.diff(ranks) != 0) | (np.diff(times) != 0)
        if not kept.all():
            order, ranks, times = order[kept], ranks[kept], times[kept]
        rows = np.bincount(ranks, minlength=len(labels))
        return SeriesSet(
            labels=[labels[index] for index in by_labels],
            offsets=np.concatenate([[0], np.cumsum(rows)]).astype(np.int64),
            timestamps=times,
            values=samples.values[order],
            histograms=_histogram_set(histograms, ids, rank) if len(histograms) else None,
        )


def _distinct(series: SeriesIds) -> SeriesIds:
    """Return the ids that occur, ascending."""
    occurs = np.zeros(int(series.max(initial=0)) + 1, dtype=np.bool_)
    occurs[series] = True
    return np.flatnonzero(occurs).astype(np.uint32) if len(series) else series


def _order(ranks: npt.NDArray[np.int64], times: Timestamps, count: int) -> npt.NDArray[np.int64]:
    """Return the order by rank and time in which what was written first stays first."""
    # Samples mostly come in order of time, and numpy sorts numbers of 16 bits in linear time.
    order = np.argsort(ranks.astype(np.uint16) if count <= 2**16 else ranks, kind="stable")
    if ((np.diff(times[order]) < 0) & (np.diff(ranks[order]) == 0)).any():
        order = np.lexsort((times, ranks))
    return order


def _histogram_set(histograms: Histograms, ids: SeriesIds, rank: npt.NDArray[np.int64]) -> HistogramSet:
    """Order histograms by the ranks of their series, which belong to `ids`, and by time."""
    ranks = np.zeros(int(ids[-1]) + 1, dtype=np.int64)
    ranks[ids] = rank
    ordered = sorted_histograms(histograms, ranks)
    rows = np.bincount(ordered.series, minlength=len(ids))
    return HistogramSet(np.concatenate([[0], np.cumsum(rows)]).astype(np.int64), ordered.columns)
