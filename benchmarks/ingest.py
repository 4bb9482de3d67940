"""Measures how much is accepted until it is durable, each load alone, and what that takes beside the field's servers.

Spans and log lines go by OTLP over HTTP in requests of 512, over four connections that each wait for the answer;
samples are scraped every second. The load comes from the same machine, and takes its part of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks import telemetry
from benchmarks.load import Outcome, send
from benchmarks.report import Figure, note, table, write
from benchmarks.server import Served, jaeger, observatory, prometheus
from benchmarks.targets import exposing

_SECONDS = 20
_RUNS = 3
#: Requests made before the load begins; sent round and round.
_REQUESTS = 200
_SERIES_OF_A_TARGET = 10_000
_TARGETS = 50


def main() -> None:
    rows: list[list[object]] = []
    bodies = {"traces": telemetry.spans(_REQUESTS), "logs": telemetry.lines(_REQUESTS)}
    loads: list[tuple[str, str, Callable[[], AbstractContextManager[Served]]]] = [
        ("spans", "observatory", lambda: observatory("otlp_http")),
        ("spans", "Jaeger", jaeger),
        ("log lines", "observatory", lambda: observatory("otlp_http")),
    ]
    for what, name, start in loads:
        signal = {"spans": "traces", "log lines": "logs"}[what]
        outcomes, sizes = [], []
        for _ in range(_RUNS):
            note(f"{what} to {name}")
            with start() as served:
                outcome = send(
                    served, "otlp_http", f"/v1/{signal}", bodies[signal], telemetry.ITEMS, _SECONDS
                )
                outcomes.append(outcome)
                sizes.append(served.disk_bytes() / max(outcome.items, 1))
        rows.append(_row(what, name, outcomes, sizes))
    for name, scraping in (
        ("observatory", lambda file: observatory(scrape=file)),
        ("Prometheus", prometheus),
    ):
        outcomes = []
        for _ in range(_RUNS):
            note(f"samples to {name}")
            with exposing(_SERIES_OF_A_TARGET) as port, scraping(_scrape_file(port)) as served:
                outcomes.append(_scraped(served))
        rows.append(_row("samples", name, outcomes, []))
    head = [
        "Load",
        "Server",
        "Accepted a second",
        "Processor, µs an item",
        "Memory, MiB",
        "Disk, bytes an item",
    ]
    write("ingest", table(head, rows))


def _row(what: str, name: str, outcomes: list[Outcome], sizes: list[float]) -> list[object]:
    return [
        what,
        name,
        Figure([one.rate for one in outcomes], ""),
        Figure([one.cpu_micros for one in outcomes], ""),
        Figure([one.resident_bytes / 2**20 for one in outcomes], ""),
        Figure(sizes, "") if sizes else "",
    ]


def _scrape_file(port: int) -> dict[str, object]:
    groups = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": f"target-{number}"}}
        for number in range(_TARGETS)
    ]
    job = {"job_name": "bench", "metrics_path": "/metrics", "static_configs": groups}
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}


def _scraped(served: Served) -> Outcome:
    """Let it scrape, first until every series is known, then for the measurement."""
    names = ("accelerapp_observatory_samples_accepted_total", "prometheus_tsdb_head_samples_appended_total")

    def accepted() -> float:
        return sum(served.metric(name) for name in names)

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and accepted() < 2 * _TARGETS * _SERIES_OF_A_TARGET:
        time.sleep(0.5)
    before, cpu, began = accepted(), served.cpu_seconds(), time.perf_counter()
    most = 0
    while time.perf_counter() - began < _SECONDS:
        most = max(most, served.resident_bytes())
        time.sleep(0.5)
    items = accepted() - before
    return Outcome(int(items), 0, time.perf_counter() - began, served.cpu_seconds() - cpu, most)


if __name__ == "__main__":
    main()
