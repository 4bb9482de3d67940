"""The registry of time series: labels to id, and matchers to ids."""

from __future__ import annotations

import threading
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson

from accelerapp.server.regex import InvalidPatternError, compile_re2
from accelerapp.server.signals import METRIC_NAME, Labels, Matcher, MatchType
from accelerapp.server.storage.samples import SeriesIds

_REFUSED_NAMES = 100  # metrics whose refused samples are counted by name
_OTHERS = "(others)"


class InvalidMatcherError(ValueError):
    """A matcher's regular expression is not valid RE2."""


class SeriesRegistry:
    """Numbers the series, at most `max_series` of them, and finds them by their labels.

    Safe to call from any thread. Ids count from 0, are never used again and hold for one run of the process.
    """

    def __init__(self, max_series: int) -> None:
        self._max_series = max_series
        self._lock = threading.Lock()
        self._ids: dict[Labels, int] = {}
        self._labels: list[Labels] = []
        self._texts: list[bytes] = []
        self._order = np.zeros(0, dtype=np.uint32)
        self._ordering = threading.Lock()
        self._postings: dict[str, dict[str, array[int]]] = {}
        self._refused: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._labels)

    def labels(self, series: int) -> Labels:
        return self._labels[series]

    def texts(self, series: Sequence[int]) -> list[bytes]:
        """Return the labels of series as JSON, `[[name, value], …]`: the form in which they are kept."""
        texts = self._texts
        return [texts[one] for one in series]

    def ranks(self) -> SeriesIds:
        """Return, by id, the place of each series in the order of their texts, in which segments have them."""
        with self._ordering:
            known = len(self._texts)
            if known > self._order.size:
                # What is in order already costs the sort little.
                order = [*self._order.tolist(), *range(self._order.size, known)]
                order.sort(key=self._texts.__getitem__)
                self._order = np.array(order, dtype=np.uint32)
            ranks = np.empty_like(self._order)
            ranks[self._order] = np.arange(self._order.size, dtype=np.uint32)
            return ranks

    def id(self, labels: Labels) -> int | None:
        """Return the id of a series, a new one where it has none; None, counted, where the limit is reached.

        Raises ValueError where a label is not valid Unicode.
        """
        series = self._ids.get(labels)
        if series is not None:
            return series
        with self._lock:
            if len(self._labels) >= self._max_series and labels not in self._ids:
                name = dict(labels).get(METRIC_NAME, "")
                listed = name in self._refused or len(self._refused) < _REFUSED_NAMES
                self._refused[name if listed else _OTHERS] += 1
                return None
            return self._restore(labels)

    def restore(self, labels: Labels) -> int:
        """Return the id of a series that is already stored, whatever the limit."""
        with self._lock:
            return self._restore(labels)

    def _restore(self, labels: Labels) -> int:
        series = self._ids.get(labels)
        if series is not None:
            return series
        try:
            # What cannot be written must not get an id. A copy: what orjson returns keeps a buffer of four kilobytes.
            text = bytes(memoryview(orjson.dumps(labels)))
        except TypeError as error:
            raise ValueError(f"the labels {labels!r} cannot be stored: {error}") from error
        series = len(self._labels)
        self._labels.append(labels)
        self._texts.append(text)
        for name, value in labels:
            self._postings.setdefault(name, {}).setdefault(value, array("I")).append(series)
        self._ids[labels] = series
        return series

    def refused(self) -> dict[str, int]:
        """Return how many samples of new series were refused at the limit, by metric name."""
        with self._lock:
            return dict(self._refused)

    def match(self, matchers: Sequence[Matcher]) -> SeriesIds:
        """Return the ids, ascending, of the series that every matcher accepts.

        Raises InvalidMatcherError where a regular expression is not valid.
        """
        found = np.arange(len(self._labels), dtype=np.uint32)
        for matcher in matchers:
            accepts = acceptance(matcher)
            # A label that is absent counts as empty, so a matcher that accepts "" can only take series away.
            if accepts(""):
                rejected = self._where(matcher.name, _negation(accepts))
                found = np.setdiff1d(found, rejected, assume_unique=True)
            elif matcher.type is MatchType.EQUAL:
                found = np.intersect1d(found, self._having(matcher.name, [matcher.value]), assume_unique=True)
            else:
                found = np.intersect1d(found, self._where(matcher.name, accepts), assume_unique=True)
        return found

    def _where(self, name: str, test: Callable[[str], bool]) -> SeriesIds:
        """Return the ids of the series that have the label, with a value that passes the test."""
        with self._lock:
            values = list(self._postings.get(name, ()))
        return self._having(name, [value for value in values if test(value)])

    def _having(self, name: str, values: Sequence[str]) -> SeriesIds:
        """Return the ids of the series whose label has one of these values."""
        with self._lock:
            postings = self._postings.get(name, {})
            parts = [np.array(postings[value], dtype=np.uint32) for value in values if value in postings]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint32)


def _negation(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: not test(value)


def acceptance(matcher: Matcher) -> Callable[[str], bool]:
    """Return the test that a matcher makes of a label's value."""
    if matcher.type is MatchType.EQUAL:
        return lambda value: value == matcher.value
    if matcher.type is MatchType.NOT_EQUAL:
        return lambda value: value != matcher.value
    pattern = _compile(matcher.value)
    if matcher.type is MatchType.REGEX:
        return lambda value: pattern.fullmatch(value) is not None
    return lambda value: pattern.fullmatch(value) is None


def _compile(expression: str) -> Any:
    try:
        return compile_re2(expression, dot_matches_newline=True)  # as in Prometheus 3
    except InvalidPatternError as error:
        raise InvalidMatcherError(f"the regular expression {expression!r} is not valid: {error}") from error
