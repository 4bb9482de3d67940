"""Files that are to go and cannot be removed: what they held is read once or not at all, and they go when they can."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import until

from accelerapp.server.storage import LogQuery, Storage
from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.folder import no_step
from accelerapp.server.storage.merging import FAN_IN
from accelerapp.server.storage.removal import Removal

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]
Reopen = Callable[..., Any]
Failing = Callable[..., Any]


def bodies(storage: Storage) -> list[str]:
    return sorted(record.body for record in storage.logs.search(LogQuery(0, 2**62)))


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "data" / "segments").iterdir())


def failures(storage: Storage) -> int:
    count = storage.stats()["unlink_failures"]
    assert isinstance(count, int)
    return count


@pytest.fixture
def unremovable(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Make files with a suffix unremovable."""

    @contextmanager
    def fail(suffix: str) -> Iterator[None]:
        unlink = Path.unlink

        def refuse(path: Path, missing_ok: bool = False) -> None:
            if path.name.endswith(suffix):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            unlink(path, missing_ok)

        with monkeypatch.context() as disk:
            disk.setattr(Path, "unlink", refuse)
            yield

    return fail


async def filled(storage: Storage, logs_request: Make, seals: int = FAN_IN) -> list[str]:
    for number in range(seals):
        await storage.write_logs(logs_request(number))
        await storage.seal()
    return bodies(storage)


async def test_parts_of_a_merge_that_stay_are_read_once_and_go_when_they_can(
    open_storage: OpenStorage, reopen: Reopen, unremovable: Failing, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)
    before = await filled(storage, logs_request)
    with unremovable(".duckdb"):
        storage = await reopen(storage, upkeep_interval_seconds=0.01)
        await until(lambda: failures(storage) > FAN_IN)
        assert len(segments(tmp_path)) == FAN_IN + 1
        assert (bodies(storage), storage.stats()["merges"]) == (before, 1)
    await until(lambda: len(segments(tmp_path)) == 1)
    assert bodies(storage) == before
    assert storage.stats()["upkeep_failures"] == 0


async def test_parts_that_stay_while_a_folder_is_opened_are_read_once_and_go_when_they_can(
    open_storage: OpenStorage, reopen: Reopen, unremovable: Failing, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)
    before = await filled(storage, logs_request)
    await storage.close()
    shutil.copytree(tmp_path / "data" / "segments", tmp_path / "parts")
    storage = open_storage()
    await until(lambda: storage.stats()["merges"] == 1)
    await storage.close()
    shutil.copytree(tmp_path / "parts", tmp_path / "data" / "segments", dirs_exist_ok=True)
    (tmp_path / "data" / "segments" / "logs-1.duckdb.unfinished").touch()
    with unremovable(""):
        storage = open_storage(upkeep_interval_seconds=0.01)
        assert bodies(storage) == before
        assert failures(storage) >= FAN_IN + 1
    await until(lambda: len(segments(tmp_path)) == 2)
    assert bodies(await reopen(storage)) == before
    assert len(segments(tmp_path)) == 1


async def test_what_has_expired_and_stays_is_not_read_and_nothing_else_goes_for_it(
    open_storage: OpenStorage, unremovable: Failing, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(merged_bytes=0)
    await filled(storage, logs_request, 6)
    await storage.close()
    for journal in (tmp_path / "data" / "journal").iterdir():
        journal.unlink()
    sizes = [(tmp_path / "data" / "segments" / name).stat().st_size for name in segments(tmp_path)]
    with unremovable(".duckdb"):
        storage = open_storage(
            merged_bytes=0, retention_bytes=sum(sizes[1:]) + 1, upkeep_interval_seconds=0.01
        )
        await until(lambda: failures(storage) > 3)
        assert bodies(storage) == [f"message {number}" for number in range(1, 6)]
        assert len(segments(tmp_path)) == 6
    await until(lambda: len(segments(tmp_path)) == 5)
    assert len(bodies(storage)) == 5


async def test_a_journal_file_that_stays_lends_its_name_to_no_other(
    open_storage: OpenStorage, reopen: Reopen, unremovable: Failing, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.close()
    folder = tmp_path / "data" / "journal"
    (folder / f"{1:020d}.journal").touch()
    with unremovable(".journal"):
        storage = open_storage()
        assert failures(storage) >= 1
        await storage.write_logs(logs_request(1))
        assert len(list(folder.iterdir())) == 2
    assert bodies(await reopen(storage)) == ["message 1"]
    assert len(list(folder.iterdir())) == 1


async def test_a_merged_segment_that_was_not_read_back_is_not_in_the_way_once_it_can_be_removed(
    open_storage: OpenStorage,
    reopen: Reopen,
    unremovable: Failing,
    logs_request: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = open_storage(merged_bytes=0)
    before = await filled(storage, logs_request)
    with monkeypatch.context() as disk, unremovable(".duckdb"):
        disk.setattr("accelerapp.server.storage.segments.TableSegment.verify", lambda _: False)
        storage = await reopen(storage, upkeep_interval_seconds=0.01)
        await until(lambda: failures(storage) > 3)
        assert bodies(storage) == before
    await until(lambda: storage.stats()["merges"] == 1)
    assert bodies(storage) == before


def test_one_file_that_stays_keeps_no_other(tmp_path: Path, unremovable: Failing) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path in paths:
        path.touch()
    removal = Removal(no_step, Counters())
    with unremovable("b"):
        removal.unlink(paths, "step")
    assert [path.exists() for path in paths] == [False, True, False]
    assert removal.left == {paths[1]}
    removal.retry()
    assert not paths[1].exists()
    assert not removal.left
