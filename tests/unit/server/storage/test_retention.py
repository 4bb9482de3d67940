"""What is let go, because it is old or because there is too much, and what stays."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.waiting import until

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import LogQuery, Storage, StorageSettings

Make = Callable[..., bytes]
OpenStorage = Callable[..., Storage]
UP = make_labels({"__name__": "up"})


def numbers(storage: Storage) -> list[int]:
    return [int(one.body.split()[0]) for one in reversed(storage.logs.search(LogQuery(0, 2**62)))]


def used(folder: Path) -> int:
    return sum(path.stat().st_size for part in ("segments", "journal") for path in (folder / part).iterdir())


async def test_what_is_old_goes_while_nothing_arrives(tmp_path: Path) -> None:
    now = 1_700_000_000.0
    settings = StorageSettings(retention_seconds=100, upkeep_interval_seconds=0.01)
    storage = Storage.open(tmp_path / "data", settings, clock=lambda: now)
    await storage.write_samples([(UP, int(now * 1000), 1.0)])
    await storage.seal()
    await storage.write_samples([(UP, int((now - 200) * 1000), 1.0)])
    await storage.seal()
    await until(lambda: storage.stats()["segments_expired"] == 1)  # by the look that follows a seal
    assert storage.stats()["segments_metrics"] == 1
    now += 100.5
    await until(lambda: storage.stats()["segments_metrics"] == 0)
    await until(lambda: not list((tmp_path / "data" / "segments").iterdir()))
    stats = storage.stats()
    assert (stats["segments_expired_metrics_age"], stats["segments_expired"]) == (2, 2)
    await storage.close()


async def test_a_flood_of_one_signal_takes_its_own_oldest_and_nothing_of_the_others(
    open_storage: OpenStorage, logs_request: Make, traces_request: Make, tmp_path: Path
) -> None:
    limit = 1_500_000
    storage = open_storage(retention_bytes=limit, merged_bytes=0, journal_file_bytes=1)
    await storage.write_samples([(UP, 1, 1.0)])
    await storage.write_traces(traces_request(1))
    await storage.seal()
    for number in range(12):
        text = random.Random(number).randbytes(200_000).hex()
        await storage.write_logs(logs_request(number, f"{number} {text}"))
        await storage.seal()
    await until(lambda: used(tmp_path / "data") <= limit)
    stats = storage.stats()
    kept = numbers(storage)
    assert 0 < len(kept) < 12
    assert kept == list(range(12 - len(kept), 12)), "the oldest go first"
    assert stats["segments_expired_logs_size"] == 12 - len(kept) == stats["segments_expired"]
    assert (stats["segments_traces"], stats["segments_metrics"]) == (1, 1)


async def test_what_was_set_aside_as_damaged_goes_before_what_can_be_read(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    await open_storage().close()
    aside = tmp_path / "data" / "segments" / "logs-1-2.duckdb.damaged"
    aside.write_bytes(b"x" * 1_000_000)
    storage = open_storage(retention_bytes=900_000)
    await storage.write_logs(logs_request(1, "1 x"))
    await storage.seal()
    await until(lambda: not aside.exists())
    assert numbers(storage) == [1]


async def test_nothing_goes_for_what_is_being_written(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(retention_bytes=900_000)
    await storage.write_logs(logs_request(1, "1 x"))
    await storage.seal()
    merging = tmp_path / "data" / "segments" / "logs-1-9.duckdb.unfinished"
    merging.write_bytes(b"x" * 1_000_000)
    await storage.write_logs(logs_request(2, "2 x"))
    await storage.seal()  # which looks at the bounds first
    assert numbers(storage) == [1, 2]
    merging.rename(merging.with_name("logs-1-9.duckdb.damaged"))
    await storage.seal()
    assert not list(merging.parent.glob("*.damaged"))


async def test_a_reader_keeps_what_it_reads_while_that_goes(
    open_storage: OpenStorage, logs_request: Make, tmp_path: Path
) -> None:
    storage = open_storage(retention_bytes=1)
    shelf = storage._shelves.logs
    await storage.write_logs(logs_request(1, "1 x"))
    await storage.wait_loaded()
    with shelf.pinned() as pinned:
        await storage.seal()
        await until(lambda: storage.stats()["segments_expired_logs_size"])
        assert [one.rows for one in pinned] == [1]
        with storage._database.cursor() as cursor:
            query = f"SELECT body FROM {pinned[0].relation}"
            assert cursor.execute(query).fetchall() == [("1 x",)]
    await until(lambda: not list((tmp_path / "data" / "segments").iterdir()))
    assert numbers(storage) == []
