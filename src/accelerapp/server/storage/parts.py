"""Parts of a source that are read one after the other, so that a search can end once it has enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np

from accelerapp.server.storage.head import TableHead
from accelerapp.server.storage.index import BLOCK_ROWS, Wanted
from accelerapp.server.storage.segments import TableSegment

TableSource = TableHead | TableSegment

_GROWTH = 4


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a source, as SQL that stands behind FROM, and the times between which they are."""

    relation: str
    lowest: int
    highest: int


def parts(
    cursor: duckdb.DuckDBPyConnection,
    source: TableSource,
    wanted: Wanted,
    times: tuple[int, int],
    *,
    newest_first: bool = True,
) -> Iterator[Part]:
    """Yield the parts of a source that may have what is wanted between two times, in the order of their times.

    A head is one part. Of a segment, whose rows are in the order of time, blocks are taken: few at first, and ever
    more, since who still reads on will probably read everything.
    """
    blocks = _blocks(cursor, source, wanted, times)
    if blocks is None:
        yield Part(source.relation, source.lowest, source.highest)
        return
    numbers, lowest, highest = blocks
    if newest_first:
        numbers = numbers[::-1]
    first, size = 0, 1
    while first < len(numbers):
        taken = np.sort(numbers[first : first + size])
        yield Part(_rows(source, taken), int(lowest[taken].min()), int(highest[taken].max()))
        first, size = first + size, size * _GROWTH


def whole(
    cursor: duckdb.DuckDBPyConnection, source: TableSource, wanted: Wanted, times: tuple[int, int]
) -> str | None:
    """Return the SQL of all rows of a source that may be as wanted between two times; None where there are none."""
    found = counted(cursor, source, wanted, times)
    return None if found is None else found[0]


def counted(
    cursor: duckdb.DuckDBPyConnection, source: TableSource, wanted: Wanted, times: tuple[int, int]
) -> tuple[str, int] | None:
    """Return what `whole` does, and how many rows that are at most."""
    blocks = _blocks(cursor, source, wanted, times)
    if blocks is None:
        return source.relation, source.rows
    numbers, lowest, _ = blocks
    if len(numbers) == len(lowest):
        return source.relation, source.rows
    return (_rows(source, numbers), len(numbers) * BLOCK_ROWS) if len(numbers) else None


def _blocks(
    cursor: duckdb.DuckDBPyConnection, source: TableSource, wanted: Wanted, times: tuple[int, int]
) -> tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.int64], np.typing.NDArray[np.int64]] | None:
    """Return the numbers of the wanted blocks, and the times of all; None where the source has no index."""
    if isinstance(source, TableHead):
        return None
    present = source.index.blocks(cursor, wanted)
    spans = source.index.times(cursor)
    if present is None or spans is None:
        return None
    lowest, highest = spans
    return np.flatnonzero(present & (lowest <= times[1]) & (highest >= times[0])), lowest, highest


def _rows(source: TableSource, numbers: np.typing.NDArray[np.int64]) -> str:
    """Return the SQL of some blocks' rows; each run of neighbours is a scan that skips what is not in it."""
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    runs = [(int(run[0]) * BLOCK_ROWS, (int(run[-1]) + 1) * BLOCK_ROWS) for run in np.split(numbers, cuts)]
    selects = [
        f"SELECT * FROM {source.relation} WHERE rowid >= {begin} AND rowid < {end}"  # noqa: S608 - own names and numbers
        for begin, end in runs
    ]
    return f"({' UNION ALL '.join(selects)})"
