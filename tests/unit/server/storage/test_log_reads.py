"""Reads of log records: pages, the order of what was sent at once, sums, neighbours, and what is left unread."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import (
    Condition,
    Expression,
    LinePosition,
    LogBucket,
    LogQuery,
    Storage,
    all_of,
    index,
    logs,
    parts,
    slices,
)
from accelerapp.server.storage.index import HasWords
from accelerapp.server.storage.merging import FAN_IN

OpenStorage = Callable[..., Storage]
SECOND = 1_000_000_000
EVER = (0, 2**63 - 1)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BLOCK_ROWS", 4)
    monkeypatch.setattr(parts, "BLOCK_ROWS", 4)


def request(*times: int, body: str = "line", severity: int = 9) -> bytes:
    """Make records at these seconds, whose bodies end with their number in the request."""
    made = ExportLogsServiceRequest()
    resource_logs = made.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "shop"
    records = resource_logs.scope_logs.add().log_records
    for number, at in enumerate(times):
        record = records.add(time_unix_nano=at * SECOND, severity_number=severity)
        record.body.string_value = f"{body} {number}"
        record.attributes.add(key="parity").value.string_value = "odd" if at % 2 else "even"
    return made.SerializeToString()


@pytest.fixture(params=["head", "segments", "both"])
async def storage(request: pytest.FixtureRequest, open_storage: OpenStorage) -> Storage:
    """Hold 40 lines, in memory or sealed: four requests, those of one second by twos and not in order of time."""
    opened = open_storage()
    for first in (30, 10, 10, 20):
        await opened.write_logs(make(first))
        if request.param == "segments" or (request.param == "both" and first == 10):
            await opened.seal()
    await opened.wait_loaded()
    return opened


def make(first: int) -> bytes:
    return request(*itertools.chain.from_iterable((first + at, first + at) for at in range(5)))


def rows_asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which the SQL of all blocks is added that are looked at from now on."""
    asked: list[str] = []
    rows = parts._rows

    def noting(*arguments: Any) -> str:
        asked.append(rows(*arguments))
        return asked[-1]

    monkeypatch.setattr(parts, "_rows", noting)
    return asked


def position(record: LogRecord) -> LinePosition:
    return LinePosition(record.time_ns, record.id)


async def test_pages_of_long_lines_end_before_their_limit(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = storage.logs.page(LogQuery(*EVER, limit=100))
    assert (len(every.records), every.more) == (40, False)
    monkeypatch.setattr(logs, "_PAGE_BYTES", 300)  # four of these lines
    pages: list[LogRecord] = []
    before = None
    while (page := storage.logs.page(LogQuery(*EVER, limit=100, before=before))).records:
        assert len(page.records) < 8
        assert page.more or position(page.records[-1]) == position(every.records[-1])
        pages += page.records
        before = position(page.records[-1])
    assert pages == every.records
    around = storage.logs.around(position(every.records[20]), 15, 15, all_of([]))
    assert around is not None
    assert 0 < len(around.before) < 8
    assert (around.before[-1], around.after[0]) == (every.records[21], every.records[19])
    assert (around.more_before, around.more_after) == (True, True)


@pytest.mark.parametrize("size", [1, 7, 40])
async def test_pages_have_every_line_once_in_one_order(storage: Storage, size: int) -> None:
    pages: list[LogRecord] = []
    before = None
    while page := storage.logs.search(LogQuery(*EVER, limit=size, before=before)):
        pages += page
        before = position(page[-1])
    assert pages == storage.logs.search(LogQuery(*EVER, limit=100))
    assert len(pages) == len(set(map(position, pages))) == 40
    assert [position(one) for one in pages] == sorted(map(position, pages), reverse=True)


async def test_a_line_keeps_its_position_when_it_is_sealed_and_after_a_restart(
    open_storage: OpenStorage, reopen: Callable[..., Any]
) -> None:
    storage = open_storage()
    await storage.write_logs(make(10))
    await storage.wait_loaded()
    before = list(map(position, storage.logs.search(LogQuery(*EVER))))
    storage = await reopen(storage)
    assert list(map(position, storage.logs.search(LogQuery(*EVER)))) == before
    await storage.seal()
    assert list(map(position, storage.logs.search(LogQuery(*EVER)))) == before


async def test_the_newest_lines_are_found_without_reading_the_older(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    for first in (1, 101, 201):
        await storage.write_logs(request(*range(first, first + 100)))
        await storage.seal()
    asked = rows_asked(monkeypatch)
    found = storage.logs.search(LogQuery(*EVER, limit=3))
    assert [one.time_ns // SECOND for one in found] == [300, 299, 298]
    assert len({sql.split(".main.")[0] for sql in asked}) == 1  # only the newest segment was looked at
    assert len(asked) <= 2  # and there the newest block, behind which the next was not read any more


async def test_a_page_is_found_without_reading_those_before_it(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(request(*range(1, 101)))
    await storage.seal()
    asked = rows_asked(monkeypatch)
    found = storage.logs.search(LogQuery(*EVER, limit=2, before=LinePosition(50 * SECOND, 0)))
    assert [one.time_ns // SECOND for one in found] == [49, 48]
    assert asked[0].endswith("rowid >= 48 AND rowid < 52)")


async def test_only_the_blocks_that_may_have_a_word_are_read(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    await storage.write_logs(request(*range(1, 101)))
    await storage.seal()
    asked = rows_asked(monkeypatch)
    condition = Condition("contains(body, ?)", ("line 57",), HasWords("body", "57"))
    assert len(storage.logs.search(LogQuery(*EVER, condition=condition))) == 1
    assert [sql.count("rowid >= 56 AND rowid < 60") for sql in asked] == [1]


async def test_merged_lines_are_in_order_and_found_by_their_words(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "_SLICE_ROWS", 7)
    storage = open_storage()
    for first in range(FAN_IN):
        await storage.write_logs(request(*range(1, 100, first + 1), body=f"request{first}"))
        await storage.seal()
    before = storage.logs.search(LogQuery(*EVER, limit=1000))
    deadline = time.monotonic() + 60
    while not storage.stats()["merges"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert storage.logs.search(LogQuery(*EVER, limit=1000)) == before
    asked = rows_asked(monkeypatch)
    condition = Condition("body = ?", ("request0 98",), HasWords("body", "request0 98"))
    found = storage.logs.search(LogQuery(*EVER, condition=condition))
    assert found == [one for one in before if one.body == "request0 98"]
    assert len(asked) == 1


async def test_lines_are_counted_by_time_and_level(open_storage: OpenStorage) -> None:
    storage = open_storage()
    await storage.write_logs(request(10, 11, 25, severity=9))
    await storage.seal()
    await storage.write_logs(request(12, 13, severity=18))
    await storage.write_logs(request(29, severity=0))
    await storage.wait_loaded()
    assert storage.logs.histogram(LogQuery(0, 100 * SECOND), 10 * SECOND) == [
        LogBucket(10 * SECOND, "INFO", 2),
        LogBucket(10 * SECOND, "ERROR", 2),
        LogBucket(20 * SECOND, "", 1),
        LogBucket(20 * SECOND, "INFO", 1),
    ]
    assert storage.logs.histogram(LogQuery(13 * SECOND, 25 * SECOND, min_severity=17), 10 * SECOND) == [
        LogBucket(10 * SECOND, "ERROR", 1)
    ]
    assert storage.logs.histogram(LogQuery(200 * SECOND, 300 * SECOND), SECOND) == []


async def test_the_most_frequent_values_are_told_with_how_many_lines_have_any(storage: Storage) -> None:
    parity = Expression("json_extract_string(attributes, ?)", ("/parity",))
    query = LogQuery(12 * SECOND, 100 * SECOND)
    found = storage.logs.top_values(query, parity, 1)
    assert (found.lines, found.having, found.values) == (32, 32, (("even", 20),))
    nothing = storage.logs.top_values(query, Expression("NULL"), 5)
    assert (nothing.lines, nothing.having, nothing.values) == (32, 0, ())


async def test_the_lines_around_one_come_in_the_order_of_time(storage: Storage) -> None:
    every = list(reversed(storage.logs.search(LogQuery(*EVER, limit=100))))
    found = storage.logs.around(position(every[17]), 3, 5, all_of([]))
    assert found is not None
    assert [*found.before, found.line, *found.after] == every[14:23]
    odd = Condition("json_extract_string(attributes, ?) = ?", ("/parity", "odd"))
    found = storage.logs.around(position(every[0]), 3, 2, odd)
    assert found is not None
    assert (found.before, found.line) == ((), every[0])
    assert [one.attributes["parity"] for one in found.after] == ["odd", "odd"]
    assert storage.logs.around(LinePosition(every[0].time_ns, 1), 3, 3, all_of([])) is None


async def test_a_segment_with_a_damaged_index_is_read_without_it(
    open_storage: OpenStorage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = open_storage()
    await storage.write_logs(request(*range(1, 101)))
    await storage.seal()
    await storage.close()
    (segment,) = (tmp_path / "data" / "segments").glob("logs-*.duckdb")
    with duckdb.connect(str(segment)) as connection:
        connection.execute("DROP TABLE words")
    storage = open_storage()
    condition = Condition("contains(body, ?)", ("line 57",), HasWords("body", "57"))
    assert len(storage.logs.search(LogQuery(*EVER, condition=condition))) == 1
    assert "its rows are read instead" in caplog.text
    assert storage.stats()["damaged_segments"] == 0


async def test_what_arrives_is_followed_and_who_is_too_slow_is_told(
    open_storage: OpenStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage()
    told: list[None] = []
    tail = storage.logs.follow(Condition("contains(body, ?)", ("wanted",)), lambda: told.append(None))
    await storage.write_logs(request(1, 2, body="wanted"))
    await storage.write_logs(request(3, body="other"))
    await storage.wait_loaded()
    assert told
    lines, missed = tail.take()
    assert ([one.body for one in lines], missed) == (["wanted 0", "wanted 1"], 0)
    assert tail.take() == ([], 0)
    monkeypatch.setattr("accelerapp.server.storage.tail._WAITING_LINES", 3)
    for first in (10, 20, 30):
        await storage.write_logs(request(first, first + 1, body="wanted"))
        await storage.wait_loaded()
    lines, missed = tail.take()
    assert ([one.time_ns // SECOND for one in lines], missed) == ([30, 31], 4)
    assert storage.stats()["tail_lines_missed"] == 4
    tail.close()
    await storage.write_logs(request(40, body="wanted"))
    await storage.wait_loaded()
    assert tail.take() == ([], 0)
