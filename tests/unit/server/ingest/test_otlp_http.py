"""OTLP/HTTP with the SDK's own exporters and by hand: encodings, limits and errors."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from accelerapp.server.ingest import Account, otlp_app
from accelerapp.server.ingest.compression import BoundedBody, TooLargeError
from accelerapp.server.signals import Labels
from accelerapp.server.storage import LogQuery, Storage


class KeepingSink(Protocol):
    traces: list[bytes]
    logs: list[bytes]
    samples: list[tuple[Labels, int, float]]
    full: bool


PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
JSON_TRACES: dict[str, Any] = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "traceId"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": TRACE_ID.upper(),
                            "spanId": "b7ad6b7169203331",
                            "name": "a",
                            "kind": "SPAN_KIND_CLIENT",
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": 1544712661000000000,
                            "status": {"code": 2},
                            "links": [{"traceId": TRACE_ID, "spanId": "b7ad6b7169203332"}],
                            "somethingNew": {"in": "OTLP"},
                        }
                    ]
                }
            ],
        }
    ]
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


def trace_request() -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    return request.SerializeToString()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
async def test_spans_of_the_sdk_arrive(otlp_url: str, sink: KeepingSink, compression: Compression) -> None:
    def send() -> None:
        provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{otlp_url}/v1/traces", compression=compression)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("test").start_span("paid").end()
        provider.shutdown()

    await asyncio.to_thread(send)
    (request,) = map(ExportTraceServiceRequest.FromString, sink.traces)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "paid"


async def test_metrics_of_the_sdk_arrive_as_samples(otlp_url: str, sink: KeepingSink) -> None:
    def send() -> None:
        exporter = OTLPMetricExporter(f"{otlp_url}/v1/metrics")
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=60_000)
        resource = Resource({"service.name": "shop", "service.instance.id": "i-1"})
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        provider.get_meter("test").create_counter("orders", unit="1").add(3, {"http.method": "GET"})
        provider.shutdown()

    await asyncio.to_thread(send)
    values = {labels: value for labels, _, value in sink.samples}
    labels = (
        ("__name__", "orders_total"),
        ("http_method", "GET"),
        ("instance", "i-1"),
        ("job", "shop"),
    )
    assert values[labels] == 3


async def test_a_log_record_of_the_sdk_is_stored_and_found(
    serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    storage = Storage.open(tmp_path_factory.mktemp("data"))
    url = await serve(otlp_app(storage, Account("otlp_http", "OTLP over HTTP", time.time)))

    def send() -> None:
        provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
        provider.get_logger("test").emit(LogRecord(body="sold out", severity_number=SeverityNumber.WARN))
        provider.shutdown()

    await asyncio.to_thread(send)
    await storage.wait_loaded()
    (record,) = storage.logs.search(LogQuery(0, 2**62))
    await storage.close()
    assert (record.service, record.body, record.level) == ("shop", "sold out", "WARN")


async def test_json_has_hexadecimal_ids_and_enums_by_name_or_number(
    client: httpx.AsyncClient, otlp_url: str, sink: KeepingSink
) -> None:
    response = await client.post(f"{otlp_url}/v1/traces", content=json.dumps(JSON_TRACES), headers=JSON)
    assert (response.status_code, response.json()) == (200, {})
    assert response.headers["content-type"] == "application/json"
    (request,) = map(ExportTraceServiceRequest.FromString, sink.traces)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert span.trace_id.hex() == span.links[0].trace_id.hex() == TRACE_ID
    assert (span.span_id.hex(), span.kind, span.status.code) == ("b7ad6b7169203331", 3, 2)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1544712660000000000, 1544712661000000000)
    assert request.resource_spans[0].resource.attributes[0].value.string_value == "traceId"


async def test_json_logs_arrive(client: httpx.AsyncClient, otlp_url: str, sink: KeepingSink) -> None:
    record = {"timeUnixNano": "5", "severityNumber": 9, "body": {"stringValue": "hi"}, "traceId": TRACE_ID}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    response = await client.post(f"{otlp_url}/v1/logs", json=body)
    assert response.status_code == 200
    (request,) = map(ExportLogsServiceRequest.FromString, sink.logs)
    assert request.resource_logs[0].scope_logs[0].log_records[0].trace_id.hex() == TRACE_ID


async def test_what_cannot_be_stored_is_a_partial_success_naming_the_metric(
    client: httpx.AsyncClient, otlp_url: str, sink: KeepingSink
) -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="good").gauge.data_points.add(as_double=1.5, time_unix_nano=1_000_000)
    odd = metrics.add(name="requests.odd").sum  # neither cumulative nor delta
    odd.data_points.add(as_int=1)
    odd.data_points.add(as_int=2)
    response = await client.post(
        f"{otlp_url}/v1/metrics", content=request.SerializeToString(), headers=PROTOBUF
    )
    answer = ExportMetricsServiceResponse.FromString(response.content)
    assert response.status_code == 200
    assert answer.partial_success.rejected_data_points == 2
    assert "'requests.odd'" in answer.partial_success.error_message
    assert "cumulative" in answer.partial_success.error_message
    assert sink.samples == [((("__name__", "good"),), 1, 1.5)]


REFUSALS: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("not protobuf", b"\xff\xff", PROTOBUF, 400, "not an OTLP traces request"),
    ("not JSON", b"{", JSON, 400, "not JSON"),
    ("not an object", b"[]", JSON, 400, "not a JSON object"),
    ("wrong field type", b'{"resourceSpans": 1}', JSON, 400, "ExportTraceServiceRequest"),
    ("deep", b'{"resourceSpans":' + b"[" * 900 + b"]" * 900 + b"}", JSON, 400, "ExportTraceServiceRequest"),
    (
        "wrong id",
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}',
        JSON,
        400,
        "traceId is not hexadecimal",
    ),
    ("type", b"", {"Content-Type": "text/plain"}, 415, "'text/plain' is not taken"),
    ("encoding", b"", {**PROTOBUF, "Content-Encoding": "br"}, 415, "'br' is not supported"),
    ("not gzip", b"plain", {**PROTOBUF, "Content-Encoding": "gzip"}, 400, "not valid gzip"),
    (
        "cut gzip",
        gzip.compress(trace_request())[:-4],
        {**PROTOBUF, "Content-Encoding": "gzip"},
        400,
        "ends too early",
    ),
    ("too large", b"x" * 100_001, PROTOBUF, 413, "larger than 100000 bytes"),
    (
        "bomb",
        gzip.compress(bytes(50_000_000)),
        {**PROTOBUF, "Content-Encoding": "gzip"},
        413,
        "larger than 100000 bytes",
    ),
]


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [case[1:] for case in REFUSALS],
    ids=[case[0] for case in REFUSALS],
)
async def test_a_refusal_says_why_in_the_encoding_of_the_request(
    client: httpx.AsyncClient,
    otlp_url: str,
    sink: KeepingSink,
    body: bytes,
    headers: dict[str, str],
    status: int,
    message: str,
) -> None:
    response = await client.post(f"{otlp_url}/v1/traces", content=body, headers=headers)
    assert response.status_code == status
    if headers is JSON:
        assert message in response.json()["message"]
        assert response.json()["code"] == 3
    else:
        assert message in Status.FromString(response.content).message
    assert sink.traces == []


async def test_a_body_of_unknown_length_is_limited_too(client: httpx.AsyncClient, otlp_url: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(1000)

    try:
        response = await client.post(f"{otlp_url}/v1/traces", content=endless(), headers=PROTOBUF)
    except httpx.WriteError:
        return  # the refusal came, and the connection's end, while the body was still being sent
    assert response.status_code == 413


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
async def test_a_full_storage_asks_to_come_back(
    client: httpx.AsyncClient, otlp_url: str, sink: KeepingSink, signal: str
) -> None:
    sink.full = True
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").gauge.data_points.add(as_int=1)
    content = metrics.SerializeToString() if signal == "metrics" else trace_request()
    response = await client.post(f"{otlp_url}/v1/{signal}", content=content, headers=PROTOBUF)
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert Status.FromString(response.content).message == "no space"


async def test_several_gzip_members_are_one_body(
    client: httpx.AsyncClient, otlp_url: str, sink: KeepingSink
) -> None:
    body = gzip.compress(trace_request()[:5]) + gzip.compress(trace_request()[5:])
    headers = {**PROTOBUF, "Content-Encoding": "gzip"}
    assert (await client.post(f"{otlp_url}/v1/traces", content=body, headers=headers)).status_code == 200
    assert sink.traces == [trace_request()]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    body = BoundedBody(1000, "gzip")
    with pytest.raises(TooLargeError):
        body.add(gzip.compress(bytes(10_000_000)))
    assert body.size == 1001
