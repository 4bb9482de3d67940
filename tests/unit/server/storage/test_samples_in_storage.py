"""Samples: what is written is read, from the head, from segments and after a restart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accelerapp.server.signals import STALE_NAN, Labels, Matcher, MatchType, SeriesSet, is_stale, make_labels
from accelerapp.server.storage import (
    Samples,
    Storage,
    StorageFullError,
    StorageSettings,
    TooManySamplesError,
)
from accelerapp.server.storage.segments import MetricSegment

ALL: list[Matcher] = []
FOREVER = (-(2**62), 2**62)
Sample = tuple[Labels, int, float]


def named(name: str, **labels: str) -> Labels:
    return make_labels({"__name__": name, **labels})


def flat(found: SeriesSet) -> list[tuple[Labels, int, bytes]]:
    """Lay a series set out as (labels, time, the value's bits)."""
    owners = np.repeat(np.arange(len(found.labels)), np.diff(found.offsets))
    bits = [value.tobytes() for value in found.values]
    return [
        (found.labels[owner], at, value)
        for owner, at, value in zip(owners.tolist(), found.timestamps.tolist(), bits, strict=True)
    ]


def expected(samples: Sequence[Sample]) -> list[tuple[Labels, int, bytes]]:
    """Say what reading must return: by labels and time, the first written of those with one time."""
    kept: dict[tuple[Labels, int], bytes] = {}
    for labels, at, value in samples:
        kept.setdefault((labels, at), np.float64(value).tobytes())
    return [(labels, at, value) for (labels, at), value in sorted(kept.items(), key=lambda item: item[0])]


SPECIAL = st.sampled_from([STALE_NAN, math.nan, -0.0, 0.0, math.inf, -math.inf, 1.0])
SERIES = st.sampled_from([named("a"), named("a", x="1"), named("b", x="2"), named("B", le="+Inf"), ()])
SAMPLES = st.lists(
    st.tuples(SERIES, st.integers(-3, 9), st.floats(width=64) | SPECIAL), min_size=1, max_size=12
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(SAMPLES, min_size=1, max_size=4),
    sealed=st.integers(0, 4),
    at_once=st.sampled_from([1, 5, 100]),
)
async def test_every_bit_comes_back_wherever_it_is_held(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[list[Sample]],
    sealed: int,
    at_once: int,
) -> None:
    monkeypatch.setattr("accelerapp.server.storage.runs._MOST_ROWS", at_once)
    folder = tmp_path_factory.mktemp("data")
    storage = Storage.open(folder, StorageSettings(retention_seconds=0))
    for index, batch in enumerate(batches):
        await storage.write_samples(batch)
        if index < sealed:
            await storage.seal()
    await storage.wait_loaded()
    everything = expected([sample for batch in batches for sample in batch])
    assert flat(storage.metrics.select(ALL, *FOREVER)) == everything
    await storage.close()
    again = Storage.open(folder, StorageSettings(retention_seconds=0))
    assert flat(again.metrics.select(ALL, *FOREVER)) == everything
    await again.close()


@pytest.fixture
async def storage(open_storage: object) -> Storage:
    assert callable(open_storage)
    opened = open_storage(max_series=6)
    assert isinstance(opened, Storage)
    await opened.write_samples([(named("m", i=str(i)), at, float(at)) for i in range(3) for at in range(10)])
    await opened.wait_loaded()
    return opened


@pytest.mark.parametrize("sealed", [False, True], ids=["head", "segment"])
async def test_the_time_range_is_closed_at_both_ends(storage: Storage, sealed: bool) -> None:
    if sealed:
        await storage.seal()
    found = storage.metrics.select([Matcher("i", MatchType.EQUAL, "1")], 3, 5)
    assert found.labels == [named("m", i="1")]
    assert found.timestamps.tolist() == [3, 4, 5]


@pytest.mark.parametrize("sealed", [False, True], ids=["head", "segment"])
async def test_a_series_without_samples_in_the_range_is_left_out(storage: Storage, sealed: bool) -> None:
    await storage.write_samples([(named("late"), 100, 1.0)])
    if sealed:
        await storage.seal()
    await storage.wait_loaded()
    assert storage.metrics.series([], 50, 150) == [named("late")]
    assert storage.metrics.label_names([], 50, 150) == ["__name__"]
    assert storage.metrics.label_values("__name__", [], 0, 150) == ["late", "m"]
    assert storage.metrics.select(ALL, 50, 150).labels == [named("late")]


async def test_several_matcher_sets_find_what_any_of_them_accepts(storage: Storage) -> None:
    sets = [[Matcher("i", MatchType.EQUAL, "0")], [Matcher("i", MatchType.EQUAL, "2")]]
    assert storage.metrics.series(sets, 0, 9) == [named("m", i="0"), named("m", i="2")]


async def test_too_many_samples_are_refused_naming_the_selector(storage: Storage) -> None:
    with pytest.raises(TooManySamplesError, match=r'more than 5 samples from \{i="1"\}'):
        storage.metrics.select([Matcher("i", MatchType.EQUAL, "1")], 0, 9, max_samples=5)


async def test_of_a_large_segment_no_more_is_read_than_is_wanted_or_allowed(
    open_storage: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_samples([(named(name), at, 1.0) for name in "klmno" for at in range(10)])
    await storage.seal()
    read: list[int] = []
    real = MetricSegment._read

    def counted(segment: MetricSegment, first: int, last: int) -> Samples:
        samples = real(segment, first, last)
        read.append(len(samples))
        return samples

    monkeypatch.setattr(MetricSegment, "_read", counted)
    monkeypatch.setattr("accelerapp.server.storage.runs._MOST_ROWS", 20)
    ends = Matcher("__name__", MatchType.REGEX, "k|o")
    assert len(storage.metrics.select([ends], *FOREVER).values) == 20
    assert read == [10, 10]  # and not the three between them
    read.clear()
    with pytest.raises(TooManySamplesError):
        storage.metrics.select([Matcher("__name__", MatchType.REGEX, "[k-o]")], *FOREVER, max_samples=15)
    assert read == [20]
    read.clear()
    monkeypatch.setattr("accelerapp.server.storage.runs._MOST_ROWS", 50)
    monkeypatch.setattr("accelerapp.server.storage.runs._GAP_ROWS", 29)
    assert len(storage.metrics.select([ends], *FOREVER).values) == 20
    assert read == [10, 10]
    monkeypatch.setattr("accelerapp.server.storage.runs._GAP_ROWS", 30)
    storage.metrics.select([ends], *FOREVER)
    assert read == [10, 10, 50]


async def test_what_several_threads_read_of_a_segment_is_in_order(
    open_storage: Callable[..., Storage],
) -> None:
    storage = open_storage(duckdb_threads=4)
    (series,) = storage.number_series([named("m")])
    times = np.arange(500_000)  # of which DuckDB gives each thread some row groups
    await storage.write_columns(
        Samples(times, np.full(len(times), series, dtype=np.uint32), times.astype(np.float64))
    )
    await storage.seal()
    found = storage.metrics.select(ALL, *FOREVER)
    assert np.array_equal(found.timestamps, times)
    assert np.array_equal(found.values, times)


async def test_new_series_beyond_the_limit_are_left_out_and_counted(storage: Storage) -> None:
    await storage.write_samples([(named("noisy", id=str(number)), 1, 1.0) for number in range(5)])
    await storage.wait_loaded()
    stats = storage.stats()
    assert (stats["series"], stats["samples_refused_series_limit"]) == (6, 2)
    assert stats["series_limit_offenders"] == {"noisy": 2}
    assert len(storage.metrics.series([[Matcher("__name__", MatchType.EQUAL, "noisy")]], 0, 9)) == 3


async def test_staleness_markers_survive_sealing(storage: Storage) -> None:
    await storage.write_samples(
        [(named("gone"), 1, 1.0), (named("gone"), 2, STALE_NAN), (named("gone"), 3, math.nan)]
    )
    await storage.seal()
    found = storage.metrics.select([Matcher("__name__", MatchType.EQUAL, "gone")], 0, 9)
    assert is_stale(found.values).tolist() == [False, True, False]


async def test_a_queue_that_is_full_refuses(open_storage: object) -> None:
    assert callable(open_storage)
    small = open_storage(queue_bytes=100)
    with pytest.raises(StorageFullError, match="wait to be stored"):
        await small.write_samples([(named("m"), 1, 1.0)])
    assert small.stats()["requests_refused"] == 1
    assert small.stats()["queued_bytes"] == 0
