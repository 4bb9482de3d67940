"""Native histograms: what is written is read, beside samples, from the head, from segments and after a restart."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accelerapp.server.signals import (
    STALE_NAN,
    Labels,
    Matcher,
    MatchType,
    NativeHistogram,
    SeriesSet,
    make_labels,
)
from accelerapp.server.storage import Storage, StorageSettings, TooManySamplesError
from accelerapp.server.storage.histogram_tables import HistogramTables
from accelerapp.server.storage.histograms import Histograms, decode_histograms, of_objects, pack, unpack
from accelerapp.server.storage.merging import FAN_IN

ALL: list[Matcher] = []
FOREVER = (-(2**62), 2**62)
Sample = tuple[Labels, int, NativeHistogram]


def named(name: str, **labels: str) -> Labels:
    return make_labels({"__name__": name, **labels})


def flat(found: SeriesSet) -> list[tuple[Labels, int, NativeHistogram]]:
    """Lay the histograms of a series set out as (labels, time, histogram)."""
    if found.histograms is None:
        return []
    columns, rows = found.histograms.samples, []
    owners = np.repeat(np.arange(len(found.labels)), np.diff(found.histograms.offsets))
    for row, owner in enumerate(owners.tolist()):
        first, last = columns.bounds[row], columns.bounds[row + 1]
        buckets = list(
            zip(columns.index[first:last].tolist(), columns.population[first:last].tolist(), strict=True)
        )
        middle = int(columns.positive[row])
        value = NativeHistogram(
            schema=int(columns.schema[row]),
            count=float(columns.count[row]),
            sum=float(columns.sum[row]),
            zero_threshold=float(columns.zero_threshold[row]),
            zero_count=float(columns.zero_count[row]),
            positive=tuple(buckets[:middle]),
            negative=tuple(buckets[middle:]),
            gauge=bool(columns.gauge[row]),
        )
        rows.append((found.labels[owner], int(columns.timestamps[row]), value))
    return rows


def expected(samples: Sequence[Sample]) -> list[Sample]:
    """Say what reading must return: by labels and time, the first written of those with one time."""
    kept: dict[tuple[Labels, int], NativeHistogram] = {}
    for labels, at, value in samples:
        kept.setdefault((labels, at), value)
    return [(labels, at, value) for (labels, at), value in sorted(kept.items(), key=lambda item: item[0])]


COUNTS = (
    st.integers(1, 2**52 - 1).map(float)
    | st.integers(1, 9).map(float)
    | st.sampled_from([0.5, 2.0**60, -3.0])
)
SIDE = st.dictionaries(st.integers(-3, 3), COUNTS, max_size=4).map(lambda found: tuple(sorted(found.items())))
HISTOGRAMS = st.builds(
    NativeHistogram,
    schema=st.sampled_from([0, 0, 0, 8, -4]),
    count=st.floats(0, allow_infinity=False, allow_nan=False),
    sum=st.floats(allow_nan=False) | st.just(0.0),
    zero_threshold=st.sampled_from([0.0, 1e-128]),
    zero_count=COUNTS,
    positive=SIDE | st.just(((1, 3.0), (2, 4.0))),
    negative=SIDE | st.just(()),
    gauge=st.booleans(),
)
SERIES = st.sampled_from([named("a"), named("a", x="1"), named("b", x="2"), named("B"), ()])
BATCH = st.lists(st.tuples(SERIES, st.integers(-3, 9), HISTOGRAMS), min_size=1, max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(BATCH, min_size=1, max_size=4),
    sealed=st.integers(0, 4),
    floats=st.booleans(),
    at_once=st.sampled_from([1, 1000]),
)
async def test_every_histogram_comes_back_wherever_it_is_held(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[list[Sample]],
    sealed: int,
    floats: bool,
    at_once: int,
) -> None:
    monkeypatch.setattr("accelerapp.server.storage.runs._MOST_ROWS", at_once)
    folder = tmp_path_factory.mktemp("data")
    storage = Storage.open(folder, StorageSettings(retention_seconds=0))
    for index, batch in enumerate(batches):
        await storage.write_histograms(batch)
        if floats:
            await storage.write_samples([(named("a"), 100 + index, 1.0), (named("c"), index, STALE_NAN)])
        if index < sealed:
            await storage.seal()
    await storage.wait_loaded()
    everything = expected([sample for batch in batches for sample in batch])
    found = storage.metrics.select(ALL, *FOREVER)
    assert flat(found) == everything
    assert len(found.values) == (2 * len(batches) if floats else 0)
    await storage.close()
    again = Storage.open(folder, StorageSettings(retention_seconds=0))
    assert flat(again.metrics.select(ALL, *FOREVER)) == everything
    await again.close()
    shutil.rmtree(folder)


@given(batch=BATCH)
def test_the_journal_s_form_is_read_as_it_was_written(batch: list[Sample]) -> None:
    columns = of_objects(range(len(batch)), [at for _, at, _ in batch], [value for _, _, value in batch])
    encoded = columns.encode()
    assert decode_histograms(encoded).encode() == encoded
    with pytest.raises(ValueError, match="cannot hold"):
        decode_histograms(encoded + b"\0")


FEW_BUCKETS = st.tuples(
    st.sampled_from([(0,), (0,), (1,)]), st.sampled_from([1.0, 2.0, 7.0, 2.0**60, 0.1])
).map(lambda found: tuple((index, found[1]) for index in found[0]))


@given(sides=st.lists(st.tuples(st.integers(0, 1), FEW_BUCKETS, st.just(()) | FEW_BUCKETS), min_size=1))
def test_packed_buckets_are_unpacked_as_they_were(sides: list[tuple[int, Any, Any]]) -> None:
    values = [NativeHistogram(0, 1.0, 1.0, positive=one, negative=other) for _, one, other in sides]
    histograms = of_objects(sorted(series for series, _, _ in sides), range(len(sides)), values)
    packed = pack(histograms)
    index, population = unpack(packed, np.diff(histograms.columns.bounds))
    assert index.tolist() == histograms.columns.index.tolist()
    assert population.tobytes() == histograms.columns.population.tobytes()


def steady(at: int, busy: int = 30) -> NativeHistogram:
    """Make the histogram of a service whose every bucket grows."""
    buckets = tuple((index, float(at * (1 + index % 5))) for index in range(1, busy + 1))
    return NativeHistogram(3, sum(count for _, count in buckets), at * 0.37, 1e-128, 0.0, buckets)


@pytest.fixture
async def storage(open_storage: object) -> Storage:
    assert callable(open_storage)
    opened = open_storage(max_series=4)
    assert isinstance(opened, Storage)
    await opened.write_histograms(
        [(named("h", i=str(i)), at, steady(at)) for i in range(3) for at in range(1, 9)]
    )
    await opened.write_samples([(named("h", i="1"), 9, STALE_NAN), (named("f"), 9, 1.0)])
    await opened.wait_loaded()
    return opened


@pytest.mark.parametrize("sealed", [False, True], ids=["head", "segment"])
async def test_the_range_limits_histograms_and_a_series_holds_both_kinds(
    storage: Storage, sealed: bool
) -> None:
    if sealed:
        await storage.seal()
    found = storage.metrics.select(ALL, 7, 9)
    assert found.labels == [named("f"), named("h", i="0"), named("h", i="1"), named("h", i="2")]
    assert np.diff(found.offsets).tolist() == [1, 0, 1, 0]
    assert [(labels, at) for labels, at, _ in flat(found)] == [
        (named("h", i=str(i)), at) for i in range(3) for at in (7, 8)
    ]
    assert storage.metrics.series([], 1, 8) == [named("h", i=str(i)) for i in range(3)]
    assert storage.metrics.select(ALL, 9, 9).histograms is None


async def test_a_folder_has_samples_alone_as_before(open_storage: object, tmp_path: Path) -> None:
    assert callable(open_storage)
    storage = open_storage()
    await storage.write_samples([(named("f"), 9, 1.0)])
    await storage.seal()
    assert storage.metrics.select(ALL, *FOREVER).histograms is None


async def test_new_series_beyond_the_limit_are_refused_to_histograms_too(storage: Storage) -> None:
    kept = await storage.write_histograms([(named("more"), 1, steady(1)), (named("h", i="0"), 9, steady(9))])
    assert kept == 1
    assert storage.stats()["series_limit_offenders"] == {"more": 1}


async def test_a_query_counts_the_buckets_that_it_reads(storage: Storage) -> None:
    assert len(flat(storage.metrics.select(ALL, 1, 8, max_samples=24 * 31))) == 24
    with pytest.raises(TooManySamplesError):
        storage.metrics.select(ALL, 1, 8, max_samples=24 * 31 - 1)


async def test_of_a_large_segment_the_histograms_that_are_wanted_are_read(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.seal()
    read: list[int] = []
    real = HistogramTables._read

    def counted(tables: HistogramTables, part: slice) -> Histograms:
        histograms = real(tables, part)
        read.append(len(histograms))
        return histograms

    monkeypatch.setattr(HistogramTables, "_read", counted)
    ends = Matcher("i", MatchType.REGEX, "0|2")
    before = flat(storage.metrics.select([ends], *FOREVER))
    assert [(labels, at) for labels, at, _ in before] == [
        (named("h", i=str(i)), at) for i in (0, 2) for at in range(1, 9)
    ]
    monkeypatch.setattr("accelerapp.server.storage.runs._GAP_ROWS", 8 * 31 - 1)
    assert flat(storage.metrics.select([ends], *FOREVER)) == before
    assert read == [24, 8, 8]


async def test_merged_segments_have_all_histograms(open_storage: object) -> None:
    assert callable(open_storage)
    apart = open_storage(merged_bytes=0)
    for part in range(FAN_IN):
        await apart.write_histograms(
            [
                (named("h", i=str(i)), at, steady(at, 10 + part))
                for i in range(3)
                for at in range(part * 4, part * 4 + 5)
            ]
        )
        await apart.write_samples([(named("h", i="1"), 1000 + part, STALE_NAN), (named("f"), part, 1.0)])
        await apart.seal()
    before = apart.metrics.select(ALL, *FOREVER)
    assert len(flat(before)) == 3 * (4 * FAN_IN + 1)
    held = {one.signal: one.items for one in apart.inventory().signals}["metrics"]
    await apart.close()
    merged = open_storage()
    async with asyncio.timeout(60):
        while merged.stats()["merges"] != 1:
            await asyncio.sleep(0.01)
    after = merged.metrics.select(ALL, *FOREVER)
    assert flat(after) == flat(before)
    assert after.values.tobytes() == before.values.tobytes()
    assert held == 15 * FAN_IN + 2 * FAN_IN
    assert {one.signal: one.items for one in merged.inventory().signals}["metrics"] == len(
        flat(after)
    ) + 2 * FAN_IN


async def test_a_damaged_histogram_sets_its_segment_aside(open_storage: object, tmp_path: Path) -> None:
    assert callable(open_storage)
    storage = open_storage()
    for at in range(1, 400):
        await storage.write_histograms([(named("h"), at, steady(at * 1_000_003 % 977, 100))])
    await storage.seal()
    await storage.close()
    (segment,) = (tmp_path / "data" / "segments").glob("*.duckdb")
    whole = segment.read_bytes()
    length = len(whole)
    for at in range(length * 2 // 10, length, length // 10):
        segment.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        again = open_storage()
        found = flat(again.metrics.select(ALL, *FOREVER))
        aside = again.stats()["damaged_segments"]
        await again.close()
        assert len(found) in (0, 399)
        assert (len(found) == 0) == (aside == 1), at
        if not found:
            next(segment.parent.glob("*.damaged")).unlink()


async def test_what_is_infinite_or_no_number_is_kept(open_storage: object) -> None:
    assert callable(open_storage)
    storage = open_storage()
    value = NativeHistogram(0, 3.0, math.inf, 0.001, 0.0, ((1025, 3.0),))
    await storage.write_histograms([(named("h"), 1, value)])
    await storage.write_histograms([(named("h"), 2, NativeHistogram(0, 3.0, math.nan))])
    await storage.seal()
    first, second = flat(storage.metrics.select(ALL, *FOREVER))
    assert first == (named("h"), 1, value)
    assert math.isnan(second[2].sum)
