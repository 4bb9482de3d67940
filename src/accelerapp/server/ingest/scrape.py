"""Scraping: the targets of every job, into a sink, by Prometheus' rules."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from accelerapp.server.ingest.scrape_job import DroppedTarget, ScrapeJob, TargetStatus
from accelerapp.server.ingest.scrape_pool import ScrapePool
from accelerapp.server.ingest.scrape_target import ScrapeCounters
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink


class Scraper:
    """Scrapes the targets of jobs.

    `start`, `apply` and `stop` belong to one event loop; the others may be called from any thread. `clock` gives the
    samples' times.
    """

    def __init__(self, jobs: Sequence[ScrapeJob], sink: Sink, clock: Clock = time.time) -> None:
        self._jobs = tuple(jobs)
        self._sink = sink
        self._clock = clock
        self._pools: dict[str, ScrapePool] = {}
        self._counters = ScrapeCounters()
        self._unreadable_before = 0
        # Reading holds the interpreter: several threads would only take it from one another.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scrape")
        self._applying = asyncio.Lock()

    async def start(self) -> None:
        """Begin to scrape; the targets' first scrapes are spread over their intervals."""
        await self.apply(self._jobs)

    async def apply(self, jobs: Sequence[ScrapeJob]) -> None:
        """Scrape these jobs from now on, each of a name of its own.

        What is scraped no more becomes stale. A job that stays as it was is not disturbed, and of one that changes the
        targets that it keeps go on.
        """
        async with self._applying:
            wanted = {job.name: job for job in jobs}
            for name in self._pools.keys() - wanted.keys():
                await self._retire(self._pools.pop(name), ended=True)
            for name, job in wanted.items():
                before = self._pools.get(name)
                if before is not None and before.job == job:
                    continue
                pool = ScrapePool(job, self._sink, self._counters, self._thread, self._clock)
                await pool.start(before)
                if before is not None:
                    self._unreadable_before += before.unreadable_files
                self._pools[name] = pool
            self._jobs = tuple(jobs)

    async def stop(self) -> None:
        """End scraping; series stay as they are, since they go on after a restart."""
        async with self._applying:
            pools, self._pools = self._pools, {}
            await asyncio.gather(*(pool.stop(ended=False) for pool in pools.values()))
            self._thread.shutdown(wait=False)

    def jobs(self) -> list[str]:
        """Return the names of the jobs, in the order of the file."""
        return [job.name for job in self._jobs]

    def targets(self) -> list[TargetStatus]:
        """Return how the last scrape of each target went."""
        return [target for pool in self._in_order() for target in pool.targets()]

    def dropped(self) -> list[DroppedTarget]:
        """Return the targets that relabelling drops, as many as each job keeps of them."""
        return [target for pool in self._in_order() for target in pool.dropped()]

    def dropped_counts(self) -> Mapping[str, int]:
        """Return how many targets relabelling drops, by job."""
        return {pool.job.name: pool.dropped_count for pool in self._in_order()}

    def left_out(self) -> Mapping[str, int]:
        """Return how many samples were left out since the start, by the reason."""
        return asdict(self._counters)

    def unreadable_files(self) -> int:
        """Return how often a file of targets could not be read since the start."""
        return self._unreadable_before + sum(pool.unreadable_files for pool in self._in_order())

    async def _retire(self, pool: ScrapePool, *, ended: bool) -> None:
        await pool.stop(ended=ended)
        self._unreadable_before += pool.unreadable_files

    def _in_order(self) -> list[ScrapePool]:
        pools = dict(self._pools)
        return [pools[job.name] for job in self._jobs if job.name in pools]
