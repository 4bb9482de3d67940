"""How many scraped samples a second are accepted until they are durable, and what each costs.

    python benchmarks/scrape.py [--series 10000] [--targets 4] [--scrapes 40]

One process exposes the series, another scrapes them into a storage of its own, as fast as it can: every scrape is fetched,
parsed, journalled and synced before the next of its target. All values change between scrapes. Printed are samples a
second by the clock, and microseconds of processor time a sample of the scraping process alone, loading into the head
included.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from accelerapp.server.ingest.fetch import ScrapeClient
from accelerapp.server.ingest.scrape_job import ScrapeJob, TargetGroup, discovered_labels, make_target
from accelerapp.server.ingest.scrape_target import ScrapeCounters, TargetScraper
from accelerapp.server.storage import Storage, StorageSettings

_VARIANTS = 4  # expositions made before the measurement, so that making them costs nothing in it


def exposition(series: int, seed: int) -> bytes:
    """Return a text of counters and gauges, a hundred series a metric."""
    draw = random.Random(seed)
    lines = []
    for number in range(series):
        metric = f"http_requests_{number // 100}_total"
        if number % 100 == 0:
            lines += [f"# HELP {metric} Requests that were answered.", f"# TYPE {metric} counter"]
        value = draw.randrange(10**6) if number % 2 else draw.random() * 1000
        route = f"/api/v1/items/{number % 100}"
        lines.append(f'{metric}{{method="GET",route="{route}",status="200"}} {value}')
    return ("\n".join(lines) + "\n").encode()


def serve(series: int, ready: Connection) -> None:
    texts = [exposition(series, seed) for seed in range(_VARIANTS)]
    asked = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal asked
            asked += 1
            body = texts[asked % _VARIANTS]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_port)
    server.serve_forever()


async def measure(address: str, series: int, targets: int, scrapes: int, folder: Path) -> None:
    storage = Storage.open(folder, StorageSettings(retention_seconds=0))
    scrapers = []
    for number in range(targets):
        job = ScrapeJob(f"bench-{number}", compressed=False)
        discovered = discovered_labels(job, TargetGroup((address,)), address)
        target = make_target(job, discovered)
        assert target is not None
        client = ScrapeClient(job)
        scrapers.append(
            TargetScraper(
                job,
                target,
                discovered,
                client=client,
                sink=storage,
                counters=ScrapeCounters(),
                clock=time.time,
            )
        )

    async def repeat(scraper: TargetScraper, times: int) -> None:
        for _ in range(times):
            await scraper.scrape()
            assert not scraper.status().last_error, scraper.status().last_error

    await asyncio.gather(*(repeat(scraper, 1) for scraper in scrapers))
    first = storage.stats()["samples_accepted"]
    began, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*(repeat(scraper, scrapes) for scraper in scrapers))
    wall = time.perf_counter() - began
    await storage.wait_loaded()
    cpu = time.process_time() - spent
    accepted = storage.stats()["samples_accepted"]
    assert isinstance(first, int)
    assert isinstance(accepted, int)
    samples = accepted - first
    await storage.close()
    print(
        f"{targets} targets of {series} series, {scrapes} scrapes each: {samples / wall:,.0f} samples/s durable, "
        f"{cpu / samples * 1e6:.2f} µs of processor time a sample"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--targets", type=int, default=4)
    parser.add_argument("--scrapes", type=int, default=40)
    given = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(given.series, theirs), daemon=True)
    server.start()
    address = f"127.0.0.1:{ours.recv()}"
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(address, given.series, given.targets, given.scrapes, Path(folder)))
    server.terminate()


if __name__ == "__main__":
    main()
