"""The tables in which a segment holds native histograms; a segment without any has none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from accelerapp.server.signals import HistogramColumns
from accelerapp.server.storage.database import Columns, Database, column_list, insert
from accelerapp.server.storage.histograms import Histograms, Packed, pack, unpack
from accelerapp.server.storage.runs import runs
from accelerapp.server.storage.samples import SeriesIds

# `series` counts from 0 in the order of the segment's table of that name. What belongs to one series lies together, and
# where it lies `histogram_series` tells by how much there is of each.
_TABLES = {
    "histogram_series": {
        "series": "UINTEGER",
        "rows": "BIGINT",
        "buckets": "BIGINT",
        "layouts": "BIGINT",
        "lowest": "BIGINT",
        "highest": "BIGINT",
    },
    "histograms": {
        "series": "UINTEGER",
        "t": "BIGINT",
        "schema": "TINYINT",
        "gauge": "BOOLEAN",
        "zero_threshold": "DOUBLE",
        "zero_count": "DOUBLE",
        "count": "DOUBLE",
        "sum": "DOUBLE",
        "positive": "BIGINT",
        "buckets": "BIGINT",
        "follows": "BOOLEAN",
    },
    "histogram_layouts": {"index": "INTEGER"},
    "histogram_buckets": {"population": "DOUBLE"},
}


def insert_histograms(connection: duckdb.DuckDBPyConnection, histograms: Histograms) -> None:
    """Add histograms to the tables, which are made where they are missing.

    They are in order of series and time, each series' number greater than those that are there already.
    """
    for name, types in _TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({column_list(types)})")
    for name, columns in _columns(histograms).items():
        if len(next(iter(columns.values()))):
            insert(connection, name, columns)


def _columns(histograms: Histograms) -> dict[str, Columns]:
    columns, packed = histograms.columns, pack(histograms)
    lengths = np.diff(columns.bounds)
    series, first, rows = np.unique(histograms.series, return_index=True, return_counts=True)
    stored = np.where(packed.follows, 0, lengths)  # of its buckets' index, how much each histogram keeps
    times = columns.timestamps
    return {
        "histogram_series": {
            "series": series,
            "rows": rows.astype(np.int64),
            "buckets": np.add.reduceat(lengths, first),
            "layouts": np.add.reduceat(stored, first),
            "lowest": times[first],
            "highest": times[first + rows - 1],
        },
        "histograms": {
            "series": histograms.series,
            "t": times,
            "schema": columns.schema,
            "gauge": columns.gauge,
            "zero_threshold": columns.zero_threshold,
            "zero_count": columns.zero_count,
            "count": columns.count,
            "sum": columns.sum,
            "positive": columns.positive,
            "buckets": lengths,
            "follows": packed.follows,
        },
        "histogram_layouts": {"index": packed.index},
        "histogram_buckets": {"population": packed.population},
    }


class HistogramTables:
    """Reads the native histograms of a segment, whose series have the given ids in this run of the process.

    Raises duckdb.Error where the segment is damaged.
    """

    def __init__(self, database: Database, catalog: str, ids: SeriesIds) -> None:
        self._database = database
        self._catalog = catalog
        with database.cursor(reading=False) as cursor:
            listed = cursor.execute(
                "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND table_name = 'histogram_series'",
                [catalog],
            ).fetchone()
            self.there = bool(listed and listed[0])
            found: Columns = {name: np.zeros(0, np.int64) for name in _TABLES["histogram_series"]}
            if self.there:
                query = f"SELECT * FROM {catalog}.main.histogram_series ORDER BY rowid"  # noqa: S608 - own names
                found = cursor.execute(query).fetchnumpy()
        if found["series"].size and int(found["series"].max()) >= len(ids):
            raise duckdb.Error(f"{catalog} has histograms of series that it does not list")
        self._series = found["series"]
        self._found = found
        self._ids = ids[self._series]
        self._offsets = {
            name: np.concatenate(([0], np.cumsum(found[name]))).astype(np.int64)
            for name in ("rows", "layouts", "buckets")
        }

    @property
    def rows(self) -> int:
        return int(self._found["rows"].sum())

    def weights(self, series: int) -> npt.NDArray[np.int64]:
        """Return for each of the segment's series how much its histograms hold, in samples as wide as a float's."""
        weights = np.zeros(series, dtype=np.int64)
        weights[self._series] = self._found["rows"] + self._found["buckets"]
        return weights

    def present(self, start_ms: int, end_ms: int) -> SeriesIds:
        """Return the ids of the series whose histograms reach into a time range."""
        return self._ids[self._overlaps(start_ms, end_ms)]

    def read(self, series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Histograms]:
        """Yield the histograms of some series with start_ms <= t <= end_ms, in parts of some neighbouring series."""
        wanted = np.isin(self._ids, series) & self._overlaps(start_ms, end_ms)
        for first, last in runs(wanted, self._offsets["rows"] + self._offsets["buckets"]):
            part = slice(first, last + 1)
            histograms = self._read(part)
            mask = np.repeat(wanted[part], self._found["rows"][part])
            mask &= (histograms.timestamps >= start_ms) & (histograms.timestamps <= end_ms)
            yield histograms.where(mask)

    def _read(self, part: slice) -> Histograms:
        """Return all histograms of some neighbouring series."""
        rows = self._fetch("histograms", self._offsets["rows"], part)
        layouts = self._fetch("histogram_layouts", self._offsets["layouts"], part)
        buckets = self._fetch("histogram_buckets", self._offsets["buckets"], part)
        lengths = rows["buckets"].astype(np.int64)
        try:
            index, population = unpack(
                Packed(rows["follows"], layouts["index"], buckets["population"]), lengths
            )
        except ValueError as error:
            raise duckdb.Error(f"{self._catalog}: {error}") from error
        columns = HistogramColumns(
            rows["t"],
            rows["schema"],
            rows["gauge"],
            rows["zero_threshold"],
            rows["zero_count"],
            rows["count"],
            rows["sum"],
            rows["positive"].astype(np.int64),
            np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            index,
            population,
        )
        return Histograms(np.repeat(self._ids[part], self._found["rows"][part]), columns)

    def verify(self) -> None:
        """Read all of it."""
        with self._database.cursor() as cursor:
            for name in _TABLES if self.there else ():
                query = f"SELECT bit_xor(hash(all_)) FROM {self._catalog}.main.{name} AS all_"  # noqa: S608
                cursor.execute(query).fetchone()
        lowest, highest = self._found["lowest"], self._found["highest"]
        if len(self._ids):
            for _ in self.read(self._ids, int(lowest.min()), int(highest.max())):
                pass

    def _overlaps(self, start_ms: int, end_ms: int) -> npt.NDArray[np.bool_]:
        overlaps: npt.NDArray[np.bool_] = (self._found["lowest"] <= end_ms) & (
            self._found["highest"] >= start_ms
        )
        return overlaps

    def _fetch(self, table: str, offsets: npt.NDArray[np.int64], part: slice) -> dict[str, Any]:
        """Read what a table has of some neighbouring series."""
        first, last = int(offsets[part.start]), int(offsets[part.stop])
        with self._database.cursor() as cursor:
            found: dict[str, Any] = cursor.execute(
                f"SELECT * FROM {self._catalog}.main.{table} WHERE rowid >= ? AND rowid < ?",  # noqa: S608
                [first, last],
            ).fetchnumpy()
        held = len(next(iter(found.values())))
        if held != last - first:
            raise duckdb.Error(f"{self._catalog}.{table} holds {held} rows where {last - first} are listed")
        # DuckDB takes the NaN of a numpy column for NULL.
        return {
            name: np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column
            for name, column in found.items()
        }
