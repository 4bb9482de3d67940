"""Delta temporality made cumulative: what each stream has counted since it was first seen."""

from __future__ import annotations

import copy
import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
)

from accelerapp.server.ingest.otlp_histograms import merged
from accelerapp.server.signals import Clock

DataPoint = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint

#: How long a stream is remembered after its last point; the next one then begins a counter anew.
FORGET_SECONDS = 300.0
MAX_STREAMS = 100_000
#: Buckets that a sum of exponential histograms may have on one side: beyond it, it is made coarser.
_MOST_BUCKETS = 160


class DroppedPointError(ValueError):
    """A point cannot be added to its stream."""


@dataclass(slots=True)
class _Stream:
    total: DataPoint
    seen: float


class DeltaStreams:
    """Adds up delta points by stream: a resource, scope, metric and set of attributes.

    Remembers `max_streams` streams, each for `forget_seconds` after its last point. It is used as a context manager
    around one request, whose points are forgotten again where that raises: the sender will send them once more. Not
    safe for concurrent use.
    """

    def __init__(
        self, clock: Clock, max_streams: int = MAX_STREAMS, forget_seconds: float = FORGET_SECONDS
    ) -> None:
        self._clock = clock
        self._max_streams = max_streams
        self._forget_seconds = forget_seconds
        self._streams: OrderedDict[bytes, _Stream] = OrderedDict()
        self._undo: dict[bytes, _Stream | None] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._streams)

    def __enter__(self) -> DeltaStreams:
        self._undo = {}
        self._now = self._clock()
        while self._streams:
            key, oldest = next(iter(self._streams.items()))
            if oldest.seen > self._now - self._forget_seconds:
                break
            del self._streams[key]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for key, before in self._undo.items():
                if before is None:
                    del self._streams[key]
                else:
                    self._streams[key] = before
        self._undo = {}

    def cumulative(self, metric: bytes, point: DataPoint) -> DataPoint:
        """Add a point to its stream and return what the stream has counted by then.

        `metric` is the `stream_key` of the resource, scope and metric. Raises DroppedPointError for a point that
        overlaps with what was counted already, and for a new stream beyond the limit.
        """
        key = stream_key(metric, point.attributes)
        stream = self._streams.get(key)
        if stream is None and len(self._streams) >= self._max_streams:
            raise DroppedPointError(
                f"{self._max_streams} streams of delta temporality are remembered already: "
                "send fewer sets of attributes, or cumulative temporality"
            )
        before = None if stream is None else stream.total
        if before is not None and point.start_time_unix_nano < before.start_time_unix_nano:
            raise DroppedPointError(
                "a point begins before its stream does: several processes may send the same stream"
            )
        if before is not None and point.time_unix_nano <= before.time_unix_nano:
            raise DroppedPointError("a point is not newer than the one before, which counts already")
        if key not in self._undo:
            self._undo[key] = stream
        total = copy.deepcopy(point)
        if before is not None:
            _add(total, before)
        self._streams[key] = _Stream(total, self._now)
        self._streams.move_to_end(key)
        return total


def stream_key(outer: bytes, attributes: Iterable[KeyValue], *more: str) -> bytes:
    """Return what tells attributes, and texts beside them, from others within `outer`."""
    digest = hashlib.blake2b(outer, digest_size=16)
    for part in (
        *sorted(pair.SerializeToString(deterministic=True) for pair in attributes),
        *map(str.encode, more),
    ):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def _add(total: DataPoint, before: DataPoint) -> None:
    """Add what was counted before to a new point."""
    if isinstance(total, NumberDataPoint) and isinstance(before, NumberDataPoint):
        _add_number(total, before)
    elif isinstance(total, HistogramDataPoint) and isinstance(before, HistogramDataPoint):
        if list(total.explicit_bounds) != list(before.explicit_bounds):
            return  # there is no adding these: the stream begins anew
        counts = [one + other for one, other in zip(total.bucket_counts, before.bucket_counts, strict=False)]
        total.bucket_counts[:] = counts
        _add_totals(total, before)
    elif isinstance(total, ExponentialHistogramDataPoint) and isinstance(
        before, ExponentialHistogramDataPoint
    ):
        _add_buckets(total, before)
        total.zero_count += before.zero_count
        _add_totals(total, before)
    total.start_time_unix_nano = before.start_time_unix_nano


def _add_number(total: NumberDataPoint, before: NumberDataPoint) -> None:
    if total.WhichOneof("value") == before.WhichOneof("value") == "as_int":
        # Beyond 64 bits it goes on from the other end, as a counter that wraps does.
        total.as_int = (total.as_int + before.as_int + 2**63) % 2**64 - 2**63
    else:
        total.as_double = _value(total) + _value(before)


def _value(point: NumberDataPoint) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _add_totals(
    total: HistogramDataPoint | ExponentialHistogramDataPoint,
    before: HistogramDataPoint | ExponentialHistogramDataPoint,
) -> None:
    total.count += before.count
    if total.HasField("sum") and before.HasField("sum"):
        total.sum += before.sum
    else:
        total.ClearField("sum")
    total.ClearField("min")
    total.ClearField("max")


def _add_buckets(total: ExponentialHistogramDataPoint, before: ExponentialHistogramDataPoint) -> None:
    """Add the buckets of the histogram before, at a scale at which no side has too many."""
    scale = min(total.scale, before.scale)
    pairs = [(total.positive, before.positive), (total.negative, before.negative)]
    sides = [
        _sum(_buckets(one, total.scale - scale), _buckets(other, before.scale - scale))
        for one, other in pairs
    ]
    while any(side and max(side) - min(side) + 1 > _MOST_BUCKETS for side in sides):
        scale -= 1
        sides = [dict(merged(sorted(side.items()), 1)) for side in sides]
    total.scale = scale
    for (target, _), side in zip(pairs, sides, strict=True):
        target.offset = min(side, default=0)
        target.bucket_counts[:] = [side.get(i, 0) for i in range(target.offset, max(side, default=-1) + 1)]


def _buckets(buckets: ExponentialHistogramDataPoint.Buckets, steps: int) -> dict[int, int]:
    pairs = ((buckets.offset + i, count) for i, count in enumerate(buckets.bucket_counts) if count)
    return dict(merged(pairs, steps))


def _sum(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {index: one.get(index, 0) + other.get(index, 0) for index in one.keys() | other.keys()}
