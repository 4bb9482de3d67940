"""A data folder as the commands about it reach it: at rest they own it themselves, otherwise they ask its owner."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from accelerapp.server.config import ENVIRONMENT_PREFIX, default_data_dir

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Data folder of the observatory.",
        envvar=f"{ENVIRONMENT_PREFIX}DATA_DIR",
        show_default="~/.local/share/accelerapp/observatory",
    ),
]
_STORAGE = "/api/accelerapp/v1/storage"
_TIMEOUT_SECONDS = 60.0


class FolderError(Exception):
    """A data folder cannot be reached; the message says why and what to do."""


def chosen(data_dir: Path | None) -> Path:
    """Return the data folder that is meant: the one named, or the user's."""
    return (data_dir or default_data_dir()).resolve()


def existing(data_dir: Path | None) -> Path:
    """Return the data folder that is meant. Raises FolderError where there is none."""
    folder = chosen(data_dir)
    if not (folder / "journal").is_dir():
        raise FolderError(f"{folder} is no data folder of an observatory: name one with --data-dir")
    return folder


def held(folder: Path) -> dict[str, Any]:
    """Return what a folder holds and the counters of its owner, or those of opening it where it has none.

    Raises FolderError.
    """
    import asyncio

    import httpx

    from accelerapp.server.storage import SegmentFormatError, Storage, StorageLockedError, StorageSettings

    # What is looked at is to stay as it is: nothing goes, and nothing is merged.
    settings = StorageSettings(retention_seconds=0, retention_bytes=0, merged_bytes=0)
    try:
        storage = Storage.open(folder, settings)
    except StorageLockedError as locked:
        try:
            answer = httpx.get(_url(locked) + _STORAGE, timeout=_TIMEOUT_SECONDS, trust_env=False)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise FolderError(f"{locked}; asking that one failed: {error}") from error
        content: dict[str, Any] = answer.json()
        return content
    except SegmentFormatError as error:
        raise FolderError(str(error)) from error
    except OSError as error:
        raise FolderError(f"{folder} cannot be opened: {error}") from error
    try:
        return {**asdict(storage.inventory()), "counters": storage.stats()}
    finally:
        asyncio.run(storage.close())


@contextmanager
def archived(folder: Path) -> Iterator[Iterator[bytes]]:
    """Give the parts of a backup, from the folder's owner where it has one. Raises FolderError."""
    import httpx

    from accelerapp.server.storage import StorageLockedError
    from accelerapp.server.storage.backup import archive
    from accelerapp.server.storage.folder import FolderLock

    try:
        lock = FolderLock(folder)
    except StorageLockedError as locked:
        try:
            with httpx.stream(
                "POST", f"{_url(locked)}{_STORAGE}/backup", timeout=_TIMEOUT_SECONDS, trust_env=False
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise FolderError(f"{locked.url} gives no backup: {answer.text}")
                yield answer.iter_raw()
        except httpx.HTTPError as error:
            raise FolderError(f"the observatory at {locked.url} did not send all of it: {error}") from error
        return
    try:
        with closing(archive(folder, threading.Lock(), lambda: None)) as parts:
            yield parts
    finally:
        lock.release()


def _url(locked: Any) -> str:
    if not locked.url:
        raise FolderError(f"{locked}; that one does not answer yet")
    url: str = locked.url
    return url
