"""How telemetry comes in: one module a protocol, each behind one Sink."""

from __future__ import annotations

from accelerapp.server.ingest.beats import BeatsReceiver
from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser
from accelerapp.server.ingest.http_receiver import HttpReceiver
from accelerapp.server.ingest.jaeger import jaeger_app
from accelerapp.server.ingest.logstash_http import logstash_http_app
from accelerapp.server.ingest.logstash_tcp import LogstashTcpReceiver
from accelerapp.server.ingest.node import Node, process_metrics
from accelerapp.server.ingest.otlp_grpc import OtlpGrpcReceiver
from accelerapp.server.ingest.otlp_http import otlp_app
from accelerapp.server.ingest.own_jobs import own_jobs
from accelerapp.server.ingest.probe import HttpProbe
from accelerapp.server.ingest.receiver import (
    Account,
    Receiver,
    ReceiverStatus,
    Refusal,
)
from accelerapp.server.ingest.scrape import Scraper
from accelerapp.server.ingest.scrape_file import ScrapeFile, load_scrape_file
from accelerapp.server.ingest.scrape_job import DroppedTarget, ScrapeJob, TargetStatus
from accelerapp.server.ingest.zipkin import zipkin_app

__all__ = [
    "Account",
    "BeatsReceiver",
    "DroppedTarget",
    "ExpositionError",
    "ExpositionParser",
    "HttpProbe",
    "HttpReceiver",
    "LogstashTcpReceiver",
    "Node",
    "OtlpGrpcReceiver",
    "Receiver",
    "ReceiverStatus",
    "Refusal",
    "ScrapeFile",
    "ScrapeJob",
    "Scraper",
    "TargetStatus",
    "jaeger_app",
    "load_scrape_file",
    "logstash_http_app",
    "otlp_app",
    "own_jobs",
    "process_metrics",
    "zipkin_app",
]
