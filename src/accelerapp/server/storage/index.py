"""The index of words: which blocks of a segment have a word, so that a search reads only those.

A block is a run of rows. The table `words` has, for every block, the hashes of the words that its rows contain, in
ascending order of hash; the table `blocks` has the times that each block spans. Two words may share a hash: the
index never says no where the answer is yes, and what it lets through is looked at again.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from accelerapp.server.storage.database import column_list, insert
from accelerapp.server.storage.words import NO_WORD, word_hashes, words

logger = logging.getLogger(__name__)

BLOCK_ROWS = 4096
Blocks = npt.NDArray[np.bool_]

_WORD_COLUMNS = {"hash": "UINTEGER", "block": "UINTEGER"}
_BLOCK_COLUMNS = {"block": "UINTEGER", "lowest": "BIGINT", "highest": "BIGINT"}
#: How many words are sorted together, which bounds the memory that building takes; a search looks into every run.
_RUN_WORDS = 2_000_000
_BLOCKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class IndexedText:
    """A text of every row whose words are indexed, apart from those of other texts.

    `expression` is SQL over the row's columns; with `repeated` many rows have the same, which is then read once.
    """

    name: str
    expression: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class HasWords:
    """Asks for the blocks that have every word of `text`, each as a whole word of the indexed text `name`."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class HasAll:
    """Asks for the blocks that meet every part; with no part every block does."""

    parts: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class HasAny:
    """Asks for the blocks that meet at least one part."""

    parts: tuple[Wanted, ...]


Wanted = HasWords | HasAll | HasAny
EVERY_BLOCK = HasAll(())


def write_index(
    connection: duckdb.DuckDBPyConnection, table: str, texts: Sequence[IndexedText], time_column: str
) -> None:
    """Add the tables `words` and `blocks` to the segment that is being written, from the rows of `table`."""
    connection.execute(f"CREATE TABLE words ({column_list(_WORD_COLUMNS)})")
    connection.execute(f"CREATE TABLE blocks ({column_list(_BLOCK_COLUMNS)})")
    connection.execute(
        f"INSERT INTO blocks SELECT rowid // {BLOCK_ROWS} AS block, min({time_column}), max({time_column}) "  # noqa: S608 - own names
        f"FROM {table} GROUP BY block ORDER BY block"
    )
    run: list[npt.NDArray[np.uint64]] = []
    for block, hashes in enumerate(_block_hashes(connection, table, texts)):
        run.append(hashes.astype(np.uint64) << np.uint64(32) | np.uint64(block))
        if sum(map(len, run)) > _RUN_WORDS:
            _write_run(connection, run)
            run = []
    _write_run(connection, run)


def _write_run(connection: duckdb.DuckDBPyConnection, run: list[npt.NDArray[np.uint64]]) -> None:
    if run:
        keys = np.concatenate(run)
        keys.sort()
        columns = {"hash": (keys >> np.uint64(32)).astype(np.uint32), "block": keys.astype(np.uint32)}
        insert(connection, "words", columns)


class BlockIndex:
    """Reads the index of one attached segment.

    It only saves work: once it turns out to be missing or damaged, every block is read instead.
    """

    def __init__(self, catalog: str) -> None:
        self._catalog = catalog
        self._spans: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None
        self.usable = True

    def times(
        self, cursor: duckdb.DuckDBPyConnection
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        """Return the lowest and the highest time of each block; None where the index cannot be used."""
        if self._spans is None and self.usable:
            found = self._read(cursor, "SELECT lowest, highest FROM {0}.main.blocks ORDER BY block", [])
            if found is not None:
                self._spans = (np.asarray(found["lowest"]), np.asarray(found["highest"]))
        return self._spans if self.usable else None

    def blocks(self, cursor: duckdb.DuckDBPyConnection, wanted: Wanted) -> Blocks | None:
        """Tell for each block whether it may have rows as wanted; None where the index cannot be used."""
        spans = self.times(cursor)
        if spans is None:
            return None
        count = len(spans[0])
        hashes = {leaf: _hashes_of(leaf) for leaf in _leaves(wanted)}
        asked = sorted({one for several in hashes.values() for one in several})
        present: dict[int, Blocks] = {one: np.zeros(count, dtype=np.bool_) for one in asked}
        if asked:
            # Each word by itself: a list of them would be compared with every hash of the segment.
            select = "SELECT hash, block FROM {0}.main.words WHERE hash = ?::UINTEGER"
            found = self._read(cursor, " UNION ALL ".join([select] * len(asked)), asked)
            if found is None:
                return None
            for value in np.unique(found["hash"]).tolist():
                present[value][found["block"][found["hash"] == value]] = True
        return _meet(wanted, hashes, present, count)

    def _read(
        self, cursor: duckdb.DuckDBPyConnection, query: str, values: list[int]
    ) -> dict[str, Any] | None:
        try:
            result: dict[str, Any] = cursor.execute(query.format(self._catalog), values).fetchnumpy()
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            logger.warning("the index of %s is not used, its rows are read instead: %s", self._catalog, error)
            self.usable = False
            return None
        return result


def _meet(
    wanted: Wanted, hashes: dict[HasWords, list[int]], present: dict[int, Blocks], count: int
) -> Blocks:
    if isinstance(wanted, HasWords):
        parts = [present[one] for one in hashes[wanted]]
        return np.logical_and.reduce(parts) if parts else np.ones(count, dtype=np.bool_)
    found = [_meet(part, hashes, present, count) for part in wanted.parts]
    if isinstance(wanted, HasAll):
        return np.logical_and.reduce(found) if found else np.ones(count, dtype=np.bool_)
    return np.logical_or.reduce(found) if found else np.zeros(count, dtype=np.bool_)


def _leaves(wanted: Wanted) -> Iterator[HasWords]:
    if isinstance(wanted, HasWords):
        yield wanted
    else:
        yield from itertools.chain.from_iterable(map(_leaves, wanted.parts))


def _hashes_of(leaf: HasWords) -> list[int]:
    found: list[int] = word_hashes(" ".join(words(leaf.text)), leaf.name).tolist()
    return found


def _block_hashes(
    connection: duckdb.DuckDBPyConnection, table: str, texts: Sequence[IndexedText]
) -> Iterator[npt.NDArray[np.uint32]]:
    """Give the hashes of the words of each block, in ascending order, each once."""
    columns = ", ".join(
        f"string_agg({'DISTINCT ' if text.repeated else ''}{_searchable(text.expression)}, ' ')"
        for text in texts
    )
    query = (
        f"SELECT {columns} FROM {table} WHERE rowid >= ? AND rowid < ? "  # noqa: S608 - own names
        f"GROUP BY rowid // {BLOCK_ROWS} ORDER BY rowid // {BLOCK_ROWS}"
    )
    for first in itertools.count(0, _BLOCKS_AT_ONCE * BLOCK_ROWS):
        rows = connection.execute(query, [first, first + _BLOCKS_AT_ONCE * BLOCK_ROWS]).fetchall()
        if not rows:
            return
        for row in rows:
            several = [word_hashes(cell or "", text.name) for text, cell in zip(texts, row, strict=True)]
            yield _distinct(np.concatenate(several))


def _searchable(expression: str) -> str:
    """Return the SQL of a text in lower case and, if it goes beyond ASCII, cut into words here.

    DuckDB cuts it by the expression that a search is compared by.
    """
    ascii_only = f"strlen({expression}) = length({expression})"
    cut = f"regexp_replace(lower({expression}), '{NO_WORD}+', ' ', 'g')"
    return f"CASE WHEN {ascii_only} THEN lower({expression}) ELSE {cut} END"


def _distinct(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return the hashes in ascending order, each once."""
    # Most words come again and again. Sorting is the costly part, so the last of those with the same upper bits
    # stands for all that are equal to it, and only the others are sorted with it.
    order = np.arange(len(hashes), dtype=np.uint32)
    upper = hashes >> np.uint32(16)
    last = np.zeros(1 << 16, dtype=np.uint32)
    last[upper] = order
    standing = last[upper]
    hashes = hashes[(standing == order) | (hashes[standing] != hashes)]
    hashes.sort()
    found: npt.NDArray[np.uint32] = hashes[np.diff(hashes, prepend=hashes[:1] - np.uint32(1)) != 0]
    return found
