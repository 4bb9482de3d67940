"""What the observatory tells of itself at /metrics, for itself or another to scrape."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.monitoring import FamilySnapshot
from accelerapp.observability.exposition import TEXT_CONTENT_TYPE, render_text
from accelerapp.server.api import alerting_metrics, reload_metrics
from accelerapp.server.api.query_threads import QueryThreads
from accelerapp.server.api.services import Services
from accelerapp.server.ingest import ReceiverStatus, Scraper, process_metrics
from accelerapp.server.storage import CAUSES, SIGNALS

_Series = list[tuple[tuple[str, ...], Any]]

#: Name of the counter in storage, exported name, meaning.
_COUNTERS = (
    ("spans_accepted", "spans_accepted_total", "Spans that were journalled and acknowledged."),
    ("logs_accepted", "log_records_accepted_total", "Log records that were journalled and acknowledged."),
    ("samples_accepted", "samples_accepted_total", "Samples that were journalled and acknowledged."),
    ("requests_refused", "requests_refused_total", "Requests refused because a queue or the disk was full."),
    (
        "samples_refused_series_limit",
        "samples_refused_total",
        "Samples of new series refused because the limit of series was reached.",
    ),
    ("exemplars_accepted", "exemplars_accepted_total", "Exemplars that were kept."),
    (
        "exemplars_refused",
        "exemplars_refused_total",
        "Exemplars refused because one of their series was newer or their labels were too long.",
    ),
    (
        "metadata_refused",
        "metadata_refused_total",
        "Metrics whose type, help and unit were not kept because too many are.",
    ),
    ("damaged_spans", "damaged_spans_total", "Spans that could not be read and were left out."),
    ("damaged_logs", "damaged_log_records_total", "Log records that could not be read and were left out."),
    ("damaged_journal_records", "damaged_journal_records_total", "Journal records skipped as damaged."),
    ("damaged_segments", "damaged_segments_total", "Segments set aside as damaged."),
    (
        "tail_lines_missed",
        "tail_lines_missed_total",
        "Log lines that were left out for who follows them and could not keep up.",
    ),
    ("seals", "seals_total", "Times that the head was sealed into segments."),
    ("seal_failures", "seal_failures_total", "Times that sealing failed and is to be tried again."),
    ("merges", "merges_total", "Times that small segments were merged into one."),
    ("upkeep_failures", "upkeep_failures_total", "Times that merging or removing segments failed."),
    (
        "unlink_failures",
        "unlink_failures_total",
        "Times that a file which is to go could not be removed and was left for the next time.",
    ),
)
_GAUGES = (
    ("series", "series", "Series known."),
    ("exemplars", "exemplars", "Exemplars held in memory."),
    ("unsealed_bytes", "unsealed_bytes", "Bytes journalled and not yet sealed."),
    ("queued_bytes", "queued_bytes", "Bytes waiting to be journalled or loaded."),
)

_ALERTS_REFUSED = "Alerts not taken because too many are kept."
_GROUPS_REFUSED = "Alerts not grouped because their route has too many groups."


def routes(services: Services) -> list[Route]:
    """Return the route of the observatory's own metrics."""

    async def metrics(_: Request) -> Response:
        stats = services.storage_stats()
        families = [_family("counter", *row, stats) for row in _COUNTERS]
        families += [_family("gauge", *row, stats) for row in _GAUGES]
        load = services.alertmanager.load()
        families += [
            _family("counter", "alerts_refused", "alerts_refused_total", _ALERTS_REFUSED, asdict(load)),
            _family("counter", "groups_refused", "alert_groups_refused_total", _GROUPS_REFUSED, asdict(load)),
        ]
        families.append(
            FamilySnapshot(
                "build_info",
                "accelerapp_build_info",
                "gauge",
                "Which version runs; always 1.",
                ("version", "revision"),
                (),
                [((services.version, services.revision), 1.0)],
            )
        )
        families += _storage(stats)
        families.append(_queries({**services.engine.refused(), **services.query_threads.refused()}))
        waiting = {"waiting": services.query_threads.waiting}
        families.append(
            _family("gauge", "waiting", "queries_waiting", "Queries that wait for a thread.", waiting)
        )
        families += _queries_ended(services.query_threads)
        families += services.health.families()
        families.append(_page(services.account.status("")))
        families += _receivers(services.receivers())
        families += await asyncio.to_thread(alerting_metrics.families, services)
        families += reload_metrics.families(services)
        families += _scraping(services.scraper)
        families += process_metrics()
        return _answer(families)

    async def exporter(request: Request) -> Response:
        measure = services.exporters.get(request.path_params["exporter"])
        if measure is None:
            raise HTTPException(404)
        return _answer(await measure())

    return [Route("/metrics", metrics), Route("/metrics/{exporter}", exporter)]


def _answer(families: Iterable[FamilySnapshot]) -> Response:
    return Response(render_text(families), headers={"content-type": TEXT_CONTENT_TYPE})


def _family(
    kind: Literal["counter", "gauge"], key: str, name: str, meaning: str, stats: Mapping[str, Any]
) -> FamilySnapshot:
    return FamilySnapshot(
        name, f"accelerapp_observatory_{name}", kind, meaning, (), (), [((), float(stats[key]))]
    )


def _queries(refused: Mapping[str, int]) -> FamilySnapshot:
    """Return how many queries met a limit."""
    counts: _Series = [((limit,), float(count)) for limit, count in refused.items()]
    name = "accelerapp_observatory_queries_refused_total"
    meaning = "Queries that met a limit, by which: samples, timeout, queue_full or queue_timeout."
    return FamilySnapshot("queries_refused_total", name, "counter", meaning, ("limit",), (), counts)


def _queries_ended(threads: QueryThreads) -> list[FamilySnapshot]:
    """Return how many queries ran, and for how long; what a mean is made of."""
    counts = {"queries": float(threads.ended), "query_seconds": threads.seconds}
    return [
        _family("counter", "queries", "queries_total", "Queries that ran to their end, well or not.", counts),
        _family(
            "counter",
            "query_seconds",
            "query_seconds_total",
            "Seconds that queries ran, without waiting.",
            counts,
        ),
    ]


def _page(status: ReceiverStatus) -> FamilySnapshot:
    """Return what was refused at the page's port before it was asked."""
    counts: _Series = [((reason,), float(count)) for reason, count in status.refused.items()]
    name = "accelerapp_observatory_page_refused_total"
    meaning = "Connections and requests that were refused at the port of the page and the APIs, by reason."
    return FamilySnapshot("page_refused_total", name, "counter", meaning, ("reason",), (), counts)


def _storage(stats: Mapping[str, Any]) -> list[FamilySnapshot]:
    """Return what is held of each signal, and what was let go and why."""
    prefix = "accelerapp_observatory"
    expired: _Series = [
        ((signal, cause), float(stats[f"segments_expired_{signal}_{cause}"]))
        for signal in SIGNALS
        for cause in CAUSES
    ]
    families = [
        FamilySnapshot(
            "segments_expired_total",
            f"{prefix}_segments_expired_total",
            "counter",
            "Segments removed because of their age or because the folder held too much.",
            ("signal", "cause"),
            (),
            expired,
        )
    ]
    for key, meaning in (("segments", "Segments held."), ("segment_bytes", "Bytes of the segments held.")):
        held: _Series = [((signal,), float(stats[f"{key}_{signal}"])) for signal in SIGNALS]
        families.append(FamilySnapshot(key, f"{prefix}_{key}", "gauge", meaning, ("signal",), (), held))
    return families


def _scraping(scraper: Scraper) -> list[FamilySnapshot]:
    """Return what scraping left out, and which files of targets could not be read."""
    prefix = "accelerapp_observatory_scrape"
    left_out: _Series = [((reason,), float(count)) for reason, count in scraper.left_out().items()]
    dropped: _Series = [((job,), float(count)) for job, count in scraper.dropped_counts().items()]
    unreadable: _Series = [((), float(scraper.unreadable_files()))]
    return [
        FamilySnapshot(
            "scrape_samples_left_out_total",
            f"{prefix}_samples_left_out_total",
            "counter",
            "Samples that were exposed and not kept, by reason.",
            ("reason",),
            (),
            left_out,
        ),
        FamilySnapshot(
            "scrape_targets_dropped",
            f"{prefix}_targets_dropped",
            "gauge",
            "Targets that relabelling drops.",
            ("job",),
            (),
            dropped,
        ),
        FamilySnapshot(
            "scrape_target_files_unreadable_total",
            f"{prefix}_target_files_unreadable_total",
            "counter",
            "Times that a file of targets could not be read; its targets stay as they were.",
            (),
            (),
            unreadable,
        ),
    ]


def _receivers(receivers: Sequence[ReceiverStatus]) -> list[FamilySnapshot]:
    """Return what each receiver took by signal, and refused by reason."""
    accepted: _Series = [
        ((one.name, signal), float(count)) for one in receivers for signal, count in one.accepted.items()
    ]
    refused: _Series = [
        ((one.name, reason), float(count)) for one in receivers for reason, count in one.refused.items()
    ]
    prefix = "accelerapp_observatory_receiver"
    return [
        FamilySnapshot(
            "receiver_accepted_total",
            f"{prefix}_accepted_total",
            "counter",
            "Spans, data points and log records that a receiver took in and that are durable.",
            ("receiver", "signal"),
            (),
            accepted,
        ),
        FamilySnapshot(
            "receiver_refused_total",
            f"{prefix}_refused_total",
            "counter",
            "Requests or items that a receiver refused, by reason.",
            ("receiver", "reason"),
            (),
            refused,
        ),
    ]
