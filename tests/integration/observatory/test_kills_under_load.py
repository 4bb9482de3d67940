"""`kill -9` at random under load: whatever was acknowledged is there exactly once, after each of the kills."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.integration.observatory.load import RATES, Load, stored

Start = Callable[..., Any]
KILLS = 20
#: So little may stay unsealed, and be in one file of the journal, that the kills also fall on sealing and merging.
SMALL = {"ACCELERAPP_MAX_UNSEALED_BYTES": "400000"}


@pytest.mark.timeout(300)
async def test_everything_acknowledged_is_there_once_after_each_of_twenty_kills(
    start: Start, files: Path, wait_until: Callable[[Callable[[], Any], str], Any]
) -> None:
    chance = random.Random(2026)
    numbers = count(1)
    acknowledged: dict[str, set[int]] = {signal: set() for signal in RATES}
    sent = 0
    for kill in range(KILLS):
        observatory = start(**SMALL)
        load = Load(observatory.otlp, numbers)
        wait_until(load.reaches(chance.randint(1_000, 25_000)), "the load is answered")
        observatory.kill()
        load.end()
        sent += load.total()
        for signal, answered in load.acknowledged.items():
            acknowledged[signal] |= answered
        there = await stored(files / "data")
        for signal, answered in acknowledged.items():
            lost = answered - there[signal]
            assert not lost, f"after kill {kill + 1} {signal} lost requests {sorted(lost)[:10]}"
    assert all(acknowledged.values())
    assert sent > 20_000
    merged = [path for path in (files / "data" / "segments").iterdir() if path.stat().st_size > 100_000]
    assert merged, "nothing was merged between the kills"
