"""DuckDB as storage uses it: one locked-down instance to read with, and one of its own for each file written."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy.typing as npt

from accelerapp.server.storage.settings import StorageSettings

Columns = Mapping[str, npt.NDArray[Any]]


class Database:
    """The in-memory instance that holds the head and to which sealed segments are attached read-only.

    It can open files in the segments' folder only, loads no extension, and nothing can be set once it is open.
    """

    def __init__(self, segments: Path, settings: StorageSettings) -> None:
        spill = segments.parent / "spill"
        self._root = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "threads": str(settings.duckdb_threads),
                "memory_limit": f"{settings.duckdb_memory_bytes}B",
                # Samples and histograms are read in the order of their rows; to sort by that takes twice as long.
                "preserve_insertion_order": "true",
                "temp_directory": str(spill),
            },
        )
        self._root.execute(f"SET allowed_directories=[{quoted(str(segments) + '/')}]")
        self._root.execute("SET enable_external_access=false")
        self._root.execute("SET lock_configuration=true")
        self._lock = threading.Lock()
        self._names = 0
        self._open: set[duckdb.DuckDBPyConnection] = set()

    @contextmanager
    def cursor(self, *, reading: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection that one thread may use, closed afterwards; `interrupt` ends what is read with it."""
        with self._lock:
            cursor = self._root.cursor()
            if reading:
                self._open.add(cursor)
        with closing(cursor):
            try:
                yield cursor
            finally:
                with self._lock:
                    self._open.discard(cursor)

    def interrupt(self) -> None:
        """End every read that runs, with duckdb.InterruptException."""
        with self._lock:
            for cursor in self._open:
                cursor.interrupt()

    def attach(self, path: Path) -> str:
        """Attach a segment read-only and return the name of its catalog; raises duckdb.Error if damaged."""
        name = self.new_name("segment")
        with self.cursor(reading=False) as cursor:
            cursor.execute(f"ATTACH {quoted(str(path))} AS {name} (READ_ONLY)")
        return name

    def detach(self, name: str) -> None:
        with self.cursor(reading=False) as cursor:
            cursor.execute(f"DETACH {name}")

    def create_table(self, prefix: str, columns: Mapping[str, str]) -> str:
        """Create an empty table in memory and return its qualified name."""
        name = f"memory.main.{self.new_name(prefix)}"
        with self.cursor(reading=False) as cursor:
            cursor.execute(f"CREATE TABLE {name} ({column_list(columns)})")
        return name

    def drop_table(self, name: str) -> None:
        with self.cursor(reading=False) as cursor:
            cursor.execute(f"DROP TABLE {name}")

    def new_name(self, prefix: str) -> str:
        with self._lock:
            self._names += 1
            return f"{prefix}_{self._names}"

    def close(self) -> None:
        self._root.close()


def insert(connection: duckdb.DuckDBPyConnection, table: str, columns: Columns) -> None:
    """Append numpy columns to a table that has the same columns."""
    connection.register("arriving", dict(columns))
    try:
        names = ", ".join(columns)
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM arriving")  # noqa: S608 - own names
    finally:
        connection.unregister("arriving")


def column_list(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {sql_type}" for name, sql_type in columns.items())


def quoted(text: str) -> str:
    """Return text as an SQL literal, for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
