"""Native histograms in the JSON of Prometheus' HTTP API."""

from __future__ import annotations

from typing import Any

from accelerapp.server.promql import Histogram, format_value


def histogram_json(histogram: Histogram) -> dict[str, Any]:
    """Return count, sum and the buckets that are not empty, each as [which bounds are within, lower, upper, count]."""
    answer: dict[str, Any] = {"count": format_value(histogram.count), "sum": format_value(histogram.sum)}
    buckets = [
        [one.boundaries, format_value(one.lower), format_value(one.upper), format_value(one.count)]
        for one in histogram.buckets()
    ]
    return {**answer, "buckets": buckets} if buckets else answer
