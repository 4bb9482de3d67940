"""Measures how long the observatory takes until it answers, and what it has in memory when nothing happens."""

from __future__ import annotations

import time

from benchmarks.report import Figure, note, table, write
from benchmarks.server import shipped_observatory

_RUNS = 5
_IDLE_SECONDS = 20


def main() -> None:
    starts, resident = [], []
    for _ in range(_RUNS):
        note("start")
        with shipped_observatory() as served:
            starts.append(served.ready_seconds)
            time.sleep(_IDLE_SECONDS)
            resident.append(served.resident_bytes() / 2**20)
    rows = [
        ["from the command to /-/ready", Figure(starts, "s"), "1.5 s"],
        [f"memory after {_IDLE_SECONDS} s of idling", Figure(resident, "MiB"), "150 MiB"],
    ]
    write("start", table(["`accelerapp up` as it is shipped", "Measured", "Aim"], rows))


if __name__ == "__main__":
    main()
