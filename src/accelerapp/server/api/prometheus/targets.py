"""What is scraped, and who is told of alerts, in Prometheus' API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus
from accelerapp.server.api.services import Services
from accelerapp.server.ingest import TargetStatus
from accelerapp.server.times import format_duration, rfc3339

_LOCALHOST = frozenset({"127.0.0.1", "localhost", "::1"})


def routes(services: Services) -> list[Route]:
    """Return the routes of targets."""

    async def targets(request: Request) -> Any:
        pool, state = request.query_params.get("scrapePool"), request.query_params.get("state", "").lower()
        scraper = services.scraper
        active, dropped, counts = [], [], None
        if state in ("", "any", "active"):
            found = sorted(scraper.targets(), key=lambda one: one.job)
            external, own = services.configuration().external_url, services.ports().get("page")
            active = [
                {**_target(one), "globalUrl": global_url(one.scrape_url, external, own)}
                for one in found
                if pool in (None, "", one.job)
            ]
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
        url = services.configuration().external_url.rstrip("/")
        return {"activeAlertmanagers": [{"url": f"{url}/api/v2/alerts"}], "droppedAlertmanagers": []}

    return [
        Route("/api/v1/targets", prometheus(targets)),
        Route("/api/v1/scrape_pools", prometheus(scrape_pools)),
        Route("/api/v1/alertmanagers", prometheus(alertmanagers)),
    ]


def global_url(url: str, external_url: str, own_port: int | None) -> str:
    """Return a target's URL for a browser elsewhere: this machine goes by the name that it has in the external URL."""
    parts, outside = urlsplit(url), urlsplit(external_url)
    if parts.hostname not in _LOCALHOST or not outside.hostname:
        return url
    if parts.port == own_port:
        return parts._replace(scheme=outside.scheme, netloc=outside.netloc).geturl()
    name = f"[{outside.hostname}]" if ":" in outside.hostname else outside.hostname
    return parts._replace(netloc=name if parts.port is None else f"{name}:{parts.port}").geturl()


def _target(target: TargetStatus) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.job,
        "scrapeUrl": target.scrape_url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape or None),
        "lastScrapeDuration": target.last_scrape_duration_seconds,
        "health": target.health,
        "scrapeInterval": format_duration(target.interval_seconds),
        "scrapeTimeout": format_duration(target.timeout_seconds),
    }
