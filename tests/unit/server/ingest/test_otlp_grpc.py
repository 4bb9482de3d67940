"""OTLP over gRPC with the SDK's own exporters and by hand: limits, errors, and what a full storage tells."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyProto
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.plain_otlp import plain_logs, plain_spans
from tests.unit.server.ingest.conftest import KeepingSink

from accelerapp.server.ingest import Account, OtlpGrpcReceiver

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Running:
    receiver: OtlpGrpcReceiver
    target: str
    export: Callable[..., Any]

    @property
    def refused(self) -> dict[str, int]:
        return dict(self.receiver.account.status("").refused)


@pytest.fixture
async def running(sink: KeepingSink) -> AsyncIterator[Running]:
    account = Account("otlp_grpc", "OTLP over gRPC", time.time)
    receiver = OtlpGrpcReceiver(sink, account, max_request_bytes=100_000, max_calls=2)
    target = f"127.0.0.1:{await receiver.start('127.0.0.1', 0)}"
    # gRPC keeps connections to a target among all channels of a process.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(target, options) as channel:
        yield Running(receiver, target, channel.unary_unary(TRACES))
    await receiver.stop()


def request(*ids: tuple[bytes, bytes]) -> bytes:
    made = ExportTraceServiceRequest()
    scoped = made.resource_spans.add().scope_spans.add()
    for trace_id, span_id in ids or ((b"t" * 16, b"s" * 8),):
        scoped.spans.add(trace_id=trace_id, span_id=span_id)
    return made.SerializeToString()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_all_signals_of_the_sdk_arrive(
    running: Running, sink: KeepingSink, compression: grpc.Compression
) -> None:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    how: dict[str, Any] = {
        "endpoint": f"http://{running.target}",
        "insecure": True,
        "compression": compression,
    }

    def send() -> None:
        resource = Resource({"service.name": "shop"})
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(**how)))
        tracers.get_tracer("test").start_span("paid").end()
        tracers.shutdown()
        loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(**how)))
        loggers.get_logger("test").emit(LogRecord(body="sold out"))
        loggers.shutdown()
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(**how), export_interval_millis=60_000)
        meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        meters.get_meter("test").create_counter("orders").add(3)
        meters.shutdown()

    await asyncio.to_thread(send)
    assert [span["name"] for span in plain_spans(*sink.traces)] == ["paid"]
    assert [record["body"] for record in plain_logs(*sink.logs)] == ["sold out"]
    assert ("__name__", "orders_total") in sink.samples[0][0]
    accepted = running.receiver.account.status("").accepted
    assert accepted["traces"] == accepted["logs"] == 1


async def refusal(call: Any) -> tuple[grpc.StatusCode, str, Status]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    metadata = dict(error.trailing_metadata() or ())
    status = Status.FromString(metadata.get("grpc-status-details-bin", b""))
    return error.code(), error.details() or "", status


@pytest.mark.parametrize(
    ("body", "compression", "says"),
    [
        (b"\xff\xff", None, "not an OTLP traces request"),
        (bytes(50_000_000), grpc.Compression.Gzip, "larger than 100000 bytes: send smaller batches"),
        (gzip.compress(request())[:-4], None, "not valid gzip"),
    ],
    ids=["not protobuf", "bomb", "cut gzip"],
)
async def test_what_is_wrong_for_good_is_an_invalid_argument(
    running: Running, sink: KeepingSink, body: bytes, compression: grpc.Compression | None, says: str
) -> None:
    code, details, status = await refusal(running.export(body, compression=compression))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert says in details
    assert (status.code, status.message) == (code.value[0], details)
    assert sink.traces == []
    assert sum(running.refused.values()) == 1


async def test_a_message_that_is_too_large_is_refused_unread_and_counted(running: Running) -> None:
    code, _, _ = await refusal(running.export(bytes(100_001)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    async with asyncio.timeout(20):
        while not running.refused:
            await asyncio.sleep(0.01)
    assert running.refused == {"too_large": 1}


async def test_a_full_storage_says_when_to_come_back(running: Running, sink: KeepingSink) -> None:
    sink.full = True
    code, details, status = await refusal(running.export(request()))
    assert (code, details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no space")
    (packed,) = status.details
    retry, any_of = RetryInfo(), AnyProto.FromString(packed.SerializeToString())
    assert any_of.Unpack(retry)
    assert retry.retry_delay.seconds == 7
    assert running.refused == {"storage_full": 1}


async def test_an_exporter_of_the_sdk_tries_again_until_there_is_room(
    running: Running, sink: KeepingSink
) -> None:
    sink.full, sink.retry_after = True, 0.1
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"http://{running.target}", insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def send() -> None:
        provider.get_tracer("test").start_span("patient").end()
        provider.shutdown()

    sending = asyncio.create_task(asyncio.to_thread(send))
    async with asyncio.timeout(20):
        while not running.refused:
            await asyncio.sleep(0.01)
    sink.full = False
    await sending
    assert [span["name"] for span in plain_spans(*sink.traces)] == ["patient"]


@pytest.mark.parametrize(
    "ids",
    [(bytes(16), b"s" * 8), (b"t" * 16, bytes(8)), (b"t" * 15, b"s" * 8), (b"t" * 16, b""), (b"", b"")],
    ids=["no trace", "no span", "short trace", "absent span", "absent both"],
)
async def test_spans_without_valid_ids_are_a_partial_success(
    running: Running, sink: KeepingSink, ids: tuple[bytes, bytes]
) -> None:
    good = (b"t" * 16, b"s" * 8)
    answer = ExportTraceServiceResponse.FromString(await running.export(request(ids, good)))
    assert answer.partial_success.rejected_spans == 1
    assert "a trace id has 16 bytes" in answer.partial_success.error_message
    assert sink.traces == [request(good)]
    (refusal,) = running.receiver.account.status("").last_refusals
    assert (refusal.reason, refusal.offender) == ("malformed", "127.0.0.1")


async def test_a_span_whose_fields_come_in_another_order_is_kept(running: Running, sink: KeepingSink) -> None:
    span = b"\x2a\x01a" + b"\x12\x08" + b"s" * 8 + b"\x0a\x10" + b"t" * 16
    scoped = b"\x12" + bytes([len(span)]) + span
    resourced = b"\x12" + bytes([len(scoped)]) + scoped
    content = b"\x0a" + bytes([len(resourced)]) + resourced
    assert await running.export(content) == b""
    assert [span["name"] for span in plain_spans(*sink.traces)] == ["a"]


async def test_calls_wait_unread_for_those_before_them_and_too_many_are_refused(
    running: Running, sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on, writing = asyncio.Event(), 0

    async def slowly(request: bytes) -> int:
        nonlocal writing
        writing += 1
        await going_on.wait()
        return 1

    monkeypatch.setattr(sink, "write_traces", slowly)
    calls = [asyncio.ensure_future(_result(running.export(request()))) for _ in range(20)]
    async with asyncio.timeout(20):
        while writing < 2 or running.receiver._calls < 20:
            await asyncio.sleep(0.01)
    code, _, _ = await refusal(running.export(request()))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert writing == 2
    assert running.refused == {"too_many": 1}
    going_on.set()
    assert await asyncio.gather(*calls) == [b""] * 20


async def _result(call: Any) -> bytes:
    return bytes(await call)


async def test_other_services_are_unimplemented(running: Running) -> None:
    async with grpc.aio.insecure_channel(running.target) as channel:
        profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"
        call: Callable[..., Any] = channel.unary_unary(profiles)
        code, _, _ = await refusal(call(b""))
    assert code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_port_that_is_taken_is_an_error(running: Running, sink: KeepingSink) -> None:
    second = OtlpGrpcReceiver(sink, running.receiver.account)
    with pytest.raises(OSError, match="in use"):
        await second.start("127.0.0.1", int(running.target.rpartition(":")[2]))
    await second.stop()


async def test_stopping_answers_what_is_being_received(
    running: Running, sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: bytes) -> int:
        begun.set()
        await going_on.wait()
        return 1

    monkeypatch.setattr(sink, "write_traces", slowly)
    call = asyncio.ensure_future(_result(running.export(request())))
    await begun.wait()
    stopping = asyncio.create_task(running.receiver.stop())
    going_on.set()
    assert await call == b""
    await stopping


async def test_messages_that_together_take_too_much_memory_are_refused_to_be_sent_again(
    sink: KeepingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding, go_on = 0, asyncio.Event()
    write = sink.write_traces

    async def slowly(request: bytes) -> int:
        nonlocal holding
        holding += 1
        await go_on.wait()
        return await write(request)

    monkeypatch.setattr(sink, "write_traces", slowly)
    receiver = OtlpGrpcReceiver(
        sink, Account("otlp_grpc", "OTLP over gRPC", time.time), max_request_bytes=20_000
    )
    target = f"127.0.0.1:{await receiver.start('127.0.0.1', 0)}"
    spans = ExportTraceServiceRequest()
    spans.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, name="n" * 15_000
    )
    # Little as it is sent: what counts is what it is once decompressed.
    packed = gzip.compress(spans.SerializeToString())
    async with grpc.aio.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        export: Any = channel.unary_unary(TRACES)
        calls = [asyncio.ensure_future(export(packed)) for _ in range(11)]
        async with asyncio.timeout(20):
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = done
            error = refused.exception()
            assert isinstance(error, grpc.aio.AioRpcError)
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            go_on.set()
            await asyncio.gather(*calls, return_exceptions=True)
    await receiver.stop()
    assert holding == 10
    assert receiver.account.status("").refused == {"too_many": 1}
