"""The targets of one job: found, relabelled, and each scraped on its own schedule."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from accelerapp.server.ingest.discovery import TargetFiles
from accelerapp.server.ingest.fetch import ScrapeClient
from accelerapp.server.ingest.scrape_job import (
    DroppedTarget,
    ScrapeJob,
    Target,
    TargetError,
    TargetGroup,
    TargetStatus,
    discovered_labels,
    make_target,
)
from accelerapp.server.ingest.scrape_target import ScrapeCounters, TargetScraper
from accelerapp.server.signals import Clock, Labels
from accelerapp.server.storage import Sink, StorageFullError

logger = logging.getLogger(__name__)

#: How often the files of targets are looked at.
_LOOK_SECONDS = 1.0
#: How far a scrape may begin from its due time and still have it as its samples' time, as in Prometheus: equal
#: distances take less room.
_TOLERANCE_SECONDS = 0.002

_Key = tuple[str, Labels]  # the URL and all labels: two targets that have both in common are one


@dataclass(frozen=True, slots=True)
class _Running:
    scraper: TargetScraper
    task: asyncio.Task[None]


class ScrapePool:
    """Scrapes the targets of a job; belongs to one event loop, but for `targets` and `dropped`."""

    def __init__(
        self, job: ScrapeJob, sink: Sink, counters: ScrapeCounters, thread: Executor, clock: Clock
    ) -> None:
        self.job = job
        self._sink = sink
        self._counters = counters
        self._thread = thread
        self._clock = clock
        self._client = ScrapeClient(job)
        self._files = TargetFiles(job.files)
        self._running: dict[_Key, _Running] = {}
        self._dropped: tuple[DroppedTarget, ...] = ()
        self._watching: asyncio.Task[None] | None = None
        self.dropped_count = 0

    @property
    def unreadable_files(self) -> int:
        """How often a file of targets could not be read since the job began."""
        return self._files.failures

    async def start(self, before: ScrapePool | None = None) -> None:
        """Find the targets and begin; `before` is the pool of the same job under other settings, which ends."""
        if before is not None:
            await before._halt()
        await asyncio.to_thread(self._files.refresh)
        await self._sync(before._running if before is not None else {})
        if before is not None:
            await before._client.close()
        if self.job.files:
            self._watching = asyncio.create_task(self._watch(), name=f"targets of {self.job.name}")

    async def stop(self, *, ended: bool) -> None:
        """End scraping; where the job has `ended` its series are marked stale, else they go on after a restart."""
        await self._halt()
        if ended:
            await _end([one.scraper for one in self._running.values()])
        self._running = {}
        await self._client.close()

    def targets(self) -> list[TargetStatus]:
        """Return how the last scrape of each target went."""
        return [one.scraper.status() for one in list(self._running.values())]

    def dropped(self) -> Sequence[DroppedTarget]:
        """Return the targets that relabelling drops, as many as the job keeps of them."""
        return self._dropped

    async def _halt(self) -> None:
        watching = [self._watching] if self._watching is not None else []
        await _cancel([*watching, *(one.task for one in self._running.values())])
        self._watching = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if await asyncio.to_thread(self._files.refresh):
                    await self._sync({})
            except Exception:
                logger.exception("the targets of the job %s could not be brought up to date", self.job.name)

    async def _sync(self, before: dict[_Key, _Running]) -> None:
        """Scrape what is found now; what is found no more ends, and what stays is not disturbed."""
        wanted = self._wanted([*self.job.groups, *self._files.groups()])
        gone = {key: one for key, one in self._running.items() if key not in wanted}
        await _cancel([one.task for one in gone.values()])
        for key in gone:
            del self._running[key]
        lost = [one.scraper for key, one in (before | gone).items() if key not in wanted]
        await _end(lost)
        for key, (target, discovered) in wanted.items():
            if (running := self._running.get(key)) is not None:
                running.scraper.discovered = discovered
                continue
            scraper = TargetScraper(
                self.job,
                target,
                discovered,
                client=self._client,
                sink=self._sink,
                counters=self._counters,
                thread=self._thread,
                clock=self._clock,
            )
            if key in before:
                scraper.take_over(before[key].scraper)
            self._running[key] = _Running(scraper, asyncio.create_task(self._scrape_for_ever(scraper)))
        limit, found = self.job.limits.targets, len(self._running)
        refusal = (
            f"target_limit exceeded (number of targets: {found}, limit: {limit})"
            if limit and found > limit
            else ""
        )
        for one in self._running.values():
            one.scraper.refusal = refusal

    def _wanted(self, groups: Iterable[TargetGroup]) -> dict[_Key, tuple[Target, Labels]]:
        wanted: dict[_Key, tuple[Target, Labels]] = {}
        dropped: list[DroppedTarget] = []
        for group in groups:
            for address in group.addresses:
                discovered = discovered_labels(self.job, group, address)
                try:
                    target = make_target(self.job, discovered)
                except TargetError as error:
                    logger.warning("a target of the job %s is left out: %s", self.job.name, error)
                    continue
                if target is None:
                    dropped.append(DroppedTarget(self.job.name, discovered))
                else:
                    wanted[target.url, target.all_labels] = (target, discovered)
        self.dropped_count = len(dropped)
        self._dropped = tuple(dropped[: self.job.limits.dropped_targets or None])
        return wanted

    async def _scrape_for_ever(self, scraper: TargetScraper) -> None:
        loop = asyncio.get_running_loop()
        interval = scraper.target.interval_seconds
        wait = _until_first(scraper.target, self._clock())
        due, due_at = loop.time() + wait, self._clock() + wait
        tolerance = min(interval / 100, _TOLERANCE_SECONDS)
        while True:
            await asyncio.sleep(due - loop.time())
            at = self._clock()
            try:
                await scraper.scrape(due_at if abs(at - due_at) <= tolerance else at)
            except Exception:
                logger.exception("a scrape of %s failed in an unforeseen way", scraper.target.url)
            # After a scrape that took longer than the interval the missed ones are left out.
            steps = 1 + max(0.0, loop.time() - due) // interval
            due, due_at = due + steps * interval, due_at + steps * interval


def _until_first(target: Target, now: float) -> float:
    """Return the seconds until a target is due: the targets are spread over their interval, alike in every run."""
    spread = zlib.crc32(f"{target.url} {target.all_labels}".encode()) / 2**32
    return (spread * target.interval_seconds - now) % target.interval_seconds


async def _end(scrapers: Iterable[TargetScraper]) -> None:
    for scraper in scrapers:
        try:
            await scraper.end()
        except StorageFullError as error:
            logger.warning("the series of %s were not marked stale: %s", scraper.target.url, error)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
