"""Segments: one immutable DuckDB file a signal and period, and how it comes to be, is opened and goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import orjson

from accelerapp.server.signals import Labels
from accelerapp.server.storage.database import Columns, Database, column_list, insert
from accelerapp.server.storage.folder import Step, sync_path, unlink_if_there
from accelerapp.server.storage.otlp import to_json
from accelerapp.server.storage.samples import Samples, SeriesIds
from accelerapp.server.storage.series import SeriesRegistry
from accelerapp.server.storage.sources import Source
from accelerapp.server.storage.tables import TableSignal

FORMAT = 1
SUFFIX = ".duckdb"
UNFINISHED = ".unfinished"
DAMAGED = ".damaged"
_NAME = re.compile(r"(traces|logs|metrics)-(\d+)-(\d+)\.duckdb")
_META_COLUMNS = {"format": "INTEGER", "rows": "BIGINT", "lowest": "BIGINT", "highest": "BIGINT"}
_SERIES_COLUMNS = {"labels": "VARCHAR", "rows": "BIGINT", "lowest": "BIGINT", "highest": "BIGINT"}
_SAMPLE_COLUMNS = {"series": "UINTEGER", "t": "BIGINT", "v": "DOUBLE"}
# DuckDB holds all NaNs for equal, and 0 and -0 too, and may store one for the other: their bits go apart.
_SPECIAL_COLUMNS = {"row": "BIGINT", "bits": "UBIGINT"}


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """What a segment's file name says: its signal, and the journal records that it contains."""

    first: int
    last: int
    signal: str

    @property
    def file(self) -> str:
        return f"{self.signal}-{self.first:020d}-{self.last:020d}{SUFFIX}"


def segment_name(path: Path) -> SegmentName | None:
    """Read a segment's name, also that of a damaged one; None for any other file."""
    match = _NAME.fullmatch(path.name.removesuffix(DAMAGED))
    return SegmentName(int(match[2]), int(match[3]), match[1]) if match else None


class TableSegment(Source):
    """Spans or log records in a sealed file."""

    def __init__(self, database: Database, path: Path, table: str) -> None:
        self._database = database
        self.path = path
        self.catalog = database.attach(path)
        self.relation = f"{self.catalog}.main.{table}"
        self.unlink = False
        try:
            with database.cursor() as cursor:
                row = _one(cursor, f"SELECT format, rows, lowest, highest FROM {self.catalog}.main.meta")  # noqa: S608 - own names
            if row[0] != FORMAT:
                raise duckdb.Error(f"{path} has format {row[0]}, this version reads {FORMAT}")
            self.rows = int(row[1])
            super().__init__(int(row[2]), int(row[3]))
        except duckdb.Error:
            database.detach(self.catalog)
            raise

    def verify(self) -> bool:
        """Read the whole segment and tell whether it is undamaged."""
        try:
            with self._database.cursor() as cursor:
                row = _one(cursor, f"SELECT count(*), bit_xor(hash(all_)) FROM {self.relation} AS all_")  # noqa: S608
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error:
            return False
        return bool(row[0] == self.rows)

    def dispose(self) -> None:
        self._database.detach(self.catalog)
        if self.unlink:
            unlink_if_there(self.path)


class MetricSegment(TableSegment):
    """Samples in a sealed file, by series and time; the series' own list is held in memory."""

    def __init__(self, database: Database, path: Path, registry: SeriesRegistry) -> None:
        super().__init__(database, path, "samples")
        try:
            with database.cursor() as cursor:
                query = f"SELECT labels, rows, lowest, highest FROM {self.catalog}.main.series ORDER BY rowid"  # noqa: S608
                series = cursor.execute(query).fetchnumpy()
        except duckdb.Error:
            database.detach(self.catalog)
            raise
        ids = [registry.restore(_labels(text)) for text in series["labels"]]
        self._ids = np.array(ids, dtype=np.uint32)
        self._lowest, self._highest = series["lowest"], series["highest"]
        self._offsets = np.concatenate([[0], np.cumsum(series["rows"])]).astype(np.int64)

    def read(self, series: SeriesIds, start_ms: int, end_ms: int) -> list[Samples]:
        """Return the samples of some series with start_ms <= t <= end_ms; raises duckdb.Error if damaged."""
        wanted = np.isin(self._ids, series) & (self._lowest <= end_ms) & (self._highest >= start_ms)
        local = np.flatnonzero(wanted)
        if not local.size:
            return []
        first, last = int(local[0]), int(local[-1])
        begin, end = int(self._offsets[first]), int(self._offsets[last + 1])
        with self._database.cursor() as cursor:
            columns = cursor.execute(
                f"SELECT t, v FROM {self.relation} WHERE series BETWEEN ? AND ? ORDER BY rowid",  # noqa: S608
                [first, last],
            ).fetchnumpy()
            specials = cursor.execute(
                f"SELECT row, bits FROM {self.catalog}.main.specials WHERE row >= ? AND row < ?",  # noqa: S608
                [begin, end],
            ).fetchnumpy()
        if len(columns["t"]) != end - begin:
            raise duckdb.Error(
                f"{self.path} holds {len(columns['t'])} samples where {end - begin} are listed"
            )
        values = np.array(columns["v"], dtype=np.float64)
        values.view(np.uint64)[specials["row"] - begin] = specials["bits"]
        rows = np.diff(self._offsets[first : last + 2])
        samples = Samples(columns["t"], np.repeat(self._ids[first : last + 1], rows), values)
        mask = np.repeat(wanted[first : last + 1], rows)
        mask &= (samples.timestamps >= start_ms) & (samples.timestamps <= end_ms)
        return [samples.where(mask)]

    def present(self, start_ms: int, end_ms: int) -> SeriesIds:
        """Return the ids of the series whose samples reach into a time range."""
        return self._ids[(self._lowest <= end_ms) & (self._highest >= start_ms)]


def write_table_segment(path: Path, signal: TableSignal, columns: Columns, step: Step) -> None:
    """Write spans or log records as a segment, durable under its own name when this returns."""
    times = columns[signal.time_column]
    tables = {signal.table: (dict(signal.columns), columns), "meta": (_META_COLUMNS, _meta(times))}
    _write(path, tables, step)


def write_metric_segment(path: Path, samples: Samples, registry: SeriesRegistry, step: Step) -> None:
    """Write samples as a segment, by series and time; of two with one timestamp the first written is kept."""
    present = np.unique(samples.series)
    labels = [registry.labels(series) for series in present.tolist()]
    rank = np.zeros(int(present[-1]) + 1, dtype=np.uint32)
    for position, index in enumerate(sorted(range(len(labels)), key=labels.__getitem__)):
        rank[present[index]] = position
    ranks = rank[samples.series]
    order = np.lexsort((samples.timestamps, ranks))
    ranks, times, values = ranks[order], samples.timestamps[order], samples.values[order]
    again = np.flatnonzero((np.diff(ranks) == 0) & (np.diff(times) == 0)) + 1
    ranks, times, values = np.delete(ranks, again), np.delete(times, again), np.delete(values, again)
    rows = np.bincount(ranks, minlength=len(labels))
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]])
    special = np.flatnonzero(np.isnan(values) | ((values == 0) & np.signbit(values)))
    bits = values.view(np.uint64)[special].copy()
    values[special] = 0.0
    texts = np.array([to_json(one) for one in sorted(labels)], dtype=object)
    series_columns = {
        "labels": texts,
        "rows": rows.astype(np.int64),
        "lowest": times[starts],
        "highest": times[starts + rows - 1],
    }
    tables: dict[str, tuple[dict[str, str], Columns]] = {
        "series": (_SERIES_COLUMNS, series_columns),
        "samples": (_SAMPLE_COLUMNS, {"series": ranks, "t": times, "v": values}),
        "specials": (_SPECIAL_COLUMNS, {"row": special.astype(np.int64), "bits": bits}),
        "meta": (_META_COLUMNS, _meta(times)),
    }
    _write(path, tables, step)


def set_aside(path: Path) -> None:
    """Rename a damaged segment, so that it is kept for inspection but not opened again."""
    path.rename(path.with_name(path.name + DAMAGED))


def _write(path: Path, tables: Mapping[str, tuple[dict[str, str], Columns]], step: Step) -> None:
    """Write a DuckDB file under a temporary name, in an instance of its own, then sync and rename it.

    The instance is its own because a full disk invalidates the instance that met it.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    unlink_if_there(unfinished)
    step("segment.write")
    config: dict[str, str | bool | int | float | list[str]] = {"threads": 1}
    try:
        connection = duckdb.connect(str(unfinished), config=config)
        try:
            for name, (types, columns) in tables.items():
                connection.execute(f"CREATE TABLE {name} ({column_list(types)})")
                if len(next(iter(columns.values()))):
                    insert(connection, name, columns)
            connection.execute("CHECKPOINT")
        finally:
            connection.close()
        step("segment.write.done")
        step("segment.sync")
        sync_path(unfinished)
        step("segment.rename")
        unfinished.rename(path)
        sync_path(path.parent)
        step("segment.rename.done")
    except (duckdb.Error, OSError):
        unlink_if_there(unfinished)
        unlink_if_there(unfinished.with_name(unfinished.name + ".wal"))
        raise


def _meta(times: npt.NDArray[np.int64]) -> Columns:
    numbers = {"format": FORMAT, "rows": len(times), "lowest": times.min(), "highest": times.max()}
    return {name: np.array([number], dtype=np.int64) for name, number in numbers.items()}


def _labels(text: str) -> Labels:
    return tuple((name, value) for name, value in orjson.loads(text))


def _one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = cursor.execute(query).fetchone()
    if row is None:
        raise duckdb.Error("the segment's description is missing")
    return tuple(row)
