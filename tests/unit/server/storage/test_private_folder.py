"""What is made is its owner's alone, whatever the umask; what was there stays as it is, and is told of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accelerapp.server.storage import Storage
from accelerapp.server.storage.backup import restore, save
from accelerapp.server.storage.state import State

OpenStorage = Callable[..., Storage]
Make = Callable[..., bytes]


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Let files be readable by everyone unless their maker says otherwise."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def modes(folder: Path) -> set[str]:
    return {f"{path.stat().st_mode & 0o777:o}" for path in [folder, *folder.rglob("*")]}


async def filled(storage: Storage, logs_request: Make) -> None:
    await storage.write_logs(logs_request(1))
    await storage.seal()
    await storage.write_logs(logs_request(2))
    await storage.wait_loaded()


async def test_a_data_folder_that_is_made_is_its_owners_alone(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    state = State(tmp_path / "data" / "state.sqlite")
    await filled(storage, logs_request)
    assert len(list((tmp_path / "data").iterdir())) == 7  # three parts, the lock, the state and SQLite's two
    assert modes(tmp_path / "data") == {"700", "600"}
    assert not storage.inventory().read_by_others
    state.close()


async def test_a_backup_and_what_is_restored_from_it_are_their_owners_alone(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage()
    State(tmp_path / "data" / "state.sqlite").close()
    await filled(storage, logs_request)
    backup = tmp_path / "backup.tar"
    save(storage.backup(), backup)
    with backup.open("rb") as file:
        assert restore(file, tmp_path / "restored") == 3
    assert backup.stat().st_mode & 0o777 == 0o600
    assert modes(tmp_path / "restored") == {"700", "600"}


@pytest.mark.parametrize(
    ("folder", "part", "told"),
    [(0o755, 0o755, True), (0o770, 0o750, True), (0o755, 0o700, False), (0o705, 0o750, False)],
)
@pytest.mark.parametrize("name", ["journal", "segments"])
async def test_a_folder_that_is_there_stays_as_it_is_and_what_others_can_read_is_told_of(
    open_storage: OpenStorage, tmp_path: Path, name: str, folder: int, part: int, told: bool
) -> None:
    made = tmp_path / "data" / name
    made.mkdir(parents=True)
    made.chmod(part)
    made.parent.chmod(folder)
    assert open_storage().inventory().read_by_others is told
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (part, folder)
