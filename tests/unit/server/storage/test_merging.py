"""Merging small segments: what is read stays the same, whatever comes between, and files become fewer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.waiting import until

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import LogQuery, SpanQuery, Storage, StorageSettings
from accelerapp.server.storage.merging import FAN_IN, choose
from accelerapp.server.storage.segments import SegmentName

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]
Reopen = Callable[..., Any]
MEBIBYTE = 1024 * 1024
SIGNALS = ("traces", "logs", "metrics")


def bodies(storage: Storage) -> list[str]:
    return sorted(record.body for record in storage.logs.search(LogQuery(0, 2**62, limit=100_000)))


def everything(storage: Storage) -> Any:
    traces = storage.spans.search(SpanQuery(0, 2**62, limit=100_000))
    samples = storage.metrics.select([], -(2**62), 2**62)
    return (
        bodies(storage),
        [storage.spans.trace(one.trace_id) for one in traces],
        (samples.labels, samples.offsets.tolist(), samples.timestamps.tolist(), samples.values.tobytes()),
    )


def names(folder: Path, signal: str) -> list[str]:
    return sorted(path.name for path in (folder / "data" / "segments").glob(f"{signal}-*"))


async def fill(
    storage: Storage, logs_request: Make, traces_request: Make, seals: int, first: int = 0
) -> None:
    for number in range(first, first + seals):
        await storage.write_logs(logs_request(number))
        await storage.write_traces(traces_request(number % 3, spans=number + 1))  # traces over many segments
        up = make_labels({"__name__": "up", "half": str(number % 2)})
        await storage.write_samples([(up, number, float(number)), (up, number + 1, -0.0)])
        await storage.seal()


async def test_merged_segments_are_fewer_and_read_as_before(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, traces_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)  # nothing fits
    await fill(storage, logs_request, traces_request, FAN_IN + 2)
    before = everything(storage)
    assert [len(names(tmp_path, signal)) for signal in SIGNALS] == [FAN_IN + 2] * 3
    storage = await reopen(storage)
    await until(lambda: storage.stats()["merges"] == 3)
    assert everything(storage) == before
    await until(lambda: [len(names(tmp_path, signal)) for signal in SIGNALS] == [1, 1, 1])
    storage = await reopen(storage)
    assert everything(storage) == before
    # And a merged one is merged again, and journal numbers go on after it.
    await fill(storage, logs_request, traces_request, FAN_IN - 1, first=100)
    await until(lambda: storage.stats()["merges"] == 3)
    assert len(bodies(storage)) == 2 * FAN_IN + 1
    again = everything(storage)
    assert everything(await reopen(storage)) == again


async def merged_beside_parts(
    open_storage: OpenStorage, logs_request: Make, traces_request: Make, tmp_path: Path
) -> tuple[Any, Path]:
    """Return what a storage holds, and its segments' folder, merged; the parts are copied to `parts`."""
    storage = open_storage(merged_bytes=0)
    await fill(storage, logs_request, traces_request, FAN_IN)
    before = everything(storage)
    await storage.close()
    folder = tmp_path / "data" / "segments"
    shutil.copytree(folder, tmp_path / "parts")
    storage = open_storage()
    await until(lambda: storage.stats()["merges"] == 3)
    await storage.close()
    return before, folder


async def test_parts_that_a_crash_left_beside_what_replaces_them_are_unlinked(
    open_storage: OpenStorage, logs_request: Make, traces_request: Make, tmp_path: Path
) -> None:
    before, folder = await merged_beside_parts(open_storage, logs_request, traces_request, tmp_path)
    shutil.copytree(tmp_path / "parts", folder, dirs_exist_ok=True)
    assert len(names(tmp_path, "logs")) == FAN_IN + 1
    storage = open_storage()
    assert everything(storage) == before
    assert len(names(tmp_path, "logs")) == 1


async def test_parts_are_used_where_what_replaces_them_is_damaged(
    open_storage: OpenStorage, logs_request: Make, traces_request: Make, tmp_path: Path
) -> None:
    before, folder = await merged_beside_parts(open_storage, logs_request, traces_request, tmp_path)
    for merged in folder.iterdir():
        merged.write_bytes(merged.read_bytes()[:5000])
    shutil.copytree(tmp_path / "parts", folder, dirs_exist_ok=True)
    storage = open_storage()
    assert everything(storage) == before
    assert storage.stats()["damaged_segments"] == 3


async def test_parts_are_used_where_a_byte_of_what_replaces_them_is_wrong(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)
    for number in range(FAN_IN):
        await storage.write_logs(logs_request(number, f"{'x' * 300} {number}"))
        await storage.seal()
    before = bodies(storage)
    await storage.close()
    folder = tmp_path / "data" / "segments"
    shutil.copytree(tmp_path / "data", tmp_path / "before")
    storage = open_storage()
    await until(lambda: storage.stats()["merges"] == 1)
    await storage.close()
    (merged,) = folder.iterdir()
    data = bytearray(merged.read_bytes())
    data[data.index(b"x" * 100)] ^= 1  # it is opened as if nothing were: its description is elsewhere
    merged.write_bytes(data)
    shutil.copytree(tmp_path / "before", tmp_path / "data", dirs_exist_ok=True)
    # The crash came between two of the parts. What the last had is in the journal still.
    (folder / names(tmp_path, "logs")[-1]).unlink()
    storage = open_storage(merged_bytes=0)
    assert bodies(storage) == before
    assert storage.stats()["damaged_segments"] == 1
    assert names(tmp_path, "logs").count(f"{merged.name}.damaged") == 1
    assert len(names(tmp_path, "logs")) == FAN_IN


async def test_a_damaged_part_is_set_aside_and_the_others_stay(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)
    for number in range(FAN_IN):
        await storage.write_logs(logs_request(number, f"{'x' * 300} {number}"))
        await storage.seal()
    await storage.close()
    part = tmp_path / "data" / "segments" / names(tmp_path, "logs")[3]
    data = bytearray(part.read_bytes())
    data[data.index(b"x" * 100)] ^= 1
    part.write_bytes(data)
    storage = open_storage()
    await until(lambda: storage.stats()["damaged_segments"])
    assert [body[-1] for body in bodies(storage)] == ["0", "1", "2", "4", "5", "6", "7"]
    assert storage.stats()["merges"] == 0
    # What was sealed beside the gap is merged on its own: the journal may still have what the gap had.
    for number in range(FAN_IN, 2 * FAN_IN):
        await storage.write_logs(logs_request(number, str(number)))
        await storage.seal()
    await until(lambda: storage.stats()["merges"] == 1)
    await until(lambda: len(names(tmp_path, "logs")) <= 2 * FAN_IN - (FAN_IN - 1))
    assert names(tmp_path, "logs")[3] == f"{part.name}.damaged"
    assert len(bodies(storage)) == 2 * FAN_IN - 1


async def test_a_merge_that_fails_changes_nothing_and_is_tried_again(
    open_storage: OpenStorage,
    logs_request: Make,
    traces_request: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = open_storage(merged_bytes=0)
    await fill(storage, logs_request, traces_request, FAN_IN)
    before = everything(storage)
    await storage.close()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("accelerapp.server.storage.segment_files.sync_path", full)
        storage = open_storage(upkeep_interval_seconds=0.01)
        await until(lambda: storage.stats()["upkeep_failures"] > 1)  # type: ignore[operator]
        assert everything(storage) == before
        assert [len(names(tmp_path, signal)) for signal in ("traces", "logs")] == [FAN_IN] * 2
    await until(lambda: storage.stats()["merges"] == 3)
    assert everything(storage) == before


@pytest.mark.parametrize("step", ["merging.TableSegment", "segments.TableSegment.verify"])
async def test_a_merged_segment_that_cannot_be_looked_at_is_not_in_the_way_of_the_next(
    step: str, open_storage: OpenStorage, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(merged_bytes=0)
    for number in range(FAN_IN):
        await storage.write_logs(logs_request(number))
        await storage.seal()
    before = bodies(storage)
    await storage.close()

    def without_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException("the memory is full")

    with monkeypatch.context() as memory:
        memory.setattr(f"accelerapp.server.storage.{step}", without_memory)
        storage = open_storage(upkeep_interval_seconds=0.01)
        await until(lambda: storage.stats()["upkeep_failures"] > 1)  # type: ignore[operator]
    await until(lambda: storage.stats()["merges"] == 1)
    assert bodies(storage) == before


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.integers(-(10**13), 10**13), st.floats() | st.sampled_from([-0.0, 1.0])
            ),
            min_size=1,
            max_size=12,
        ),
        min_size=FAN_IN,
        max_size=FAN_IN,
    )
)
def test_merging_samples_changes_no_bit_and_keeps_the_first_written(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[int, int, float]]]
) -> None:
    series = [make_labels({"__name__": "m", "n": str(number)}) for number in range(4)]
    folder = tmp_path_factory.mktemp("merge")

    async def run() -> None:
        apart = Storage.open(folder, StorageSettings(retention_seconds=0, merged_bytes=0))
        for part in parts:
            await apart.write_samples([(series[number], at, value) for number, at, value in part])
            await apart.seal()
        before = everything(apart)
        await apart.close()
        merged = Storage.open(folder, StorageSettings(retention_seconds=0))
        await until(lambda: merged.stats()["merges"] == 1)
        assert everything(merged) == before
        await merged.close()

    asyncio.run(run())


def a_segment(first: int, last: int, size: int = 100_000, at: int = 0) -> Any:
    path = Path(SegmentName(first, last, "logs").file)
    return SimpleNamespace(path=path, bytes=size, lowest=at, highest=at + 1)


def chosen(segments: list[Any], gaps: tuple[int, ...] = (), span: float = 10**9) -> list[int]:
    return [segments.index(one) for one in choose(segments, gaps, 100 * MEBIBYTE, span)]


def test_neighbours_of_about_one_size_are_chosen() -> None:
    small = [a_segment(10 * n, 10 * n + 5) for n in range(8)]
    assert chosen(small) == list(range(8))
    assert chosen(small[:7]) == []
    # A large one between them is no neighbour, and is not written again for the sake of a small one.
    assert chosen([*small[:4], a_segment(36, 39, 60 * MEBIBYTE), *small[4:]]) == []
    assert chosen([a_segment(0, 0, 30 * MEBIBYTE), *small[1:], a_segment(80, 81)]) == list(range(1, 9))


def test_no_more_is_merged_than_may_be_in_one_segment() -> None:
    segments = [a_segment(n, n, 12 * MEBIBYTE) for n in range(20)]
    assert chosen(segments) == list(range(8))
    assert sum(one.bytes for one in segments[:8]) <= 100 * MEBIBYTE


def test_no_more_time_is_merged_than_retention_may_let_go_at_once() -> None:
    segments = [a_segment(n, n, at=n * 10) for n in range(20)]
    assert chosen(segments, span=100) == list(range(10))
    assert chosen(segments, span=50) == []


def test_a_merged_segment_reaches_over_no_gap_and_no_overlap() -> None:
    small = [a_segment(10 * n, 10 * n + 5) for n in range(12)]
    assert chosen(small, gaps=(37,)) == list(range(4, 12))
    assert chosen([a_segment(0, 25), *small[1:]]) == list(range(2, 12))
    assert chosen(small, gaps=(27, 87)) == []
