"""OTLP's exponential histograms as native ones, by the rules of Prometheus' own OTLP receiver."""

from __future__ import annotations

import math
from collections.abc import Iterable

from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint

from accelerapp.server.signals import NativeHistogram

#: The range of a native histogram's schema; what is finer is made coarser.
COARSEST, FINEST = -4, 8
#: The width of the zero bucket, which Prometheus takes for every one.
_ZERO_THRESHOLD = 1e-128
# The largest number is in bucket 1024·2^8, the smallest in -1074·2^8.
_MOST_INDEX = 1100 << FINEST


class InvalidHistogramError(ValueError):
    """An exponential histogram contradicts itself, or cannot be a native one."""


def native_histogram(point: ExponentialHistogramDataPoint) -> NativeHistogram:
    """Return a data point as a native histogram; raises InvalidHistogramError."""
    if point.scale < COARSEST:
        raise InvalidHistogramError(
            f"an exponential histogram's scale must be {COARSEST} or more to be stored, it is {point.scale}"
        )
    steps = max(0, point.scale - FINEST)
    positive = _side(point.positive, steps)
    negative = _side(point.negative, steps)
    held = sum(count for side in (positive, negative) for _, count in side) + point.zero_count
    total = point.sum if point.HasField("sum") else 0.0
    if held > point.count or (held < point.count and not math.isnan(total)):
        raise InvalidHistogramError(
            f"an exponential histogram has {held} observations in its buckets where its count is {point.count}"
        )
    return NativeHistogram(
        schema=min(point.scale, FINEST),
        count=float(point.count),
        sum=total,
        zero_threshold=_ZERO_THRESHOLD,
        zero_count=float(point.zero_count),
        positive=tuple((index, float(count)) for index, count in positive),
        negative=tuple((index, float(count)) for index, count in negative),
    )


def _side(buckets: ExponentialHistogramDataPoint.Buckets, steps: int) -> list[tuple[int, int]]:
    """Return the buckets of one sign that are not empty, 2^steps of them as one, numbered as Prometheus does."""
    found = merged(
        ((buckets.offset + i, count) for i, count in enumerate(buckets.bucket_counts) if count), steps
    )
    if any(abs(index) > _MOST_INDEX for index, _ in found):
        raise InvalidHistogramError("an exponential histogram has a bucket beyond every number")
    return [(index + 1, count) for index, count in found]


def merged(buckets: Iterable[tuple[int, int]], steps: int) -> list[tuple[int, int]]:
    """Make one of 2^steps buckets, which are given in ascending order of OTLP's index."""
    found: list[tuple[int, int]] = []
    for index, count in buckets:
        wide = index >> steps
        if found and found[-1][0] == wide:
            found[-1] = (wide, found[-1][1] + count)
        else:
            found.append((wide, count))
    return found
