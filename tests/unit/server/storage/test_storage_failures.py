"""What fails beside the data: nothing acknowledged is lost, nothing is silent, and what can go on goes on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import (
    LogQuery,
    MalformedRequestError,
    Storage,
    StorageFullError,
    StorageSettings,
)
from accelerapp.server.storage.otlp_logs import LogDecoder
from accelerapp.server.storage.segment_files import write_table_segment
from accelerapp.server.storage.series import SeriesRegistry

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]
Reopen = Callable[..., Any]
STORAGE = "accelerapp.server.storage"


def bodies(storage: Storage) -> list[str]:
    return sorted(record.body for record in storage.logs.search(LogQuery(0, 2**62)))


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_group_that_could_not_be_taken_back_is_taken_back_before_the_next(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    with monkeypatch.context() as disk:
        disk.setattr(f"{STORAGE}.journal.sync_data", full)
        with pytest.raises(StorageFullError):  # not even the header of the first file
            await storage.write_logs(logs_request(1))
    real_truncate = os.ftruncate
    for number, truncate in ((1, full), (2, full), (3, real_truncate)):
        with monkeypatch.context() as disk:
            calls = iter([None])  # the group's own sync fails, not that of a file's header
            disk.setattr(
                f"{STORAGE}.journal.sync_data", lambda fd, calls=calls: next(calls, "header") and full(fd)
            )
            disk.setattr(f"{STORAGE}.journal.os.ftruncate", truncate)
            with pytest.raises(StorageFullError):
                await storage.write_logs(logs_request(number))
    await storage.write_logs(logs_request(9))
    storage = await reopen(storage)
    assert bodies(storage) == ["message 9"]


async def test_a_refused_sender_that_went_away_is_not_counted_for_ever(
    open_storage: OpenStorage, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    monkeypatch.setattr(f"{STORAGE}.journal.sync_data", full)
    sender = asyncio.create_task(storage.write_logs(logs_request(1)))
    await asyncio.sleep(0)
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    with pytest.raises(StorageFullError):
        await storage.write_logs(logs_request(2))  # answered after the first, since groups keep their order
    assert (storage.stats()["queued_bytes"], storage.stats()["unsealed_bytes"]) == (0, 0)


async def test_a_journal_file_that_cannot_be_unlinked_does_not_undo_the_seal(
    open_storage: OpenStorage, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(journal_file_bytes=1, seal_retry_seconds=0.01)
    for number in range(3):
        await storage.write_logs(logs_request(number))
    real_unlink = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".journal":
            raise PermissionError(errno.EACCES, "no")
        real_unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    await storage.seal()
    stats = storage.stats()
    assert (stats["unsealed_bytes"], stats["seals"], stats["seal_failures"]) == (0, 1, 0)
    assert bodies(storage) == ["message 0", "message 1", "message 2"]


async def test_sealing_outlives_an_unforeseen_error(
    open_storage: OpenStorage, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(seal_retry_seconds=0.01)
    await storage.write_logs(logs_request(1))
    failures = iter([ValueError("unforeseen")])

    def write(*arguments: Any) -> None:
        for failure in failures:
            raise failure
        write_table_segment(*arguments)

    monkeypatch.setattr(f"{STORAGE}.sealing.write_table_segment", write)
    await asyncio.wait_for(storage.seal(), 20)
    assert (storage.stats()["seals"], storage.stats()["seal_failures"]) == (1, 1)
    assert bodies(storage) == ["message 1"]


async def test_who_no_longer_waits_does_not_end_loading(
    open_storage: OpenStorage, logs_request: Make
) -> None:
    storage = open_storage()
    for wait in (storage.wait_loaded, storage.seal):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    await storage.write_logs(logs_request(1))
    await asyncio.wait_for(storage.wait_loaded(), 20)
    assert bodies(storage) == ["message 1"]


async def test_sealing_outlives_an_unforeseen_error_of_what_it_tidies(
    open_storage: OpenStorage, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()

    def unforeseen(*_: object) -> NoReturn:
        raise ValueError("unforeseen")

    with monkeypatch.context() as broken:
        broken.setattr(f"{STORAGE}.retention.Retention.apply", unforeseen)
        await storage.write_logs(logs_request(1))
        await asyncio.wait_for(storage.seal(), 20)
    assert storage.stats()["seals"] == 1


async def test_old_segments_go_even_while_sealing_fails(
    tmp_path: Path, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000.0
    settings = StorageSettings(retention_seconds=100, seal_retry_seconds=0.01)
    storage = Storage.open(tmp_path / "data", settings, clock=lambda: now)
    await storage.write_logs(logs_request(1))
    await storage.seal()
    now += 1000
    with monkeypatch.context() as disk:
        disk.setattr(f"{STORAGE}.sealing.write_table_segment", full)
        await storage.write_logs(logs_request(2))
        sealing = asyncio.create_task(storage.seal())
        async with asyncio.timeout(20):
            while storage.stats()["seal_failures"] == 0:
                await asyncio.sleep(0.01)
        assert storage.stats()["segments_expired"] == 1
    await sealing
    await storage.close()


async def test_a_loader_that_fails_between_batches_refuses_instead_of_ending_silently(
    open_storage: OpenStorage,
    reopen: Reopen,
    logs_request: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.wait_loaded()

    def fail(*_: object) -> NoReturn:
        raise duckdb.OutOfMemoryException("no memory for the next table")

    monkeypatch.setattr(f"{STORAGE}.loader.Generation", fail)
    with pytest.raises(duckdb.OutOfMemoryException):
        await asyncio.wait_for(storage.seal(), 20)
    with pytest.raises(StorageFullError, match="loading failed"):
        await storage.write_logs(logs_request(2))
    assert "nothing is accepted until a restart" in caplog.text
    monkeypatch.undo()
    assert bodies(await reopen(storage)) == ["message 1"]


async def test_a_request_that_cannot_be_decoded_costs_only_itself_also_after_a_restart(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_add = LogDecoder.add

    def add(decoder: LogDecoder, request: bytes, received_ns: int, sequence: int) -> None:
        if b"poison" in request:
            raise RuntimeError("unforeseen")
        real_add(decoder, request, received_ns, sequence)

    monkeypatch.setattr(LogDecoder, "add", add)
    storage = open_storage()
    for number, body in enumerate(("before", "poison", "after")):
        await storage.write_logs(logs_request(number, body))
    await storage.wait_loaded()
    for _ in range(2):
        assert bodies(storage) == ["after", "before"]
        assert storage.stats()["damaged_journal_records"] == 1
        storage = await reopen(storage)


async def test_a_journal_file_without_a_header_is_kept_for_inspection(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.close()
    (journal,) = (tmp_path / "data" / "journal").iterdir()
    journal.write_bytes(b"\0" * 32 + journal.read_bytes()[32:])
    storage = open_storage()
    assert storage.stats()["damaged_journal_records"] == 1
    assert [path.name for path in (tmp_path / "data" / "journal").iterdir()] == [f"{journal.name}.damaged"]
    await storage.write_logs(logs_request(2))
    assert bodies(await reopen(storage)) == ["message 2"]


async def test_a_segment_that_cannot_be_opened_for_want_of_files_is_not_called_damaged(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.seal()
    await storage.close()

    def no_attach(*_: object) -> NoReturn:
        raise duckdb.IOException("Too many open files")

    def no_open(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as files:
        files.setattr(f"{STORAGE}.recovery.TableSegment", no_attach)
        files.setattr(Path, "open", no_open)
        with pytest.raises(OSError, match="Too many open files"):
            Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    assert bodies(open_storage()) == ["message 1"]


async def test_a_folder_on_a_full_disk_can_be_opened_and_read(
    open_storage: OpenStorage, reopen: Reopen, logs_request: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    await storage.close()
    monkeypatch.setattr(f"{STORAGE}.folder.os.pwrite", full)
    assert bodies(open_storage()) == ["message 1"]


async def test_a_resource_that_its_items_would_repeat_without_measure_is_refused(
    open_storage: OpenStorage,
) -> None:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="large").value.string_value = "x" * 1_000_000
    records = resource_logs.scope_logs.add().log_records
    for _ in range(200):
        records.add(time_unix_nano=1)
    storage = open_storage()
    with pytest.raises(MalformedRequestError, match="send smaller batches"):
        await storage.write_logs(request.SerializeToString())
    del records[10:]
    await storage.write_logs(request.SerializeToString())
    await storage.wait_loaded()
    assert len(bodies(storage)) == 10


def test_the_names_of_refused_metrics_are_not_collected_without_end() -> None:
    registry = SeriesRegistry(0)
    for number in range(1000):
        registry.id(make_labels({"__name__": f"metric_{number}"}))
    assert len(registry.refused()) <= 101
    assert sum(registry.refused().values()) == 1000
