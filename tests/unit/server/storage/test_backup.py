"""A backup is the folder as it was, or is refused: never a part of it, never anything else."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import BackupError, LogQuery, SpanQuery, Storage
from accelerapp.server.storage.backup import archive, restore, save
from accelerapp.server.storage.folder import FolderLock
from accelerapp.server.storage.merging import FAN_IN

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]
UP = make_labels({"__name__": "up"})


def bodies(storage: Storage) -> list[str]:
    return sorted(record.body for record in storage.logs.search(LogQuery(0, 2**62)))


@pytest.fixture
def taken(open_storage: OpenStorage, logs_request: Make, traces_request: Make) -> Callable[[], Any]:
    """Return a way to fill a storage with sealed and unsealed data, and to take its backup."""

    async def run() -> bytes:
        storage = open_storage()
        for number in range(2):
            await storage.write_logs(logs_request(number))
            await storage.write_traces(traces_request(number + 1, spans=2))
            await storage.write_samples([(UP, number, 1.0)])
            if number == 0:
                await storage.seal()
        return b"".join(storage.backup())

    return run


async def test_sealed_and_unsealed_data_is_restored(
    taken: Callable[[], Any], open_storage: OpenStorage, tmp_path: Path
) -> None:
    content = await taken()
    assert restore(io.BytesIO(content), tmp_path / "restored") == 4  # three segments and the journal
    storage = open_storage(path=tmp_path / "restored")
    assert bodies(storage) == ["message 0", "message 1"]
    assert [one.span_count for one in storage.spans.search(SpanQuery(0, 2**62))] == [2, 2]
    assert storage.metrics.select([], 0, 9).timestamps.tolist() == [0, 1]
    assert storage.stats()["cut_journal_tails"] == 0


async def test_what_is_sealed_merged_and_removed_while_it_is_taken_is_in_it(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(journal_file_bytes=1, retention_bytes=1_000_000)
    for number in range(FAN_IN - 1):
        await storage.write_logs(logs_request(number))
        await storage.seal()
    await storage.write_logs(logs_request(FAN_IN))
    parts = storage.backup()
    first = next(parts)  # from here on every file is open
    names = {path.name for path in (tmp_path / "data" / "segments").iterdir()}
    await storage.write_logs(logs_request(100))
    await storage.seal()
    threading.Event().wait(0)
    while storage.stats()["merges"] == 0:
        await storage.wait_loaded()
    rest = b"".join(parts)
    assert names - {path.name for path in (tmp_path / "data" / "segments").iterdir()}
    restore(io.BytesIO(first + rest), tmp_path / "restored")
    restored = open_storage(path=tmp_path / "restored")
    assert bodies(restored) == sorted(f"message {number}" for number in (*range(FAN_IN - 1), FAN_IN))


async def test_of_the_journal_only_what_was_durable_is_in_it(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_logs(logs_request(1))
    journal = storage._journal
    assert journal.durable is not None
    with journal.durable[0].open("ab") as file:
        file.write(b"half of a group, not synced")
    restore(io.BytesIO(b"".join(storage.backup())), tmp_path / "restored")
    restored = open_storage(path=tmp_path / "restored")
    assert bodies(restored) == ["message 1"]
    assert restored.stats()["cut_journal_tails"] == 0


async def test_the_state_is_copied_between_two_transactions(
    open_storage: OpenStorage, tmp_path: Path
) -> None:
    storage = open_storage()
    state = sqlite3.connect(tmp_path / "data" / "state.sqlite", isolation_level=None)
    state.execute("PRAGMA journal_mode = WAL")
    state.execute("CREATE TABLE silence (id TEXT)")
    state.execute("INSERT INTO silence VALUES ('committed')")  # is in the WAL alone
    state.execute("BEGIN")
    state.execute("INSERT INTO silence VALUES ('not committed')")
    content = b"".join(storage.backup())
    state.close()
    restore(io.BytesIO(content), tmp_path / "restored")
    copy = sqlite3.connect(tmp_path / "restored" / "state.sqlite")
    assert copy.execute("SELECT id FROM silence").fetchall() == [("committed",)]
    copy.close()


async def test_every_damaged_byte_is_noticed_and_leaves_nothing(
    taken: Callable[[], Any], tmp_path: Path
) -> None:
    content = await taken()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        inside = [at for one in tar for at in (one.offset, one.offset_data, one.offset_data + one.size - 1)]
    for at in inside:
        damaged = bytearray(content)
        damaged[at] ^= 4
        with pytest.raises(BackupError):
            restore(io.BytesIO(damaged), tmp_path / "restored")
        assert not (tmp_path / "restored").exists()
    for length in (0, 100, *(at + 1 for at in inside[:-1])):
        with pytest.raises(BackupError):
            restore(io.BytesIO(content[:length]), tmp_path / "restored")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", ["../escaped", "segments/../../escaped", "/tmp/escaped", "lock", "a.duckdb"])
def test_a_file_that_belongs_in_no_backup_is_not_written(tmp_path: Path, name: str) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    content.seek(0)
    with pytest.raises(BackupError, match="does not belong"):
        restore(content, tmp_path / "restored")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_a_backup_is_not_followed(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        info = tarfile.TarInfo("state.sqlite")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    content.seek(0)
    with pytest.raises(BackupError, match="not a backup"):
        restore(content, tmp_path / "restored")


async def test_a_folder_with_something_in_it_is_left_alone(taken: Callable[[], Any], tmp_path: Path) -> None:
    content = await taken()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    with pytest.raises(BackupError, match="is not empty"):
        restore(io.BytesIO(content), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]
    (tmp_path / "mine" / "precious").unlink()
    assert restore(io.BytesIO(content), tmp_path / "mine") == 4


async def test_a_mounted_volume_is_refused_before_anything_is_written(
    taken: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await taken()
    volume = tmp_path / "volume"
    volume.mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path == volume)
    with pytest.raises(BackupError, match="name a folder within it"):
        restore(io.BytesIO(content), volume)
    assert list(volume.iterdir()) == []
    assert restore(io.BytesIO(content), volume / "data") == 4


async def test_a_backup_at_rest_needs_no_observatory(
    taken: Callable[[], Any], open_storage: OpenStorage, tmp_path: Path
) -> None:
    await taken()
    folder = tmp_path / "data"
    lock = FolderLock(tmp_path)  # any: the test's storage still holds its own
    save(archive(folder, threading.Lock(), lambda: None), tmp_path / "backup.tar")
    lock.release()
    with (tmp_path / "backup.tar").open("rb") as file:
        restore(file, tmp_path / "restored")
    assert bodies(open_storage(path=tmp_path / "restored")) == ["message 0", "message 1"]


async def test_a_state_file_that_cannot_be_read_is_named(taken: Callable[[], Any], tmp_path: Path) -> None:
    await taken()
    (tmp_path / "data" / "state.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BackupError, match=r"state\.sqlite cannot be read"):
        b"".join(archive(tmp_path / "data", threading.Lock(), lambda: None))


def test_a_backup_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Any:
        yield b"x" * 1000
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        save(broken(), tmp_path / "backup.tar")
    assert list(tmp_path.iterdir()) == []
