"""What a target or sender may make the observatory remember, and what may hold up its event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import httpx
import pytest

from accelerapp.server.ingest import ScrapeJob, Target
from accelerapp.server.ingest.exposition import ExpositionParser
from accelerapp.server.ingest.scrape_target import TargetScraper
from accelerapp.server.signals import Labels, make_labels
from accelerapp.server.storage import MetricMetadata, Storage, StorageSettings


def test_types_that_a_target_declares_no_more_are_forgotten() -> None:
    parser = ExpositionParser()
    for number in range(100):
        parser.parse(f"# TYPE metric_{number} counter\nmetric_{number} 1\n")
    assert len(parser._types) == 1


def test_a_type_that_is_gone_changes_the_labels_for_one_more_scrape_at_most() -> None:
    parser = ExpositionParser()
    line = 'm_bucket{le="1"} 1\n'
    bounds = []
    for text in (f"# TYPE m histogram\n{line}", line, line, f"# TYPE m histogram\n{line}"):
        ((labels, _, _),) = parser.parse(text)
        bounds.append(dict(labels)["le"])
    assert (bounds[0], *bounds[2:]) == ("1.0", "1", "1.0")


async def test_a_large_exposition_is_parsed_off_the_event_loop() -> None:
    text = "".join(f"metric_{number} 1\n" for number in range(10_000))
    threads: list[threading.Thread] = []

    class Parser(ExpositionParser):
        def parse(self, text: str, *, openmetrics: bool = False) -> list[tuple[Labels, float, int | None]]:
            threads.append(threading.current_thread())
            return super().parse(text, openmetrics=openmetrics)

    class Sink:
        metadata = MetricMetadata()

        async def write_traces(self, request: bytes) -> int:
            return 0

        async def write_logs(self, request: bytes) -> int:
            return 0

        async def write_samples(self, samples: object) -> int:
            return 0

        async def write_histograms(self, histograms: object) -> int:
            return 0

        async def write_exemplars(self, exemplars: object) -> int:
            return 0

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body(), headers={"Content-Type": "text/plain"})

    async def body() -> AsyncIterator[bytes]:
        yield text.encode()

    target = Target("localhost:1")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        scraper = TargetScraper(ScrapeJob("job", (target,)), target, Sink(), client, lambda: 1.0)
        scraper._parser = Parser()
        await scraper.scrape()
    assert scraper.status().health == "up"
    assert threads
    assert threads[0] is not threading.main_thread()


async def test_many_samples_are_numbered_off_the_event_loop_within_the_limit(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.open(str(tmp_path), StorageSettings(max_series=1000, retention_seconds=0))
    threads: set[threading.Thread] = set()
    real_id = storage._registry.id

    def numbered(labels: Labels) -> int | None:
        threads.add(threading.current_thread())
        return real_id(labels)

    monkeypatch.setattr(storage._registry, "id", numbered)
    await storage.write_samples([(make_labels({"__name__": f"m{n}"}), 1, 1.0) for n in range(3000)])
    stats = storage.stats()
    await storage.close()
    assert threading.main_thread() not in threads
    assert (stats["series"], stats["samples_refused_series_limit"]) == (1000, 2000)
