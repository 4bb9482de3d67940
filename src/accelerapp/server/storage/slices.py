"""Slices: rows parted by what they are to be ordered by, so that no more than some are sorted or held at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import duckdb

# Of rows that are sorted at once, and of values by which they are parted; large rows are a kilobyte or two.
_SLICE_ROWS = 50_000
_SAMPLED = 10_000


def slices(
    connection: duckdb.DuckDBPyConnection, relation: str, order: str, rows: int
) -> Iterator[tuple[str, list[Any]]]:
    """Yield conditions with their parameters that part rows into slices of about one size, in their order.

    Args:
        connection: What the relation is read with.
        relation: SQL that stands behind FROM.
        order: What stands behind ORDER BY; the rows are parted by its first column.
        rows: How many there are.
    """
    key = order.split(",")[0]
    wanted = rows // _SLICE_ROWS
    cuts: list[Any] = []
    if wanted:
        sample = connection.execute(
            f"SELECT {key} FROM {relation} USING SAMPLE reservoir({_SAMPLED} ROWS) REPEATABLE (1)"  # noqa: S608 - own names
        ).fetchall()
        found = sorted(row[0] for row in sample)
        cuts = sorted({found[len(found) * one // (wanted + 1)] for one in range(1, wanted + 1)})
    if not cuts:
        yield "true", []
        return
    yield f"{key} < ?", cuts[:1]
    for lower, upper in itertools.pairwise(cuts):
        yield f"{key} >= ? AND {key} < ?", [lower, upper]
    yield f"{key} >= ?", cuts[-1:]
