"""Backup and restore: a data folder as one tar, taken while its owner goes on, and verified when it is read.

The archive has the segments, the journal as far as it was durable at the beginning, the state file as SQLite copies
it, and last `manifest.json`, which lists every file with its length and SHA-256. Everything acknowledged before the
beginning is in the journal or in a segment then, and no file goes before all are open; an open file stays what it is.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sqlite3
import tarfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import orjson

from accelerapp.server.storage.folder import PRIVATE_FOLDER, create_private, sync_path
from accelerapp.server.storage.journal import journal_files
from accelerapp.server.storage.segments import DAMAGED, segment_name

FORMAT = 1
MANIFEST = "manifest.json"
STATE = "state.sqlite"
UNFINISHED = ".unfinished"
_CHUNK_BYTES = 1024 * 1024
_LONGEST_MANIFEST = 64 * 1024 * 1024
_NAMES = re.compile(
    r"journal/\d{20}\.journal|segments/(traces|logs|metrics)-\d{20}-\d{20}\.duckdb|state\.sqlite"
)

#: The newest journal file and how many bytes of it are durable; None before there is one.
Durable = tuple[Path, int] | None


class BackupError(Exception):
    """A backup cannot be taken or restored; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    bytes: int
    sha256: str


def archive(folder: Path, removal: threading.Lock, durable: Callable[[], Durable]) -> Generator[bytes]:
    """Yield the tar of a data folder, which this process owns; nothing is done before the first part is asked for.

    Args:
        folder: The data folder.
        removal: Held by whoever removes a file from it.
        durable: Tells how far the journal is durable.
    """
    files: list[_File] = []
    with ExitStack() as opened:
        for name, file, size in _opened(folder, removal, durable, opened):
            checksum = hashlib.sha256()
            yield _header(name, size)
            for chunk in _chunks(file, size, name):
                checksum.update(chunk)
                yield chunk
            yield _padding(size)
            files.append(_File(name, size, checksum.hexdigest()))
    manifest = orjson.dumps(
        {"format": FORMAT, "taken_ms": time.time_ns() // 10**6, "files": [asdict(one) for one in files]},
        option=orjson.OPT_INDENT_2,
    )
    yield _header(MANIFEST, len(manifest)) + manifest + _padding(len(manifest)) + bytes(2 * tarfile.BLOCKSIZE)


def restore(source: IO[bytes], folder: Path) -> int:
    """Write what an archive holds into a folder that is empty or not there; return how many files that were.

    Raises BackupError where the archive is damaged, incomplete or no backup, or the folder is not empty; then nothing
    is left.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is not empty: name a folder that is empty or not there")
    if folder.is_mount():  # nothing can be renamed to it
        raise BackupError(f"{folder} is a mounted volume: name a folder within it")
    unfinished = folder.with_name(folder.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(PRIVATE_FOLDER, parents=True)
        for part in ("journal", "segments"):
            (unfinished / part).mkdir(PRIVATE_FOLDER)
        written = _extract(source, unfinished)
        for path in (unfinished / "journal", unfinished / "segments", unfinished):
            sync_path(path)
        unfinished.replace(folder)
        sync_path(folder.parent)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"the backup cannot be read, or it is none: {error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return len(written)


def save(parts: Iterable[bytes], path: Path) -> int:
    """Write an archive to a file, which has its name once it is whole and durable; return its length in bytes."""
    if not path.parent.is_dir():
        raise BackupError(f"there is no folder {path.parent}: make it, or name another")
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        with create_private(unfinished) as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        unfinished.replace(path)
        sync_path(path.parent)
    except FileExistsError as error:
        raise BackupError(
            f"{unfinished} is there already: another backup is being written, or one was broken off; remove it then"
        ) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return size


def _opened(
    folder: Path, removal: threading.Lock, durable: Callable[[], Durable], opened: ExitStack
) -> list[tuple[str, IO[bytes], int]]:
    """Open every file that belongs to the backup, and tell how much of each does."""
    files: list[tuple[str, IO[bytes], int]] = []
    with removal:
        # The journal first: what is sealed after that is in both, and read once, by the segment's name.
        newest = durable()
        for first, path in journal_files(folder / "journal"):
            if newest is not None and first > int(newest[0].stem):
                continue
            file = opened.enter_context(path.open("rb"))
            size = newest[1] if newest is not None and path == newest[0] else os.fstat(file.fileno()).st_size
            files.append((f"journal/{path.name}", file, size))
        for path in sorted((folder / "segments").iterdir()):
            if segment_name(path) is None or path.name.endswith(DAMAGED):
                continue
            try:
                file = opened.enter_context(path.open("rb"))
            except FileNotFoundError:  # found damaged and set aside just now
                continue
            files.append((f"segments/{path.name}", file, os.fstat(file.fileno()).st_size))
    state = _state(folder / STATE)
    if state is not None:
        files.append((STATE, io.BytesIO(state), len(state)))
    return files


def _state(path: Path) -> bytes | None:
    """Return a copy of the state file as it is between two of its transactions."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            return copy.serialize()
    except sqlite3.Error as error:
        raise BackupError(
            f"{path} cannot be read: {error}; stop the observatory and move it away to go on without its silences"
        ) from error


def _extract(source: IO[bytes], folder: Path) -> list[_File]:
    written: list[_File] = []
    with tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                raise BackupError(
                    f"{member.name!r} in the backup is no file: this is not a backup of accelerapp"
                )
            if member.name == MANIFEST:
                _compare(content.read(_LONGEST_MANIFEST), written)
                return written
            if not _NAMES.fullmatch(member.name):
                raise BackupError(f"{member.name!r} does not belong in a backup of accelerapp")
            written.append(_copy(content, member.name, folder))
    raise BackupError("the backup is incomplete: it ends before its list of files; take it again")


def _copy(content: IO[bytes], name: str, folder: Path) -> _File:
    checksum, size = hashlib.sha256(), 0
    with create_private(folder / name) as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
            checksum.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return _File(name, size, checksum.hexdigest())


def _compare(manifest: bytes, written: list[_File]) -> None:
    try:
        content = orjson.loads(manifest)
        listed = {one["name"]: _File(**one) for one in content["files"]}
        known = content["format"] == FORMAT
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BackupError(f"the backup's list of files is damaged: {error}") from error
    if not known:
        raise BackupError(f"the backup has format {content['format']}, this version reads {FORMAT}")
    wrong = sorted(
        {one.name for one in written if listed.get(one.name) != one}
        | (listed.keys() - {one.name for one in written})
    )
    if wrong:
        raise BackupError(
            f"{wrong[0]} in the backup is not as it was written ({len(wrong)} of {len(listed)} files are not): "
            "use another backup"
        )


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _chunks(file: IO[bytes], size: int, name: str) -> Iterator[bytes]:
    left = size
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise BackupError(f"{name} became shorter while it was read: take the backup again")
        left -= len(chunk)
        yield chunk
