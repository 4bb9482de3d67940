"""Native histograms as columns: the form in which the journal, the head and the segments hold them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from accelerapp.server.signals import HistogramColumns, NativeHistogram
from accelerapp.server.storage.samples import SeriesIds

_COUNTS = struct.Struct("<II")  # samples, buckets
_EXACT = 2.0**52  # up to here a double holds every whole number, and every difference of two

#: The columns that have one entry a sample, with the type in which the journal keeps them, and those of the buckets.
_SAMPLE = {
    "timestamps": "<i8",
    "schema": "<i1",
    "gauge": "?",
    "zero_threshold": "<f8",
    "zero_count": "<f8",
    "count": "<f8",
    "sum": "<f8",
    "positive": "<u4",
}
_BUCKET = {"index": "<i4", "population": "<f8"}


@dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """Samples of native histograms of any series, in the order in which they were written."""

    series: SeriesIds
    columns: HistogramColumns

    def __len__(self) -> int:
        return len(self.series)

    @property
    def timestamps(self) -> npt.NDArray[np.int64]:
        return self.columns.timestamps

    @property
    def weight(self) -> int:
        """How much is held, in samples as wide as a float's."""
        return len(self.series) + len(self.columns.index)

    def take(self, rows: npt.NDArray[np.int64]) -> Histograms:
        return Histograms(self.series[rows], self.columns.take(rows))

    def where(self, mask: npt.NDArray[np.bool_]) -> Histograms:
        return self.take(np.flatnonzero(mask))

    def encode(self) -> bytes:
        """Return the columns as the journal keeps them."""
        parts = [_COUNTS.pack(len(self), len(self.columns.index)), self.series.tobytes()]
        lengths = np.diff(self.columns.bounds).astype("<u4")
        parts.append(lengths.tobytes())
        for name, kind in {**_SAMPLE, **_BUCKET}.items():
            parts.append(getattr(self.columns, name).astype(kind, copy=False).tobytes())
        return b"".join(parts)


def decode_histograms(payload: bytes) -> Histograms:
    """Read what `Histograms.encode` wrote; raises ValueError where the length is not that of its columns."""
    samples, buckets = _COUNTS.unpack_from(payload)
    kinds = [("series", "<u4", samples), ("lengths", "<u4", samples)]
    kinds += [(name, kind, samples) for name, kind in _SAMPLE.items()]
    kinds += [(name, kind, buckets) for name, kind in _BUCKET.items()]
    size = _COUNTS.size + sum(np.dtype(kind).itemsize * count for _, kind, count in kinds)
    if len(payload) != size:
        raise ValueError(f"{len(payload)} bytes cannot hold {samples} histograms of {buckets} buckets")
    at = _COUNTS.size
    found: dict[str, npt.NDArray[np.generic]] = {}
    for name, kind, count in kinds:
        found[name] = np.frombuffer(payload, dtype=kind, count=count, offset=at)
        at += found[name].nbytes
    bounds = _bounds(found.pop("lengths"))
    if bounds[-1] != buckets:
        raise ValueError(f"histograms with {bounds[-1]} buckets in all, where {buckets} are stored")
    series = found.pop("series")
    found["positive"] = found["positive"].astype(np.int64)
    return Histograms(series, HistogramColumns(bounds=bounds, **found))  # type: ignore[arg-type]


def of_objects(series: Sequence[int], times: Sequence[int], values: Sequence[NativeHistogram]) -> Histograms:
    """Lay histograms out as columns; empty buckets are left out."""
    index: list[int] = []
    population: list[float] = []
    positive: list[int] = []
    lengths: list[int] = []
    for value in values:
        sides = [[(i, count) for i, count in side if count] for side in (value.positive, value.negative)]
        positive.append(len(sides[0]))
        lengths.append(len(sides[0]) + len(sides[1]))
        for side in sides:
            index += [i for i, _ in side]
            population += [count for _, count in side]
    columns = HistogramColumns(
        np.array(times, dtype=np.int64),
        np.array([value.schema for value in values], dtype=np.int8),
        np.array([value.gauge for value in values], dtype=np.bool_),
        np.array([value.zero_threshold for value in values], dtype=np.float64),
        np.array([value.zero_count for value in values], dtype=np.float64),
        np.array([value.count for value in values], dtype=np.float64),
        np.array([value.sum for value in values], dtype=np.float64),
        np.array(positive, dtype=np.int64),
        _bounds(np.array(lengths, dtype=np.int64)),
        np.array(index, dtype=np.int32),
        np.array(population, dtype=np.float64),
    )
    return Histograms(np.array(series, dtype=np.uint32), columns)


def concatenate_histograms(parts: Sequence[Histograms]) -> Histograms:
    """Lay histograms end to end."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return of_objects([], [], [])
    joined = {
        field.name: np.concatenate([getattr(part.columns, field.name) for part in parts])
        for field in fields(HistogramColumns)
        if field.name != "bounds"
    }
    lengths = np.concatenate([np.diff(part.columns.bounds) for part in parts])
    columns = HistogramColumns(bounds=_bounds(lengths), **joined)
    return Histograms(np.concatenate([part.series for part in parts]), columns)


def sorted_histograms(histograms: Histograms, rank: npt.NDArray[np.integer]) -> Histograms:
    """Order histograms by the ranks of their series and by time; of two with one time the first written stays.

    The series ids of the answer are the ranks.
    """
    ranks = rank[histograms.series].astype(np.uint32)
    order = np.lexsort((histograms.timestamps, ranks))  # stable, so that the first written stays first
    ordered_ranks, times = ranks[order], histograms.timestamps[order]
    kept = np.ones(len(order), dtype=np.bool_)
    kept[1:] = (np.diff(ordered_ranks) != 0) | (np.diff(times) != 0)
    return Histograms(ordered_ranks[kept], histograms.columns.take(order[kept]))


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Buckets as a segment keeps them.

    A histogram `follows` the one before it where both are of one series, have the same buckets, and only whole numbers
    in them: then `index` leaves its buckets out, and `population` has what was added to them since. Of a run of such
    histograms `population` has the first one, then all of the first bucket, all of the second and so on: what lies
    together is of one size.
    """

    follows: npt.NDArray[np.bool_]
    index: npt.NDArray[np.int32]
    population: npt.NDArray[np.float64]


def pack(histograms: Histograms) -> Packed:
    """Pack the buckets of histograms that are in order of series and time."""
    columns = histograms.columns
    lengths = np.diff(columns.bounds)
    follows = _same_layout(histograms) & _whole(columns)
    follows[1:] &= _whole(columns)[:-1]
    of_bucket = np.repeat(follows, lengths)
    before = np.arange(len(columns.index)) - np.repeat(lengths, lengths)
    population = columns.population.copy()
    population[of_bucket] -= columns.population[before[of_bucket]]
    for part, samples, size in _runs(follows, columns.bounds):
        added = slice(part.start + size, part.stop)
        population[added] = population[added].reshape(samples - 1, size).T.ravel()
    return Packed(follows, columns.index[~of_bucket], population)


def unpack(
    packed: Packed, lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return the index and the population of every bucket; raises ValueError where they do not fit the lengths."""
    bounds = _bounds(lengths)
    starts = np.flatnonzero(~packed.follows)
    if len(lengths) and (packed.follows[0] or lengths[starts].sum() != len(packed.index)):
        raise ValueError("the buckets are not those of the histograms")
    if len(packed.population) != bounds[-1]:
        raise ValueError(f"{bounds[-1]} buckets, where {len(packed.population)} are stored")
    if (np.diff(lengths)[packed.follows[1:]] != 0).any():
        raise ValueError("a histogram follows one that has other buckets")
    index = np.empty(len(packed.population), dtype=np.int32)
    population = packed.population.copy()
    taken = 0
    for part, samples, size in _runs(packed.follows, bounds):
        index[part] = np.tile(packed.index[taken : taken + size], samples)
        if samples > 1:
            added = slice(part.start + size, part.stop)
            population[added] = population[added].reshape(size, samples - 1).T.ravel()
            population[part] = population[part].reshape(samples, size).cumsum(axis=0).ravel()
        taken += size
    return index, population


def _runs(follows: npt.NDArray[np.bool_], bounds: npt.NDArray[np.int64]) -> Iterator[tuple[slice, int, int]]:
    """Yield for each run of histograms that follow one another where its buckets lie, its length and its buckets."""
    starts = np.flatnonzero(~follows).tolist()
    for start, end in zip(starts, [*starts[1:], len(follows)], strict=True):
        yield slice(int(bounds[start]), int(bounds[end])), end - start, int(bounds[start + 1] - bounds[start])


def _same_layout(histograms: Histograms) -> npt.NDArray[np.bool_]:
    """Tell for every histogram whether it has the series and the buckets of the one before it."""
    columns = histograms.columns
    lengths = np.diff(columns.bounds)
    same = np.zeros(len(histograms), dtype=np.bool_)
    same[1:] = (
        (np.diff(histograms.series) == 0)
        & (np.diff(lengths) == 0)
        & (np.diff(columns.positive) == 0)
        & (np.diff(columns.schema) == 0)
    )
    candidates = np.repeat(same, lengths)
    at = np.flatnonzero(candidates)
    size = np.repeat(lengths, lengths)
    differs = at[columns.index[at] != columns.index[at - size[at]]]
    owner = np.repeat(np.arange(len(histograms)), lengths)
    same[owner[differs]] = False
    return same


def _whole(columns: HistogramColumns) -> npt.NDArray[np.bool_]:
    """Tell which histograms have only whole numbers in their buckets, each held exactly."""
    population = columns.population
    broken = (population != np.floor(population)) | ~(np.abs(population) < _EXACT)
    owner = np.repeat(np.arange(len(columns)), np.diff(columns.bounds))
    whole = np.ones(len(columns), dtype=np.bool_)
    whole[owner[broken]] = False
    return whole


def _bounds(lengths: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64)
