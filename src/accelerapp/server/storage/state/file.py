"""The SQLite file that has the state: opened, brought up to date, read and written by one at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from accelerapp.server.storage.folder import PRIVATE_FILE
from accelerapp.server.storage.state.schema import MIGRATIONS, VERSION

#: The path of a state that is kept nowhere.
MEMORY: Final = ":memory:"

#: Rows that each history keeps; the oldest leave first.
HISTORY_LIMIT: Final = 20_000


class StateError(Exception):
    """The state file cannot be used; the message says why and what to do."""


class StateFile:
    """One connection for all threads; a transaction is durable when it has ended.

    Raises StateError where the file is not one of ours or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            if str(path) != MEMORY:
                path.touch(PRIVATE_FILE)  # SQLite gives its journal the same mode
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"{path}: cannot be opened: {error}; check the folder's permissions") from error
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._create()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StateError(
                f"{path}: cannot be used as the state file: {error}; move it away to start afresh"
            ) from error

    def _create(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= VERSION:
            self._connection.close()
            raise StateError(
                f"{self._path}: has schema version {version}, this program knows {VERSION}; "
                "use the version of the program that wrote it, or move the file away"
            )
        for step in range(version, VERSION):
            self._connection.executescript(
                f"BEGIN; {MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
            )

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to read by, to nobody else meanwhile."""
        with self._lock:
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to write by; all of it is kept, or nothing where an error is raised."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # where the disk is full, SQLite may have ended it itself
                    self._connection.execute("ROLLBACK")
                raise


def trim(connection: sqlite3.Connection, table: str) -> None:
    """Let the oldest rows of a history go that are too many."""
    # The table's name is one of ours, never a user's.
    connection.execute(f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - {HISTORY_LIMIT}")  # noqa: S608
