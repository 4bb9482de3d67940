"""What the loads send: OTLP requests of spans and of log lines as services make them, each with its own ids."""

from __future__ import annotations

import random
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

#: Items of a request: what OpenTelemetry's batch processors send.
ITEMS = 512
SERVICES = ("shop", "cart", "payment", "stock", "mail", "users", "search", "gateway")
_WORDS = [
    "order",
    "accepted",
    "rejected",
    "payment",
    "customer",
    "basket",
    "stock",
    "item",
    "reserved",
    "released",
    "cache",
    "miss",
    "hit",
    "refreshed",
    "connection",
    "pool",
    "exhausted",
    "retry",
    "backoff",
    "timeout",
    "upstream",
    "answered",
    "request",
    "handled",
    "in",
    "milliseconds",
    "batch",
    "committed",
    "rolled",
    "back",
    "session",
    "opened",
    "closed",
    "token",
    "expired",
    "renewed",
    "queue",
    "length",
    "worker",
    "started",
    "finished",
]


def spans(number: int, seed: int = 1) -> list[bytes]:
    """Return so many requests of `ITEMS` spans: traces of eight over two services, with six attributes a span."""
    chance = random.Random(seed)  # noqa: S311 - telemetry, no secrets
    return [_spans(chance, index) for index in range(number)]


def lines(number: int, seed: int = 1) -> list[bytes]:
    """Return so many requests of `ITEMS` log records: a sentence of some ten words, four attributes, a trace's id."""
    chance = random.Random(seed)  # noqa: S311 - telemetry, no secrets
    return [_lines(chance, index) for index in range(number)]


def _spans(chance: random.Random, index: int) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _resource(resource.resource, SERVICES[index % len(SERVICES)])
    scope = resource.scope_spans.add()
    scope.scope.name = "instrumentation.http"
    now = time.time_ns() - 60 * 10**9
    trace_id, above = b"", b""
    for number in range(ITEMS):
        if number % 8 == 0:
            trace_id, above = chance.randbytes(16), b""
        begin = now + index * 10_000_000 + number * 15_000
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=chance.randbytes(8),
            parent_span_id=above,
            name=f"{chance.choice(('GET', 'POST'))} /v1/things/{number % 8}",
            kind=Span.SPAN_KIND_CLIENT if number % 2 else Span.SPAN_KIND_SERVER,
            start_time_unix_nano=begin,
            end_time_unix_nano=begin + int(chance.lognormvariate(15, 1)),
        )
        above = span.span_id
        texts = {
            "http.request.method": "GET",
            "http.route": f"/v1/things/{number % 8}",
            "user.id": f"user-{chance.randrange(100_000)}",
            "server.address": "10.0.0.7",
            "correlation_id": f"{chance.getrandbits(64):016x}",
        }
        for key, value in texts.items():
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="http.response.status_code").value.int_value = chance.choice((200, 404))
    return request.SerializeToString()


def _lines(chance: random.Random, index: int) -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    _resource(resource.resource, SERVICES[index % len(SERVICES)])
    scope = resource.scope_logs.add()
    scope.scope.name = "application"
    now = time.time_ns() - 60 * 10**9
    for number in range(ITEMS):
        severity = chance.choice((9, 9, 9, 9, 9, 9, 13, 17))
        record = scope.log_records.add(
            time_unix_nano=now + index * 10_000_000 + number * 15_000,
            severity_number=severity,
            severity_text={9: "INFO", 13: "WARN", 17: "ERROR"}[severity],
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
        )
        words = " ".join(chance.choices(_WORDS, k=chance.randrange(6, 14)))
        record.body.string_value = f"{words} {chance.randrange(1_000_000)}"
        texts = {
            "http.route": f"/v1/things/{number % 8}",
            "user.id": f"user-{chance.randrange(100_000)}",
            "correlation_id": f"{chance.getrandbits(64):016x}",
        }
        for key, value in texts.items():
            record.attributes.add(key=key).value.string_value = value
        record.attributes.add(key="duration_ms").value.int_value = chance.randrange(1000)
    return request.SerializeToString()


def _resource(resource: object, service: str) -> None:
    attributes = {
        "service.name": service,
        "service.version": "1.4.2",
        "host.name": f"{service}-1",
        "deployment.environment.name": "production",
    }
    for key, value in attributes.items():
        resource.attributes.add(key=key).value.string_value = value  # type: ignore[attr-defined]
