"""What a query says beside its answer: warnings and infos, in Prometheus' words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from accelerapp.server.numbers import format_general, special
from accelerapp.server.promql import ast
from accelerapp.server.quoting import quote
from accelerapp.server.times import rfc3339

WARNING = "PromQL warning"
INFO = "PromQL info"
#: How many of each kind an answer has, as in Prometheus' API.
MOST = 10

_MONOTONICITY = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


@dataclass(slots=True)
class _Monotonicity:
    """Where the buckets of classic histograms had to be raised."""

    lowest: float = math.inf
    highest: float = -math.inf
    difference: float = 0.0
    first_ms: int = 2**63 - 1
    last_ms: int = -(2**63)
    count: int = 0

    def __str__(self) -> str:
        return (
            f", from buckets {format_general(self.lowest)} to {format_general(self.highest)}, "
            f"with a max diff of {special(self.difference) or format(self.difference, '.2g')}, "
            f"over {self.count} samples from {rfc3339(self.first_ms // 1000)} to {rfc3339(self.last_ms // 1000)}"
        )


@dataclass(slots=True)
class Annotations:
    """Collects warnings and infos, each text once; the position is that of the last expression that it is about."""

    _found: dict[str, tuple[str, ast.Expr]] = field(default_factory=dict)
    _details: dict[str, _Monotonicity] = field(default_factory=dict)

    def warning(self, text: str, about: ast.Expr) -> None:
        self._found[f"{WARNING}: {text}"] = (WARNING, about)

    def info(self, text: str, about: ast.Expr) -> None:
        self._found[f"{INFO}: {text}"] = (INFO, about)

    def not_monotonic(
        self, about: ast.Expr, at_ms: int, lowest: float, highest: float, difference: float
    ) -> None:
        """Note that at a time the buckets from `lowest` to `highest` were raised, by at most `difference`."""
        self.info(_MONOTONICITY, about)
        detail = self._details.setdefault(f"{INFO}: {_MONOTONICITY}", _Monotonicity())
        detail.lowest, detail.highest = min(detail.lowest, lowest), max(detail.highest, highest)
        detail.difference = max(detail.difference, difference)
        detail.first_ms, detail.last_ms = min(detail.first_ms, at_ms), max(detail.last_ms, at_ms)
        detail.count += 1

    def warnings(self, query: str) -> list[str]:
        """Return the warnings with their places in the query's text, the last of them the number of those left out."""
        return self._texts(WARNING, query)

    def infos(self, query: str) -> list[str]:
        """Return the infos, as `warnings` does."""
        return self._texts(INFO, query)

    def _texts(self, kind: str, query: str) -> list[str]:
        texts = [
            f"{text}{self._details.get(text, '')}{_place(about, query)}"
            for text, (found, about) in self._found.items()
            if found == kind
        ]
        if len(texts) > MOST:
            noun = "warning" if kind == WARNING else "info"
            texts[MOST:] = [f"{len(texts) - MOST} more {noun} annotations omitted"]
        return texts


def _place(about: ast.Expr, query: str) -> str:
    """Return line and column of an expression, the column in bytes as Prometheus counts."""
    if about.start is None or not query:
        return ""
    before = query[: about.start]
    line_start = before.rfind("\n") + 1
    return f" ({before.count(chr(10)) + 1}:{len(before[line_start:].encode()) + 1})"


def mixed_samples(metric: str) -> str:
    return f"encountered a mix of histograms and floats for metric name {quote(metric)}"


def ignored_in_range(metric: str) -> str:
    return (
        f"ignored histograms in a range containing both floats and histograms for metric name {quote(metric)}"
    )


def ignored_in(aggregation: str) -> str:
    return f"ignored histogram in {aggregation} aggregation"


def not_a_counter(metric: str) -> str:
    return f"this native histogram metric is not a counter: {quote(metric)}"


def not_a_gauge(metric: str) -> str:
    return f"this native histogram metric is not a gauge: {quote(metric)}"


def perhaps_no_counter(metric: str) -> str:
    return "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " + quote(metric)


def invalid_quantile(quantile: float) -> str:
    return f"quantile value should be between 0 and 1, got {format_general(quantile)}"


def bad_bucket(value: str) -> str:
    return f'bucket label "le" is missing or has a malformed value of {quote(value)}'


def incompatible_types(left: str, operator: str, right: str) -> str:
    return (
        f'incompatible sample types encountered for binary operator "{operator}": {left} {operator} {right}'
    )


def conflicting_resets(operation: str) -> str:
    return f"conflicting counter resets during histogram {operation}"


MIXED_AGGREGATION = "encountered a mix of histograms and floats for aggregation"
MIXED_CLASSIC_AND_NATIVE = "vector contains a mix of classic and native histograms"
SORT_IN_RANGE = "sort is ineffective for range queries since results are always ordered by labels"
