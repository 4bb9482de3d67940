"""The data folder as a whole: recovery, damage, retention, its owner, and reading while it is sealed."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import (
    LogQuery,
    SpanQuery,
    Storage,
    StorageFullError,
    StorageLockedError,
    StorageSettings,
)

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]
Reopen = Callable[..., Any]
EVERYTHING = LogQuery(0, 2**62, limit=100_000)
ALL_TRACES = SpanQuery(0, 2**62, limit=100_000)
UP = make_labels({"__name__": "up"})


def bodies(storage: Storage) -> list[str]:
    return sorted(record.body for record in storage.logs.search(EVERYTHING))


def files(folder: Path, part: str) -> list[str]:
    return sorted(path.name for path in (folder / "data" / part).iterdir())


async def test_a_restart_reads_segments_and_the_journal_after_them(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, traces_request: Make
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.write_traces(traces_request(1, spans=2))
    await storage.write_samples([(UP, 1, 1.0)])
    await storage.seal()
    await storage.write_logs(logs_request(2))
    await storage.write_samples([(UP, 2, 0.0)])
    storage = await reopen(storage)
    assert bodies(storage) == ["message 1", "message 2"]
    assert [one.span_count for one in storage.spans.search(ALL_TRACES)] == [2]
    assert storage.metrics.select([], 0, 9).values.tolist() == [1.0, 0.0]


async def test_sequence_numbers_go_on_after_a_restart_with_nothing_but_segments(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.seal()
    storage = await reopen(storage)
    assert files(tmp_path, "journal") == []
    await storage.write_logs(logs_request(2))
    storage = await reopen(storage)
    assert bodies(storage) == ["message 1", "message 2"]


async def test_the_journal_goes_once_its_records_are_sealed(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(journal_file_bytes=100)
    for number in range(5):
        await storage.write_logs(logs_request(number))
    assert len(files(tmp_path, "journal")) == 5
    await storage.seal()
    assert len(files(tmp_path, "journal")) == 1
    assert storage.stats()["unsealed_bytes"] == 0


async def test_sealing_begins_by_itself_at_the_limit(open_storage: OpenStorage, logs_request: Make) -> None:
    storage = open_storage(unsealed_bytes=50_000)
    deadline = time.monotonic() + 20
    number = 0
    while storage.stats()["segments_logs"] == 0:
        assert time.monotonic() < deadline
        await storage.write_logs(logs_request(number))
        await storage.wait_loaded()
        number += 1
    assert len(bodies(storage)) == number


async def test_senders_refused_while_sealing_is_behind_are_accepted_once_it_is_done(
    open_storage: OpenStorage, logs_request: Make
) -> None:
    storage = open_storage(unsealed_bytes=1000)
    refused = accepted = 0
    deadline = time.monotonic() + 20
    while not (refused and accepted > 30):
        assert time.monotonic() < deadline
        try:
            await storage.write_logs(logs_request(accepted))
            accepted += 1
        except StorageFullError:
            refused += 1
            await asyncio.sleep(0.01)
    await storage.wait_loaded()
    assert len(bodies(storage)) == accepted


async def test_a_journal_longer_than_may_stay_unsealed_is_sealed_after_a_restart(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make
) -> None:
    storage = open_storage()
    for number in range(20):
        await storage.write_logs(logs_request(number))
    storage = await reopen(storage, unsealed_bytes=1000)
    deadline = time.monotonic() + 20
    while storage.stats()["unsealed_bytes"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await storage.write_logs(logs_request(20))
    await storage.wait_loaded()
    assert len(bodies(storage)) == 21


async def test_sealing_begins_by_itself_after_the_interval(
    open_storage: OpenStorage, logs_request: Make
) -> None:
    storage = open_storage(seal_interval_seconds=0.05)
    await storage.write_logs(logs_request(1))
    deadline = time.monotonic() + 20
    while storage.stats()["seals"] == 0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert bodies(storage) == ["message 1"]


@pytest.mark.parametrize("part", ["header", "rows"])
async def test_a_damaged_segment_is_set_aside_and_counted(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path, part: str
) -> None:
    storage = open_storage(journal_file_bytes=100)
    for number in range(2):
        await storage.write_logs(logs_request(number, "x" * 300 + str(number)))
        await storage.seal()
    await storage.close()
    first = tmp_path / "data" / "segments" / files(tmp_path, "segments")[0]
    data = bytearray(first.read_bytes())
    data[100 if part == "header" else data.index(b"x" * 100)] ^= 1
    first.write_bytes(data)
    storage = open_storage()
    assert [body[-1] for body in bodies(storage)] == ["1"]
    assert storage.stats()["damaged_segments"] == 1
    assert files(tmp_path, "segments")[0] == f"{first.name}.damaged"


async def test_a_damaged_segment_is_read_from_the_journal_where_that_still_has_it(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.seal()  # the newest journal file is kept, since it is being written
    await storage.close()
    (segment,) = (tmp_path / "data" / "segments").iterdir()
    segment.write_bytes(b"\0" * 20_000)
    storage = open_storage()
    assert bodies(storage) == ["message 1"]
    assert storage.stats()["damaged_segments"] == 1


async def test_a_flipped_bit_in_the_journal_costs_one_record_and_is_counted(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    for number in range(3):
        await storage.write_logs(logs_request(number))
    await storage.close()
    (journal,) = (tmp_path / "data" / "journal").iterdir()
    journal.write_bytes(journal.read_bytes().replace(b"message 1", b"messagf 1"))
    storage = open_storage()
    assert bodies(storage) == ["message 0", "message 2"]
    assert storage.stats()["damaged_journal_records"] == 1


async def test_a_damaged_definition_of_series_costs_no_samples(
    open_storage: OpenStorage, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_samples([(UP, 1, 1.0)])
    await storage.write_samples([(UP, 2, 2.0)])
    await storage.close()
    (journal,) = (tmp_path / "data" / "journal").iterdir()
    data = bytearray(journal.read_bytes())
    data[data.index(b"__name__")] ^= 1
    journal.write_bytes(data)
    storage = open_storage()
    assert storage.metrics.select([], 0, 9).values.tolist() == [1.0, 2.0]


async def test_an_unfinished_segment_is_cleared_away(open_storage: OpenStorage, tmp_path: Path) -> None:
    await open_storage().close()
    unfinished = tmp_path / "data" / "segments" / "logs-1-2.duckdb.unfinished"
    unfinished.write_bytes(b"half")
    open_storage()
    assert not unfinished.exists()


async def test_segments_older_than_the_retention_are_unlinked(tmp_path: Path, logs_request: Make) -> None:
    now = 1_700_000_000.0
    storage = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=100), clock=lambda: now)
    await storage.write_logs(logs_request(1))
    await storage.write_samples([(UP, int(now * 1000), 1.0)])
    await storage.seal()
    assert len(files(tmp_path, "segments")) == 2
    now += 100.5
    await storage.write_samples([(UP, int(now * 1000), 2.0)])
    await storage.seal()
    assert storage.metrics.select([], 0, 2**62).values.tolist() == [2.0]
    assert bodies(storage) == ["message 1"]
    assert len(files(tmp_path, "segments")) == 2
    assert storage.stats()["segments_expired"] == 1
    await storage.close()


async def test_a_second_owner_is_refused_naming_folder_pid_and_option(
    open_storage: OpenStorage, tmp_path: Path
) -> None:
    storage = open_storage()
    with pytest.raises(StorageLockedError) as refusal:
        Storage.open(tmp_path / "data")
    for part in (str(tmp_path / "data"), f"pid {os.getpid()}", "--data-dir"):
        assert part in str(refusal.value)
    await storage.close()
    open_storage()


async def test_a_full_disk_refuses_and_passes(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("accelerapp.server.storage.journal.sync_data", full)
    with pytest.raises(StorageFullError, match="disk"):
        await storage.write_logs(logs_request(2))
    monkeypatch.undo()
    await storage.write_logs(logs_request(3))
    await storage.wait_loaded()
    assert bodies(storage) == ["message 1", "message 3"]
    assert storage.stats()["requests_refused"] == 1
    assert bodies(await reopen(storage)) == ["message 1", "message 3"]


async def test_a_seal_that_fails_is_tried_again_and_loses_nothing(
    tmp_path: Path, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000.0
    settings = StorageSettings(retention_seconds=0, seal_retry_seconds=0.01)
    storage = Storage.open(tmp_path / "data", settings, clock=lambda: now)
    assert storage.stats()["last_failures_ms"] == {}
    await storage.write_logs(logs_request(1))
    failures = iter([True, True, False])
    real_rename = Path.rename

    def rename(path: Path, target: Path) -> Path:
        nonlocal now
        if next(failures, False):
            now += 60
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_rename(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    await storage.seal()
    assert storage.stats()["seal_failures"] == 2
    assert storage.stats()["last_failures_ms"] == {"seal_failures": 1_700_000_120_000}
    assert storage.stats()["segments_logs"] == 1
    assert bodies(storage) == ["message 1"]
    await storage.close()


async def test_the_database_can_reach_nothing_but_segments(open_storage: OpenStorage, tmp_path: Path) -> None:
    storage = open_storage()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with storage._database.cursor() as cursor:
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"ATTACH '{tmp_path / 'other.duckdb'}'",
            "INSTALL httpfs",
            "SET memory_limit='90GB'",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(statement)


async def test_each_item_is_read_exactly_once_while_heads_become_segments_and_these_are_merged(
    open_storage: OpenStorage, logs_request: Make, traces_request: Make
) -> None:
    storage = open_storage()
    acknowledged = 0
    stop = threading.Event()
    wrong: list[str] = []
    reads = 0

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            at_least = acknowledged
            logs = [record.body for record in storage.logs.search(EVERYTHING)]
            spans = [one.span_count for one in storage.spans.search(ALL_TRACES)]
            samples = storage.metrics.select([], 0, 2**62)
            for kind, found, distinct in (
                ("logs", len(logs), len(set(logs))),
                ("spans", sum(spans), 2 * len(spans)),
                ("samples", len(samples.values), len(set(samples.timestamps.tolist()))),
            ):
                if found != distinct or found < at_least:
                    wrong.append(f"{kind}: {found} read, {distinct} distinct, {at_least} acknowledged")
            reads += 1

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 20
    number = 0
    while (storage.stats()["merges"] < 3 or reads < 20) and time.monotonic() < deadline:  # type: ignore[operator]
        number += 1
        await storage.write_logs(logs_request(number))
        await storage.write_traces(traces_request(number, spans=2))
        await storage.write_samples([(UP, number, 1.0)])
        await (storage.seal() if number % 2 else storage.wait_loaded())
        acknowledged = number
    stop.set()
    for reader in readers:
        await asyncio.to_thread(reader.join)
    assert wrong == []
    assert reads >= 20
    assert storage.stats()["segments_logs"] < number // 2, "none was merged"  # type: ignore[operator]


async def test_concurrent_writers_share_syncs(open_storage: OpenStorage, logs_request: Make) -> None:
    storage = open_storage()
    await asyncio.gather(*(storage.write_logs(logs_request(number)) for number in range(200)))
    await storage.wait_loaded()
    assert len(bodies(storage)) == 200
    assert storage.stats()["journal_syncs"] < 100  # type: ignore[operator]
    assert storage.stats()["logs_accepted"] == 200
    assert storage.stats()["queued_bytes"] == 0


async def test_writing_to_a_closed_storage_is_refused(open_storage: OpenStorage, logs_request: Make) -> None:
    storage = open_storage()
    await storage.close()
    with pytest.raises(StorageFullError, match="closing"):
        await storage.write_logs(logs_request(1))


async def test_closing_does_not_wait_for_what_is_queued_to_be_loaded(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(0))
    await storage.wait_loaded()
    loading, go_on = threading.Event(), threading.Event()
    load = storage._loader.load

    def slowly(accepted: Any) -> None:
        loading.set()
        assert go_on.wait(20)
        load(accepted)

    monkeypatch.setattr(storage._loader, "load", slowly)
    await storage.write_logs(logs_request(1))
    assert await asyncio.to_thread(loading.wait, 20)
    for number in range(2, 6):
        await storage.write_logs(logs_request(number))
    waiting = asyncio.create_task(storage.wait_loaded())
    await asyncio.sleep(0)
    closing = asyncio.create_task(storage.close())
    while not storage._loader._closing:
        await asyncio.sleep(0.001)
    go_on.set()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert storage.stats()["logs_loaded"] == 2
    assert bodies(await reopen(storage)) == [f"message {number}" for number in range(6)]


async def test_ending_the_reads_ends_no_loading(open_storage: OpenStorage, logs_request: Make) -> None:
    storage = open_storage()
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.is_set():
            storage.interrupt_reads()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    for number in range(20):
        await storage.write_logs(logs_request(number))
        await storage.wait_loaded()
    await storage.seal()
    ended.set()
    await asyncio.to_thread(interrupting.join)
    assert storage.stats()["seal_failures"] == 0
    assert len(bodies(storage)) == 20
