"""How telemetry comes in: one module a protocol, each behind one Sink."""

from __future__ import annotations

from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser
from accelerapp.server.ingest.http_receiver import HttpReceiver
from accelerapp.server.ingest.otlp_http import otlp_app
from accelerapp.server.ingest.receiver import (
    Account,
    Receiver,
    ReceiverStatus,
    Refusal,
)
from accelerapp.server.ingest.scrape import Scraper
from accelerapp.server.ingest.scrape_file import ScrapeFile, load_scrape_file
from accelerapp.server.ingest.scrape_job import ScrapeJob, Target, TargetStatus

__all__ = [
    "Account",
    "ExpositionError",
    "ExpositionParser",
    "HttpReceiver",
    "Receiver",
    "ReceiverStatus",
    "Refusal",
    "ScrapeFile",
    "ScrapeJob",
    "Scraper",
    "Target",
    "TargetStatus",
    "load_scrape_file",
    "otlp_app",
]
