"""Scrapes one target: its samples with the target's labels, what it reports of itself, and staleness."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

import httpx

from accelerapp.server.ingest.exposition import ExposedSample, ExpositionError, ExpositionParser
from accelerapp.server.ingest.fetch import Exposition, FetchError, fetch
from accelerapp.server.ingest.scrape_job import Health, ScrapeJob, Target, TargetStatus
from accelerapp.server.signals import METRIC_NAME, STALE_NAN, Clock, Labels, make_labels
from accelerapp.server.storage import Sink, StorageFullError

logger = logging.getLogger(__name__)

Sample = tuple[Labels, int, float]

_REPORTED = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
_EXPORTED = "exported_"
_INLINE_CHARACTERS = 64 * 1024  # parsing more than this would hold up the event loop


class TargetScraper:
    """Scrapes one target of a job, remembering its series from one scrape to the next."""

    def __init__(
        self, job: ScrapeJob, target: Target, sink: Sink, client: httpx.AsyncClient, clock: Clock
    ) -> None:
        self._job = job
        self._target = target
        self._sink = sink
        self._client = client
        self._clock = clock
        self._url = job.url(target)
        self._labels = job.labels(target)
        self._parser = ExpositionParser(self._relabelled)
        self._tracked: dict[Labels, None] = {}
        self._report = [make_labels({**dict(self._labels), METRIC_NAME: name}) for name in _REPORTED]
        self._health: Health = "unknown"
        self._last_error = ""
        self._last_scrape = 0.0
        self._last_duration = 0.0

    async def scrape(self) -> None:
        """Scrape once and store what comes of it; a failed scrape is stored as `up` 0."""
        started, now = time.perf_counter(), self._clock()
        at_ms = round(now * 1000)
        error = ""
        exposed: list[ExposedSample] = []
        scraped = 0
        try:
            answer = await fetch(
                self._client, self._url, self._job.timeout_seconds, self._job.body_size_limit
            )
            exposed = await self._parse(answer)
            scraped = len(exposed)
            if self._job.sample_limit and scraped > self._job.sample_limit:
                exposed = []
                raise FetchError(
                    f"sample limit exceeded: {scraped} samples, {self._job.sample_limit} allowed"
                )
        except (FetchError, ExpositionError) as failure:
            error = str(failure)
        duration = time.perf_counter() - started
        samples, tracked = self._samples(exposed, at_ms)
        added = sum(labels not in self._tracked for labels in tracked)
        numbers = (float(not error), duration, float(scraped), float(scraped), float(added))
        samples += [(labels, at_ms, value) for labels, value in zip(self._report, numbers, strict=True)]
        try:
            await self._sink.write_samples(samples)
            self._tracked = tracked
        except StorageFullError as full:
            error = error or f"the samples could not be stored: {full}"
        if error and error != self._last_error:
            logger.info("scraping %s: %s", self._url, error)
        self._health = "up" if numbers[0] else "down"
        self._last_error, self._last_scrape, self._last_duration = error, now, duration

    async def _parse(self, answer: Exposition) -> list[ExposedSample]:
        if len(answer.text) <= _INLINE_CHARACTERS:
            return self._parser.parse(answer.text, openmetrics=answer.openmetrics)
        return await asyncio.to_thread(self._parser.parse, answer.text, openmetrics=answer.openmetrics)

    async def end(self) -> None:
        """Mark every series of the target as stale, because it is scraped no more."""
        at_ms = round(self._clock() * 1000)
        ended = [(labels, at_ms, STALE_NAN) for labels in self._tracked]
        if self._last_scrape:
            ended += [(labels, at_ms, STALE_NAN) for labels in self._report]
        self._tracked = {}
        if ended:
            await self._sink.write_samples(ended)

    def status(self) -> TargetStatus:
        return TargetStatus(
            job=self._job.name,
            labels=self._labels,
            discovered_labels=self._job.discovered_labels(self._target),
            scrape_url=self._url,
            health=self._health,
            last_error=self._last_error,
            last_scrape=self._last_scrape,
            last_scrape_duration_seconds=self._last_duration,
            interval_seconds=self._job.interval_seconds,
            timeout_seconds=self._job.timeout_seconds,
        )

    def _samples(
        self, exposed: Iterable[ExposedSample], at_ms: int
    ) -> tuple[list[Sample], dict[Labels, None]]:
        """Return what is to be written, with markers for series that are gone, and the series to track.

        A series that comes with its own times is not tracked: its target says when it ends, as in Prometheus.
        """
        samples: list[Sample] = []
        tracked: dict[Labels, None] = {}
        for labels, value, own_ms in exposed:
            if own_ms is not None:
                samples.append((labels, own_ms, value))
            elif labels not in tracked:
                tracked[labels] = None
                samples.append((labels, at_ms, value))
        gone = [(labels, at_ms, STALE_NAN) for labels in self._tracked if labels not in tracked]
        return samples + gone, tracked

    def _relabelled(self, exposed: Labels) -> Labels:
        """Join a series' own labels with the target's; of two with one name `honor_labels` decides."""
        own = dict(exposed)
        if self._job.honor_labels:
            return make_labels({**dict(self._labels), **own})
        conflicting = {name: own.pop(name) for name, _ in self._labels if name in own}
        merged = {**own, **dict(self._labels)}
        for name in sorted(conflicting, key=len):
            exported = _EXPORTED + name
            while exported in merged:
                exported = _EXPORTED + exported
            merged[exported] = conflicting[name]
        return make_labels(merged)
