"""Samples held in memory, for evaluating expressions over series that are given, not collected."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from accelerapp.server.promql.block import get_label
from accelerapp.server.promql.regex import compile_anchored
from accelerapp.server.signals import Labels, Matcher, MatchType, SeriesSet, Timestamps, Values
from accelerapp.server.storage.contracts import TooManySamplesError


class MemoryReader:
    """A MetricReader over series in memory."""

    def __init__(self) -> None:
        self._series: dict[Labels, tuple[Timestamps, Values]] = {}

    def add(self, labels: Labels, timestamps: Sequence[int], values: Sequence[float]) -> None:
        """Add samples (Unix milliseconds and values) of a series; of two with one timestamp the first added is kept."""
        times, numbers = np.asarray(timestamps, dtype=np.int64), np.asarray(values, dtype=np.float64)
        if labels in self._series:
            times = np.concatenate((self._series[labels][0], times))
            numbers = np.concatenate((self._series[labels][1], numbers))
        times, first = np.unique(times, return_index=True)
        self._series[labels] = (times, numbers[first])

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        max_samples: int = 50_000_000,
        check_time: Callable[[], None] = lambda: None,
    ) -> SeriesSet:
        """Return the samples within the range (inclusive) of every series that all matchers accept."""
        labels, times, values = [], [np.empty(0, dtype=np.int64)], [np.empty(0)]
        for each in self._matching([matchers], start_ms, end_ms):
            stamps, numbers = self._series[each]
            first, last = np.searchsorted(stamps, start_ms, "left"), np.searchsorted(stamps, end_ms, "right")
            labels.append(each)
            times.append(stamps[first:last])
            values.append(numbers[first:last])
        offsets = np.cumsum([len(part) for part in times], dtype=np.int64)
        if offsets[-1] > max_samples:
            raise TooManySamplesError(f"the query reads {offsets[-1]} samples, the limit is {max_samples}")
        return SeriesSet(labels, offsets, np.concatenate(times), np.concatenate(values))

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[Labels]:
        """Return the labels of the series that any of the matcher sets accepts (all where none is given)."""
        return self._matching(matcher_sets or [()], start_ms, end_ms)

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[str]:
        """Return the names of the labels of those series."""
        return sorted({name for each in self.series(matcher_sets, start_ms, end_ms) for name, _ in each})

    def label_values(
        self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[str]:
        """Return the values that a label has in those series."""
        values = {get_label(each, name) for each in self.series(matcher_sets, start_ms, end_ms)}
        return sorted(values - {""})

    def _matching(
        self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int
    ) -> list[Labels]:
        tests = [[(matcher.name, _test(matcher)) for matcher in matchers] for matchers in matcher_sets]
        return sorted(
            labels
            for labels, (times, _) in self._series.items()
            if any(all(test(get_label(labels, name)) for name, test in each) for each in tests)
            and np.searchsorted(times, start_ms, "left") < np.searchsorted(times, end_ms, "right")
        )


def _test(matcher: Matcher) -> Callable[[str], bool]:
    if matcher.type in (MatchType.EQUAL, MatchType.NOT_EQUAL):
        wanted = matcher.type == MatchType.EQUAL
        return lambda value: (value == matcher.value) == wanted
    regex = compile_anchored(matcher.value)
    wanted = matcher.type == MatchType.REGEX
    return lambda value: (regex.fullmatch(value) is not None) == wanted
