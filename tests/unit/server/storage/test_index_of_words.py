"""The index of words: it never leaves out a block that has what is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.storage import index, words
from accelerapp.server.storage.index import BlockIndex, HasAll, HasAny, HasWords, IndexedText, Wanted

TEXTS = (IndexedText("body", "body"), IndexedText("fields", "fields", repeated=True))
WORD_CHARACTERS = "ab_9Zßé中İΣſK"
a_text = st.text(alphabet=WORD_CHARACTERS + " -.\n'\x00—²", max_size=12) | st.text(max_size=6)


@pytest.fixture(scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "BLOCK_ROWS", 3)
        patch.setattr(index, "_BLOCKS_AT_ONCE", 2)
        patch.setattr(index, "_RUN_WORDS", 5)
        yield


def indexed(rows: list[tuple[str, str]]) -> tuple[duckdb.DuckDBPyConnection, BlockIndex]:
    """Make a table with rows of (body, fields), whose times are their numbers, and its index."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE logs (time_ns BIGINT, body VARCHAR, fields VARCHAR)")
    connection.executemany(
        "INSERT INTO logs VALUES (?, ?, ?)", [(number, *row) for number, row in enumerate(rows)]
    )
    index.write_index(connection, "logs", TEXTS, "time_ns")
    return connection, BlockIndex("memory")


def found(rows: list[tuple[str, str]], wanted: Wanted) -> list[int]:
    connection, made = indexed(rows)
    blocks = made.blocks(connection, wanted)
    assert blocks is not None
    return np.flatnonzero(blocks).tolist()


@pytest.mark.usefixtures("small_blocks")
@settings(deadline=None, max_examples=80)
@given(bodies=st.lists(a_text, min_size=1, max_size=8), asked=a_text)
def test_every_block_with_a_row_that_a_scan_finds_is_found(bodies: list[str], asked: str) -> None:
    connection, made = indexed([(body, "") for body in bodies])
    scanned: set[int] | None = None
    for word in words.words(asked):
        rows = connection.execute(
            f"SELECT rowid // 3 FROM logs WHERE regexp_matches(lower(body), "
            f"'(^|{words.NO_WORD})' || regexp_escape(?) || '({words.NO_WORD}|$)')",
            [word],
        ).fetchall()
        having = {row[0] for row in rows}
        scanned = having if scanned is None else scanned & having
    blocks = made.blocks(connection, HasWords("body", asked))
    assert blocks is not None
    indexed_blocks = set(np.flatnonzero(blocks).tolist())
    assert (scanned if scanned is not None else set(range(len(blocks)))) <= indexed_blocks


ROWS = [
    *[("connection refused", "a=1")] * 3,
    *[("a Connection was ÜBERLASTET", "a=2")] * 3,
    *[("nothing of user_id", "refused=1")] * 3,
    ("x" * 64 + "first", ""),
]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("wanted", "blocks"),
    [
        (HasWords("body", "connection"), [0, 1]),
        (HasWords("body", "CONNECTION"), [0, 1]),
        (HasWords("body", "connect"), []),
        (HasWords("body", "connections"), []),
        (HasWords("body", "user_id"), [2]),
        (HasWords("body", "user id"), []),
        (HasWords("body", "x" * 40), []),
        (HasWords("body", "überlastet"), [1]),
        (HasWords("body", "refused connection"), [0]),
        (HasWords("body", "refused"), [0]),
        (HasWords("fields", "refused"), [2]),
        (HasWords("body", "…"), [0, 1, 2, 3]),
        (HasWords("body", "x" * 64 + "second"), [3]),
        (HasAll((HasWords("body", "connection"), HasWords("fields", "2"))), [1]),
        (HasAny((HasWords("body", "nothing"), HasWords("fields", "2"))), [1, 2]),
        (HasAll(()), [0, 1, 2, 3]),
        (HasAny(()), []),
    ],
)
def test_blocks_are_told_apart_by_their_words(wanted: Wanted, blocks: list[int]) -> None:
    assert found(ROWS, wanted) == blocks


@pytest.mark.usefixtures("small_blocks")
def test_few_blocks_are_read_for_a_rare_word() -> None:
    rows = [(f"message {number} of many", "") for number in range(300)]
    assert len(found(rows, HasWords("body", "217"))) == 1


@pytest.mark.usefixtures("small_blocks")
def test_the_times_of_each_block_are_known() -> None:
    connection, made = indexed(ROWS)
    times = made.times(connection)
    assert times is not None
    assert [column.tolist() for column in times] == [[0, 3, 6, 9], [2, 5, 8, 9]]


def test_without_an_index_nothing_is_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    connection = duckdb.connect()
    made = BlockIndex("memory")
    assert made.blocks(connection, HasWords("body", "x")) is None
    assert not made.usable
    assert "rows are read instead" in caplog.text


@given(text=st.text(max_size=20))
def test_a_text_is_lowered_as_the_database_lowers_it(text: str) -> None:
    row = duckdb.execute("SELECT lower(?)", [text]).fetchone()
    assert row == (words.lowered(text),)
