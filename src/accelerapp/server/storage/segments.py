"""Segments: one immutable DuckDB file a signal and period, its name, and how it is read and set aside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import orjson

from accelerapp.server.signals import Labels
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.histogram_tables import HistogramTables
from accelerapp.server.storage.histograms import Histograms
from accelerapp.server.storage.index import BlockIndex
from accelerapp.server.storage.runs import runs
from accelerapp.server.storage.samples import Samples, SeriesIds
from accelerapp.server.storage.series import SeriesRegistry
from accelerapp.server.storage.sources import Source

#: 2: of samples the differences between times are kept, in 1 the times themselves; `replaced` is new.
#: 3: log records have an id, spans their scope's version and trace state, and tables an index of words.
FORMAT = 3
_READABLE = (1, 2, FORMAT)
SUFFIX = ".duckdb"
UNFINISHED = ".unfinished"
DAMAGED = ".damaged"
_NAME = re.compile(r"(traces|logs|metrics)-(\d+)-(\d+)\.duckdb")


class SegmentFormatError(Exception):
    """A segment was written by another version of this program."""


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
        self.index = BlockIndex(self.catalog)
        self.bytes = path.stat().st_size
        self.replaced: frozenset[str] = frozenset()
        try:
            with database.cursor(reading=False) as cursor:
                row = _one(cursor, f"SELECT format, rows, lowest, highest FROM {self.catalog}.main.meta")  # noqa: S608 - own names
                self.format = int(row[0])
                if self.format not in _READABLE:
                    raise SegmentFormatError(
                        f"{path} has format {row[0]}, this version reads {FORMAT}: start the version that wrote it, "
                        "or choose another folder with --data-dir"
                    )
                if self.format > 1:
                    query = f"SELECT name FROM {self.catalog}.main.replaced"  # noqa: S608
                    self.replaced = frozenset(name for (name,) in cursor.execute(query).fetchall())
            self.relation = rows_of(self.catalog, table, self.format)
            self.rows = self._table_rows = int(row[1])
            super().__init__(int(row[2]), int(row[3]))
        except (duckdb.Error, SegmentFormatError):
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
        return bool(row[0] == self._table_rows)

    def dispose(self) -> None:
        self._database.detach(self.catalog)


class MetricSegment(TableSegment):
    """Samples and native histograms in a sealed file, by series and time; the series' own list is held in memory."""

    def __init__(self, database: Database, path: Path, registry: SeriesRegistry) -> None:
        super().__init__(database, path, "samples")
        try:
            with database.cursor(reading=False) as cursor:
                query = f"SELECT labels, rows, lowest, highest FROM {self.catalog}.main.series ORDER BY rowid"  # noqa: S608
                series = cursor.execute(query).fetchnumpy()
        except duckdb.Error:
            database.detach(self.catalog)
            raise
        self._time_column = "step" if self.format > 1 else "t"
        ids = [registry.restore(_labels(text)) for text in series["labels"]]
        self._ids = np.array(ids, dtype=np.uint32)
        self._lowest, self._highest = series["lowest"], series["highest"]
        try:
            self._histograms = HistogramTables(database, self.catalog, self._ids)
        except duckdb.Error:
            database.detach(self.catalog)
            raise
        self.rows += self._histograms.rows
        self._offsets = np.concatenate([[0], np.cumsum(series["rows"])]).astype(np.int64)

    @property
    def series(self) -> SeriesIds:
        """The ids of its series, in ascending order of their texts."""
        return self._ids

    @property
    def series_rows(self) -> npt.NDArray[np.int64]:
        """How many samples each of its series has, histograms counted as much as their buckets."""
        return np.diff(self._offsets) + self._histograms.weights(len(self._ids))

    def read(self, series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Samples]:
        """Yield the samples of some series with start_ms <= t <= end_ms; raises duckdb.Error if damaged.

        Each part is of some neighbouring series (see `runs`), so that who has enough may end before the rest is read.
        """
        wanted = np.isin(self._ids, series) & (self._lowest <= end_ms) & (self._highest >= start_ms)
        for first, last in runs(wanted, self._offsets):
            samples = self._read(first, last)
            rows = np.diff(self._offsets[first : last + 2])
            mask = np.repeat(wanted[first : last + 1], rows)
            mask &= (samples.timestamps >= start_ms) & (samples.timestamps <= end_ms)
            yield samples.where(mask)

    def _read(self, first: int, last: int) -> Samples:
        """Return all samples of the series from one to another, by their numbers in this segment."""
        begin, end = int(self._offsets[first]), int(self._offsets[last + 1])
        with self._database.cursor() as cursor:
            columns = cursor.execute(
                f"SELECT {self._time_column}, v FROM {self.relation} WHERE series BETWEEN ? AND ?",  # noqa: S608
                [first, last],
            ).fetchnumpy()
            specials = cursor.execute(
                f"SELECT row, bits FROM {self.catalog}.main.specials WHERE row >= ? AND row < ?",  # noqa: S608
                [begin, end],
            ).fetchnumpy()
        if len(columns["v"]) != end - begin:
            raise duckdb.Error(
                f"{self.path} holds {len(columns['v'])} samples where {end - begin} are listed"
            )
        values = np.array(columns["v"], dtype=np.float64)
        values.view(np.uint64)[specials["row"] - begin] = specials["bits"]
        rows = np.diff(self._offsets[first : last + 2])
        times = columns[self._time_column]
        if self.format > 1:
            times = np.cumsum(times)
            some = np.flatnonzero(rows)  # a series may have histograms alone
            starts = self._offsets[first + some] - begin
            times -= np.repeat(times[starts] - self._lowest[first + some], rows[some])
        return Samples(times, np.repeat(self._ids[first : last + 1], rows), values)

    def read_histograms(self, series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Histograms]:
        """Yield the native histograms of some series with start_ms <= t <= end_ms, as `read` does samples."""
        return self._histograms.read(series, start_ms, end_ms)

    def present(self, start_ms: int, end_ms: int) -> SeriesIds:
        """Return the ids of the series whose samples reach into a time range."""
        floats = self._ids[(self._lowest <= end_ms) & (self._highest >= start_ms)]
        return np.concatenate([floats, self._histograms.present(start_ms, end_ms)])

    def verify(self) -> bool:
        """Read the whole segment and tell whether it is undamaged."""
        try:
            self._histograms.verify()
            with self._database.cursor() as cursor:
                _one(cursor, f"SELECT bit_xor(hash(row, bits)) FROM {self.catalog}.main.specials")  # noqa: S608 - own names
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error:
            return False
        return super().verify()


def rows_of(catalog: str, table: str, format_: int) -> str:
    """Return the SQL of a segment's rows, with the columns that its format did not have yet."""
    relation = f"{catalog}.main.{table}"
    added = {"logs": "rowid AS id", "spans": "'' AS scope_version, '' AS trace_state"}.get(table)
    return f"(SELECT *, {added} FROM {relation})" if added and format_ < 3 else relation  # noqa: S608 - own names


def set_aside(path: Path) -> None:
    """Rename a damaged segment, so that it is kept for inspection but not opened again."""
    path.rename(path.with_name(path.name + DAMAGED))


def _labels(text: str) -> Labels:
    return tuple((name, value) for name, value in orjson.loads(text))


def _one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = cursor.execute(query).fetchone()
    if row is None:
        raise duckdb.Error("the segment's description is missing")
    return tuple(row)
