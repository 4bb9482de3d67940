"""How a segment's file is written: whole, and durable under its own name, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from accelerapp.server.storage.database import Columns, column_list, insert, quoted
from accelerapp.server.storage.folder import PRIVATE_FILE, Step, sync_path, unlink_if_there
from accelerapp.server.storage.histogram_tables import insert_histograms
from accelerapp.server.storage.histograms import Histograms, sorted_histograms
from accelerapp.server.storage.index import write_index
from accelerapp.server.storage.samples import Samples
from accelerapp.server.storage.segments import FORMAT, UNFINISHED, TableSegment, rows_of
from accelerapp.server.storage.series import SeriesRegistry
from accelerapp.server.storage.slices import slices
from accelerapp.server.storage.tables import TableSignal

_META_COLUMNS = {"format": "INTEGER", "rows": "BIGINT", "lowest": "BIGINT", "highest": "BIGINT"}
_SERIES_COLUMNS = {"labels": "VARCHAR", "rows": "BIGINT", "lowest": "BIGINT", "highest": "BIGINT"}
# What replaces several smaller segments names them: both are there after a crash between the two steps.
_REPLACED_COLUMNS = {"name": "VARCHAR"}
# `step` is the time since the series' sample before; of its first, whose time `lowest` tells, what is usual.
_SAMPLE_COLUMNS = {"series": "UINTEGER", "step": "BIGINT", "v": "DOUBLE"}
# DuckDB holds all NaNs for equal, and 0 and -0 too, and may store one for the other: their bits go apart.
_SPECIAL_COLUMNS = {"row": "BIGINT", "bits": "UBIGINT"}
# A block is the least that a column takes, and the most over which it is compressed: few rows have small ones.
# Measured from 500 to a million rows; in the smallest DuckDB does not compress whole numbers.
_SMALL_ROWS = 10_000
_BLOCK_BYTES = {True: 16 * 1024, False: 64 * 1024}
_WRITING_MEMORY = "256MB"
_NEVER = (2**63 - 1, -(2**63))


def write_table_segment(
    path: Path, signal: TableSignal, batches: Iterable[Columns], rows: int, step: Step
) -> None:
    """Write spans or log records as a segment, durable under its own name when this returns.

    The batches come in the order that a segment has; `rows` is how many rows they have in all.
    """
    lowest, highest = _NEVER
    with _writing(path, rows, step) as connection:
        connection.execute(f"CREATE TABLE {signal.table} ({column_list(signal.columns)})")
        for columns in batches:
            times = columns[signal.time_column]
            lowest, highest = min(lowest, int(times.min())), max(highest, int(times.max()))
            insert(connection, signal.table, columns)
        write_index(connection, signal.table, signal.texts, signal.time_column)
        _describe(connection, rows, lowest, highest, ())


def merge_table_segments(
    path: Path,
    signal: TableSignal,
    inputs: Sequence[TableSegment],
    replaced: Iterable[str],
    step: Step,
    begun: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    """Write the rows of several segments as one that names what it replaces.

    They are sorted a slice at a time, each of the rows between two values of what the order begins with, since DuckDB
    sorts no more than its memory holds. `begun` is given the connection, by which this can be interrupted.
    """
    rows = sum(one.rows for one in inputs)
    with _writing(path, rows, step) as connection:
        begun(connection)
        parts = []
        for number, one in enumerate(inputs):
            connection.execute(f"ATTACH {quoted(str(one.path))} AS input_{number} (READ_ONLY)")
            relation = rows_of(f"input_{number}", signal.table, one.format)
            parts.append(f"SELECT {', '.join(signal.columns)} FROM {relation}")  # noqa: S608 - own names
        connection.execute(f"CREATE TABLE {signal.table} ({column_list(signal.columns)})")
        union = " UNION ALL ".join(parts)
        for condition, bounds in slices(connection, f"({union})", signal.order, rows):
            connection.execute(
                f"INSERT INTO {signal.table} SELECT * FROM ({union}) WHERE {condition} ORDER BY {signal.order}",  # noqa: S608
                bounds,
            )
        write_index(connection, signal.table, signal.texts, signal.time_column)
        lowest, highest = min(one.lowest for one in inputs), max(one.highest for one in inputs)
        _describe(connection, rows, lowest, highest, replaced)


def write_metric_segment(
    path: Path,
    batches: Iterable[tuple[Samples, Histograms]],
    rows: int,
    registry: SeriesRegistry,
    step: Step,
    replaced: Iterable[str] = (),
) -> None:
    """Write samples as a segment, by series and time; of two with one timestamp the first written is kept.

    Each batch has all samples and native histograms of its series, in the order in which they were written, and the
    labels of every series come after those of the batches before. `rows` is about how many there are in all.
    """
    series = written = 0
    lowest, highest = [], []
    with _writing(path, rows, step) as connection:
        for name, types in (
            ("series", _SERIES_COLUMNS),
            ("samples", _SAMPLE_COLUMNS),
            ("specials", _SPECIAL_COLUMNS),
        ):
            connection.execute(f"CREATE TABLE {name} ({column_list(types)})")
        for samples, histograms in batches:
            present = np.unique(np.concatenate([samples.series, histograms.series]))
            ordered = present[np.argsort(registry.ranks()[present])]
            rank = np.zeros(int(present[-1]) + 1, dtype=np.uint32)
            rank[ordered] = np.arange(len(ordered))
            texts = np.array([text.decode() for text in registry.texts(ordered.tolist())], dtype=object)
            tables = _sample_columns(samples, rank, texts, series, written)
            if len(histograms):
                native = sorted_histograms(histograms, rank + np.uint32(series))
                insert_histograms(connection, native)
                lowest.append(int(native.timestamps.min()))
                highest.append(int(native.timestamps.max()))
            for name, columns in tables.items():
                if len(next(iter(columns.values()))):
                    insert(connection, name, columns)
            series += len(tables["series"]["rows"])
            written += len(tables["samples"]["v"])
            if len(samples):
                lowest.append(int(samples.timestamps.min()))
                highest.append(int(samples.timestamps.max()))
        _describe(connection, written, min(lowest), max(highest), replaced)


def _sample_columns(
    samples: Samples,
    rank: npt.NDArray[np.uint32],
    texts: npt.NDArray[np.object_],
    first_series: int,
    first_row: int,
) -> dict[str, Columns]:
    """Return the columns of a segment's tables for one batch, which begins at a series and a row of them.

    `rank` orders the batch's series by their labels, in which order `texts` gives these. One that has no samples has no
    time either: its `lowest` is above its `highest`.
    """
    ranks = rank[samples.series]
    order = np.lexsort((samples.timestamps, ranks))
    ranks, times, values = ranks[order], samples.timestamps[order], samples.values[order]
    again = np.flatnonzero((np.diff(ranks) == 0) & (np.diff(times) == 0)) + 1
    if again.size:
        ranks, times, values = np.delete(ranks, again), np.delete(times, again), np.delete(values, again)
    rows = np.bincount(ranks, minlength=len(texts))
    some = np.flatnonzero(rows)
    ends = np.cumsum(rows)[some]
    starts = ends - rows[some]
    steps = np.diff(times, prepend=times[:1])
    steps[starts] = _usual(np.delete(steps, starts))
    lowest, highest = np.full(len(texts), _NEVER[0]), np.full(len(texts), _NEVER[1])
    lowest[some], highest[some] = times[starts], times[ends - 1]
    special = np.flatnonzero(np.isnan(values) | ((values == 0) & np.signbit(values)))
    bits = values.view(np.uint64)[special].copy()
    values[special] = 0.0
    return {
        "series": {"labels": texts, "rows": rows.astype(np.int64), "lowest": lowest, "highest": highest},
        "samples": {"series": ranks + np.uint32(first_series), "step": steps, "v": values},
        "specials": {"row": special.astype(np.int64) + first_row, "bits": bits},
    }


def _usual(steps: npt.NDArray[np.int64]) -> int:
    return int(np.partition(steps, steps.size // 2)[steps.size // 2]) if steps.size else 0


@contextmanager
def _writing(path: Path, rows: int, step: Step) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a DuckDB file to fill under a temporary name, in an instance of its own; then sync and rename it.

    The instance is its own because a full disk invalidates the instance that met it.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    unlink_if_there(unfinished)
    step("segment.write")
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "default_block_size": str(_BLOCK_BYTES[rows < _SMALL_ROWS]),
        "memory_limit": _WRITING_MEMORY,
        "temp_directory": str(path.parent.parent / "spill" / path.name),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(str(unfinished), config=config)
        try:
            yield connection
            connection.execute("CHECKPOINT")
        finally:
            connection.close()
        step("segment.write.done")
        step("segment.sync")
        unfinished.chmod(PRIVATE_FILE)
        sync_path(unfinished)
        step("segment.rename")
        unfinished.rename(path)
        sync_path(path.parent)
        step("segment.rename.done")
    except (duckdb.Error, OSError):
        unlink_if_there(unfinished)
        unlink_if_there(unfinished.with_name(unfinished.name + ".wal"))
        raise


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str], columns: Columns
) -> None:
    connection.execute(f"CREATE TABLE {table} ({column_list(types)})")
    if len(next(iter(columns.values()))):
        insert(connection, table, columns)


def _describe(
    connection: duckdb.DuckDBPyConnection, rows: int, lowest: int, highest: int, replaced: Iterable[str]
) -> None:
    """Write what a segment tells of itself: format, rows, oldest and newest time, and the files that it replaces."""
    numbers = {"format": FORMAT, "rows": rows, "lowest": lowest, "highest": highest}
    meta = {name: np.array([number], dtype=np.int64) for name, number in numbers.items()}
    _fill(connection, "meta", _META_COLUMNS, meta)
    _fill(connection, "replaced", _REPLACED_COLUMNS, {"name": np.array(sorted(replaced), dtype=object)})
