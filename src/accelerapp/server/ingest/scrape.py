"""Scraping: every target of every job, each on its own schedule."""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace

import httpx

from accelerapp.server.ingest.fetch import scrape_client
from accelerapp.server.ingest.scrape_job import ScrapeJob, Target, TargetStatus
from accelerapp.server.ingest.scrape_target import TargetScraper
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink, StorageFullError

__all__ = ["ScrapeJob", "Scraper", "Target", "TargetStatus"]

logger = logging.getLogger(__name__)

_Key = tuple[ScrapeJob, Target]  # the job without its other targets, whose coming and going disturbs none


class Scraper:
    """Scrapes the targets of jobs into a sink, by Prometheus' rules.

    `start`, `apply` and `stop` belong to one event loop; `targets` may be called from any thread. `clock` gives
    the samples' times.
    """

    def __init__(
        self,
        jobs: Sequence[ScrapeJob],
        sink: Sink,
        clock: Clock = time.time,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._jobs = tuple(jobs)
        self._sink = sink
        self._clock = clock
        self._client = client
        self._running: dict[_Key, tuple[TargetScraper, asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """Begin to scrape; the targets' first scrapes are spread over their intervals."""
        await self.apply(self._jobs)

    async def apply(self, jobs: Sequence[ScrapeJob]) -> None:
        """Scrape these jobs from now on; what is scraped no more becomes stale, what stays is not disturbed."""
        self._jobs = tuple(jobs)
        if self._client is None:
            self._client = scrape_client()
        wanted = {(replace(job, targets=()), target): None for job in jobs for target in job.targets}
        removed = {key: pair for key, pair in self._running.items() if key not in wanted}
        await _cancel([task for _, task in removed.values()])
        for key, (scraper, _) in removed.items():
            del self._running[key]
            try:
                await scraper.end()
            except StorageFullError as error:
                logger.warning(
                    "the series of %s were not marked stale: %s", scraper.status().scrape_url, error
                )
        for job, target in wanted:
            if (job, target) not in self._running:
                scraper = TargetScraper(job, target, self._sink, self._client, self._clock)
                loop = _scrape_for_ever(scraper, job.interval_seconds, _offset(job, target))
                self._running[job, target] = (
                    scraper,
                    asyncio.create_task(loop, name=f"scrape {target.address}"),
                )

    async def stop(self) -> None:
        """End scraping; series stay as they are, since they go on after a restart."""
        await _cancel([task for _, task in self._running.values()])
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def targets(self) -> list[TargetStatus]:
        """Return how the last scrape of each target went."""
        return [scraper.status() for scraper, _ in list(self._running.values())]


async def _scrape_for_ever(scraper: TargetScraper, interval: float, offset: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + offset
    while True:
        await asyncio.sleep(due - loop.time())
        try:
            await scraper.scrape()
        except Exception:
            logger.exception("a scrape of %s failed in an unforeseen way", scraper.status().scrape_url)
        # After a scrape that took longer than the interval the missed ones are left out.
        missed = max(0.0, loop.time() - due) // interval
        due += (1 + missed) * interval


def _offset(job: ScrapeJob, target: Target) -> float:
    """Return where in its interval a target is scraped first: spread, and the same in every run."""
    spread = zlib.crc32(f"{job.name} {job.url(target)} {target.labels}".encode()) / 2**32
    return spread * job.interval_seconds


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
