"""A flipped bit or a cut at two hundred places: it starts, only the damaged part is missing, and it is counted."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import LogQuery, SpanQuery, Storage, StorageSettings

Make = Callable[..., bytes]
SETTINGS = StorageSettings(retention_seconds=0)
PLACES = 200
SEALED, UNSEALED = range(1, 4), range(11, 14)
Held = dict[str, list[int]]


def held(storage: Storage) -> Held:
    """Return the numbers that are stored of each signal; a reader sees what is damaged when it reads it."""
    traces = [int(one.trace_id, 16) for one in storage.spans.search(SpanQuery(0, 2**62, limit=1000))]
    for number in traces:
        assert len(storage.spans.trace(f"{number:032x}")) == 2
    logs = [int(one.body.split()[-1]) for one in storage.logs.search(LogQuery(0, 2**62, limit=1000))]
    samples = storage.metrics.select([], 0, 2**62)
    assert samples.values.tolist() == samples.timestamps.tolist()
    return {"traces": sorted(traces), "logs": sorted(logs), "metrics": sorted(samples.timestamps.tolist())}


def damage_counted(stats: Any) -> bool:
    return any(stats[name] for name in ("damaged_segments", "damaged_journal_records", "cut_journal_tails"))


async def opened(folder: Path) -> tuple[Held, Any]:
    storage = Storage.open(folder, SETTINGS)
    try:
        return held(storage), storage.stats()
    finally:
        await storage.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
async def folder(whole: Path, logs_request: Make, traces_request: Make) -> Path:
    """Return a folder with a segment of each signal, and a journal that has other records alone."""
    if any(whole.iterdir()):
        return whole
    storage = Storage.open(whole, SETTINGS)
    for numbers in (SEALED, UNSEALED):
        for number in numbers:
            await storage.write_traces(traces_request(number, spans=2))
            await storage.write_logs(logs_request(number))
            up = make_labels({"__name__": "up", "n": str(number)})
            await storage.write_samples([(up, number, float(number))])
        if numbers is SEALED:
            await storage.seal()
            await storage.close()
            for path in (whole / "journal").iterdir():
                path.unlink()  # it is all in segments, and a journal that still had it would mend the damage
            storage = Storage.open(whole, SETTINGS)
    await storage.close()
    return whole


def places(folder: Path) -> list[tuple[Path, int, str]]:
    """Choose where what is done: in the journal as often as in the segments."""
    chance = random.Random(7)
    files = {part: sorted((folder / part).iterdir()) for part in ("journal", "segments")}
    return [
        (path.relative_to(folder), chance.randrange(path.stat().st_size), how)
        for number in range(PLACES)
        for path in [chance.choice(files["journal" if number % 4 < 2 else "segments"])]
        for how in ["flip" if number % 2 else "cut"]
    ]


@pytest.mark.timeout(600)
async def test_damage_costs_only_the_damaged_part_and_is_counted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accelerapp.server.storage.segment_files.sync_path", lambda _: None)
    everything, stats = await opened(shutil.copytree(folder, tmp_path / "whole"))
    assert all(numbers == [*SEALED, *UNSEALED] for numbers in everything.values())
    assert not damage_counted(stats)
    found: dict[str, int] = {}
    for number, (path, at, how) in enumerate(places(folder)):
        copy = shutil.copytree(folder, tmp_path / str(number))
        data = bytearray((copy / path).read_bytes())
        if how == "cut":
            del data[at:]
        else:
            data[at] ^= 1 << (at % 8)
        (copy / path).write_bytes(data)
        got, stats = await opened(copy)
        what = f"{how} at {at} of {path}: {got}"
        lost = {signal: sorted(set(everything[signal]) - set(numbers)) for signal, numbers in got.items()}
        for signal, numbers in got.items():
            assert len(numbers) == len(set(numbers)), what
            assert set(numbers) <= set(everything[signal]), what
        all_lost = sorted(one for numbers in lost.values() for one in numbers)
        if path.parts[0] == "segments":
            signal = path.name.partition("-")[0]
            assert all_lost in ([], list(SEALED)), what
            assert lost[signal] == all_lost, what
        elif how == "flip":
            assert set(all_lost) <= set(UNSEALED), what
            assert len(all_lost) <= 1 or at < 32, what  # before that is the header, which is there twice
        else:
            assert set(all_lost) <= set(UNSEALED), what
        if all_lost:
            assert damage_counted(stats), what
        found[how] = found.get(how, 0) + bool(all_lost)
        if (
            all_lost and not number % 5
        ):  # what was set aside stays aside, and does not make the next start fail
            assert (await opened(copy))[0] == got, what
        await asyncio.to_thread(shutil.rmtree, copy)
    assert min(found.values()) > PLACES // 10, f"the damage did hardly any harm: {found}"
