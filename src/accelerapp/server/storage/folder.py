"""The data folder: its parts, its owner's lock, and the calls that make files durable."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

#: What is kept may have secrets in it, so what is made here is its owner's alone. What is there already stays as it is.
PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600

#: Called with the name of each step that a crash may fall on; tests kill the process there.
Step = Callable[[str], None]


def no_step(_name: str) -> None:
    """Do nothing: what a step is outside crash tests."""


class StorageLockedError(Exception):
    """Another process owns the data folder; `url` is where that one can be asked, empty where it cannot."""

    def __init__(self, message: str, url: str = "") -> None:
        super().__init__(message)
        self.url = url


class FolderLock:
    """Holds a data folder for one process, until it is released or the process ends.

    The file has the owner's pid and, once that is known, the URL of its page, each on a line. Raises
    StorageLockedError, naming the owner, where another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner, _, url = os.pread(self._descriptor, 1024, 0).decode("utf-8", "replace").partition("\n")
            os.close(self._descriptor)
            raise StorageLockedError(
                f"the data folder {folder} is in use by the process with pid {owner or 'unknown'}: "
                "stop that one first, or choose another folder with --data-dir",
                url.strip(),
            ) from error
        self.announce("")

    def announce(self, url: str) -> None:
        """Write down whose the folder is, and where the owner can be asked."""
        with contextlib.suppress(OSError):  # on a full disk the lock holds without saying whose it is
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n{url}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder up; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def create_private(path: Path) -> IO[bytes]:
    """Make a file to be written; raises FileExistsError where it is there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE), "wb")


def sync_data(descriptor: int) -> None:
    """Force a file's content to the disk; on macOS through the drive's own cache as well."""
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_path(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if sys.platform == "darwin" and not path.is_dir():
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_if_there(path: Path) -> int:
    """Return a file's length in bytes, 0 where it has just gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def unlink_if_there(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
