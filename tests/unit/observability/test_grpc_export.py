"""Export by gRPC: which statuses are tried again, which are not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc import exporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk._shared_internal import DuplicateFilter
from tests.waiting import until

from accelerapp.monitoring import MetricsCollector
from accelerapp.observability import setup_observability, trace_block


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Counts requests and answers with `status`."""

    def __init__(self) -> None:
        self.status = grpc.StatusCode.OK
        self.requests = 0

    def Export(  # noqa: N802 - as the service has it
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        # Read once, and before it is counted: a test changes it as soon as it sees the count.
        status = self.status
        self.requests += 1
        if status is not grpc.StatusCode.OK:
            context.abort(status, "not now")
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, str]]:
    # Less than the exporter's own first pause: it gives up at once, and what tries again is ours.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.7")
    receiver = Receiver()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield receiver, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


ENVIRON = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_LOGS_EXPORTER": "none"}


async def test_a_receiver_that_is_unavailable_gets_the_spans_later(
    served: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the application has loaded the exporter before: its filter lets the same failure through once in 20 s.
    monkeypatch.setattr(exporter.logger, "filters", [DuplicateFilter()])
    receiver, url = served
    receiver.status = grpc.StatusCode.UNAVAILABLE
    metrics = MetricsCollector()
    handle = setup_observability(
        otlp_endpoint=url, log_level=None, metrics_collector=metrics, environ=ENVIRON
    )
    with trace_block("work"):
        pass
    await until(lambda: receiver.requests > 2)
    receiver.status = grpc.StatusCode.OK
    assert handle.flush(30)
    handle.shutdown(1)
    assert metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason")).get() == 0


def test_spans_that_are_no_good_are_sent_once(served: tuple[Receiver, str]) -> None:
    receiver, url = served
    receiver.status = grpc.StatusCode.INVALID_ARGUMENT
    metrics = MetricsCollector()
    handle = setup_observability(
        otlp_endpoint=url, log_level=None, metrics_collector=metrics, environ=ENVIRON
    )
    with trace_block("work"):
        pass
    assert handle.flush(30)
    handle.shutdown(1)
    assert receiver.requests == 1
    counter = metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason"))
    assert counter.labels(signal="traces", reason="rejected").get() == 1
