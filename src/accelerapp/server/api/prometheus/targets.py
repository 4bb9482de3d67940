"""What is scraped, and who is told of alerts, in Prometheus' API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus
from accelerapp.server.api.services import Services
from accelerapp.server.ingest import TargetStatus
from accelerapp.server.times import format_duration, rfc3339


def routes(services: Services) -> list[Route]:
    """Return the routes of targets."""

    async def targets(request: Request) -> Any:
        pool, state = request.query_params.get("scrapePool"), request.query_params.get("state", "").lower()
        scraper = services.scraper
        active, dropped, counts = [], [], None
        if state in ("", "any", "active"):
            found = sorted(scraper.targets(), key=lambda one: one.job)
            active = [_target(one) for one in found if pool in (None, "", one.job)]
        if state in ("", "any", "dropped"):
            counts = dict(scraper.dropped_counts())
            left_out = sorted(scraper.dropped(), key=lambda one: one.job)
            dropped = [
                {"discoveredLabels": dict(one.discovered_labels), "scrapePool": one.job}
                for one in left_out
                if pool in (None, "", one.job)
            ]
        return {"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts}

    async def scrape_pools(_: Request) -> Any:
        return {"scrapePools": sorted(services.scraper.jobs())}

    async def alertmanagers(_: Request) -> Any:
        url = services.configuration().external_url
        return {"activeAlertmanagers": [{"url": f"{url}/api/v2/alerts"}], "droppedAlertmanagers": []}

    return [
        Route("/api/v1/targets", prometheus(targets)),
        Route("/api/v1/scrape_pools", prometheus(scrape_pools)),
        Route("/api/v1/alertmanagers", prometheus(alertmanagers)),
    ]


def _target(target: TargetStatus) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.job,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.scrape_url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape or None),
        "lastScrapeDuration": target.last_scrape_duration_seconds,
        "health": target.health,
        "scrapeInterval": format_duration(target.interval_seconds),
        "scrapeTimeout": format_duration(target.timeout_seconds),
    }
