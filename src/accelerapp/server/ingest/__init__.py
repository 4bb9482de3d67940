"""How telemetry comes in: OTLP over HTTP and scraping, each behind one Sink."""

from __future__ import annotations

from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser
from accelerapp.server.ingest.otlp_http import otlp_app
from accelerapp.server.ingest.scrape import Scraper
from accelerapp.server.ingest.scrape_file import ScrapeFile, load_scrape_file
from accelerapp.server.ingest.scrape_job import ScrapeJob, Target, TargetStatus

__all__ = [
    "ExpositionError",
    "ExpositionParser",
    "ScrapeFile",
    "ScrapeJob",
    "Scraper",
    "Target",
    "TargetStatus",
    "load_scrape_file",
    "otlp_app",
]
