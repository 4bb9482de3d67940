"""Scrapes one target again and again, and knows how its last scrape went."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from accelerapp.server.ingest.fetch import FetchError, ScrapeClient
from accelerapp.server.ingest.scrape_job import Health, ScrapeJob, Target, TargetStatus
from accelerapp.server.ingest.scrape_series import Scrape, SeriesOfTarget
from accelerapp.server.signals import Clock, Labels
from accelerapp.server.storage import Sink, StorageFullError

T = TypeVar("T")

logger = logging.getLogger(__name__)

_INLINE_BYTES = 64 * 1024  # parsing more than this would hold up the event loop


@dataclass(slots=True)
class ScrapeCounters:
    """Samples that scrapes left out since the start, by the reason."""

    duplicate: int = (
        0  # of a series that the exposition has already, or of a time that it has another value at
    )
    out_of_order: int = 0  # with a time of their own before that of the last
    out_of_bounds: int = 0  # with a time of their own too far from the present


class TargetScraper:
    """Scrapes one target of a job.

    `discovered` are the target's labels before relabelling; `thread` reads what is too large for the event loop. While
    `refusal` is not empty the target is not asked, and each of its scrapes fails with that reason.
    """

    def __init__(
        self,
        job: ScrapeJob,
        target: Target,
        discovered: Labels,
        *,
        client: ScrapeClient,
        sink: Sink,
        counters: ScrapeCounters,
        thread: Executor,
        clock: Clock,
    ) -> None:
        self.target = target
        self.discovered = discovered
        self.refusal = ""
        self._job = job
        self._client = client
        self._sink = sink
        self._counters = counters
        self._thread = thread
        self._clock = clock
        self._series = SeriesOfTarget(job, target.labels, sink)
        self._health: Health = "unknown"
        self._last_error = ""
        self._last_scrape = 0.0
        self._last_duration = 0.0

    def take_over(self, before: TargetScraper) -> None:
        """Go on with the series that another scraper of this target wrote, so that they do not end meanwhile."""
        self._series.take_over(before._series)
        self._health, self._last_error = before._health, before._last_error
        self._last_scrape, self._last_duration = before._last_scrape, before._last_duration

    async def scrape(self, at: float | None = None) -> None:
        """Scrape once and store what comes of it; a failed scrape is stored as `up` 0.

        `at` is the time that the samples get, Unix seconds; the present where none is given.
        """
        started = time.perf_counter()
        now = self._clock() if at is None else at
        scrape = await self._attempt(round(now * 1000))
        duration = time.perf_counter() - started
        error = scrape.error
        try:
            samples = await self._run(
                partial(self._series.finish, scrape, duration), large=self._series.large
            )
            await self._sink.write_columns(samples)
        except StorageFullError as full:
            error = error or f"the samples could not be stored: {full}"
        else:
            self._series.written(scrape)
            self._counters.duplicate += scrape.duplicates
            self._counters.out_of_order += scrape.out_of_order
            self._counters.out_of_bounds += scrape.out_of_bounds
            if scrape.exemplars:
                await self._sink.write_exemplars(scrape.exemplars)
        if error and error != self._last_error:
            logger.info("scraping %s: %s", self.target.url, error)
        self._health = "down" if scrape.error else "up"
        self._last_error, self._last_scrape, self._last_duration = error, now, duration

    async def end(self) -> None:
        """Mark every series of the target as stale, because it is scraped no more."""
        ended = await self._run(
            partial(self._series.end, round(self._clock() * 1000)), large=self._series.large
        )
        if len(ended):
            await self._sink.write_columns(ended)

    def status(self) -> TargetStatus:
        return TargetStatus(
            job=self._job.name,
            labels=self.target.labels,
            discovered_labels=self.discovered,
            scrape_url=self.target.url,
            health=self._health,
            last_error=self._last_error,
            last_scrape=self._last_scrape,
            last_scrape_duration_seconds=self._last_duration,
            interval_seconds=self.target.interval_seconds,
            timeout_seconds=self.target.timeout_seconds,
        )

    async def _attempt(self, at_ms: int) -> Scrape:
        if self.refusal:
            return Scrape(at_ms, self.refusal)
        try:
            answer = await self._client.fetch(self.target.url, self.target.timeout_seconds)
        except FetchError as failure:
            return Scrape(at_ms, str(failure))
        large = len(answer.body) > _INLINE_BYTES
        return await self._run(partial(self._series.read, answer, at_ms), large=large)

    async def _run(self, work: Callable[[], T], *, large: bool) -> T:
        """Do a piece of work, a large one in the thread of scraping, since it would hold up the event loop here."""
        if not large:
            return work()
        working = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])  # who comes next finds the series as no thread changes them
            raise
