"""Measures the system overview's queries over 1,000 series, an hour at 15 s, beside a real Prometheus.

Run it with `python -m benchmarks.promql_overview`; it builds Prometheus where it is not there yet, and takes about two
minutes else.

Both servers have the same samples: counters with restarts, gauges and buckets under the names and labels that the
dashboard asks for. Both are asked over HTTP in turn, each query once a round, from start to end at the step that a
panel of 240 points has. The first round is not counted. Answers are compared, and a difference ends the run.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import statistics
import time
from pathlib import Path

import httpx
import psutil
from benchmarks.report import scratch, table, write
from benchmarks.server import observatory
from tests.stack.conftest import built, start_prometheus

from accelerapp.server.signals import Labels, make_labels
from accelerapp.server.storage import Storage, StorageSettings

ROOT = Path(__file__).parents[1]
OVERVIEW = ROOT / "deployment" / "observability" / "grafana" / "dashboard-system-overview.json"
SECONDS, STEP = 3600, 15
ROUTES, NODES = 13, 7
#: What people ask besides, of the same series.
MORE = (
    "avg_over_time(node_memory_MemAvailable_bytes[5m])",
    "sum by (instance) (avg_over_time(node_cpu_seconds_total[10m]))",
    "sum(max_over_time(accelerapp_requests_total[10m]))",
    "topk(5, rate(accelerapp_requests_total[5m]))",
    "quantile_over_time(0.9, node_cpu_seconds_total[5m])",
    "max_over_time(sum(rate(accelerapp_requests_total[5m]))[30m:1m])",
    "deriv(node_cpu_seconds_total[10m])",
)

Samples = dict[Labels, list[tuple[int, float]]]


def generate(start: int) -> Samples:
    """Make the samples, the first of them within 15 s after a time in Unix seconds."""
    dice = random.Random(7)  # noqa: S311 - the same every time
    count = SECONDS // STEP + 1
    series: Samples = {}

    def add(name: str, job: str, values: list[float], **labels: str) -> None:
        offset = start * 1000 + dice.randrange(STEP * 1000)
        points = [(offset + k * STEP * 1000, value) for k, value in enumerate(values)]
        series[make_labels({"__name__": name, "job": job, **labels})] = points

    def counter(most: int) -> list[float]:
        total, values = 0.0, []
        for _ in range(count):
            total = 0.0 if dice.random() < 0.001 else total + dice.randrange(most)
            values.append(total)
        return values

    for instance in ("app-1:8088", "app-2:8088"):
        add("up", "accelerapp", [1.0] * count, instance=instance)
        for route in (f"/v1/route-{number}" for number in range(ROUTES)):
            place = {"instance": instance, "route": route}
            for method in ("GET", "POST"):
                for status in ("200", "400", "500"):
                    labels = {**place, "method": method, "status": status}
                    add("accelerapp_requests_total", "accelerapp", counter(20), **labels)
            for kind in ("timeout", "invalid"):
                add("accelerapp_errors_total", "accelerapp", counter(2), **place, type=kind)
            reached = [0.0] * count
            for bound in (
                "0.005",
                "0.01",
                "0.025",
                "0.05",
                "0.1",
                "0.25",
                "0.5",
                "1",
                "2.5",
                "5",
                "10",
                "+Inf",
            ):
                total = 0.0
                for k in range(count):
                    total += dice.randrange(4)
                    reached[k] += total
                name = "accelerapp_request_duration_seconds_bucket"
                add(name, "accelerapp", list(reached), **place, le=bound)
        for target in ("arduino", "micropython"):
            for backend in ("ollama", "template"):
                place = {"instance": instance, "platform": target, "backend": backend}
                add("accelerapp_code_generation_total", "accelerapp", counter(4), **place)
                failures = "accelerapp_code_generation_failures_total"
                add(failures, "accelerapp", counter(2), **place, reason="timeout")
    for instance in (f"node-{number}:9100" for number in range(NODES)):
        for cpu in map(str, range(8)):
            for mode in ("idle", "user", "system", "iowait", "irq", "softirq", "nice", "steal"):
                total, values = 0.0, []
                for _ in range(count):
                    total += dice.random() * STEP
                    values.append(total)
                add("node_cpu_seconds_total", "node", values, instance=instance, cpu=cpu, mode=mode)
        free = [2e9 + dice.random() * 1e9 for _ in range(count)]
        add("node_memory_MemAvailable_bytes", "node", free, instance=instance)
        add("node_memory_MemTotal_bytes", "node", [8e9] * count, instance=instance)
    return dict(sorted(series.items()))


def queries() -> list[str]:
    """Return the expressions of the overview's panels."""
    panels = json.loads(OVERVIEW.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ()) if "expr" in target]


async def fill(folder: Path, series: Samples) -> None:
    """Write the samples to an observatory's folder, scrape by scrape."""
    storage = Storage.open(folder, StorageSettings())
    points = [(labels, at, value) for labels, samples in series.items() for at, value in samples]
    points.sort(key=lambda point: point[1])
    for begin in range(0, len(points), 1000):
        await storage.write_samples(points[begin : begin + 1000])
    await storage.close()


def ask(client: httpx.Client, query: str, start: int) -> tuple[float, bytes]:
    """Ask for a range, and return the seconds that took, and the answer."""
    parameters = {"query": query, "start": str(start), "end": str(start + SECONDS), "step": str(STEP)}
    begin = time.perf_counter()
    answer = client.get("/api/v1/query_range", params=parameters)
    took = time.perf_counter() - begin
    answer.raise_for_status()
    return took, answer.content


def compare(query: str, ours: bytes, theirs: bytes) -> None:
    """End the run where two answers differ by more than rounding does."""
    mine, other = parts(ours), parts(theirs)
    same = mine.keys() == other.keys() and all(
        [at for at, _ in mine[key]] == [at for at, _ in other[key]]
        and all(
            math.isclose(a, b, rel_tol=1e-9) or (math.isnan(a) and math.isnan(b))
            for (_, a), (_, b) in zip(mine[key], other[key], strict=True)
        )
        for key in mine
    )
    if not same:
        raise SystemExit(f"the answers to {query} differ")


def parts(answer: bytes) -> dict[Labels, list[tuple[float, float]]]:
    result = json.loads(answer)["data"]["result"]
    return {make_labels(row["metric"]): [(at, float(v)) for at, v in row["values"]] for row in result}


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def spread(values: list[float]) -> str:
    """Write the median with the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def main(rounds: int = 20) -> None:
    start = int(time.time()) // 60 * 60 - SECONDS - 120
    series = generate(start)
    with scratch() as folder:
        ours_home, theirs_home = Path(folder, "ours"), Path(folder, "theirs")
        for home in (ours_home, theirs_home):
            home.mkdir()
        (theirs_home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
        asyncio.run(fill(ours_home, series))
        program = built("prometheus") / "prometheus"
        with (
            observatory(data=ours_home) as served,
            httpx.Client(base_url=served.url("page"), timeout=60) as ours,
            start_prometheus(program, theirs_home, "--web.enable-remote-write-receiver") as theirs,
        ):
            theirs.write(series)
            their_process = next(
                child for child in psutil.Process().children() if child.name().startswith("prometheus")
            )
            measure(ours, theirs.client, (served.process, their_process), start, rounds, len(series))


def measure(
    ours: httpx.Client,
    theirs: httpx.Client,
    processes: tuple[psutil.Process, psutil.Process],
    start: int,
    rounds: int,
    count: int,
) -> None:
    overview = queries()
    asked = [*overview, *MORE]
    took: dict[str, list[tuple[float, float]]] = {query: [] for query in asked}
    for query in asked:
        compare(query, ask(ours, query, start)[1], ask(theirs, query, start)[1])
    used = [cpu_seconds(process) for process in processes]
    for _ in range(rounds):
        for query in asked:
            took[query].append((ask(ours, query, start)[0], ask(theirs, query, start)[0]))
    used = [cpu_seconds(process) - before for process, before in zip(processes, used, strict=True)]
    rows = [row(f"`{query}`".replace("|", "\\|"), took[query]) for query in asked]
    totals = [
        (sum(took[query][k][0] for query in overview), sum(took[query][k][1] for query in overview))
        for k in range(rounds)
    ]
    rows.append(row("**the overview's queries together**", totals))
    write(
        "queries",
        f"{count:,} series, {SECONDS // STEP} steps, {rounds} rounds; milliseconds and their ratio, each the "
        f"median with the quartiles. Processor time of a round: observatory {used[0] / rounds:.2f} s, Prometheus "
        f"{used[1] / rounds:.2f} s.\n\n" + table(["Query", "Observatory", "Prometheus", "Ratio"], rows),
    )


def row(name: str, pairs: list[tuple[float, float]]) -> list[str]:
    ours, theirs = ([pair[side] * 1000 for pair in pairs] for side in (0, 1))
    ratios = [a / b for a, b in pairs]
    return [name, spread(ours), spread(theirs), spread(ratios)]


if __name__ == "__main__":
    main()
