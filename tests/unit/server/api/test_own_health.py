"""What the process measures of itself."""

from __future__ import annotations

import asyncio
import gc
import time

from accelerapp.server.api import OwnHealth


async def test_a_loop_that_is_held_up_is_told_and_so_is_the_collector() -> None:
    health = OwnHealth()
    health.start()
    try:
        await asyncio.sleep(0)  # now it waits for a quarter of a second
        time.sleep(0.6)  # which holds the loop up
        deadline = time.monotonic() + 20
        while health.lag_seconds() < 0.3:
            assert time.monotonic() < deadline, "the loop's lag was not seen"
            await asyncio.sleep(0.05)
        gc.collect()
        told = {family.exported_name: family.values for family in health.families()}
        ((_, seconds),) = told["accelerapp_observatory_gc_seconds_total"]
        assert isinstance(seconds, float)
        assert seconds > 0
        generations = [labels for labels, _ in told["python_gc_collections_total"]]
        assert generations == [("0",), ("1",), ("2",)]
    finally:
        await health.stop()
    assert health._collected not in gc.callbacks
