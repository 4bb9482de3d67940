"""The ten tests of the observability layer: tracing, the metrics exporter, and both together."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client.parser import text_string_to_metric_families

from accelerapp.monitoring import MetricsCollector, get_logger, get_metrics
from accelerapp.observability import (
    PrometheusMetricsExporter,
    get_tracer,
    setup_metrics_export,
    setup_observability,
    trace_operation,
    tracing,
)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_provider(provider)
    yield exporter
    tracing.use_provider(None)
    provider.shutdown()


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


@pytest.fixture
def otlp() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """The URL of a receiver of OTLP over HTTP, and the bodies that it got by path."""
    bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/logs": []}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies[self.path].append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
        server.shutdown()
        thread.join()


def exported(text: str) -> dict[str, tuple[str, dict[str, float]]]:
    """Return type and samples of each family in a text exposition, read by Prometheus' own parser."""
    return {
        family.name: (
            family.type,
            {sample.name: sample.value for sample in family.samples if not sample.labels},
        )
        for family in text_string_to_metric_families(text)
    }


class TestTracing:
    def test_get_tracer(self, spans: InMemorySpanExporter) -> None:
        tracer = get_tracer("test")
        with tracer.start_as_current_span("custom_operation") as span:
            span.set_attribute("user_id", 123)
        (finished,) = spans.get_finished_spans()
        assert finished.name == "custom_operation"
        assert finished.attributes == {"user_id": 123}
        assert finished.instrumentation_scope is not None
        assert finished.instrumentation_scope.name == "test"

    def test_trace_operation_decorator(self, spans: InMemorySpanExporter) -> None:
        @trace_operation("test_operation")
        def add(x: int, y: int) -> int:
            return x + y

        assert add(2, 3) == 5
        (finished,) = spans.get_finished_spans()
        assert finished.name == "test_operation"
        assert finished.status.status_code is StatusCode.UNSET
        assert finished.end_time is not None

    def test_trace_operation_with_exception(self, spans: InMemorySpanExporter) -> None:
        error = ValueError("Test error")

        @trace_operation("failing_operation")
        def failing() -> None:
            raise error

        with pytest.raises(ValueError, match="Test error") as caught:
            failing()
        assert caught.value is error
        (finished,) = spans.get_finished_spans()
        assert finished.status.status_code is StatusCode.ERROR
        (event,) = finished.events
        assert (event.attributes or {})["exception.message"] == "Test error"

    def test_trace_operation_with_kwargs(self, spans: InMemorySpanExporter) -> None:
        @trace_operation()
        def identify(user_id: int | None = None, correlation_id: str | None = None) -> dict[str, object]:
            return {"user_id": user_id, "correlation_id": correlation_id}

        assert identify(user_id=123, correlation_id="req-456") == {
            "user_id": 123,
            "correlation_id": "req-456",
        }
        (finished,) = spans.get_finished_spans()
        assert finished.name.endswith("identify")
        assert "123" not in str(finished.attributes)


class TestMetricsExporter:
    def test_metrics_exporter_initialization(self, metrics: MetricsCollector) -> None:
        assert PrometheusMetricsExporter().metrics_collector is get_metrics()
        assert PrometheusMetricsExporter(metrics).metrics_collector is metrics

    def test_generate_prometheus_metrics(self, metrics: MetricsCollector) -> None:
        counter = metrics.counter("test_counter")
        counter.inc()
        counter.inc()
        metrics.gauge("test_gauge").set(42)
        histogram = metrics.histogram("test_histogram")
        histogram.observe(0.5)
        histogram.observe(1.0)
        output = PrometheusMetricsExporter(metrics).generate_prometheus_metrics()
        lines = output.splitlines()
        assert "# TYPE accelerapp_test_counter counter" in lines
        assert "accelerapp_test_counter 2" in lines
        families = exported(output)
        assert families["accelerapp_uptime_seconds"][0] == "gauge"
        assert families["accelerapp_test_gauge"] == ("gauge", {"accelerapp_test_gauge": 42})
        assert families["accelerapp_test_histogram"] == (
            "histogram",
            {"accelerapp_test_histogram_sum": 1.5, "accelerapp_test_histogram_count": 2},
        )

    def test_export_to_file(self, metrics: MetricsCollector, tmp_path: Path) -> None:
        metrics.counter("file_counter").inc()
        file = tmp_path / "metrics.txt"
        PrometheusMetricsExporter(metrics).export_to_file(str(file))
        written = file.read_text("utf-8")
        assert "accelerapp_file_counter 1" in written.splitlines()
        assert exported(written)["accelerapp_file_counter"][0] == "counter"
        assert list(tmp_path.iterdir()) == [file]

    def test_prometheus_format_structure(self, metrics: MetricsCollector) -> None:
        metrics.counter("requests_total", "Requests.").inc(5)
        metrics.gauge("queue", "What waits.", ("name",)).labels(name='a "b"').set(1)
        output = PrometheusMetricsExporter(metrics).generate_prometheus_metrics()
        assert output.endswith("\n")
        blocks = output.split("# HELP ")[1:]
        for block in blocks:
            head, kind, *samples = block.splitlines()
            name = head.split(" ")[0]
            assert kind.startswith(f"# TYPE {name} ")
            assert samples
            assert all(sample.startswith(name) for sample in samples)
        assert "accelerapp_requests_total 5" in output.splitlines()
        assert 'accelerapp_queue{name="a \\"b\\""} 1' in output.splitlines()


class TestIntegration:
    def test_end_to_end_tracing_and_metrics(
        self, metrics: MetricsCollector, otlp: tuple[str, dict[str, list[bytes]]]
    ) -> None:
        url, bodies = otlp
        handle = setup_observability(
            "end-to-end", otlp_endpoint=url, log_level=None, metrics_collector=metrics
        )
        try:

            @trace_operation("integration_test")
            def instrumented() -> str:
                metrics.counter("integration_counter").inc()
                get_logger("integration").warning("worked")
                return "success"

            assert instrumented() == "success"
            assert handle.flush(20)
        finally:
            handle.shutdown(5)
        assert metrics.get_all_metrics()["counters"]["integration_counter"] == 1
        (traces,) = [ExportTraceServiceRequest.FromString(body) for body in bodies["/v1/traces"]]
        (logs,) = [ExportLogsServiceRequest.FromString(body) for body in bodies["/v1/logs"]]
        span = traces.resource_spans[0].scope_spans[0].spans[0]
        record = logs.resource_logs[0].scope_logs[0].log_records[0]
        assert span.name == "integration_test"
        assert record.body.string_value == "worked"
        assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id)

    def test_metrics_exporter_with_real_metrics(self, metrics: MetricsCollector) -> None:
        metrics.counter("app_requests_total").inc(100)
        metrics.counter("app_errors_total").inc(5)
        metrics.gauge("app_active_connections").set(25)
        response_time = metrics.histogram("app_response_time_seconds")
        for tenths in range(10):
            response_time.observe(0.1 * tenths)
        with setup_metrics_export(port=0, host="127.0.0.1", metrics_collector=metrics) as server:
            scraped = httpx.get(f"http://127.0.0.1:{server.port}/metrics")
        assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = exported(scraped.text)
        assert families["accelerapp_app_requests"][1] == {"accelerapp_app_requests_total": 100}
        assert families["accelerapp_app_errors"][1] == {"accelerapp_app_errors_total": 5}
        assert families["accelerapp_app_active_connections"][1] == {"accelerapp_app_active_connections": 25}
        assert (
            families["accelerapp_app_response_time_seconds"][1]["accelerapp_app_response_time_seconds_count"]
            == 10
        )
        assert 'accelerapp_app_response_time_seconds_bucket{le="0.5"} 6' in scraped.text.splitlines()
