"""The head: what is not sealed yet, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from accelerapp.server.storage.database import Columns, Database, insert
from accelerapp.server.storage.histograms import Histograms, concatenate_histograms
from accelerapp.server.storage.samples import Samples, SeriesIds, concatenate
from accelerapp.server.storage.slices import slices
from accelerapp.server.storage.sources import Source
from accelerapp.server.storage.tables import TableSignal

_LATEST = 2**63 - 1
_MERGE_LIMIT = 1_000_000


class MetricHead(Source):
    """Samples and native histograms, each as a list of batches; small batches are merged as they come."""

    def __init__(self) -> None:
        super().__init__(_LATEST, -_LATEST)
        self._batches: tuple[Samples, ...] = ()
        self._histograms: tuple[Histograms, ...] = ()
        self.rows = 0

    def append(self, samples: Samples) -> None:
        """Add samples; readers see all of them or none."""
        self._note(samples)
        self._batches = _joined([*self._batches, samples], len, concatenate)

    def append_histograms(self, histograms: Histograms) -> None:
        """Add samples of native histograms; readers see all of them or none."""
        self._note(histograms)
        self._histograms = _joined(
            [*self._histograms, histograms], lambda one: one.weight, concatenate_histograms
        )

    def all(self) -> Samples:
        return concatenate(self._batches)

    def all_histograms(self) -> Histograms:
        return concatenate_histograms(self._histograms)

    def read(self, series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Samples]:
        """Yield the samples of some series, ids ascending, with start_ms <= t <= end_ms."""
        return _found(self._batches, series, start_ms, end_ms)

    def read_histograms(self, series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Histograms]:
        """Yield the native histograms of some series, ids ascending, with start_ms <= t <= end_ms."""
        return _found(self._histograms, series, start_ms, end_ms)

    def present(self, start_ms: int, end_ms: int) -> SeriesIds:
        """Return the ids of the series that have a sample between two times."""
        batches: Sequence[Samples | Histograms] = (*self._batches, *self._histograms)
        parts = [
            batch.series[(batch.timestamps >= start_ms) & (batch.timestamps <= end_ms)] for batch in batches
        ]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint32)

    def _note(self, batch: Samples | Histograms) -> None:
        self.lowest = min(self.lowest, int(batch.timestamps.min()))
        self.highest = max(self.highest, int(batch.timestamps.max()))
        self.rows += len(batch)


Batch = TypeVar("Batch", Samples, Histograms)


def _joined(
    batches: list[Batch], size: Callable[[Batch], int], join: Callable[[Sequence[Batch]], Batch]
) -> tuple[Batch, ...]:
    """Merge the last batches while they are small beside each other, so that the list stays short."""
    while len(batches) > 1 and size(batches[-2]) <= 2 * size(batches[-1]) <= _MERGE_LIMIT:
        batches[-2:] = [join(batches[-2:])]
    return tuple(batches)


def _found(batches: Sequence[Batch], series: SeriesIds, start_ms: int, end_ms: int) -> Iterator[Batch]:
    for batch in batches:
        mask = (batch.timestamps >= start_ms) & (batch.timestamps <= end_ms)
        if not len(series) or not mask.any():
            continue
        # Samples come mostly in order of time, so that those in the range are a short part of a long batch.
        part = slice(int(mask.argmax()), len(mask) - int(mask[::-1].argmax()))
        ids = batch.series[part]
        wanted = np.zeros(max(int(series[-1]), int(ids.max())) + 1, dtype=np.bool_)
        wanted[series] = True
        mask[part] &= wanted[ids]
        if mask.any():
            yield batch.where(mask)


class TableHead(Source):
    """Spans or log records in a table in memory."""

    def __init__(self, database: Database, signal: TableSignal) -> None:
        super().__init__(_LATEST, -_LATEST)
        self._database = database
        self._signal = signal
        self.relation = database.create_table(signal.table, signal.columns)
        self.rows = 0

    def append(self, columns: Columns) -> None:
        """Add rows; readers see all of them or none."""
        times = columns[self._signal.time_column]
        self.lowest = min(self.lowest, int(times.min()))
        self.highest = max(self.highest, int(times.max()))
        with self._database.cursor(reading=False) as cursor:
            insert(cursor, self.relation, columns)
        self.rows += len(times)

    def batches(self) -> Iterator[Columns]:
        """Yield all rows in the order that a segment has, so many at a time that they are no burden as objects."""
        order = self._signal.order
        with self._database.cursor(reading=False) as cursor:
            for condition, bounds in slices(cursor, self.relation, order, self.rows):
                query = f"SELECT * FROM {self.relation} WHERE {condition} ORDER BY {order}"  # noqa: S608 - own names
                columns: Columns = cursor.execute(query, bounds).fetchnumpy()
                if len(columns[self._signal.time_column]):
                    yield columns

    def dispose(self) -> None:
        self._database.drop_table(self.relation)
