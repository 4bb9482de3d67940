"""Application, collector and Jaeger are killed in turn: every acknowledged trace is in Jaeger in the end.

What waits for its sampling is not, as the operator's page says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from tests.stack.outages.parts import (
    DECIDED,
    NOBODY,
    OUTAGE_SECONDS,
    Jaeger,
    application,
    collecting,
    generate,
    killed,
    recording,
    running,
    send_traces,
    total,
)
from tests.stack.programs import Program, free_port, until

pytestmark = pytest.mark.stack


@pytest.fixture
def jaeger(server_programs: Callable[[str], Path], tmp_path: Path) -> Iterator[Jaeger]:
    made = Jaeger.with_badger(server_programs("jaeger") / "jaeger", tmp_path / "jaeger")
    with running(made.program):
        yield made


@pytest.fixture
def otelcol(server_programs: Callable[[str], Path]) -> Path:
    return server_programs("otelcol") / "otelcol"


def send_lines(collector: str, lines: list[str]) -> None:
    provider = LoggerProvider(resource=Resource({"service.name": "codegen"}))
    exporter = OTLPLogExporter(f"{collector}/v1/logs")
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    for line in lines:
        provider.get_logger("test").emit(body=line, severity_text="INFO")
    provider.shutdown()


def sending_application(home: Path, port: int) -> tuple[Program, str]:
    """Return the application as Compose has it, which sends its spans by gRPC."""
    return application(
        home,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
        # By its number alone a port other than 4317 is one for HTTP.
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_LOGS_EXPORTER="none",
    )


def lines_in(bodies: list[bytes]) -> set[str]:
    return {
        record.body.string_value
        for body in list(bodies)
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    }


def test_jaeger_has_every_trace_of_before_and_of_the_outage(
    otelcol: Path, jaeger: Jaeger, tmp_path: Path
) -> None:
    with collecting(otelcol, tmp_path / "collector", jaeger, NOBODY) as (_, ports):
        url, metrics = f"http://127.0.0.1:{ports[4318]}", f"http://127.0.0.1:{ports[8888]}/metrics"
        ids = send_traces(url, 100)
        jaeger.await_all(ids)
        # What is on its way when it dies, and what is sent while it is away.
        ids += send_traces(url, 100)
        until(lambda: total(metrics, DECIDED, sampled="true") > 100, "traces on their way")
        with killed(jaeger.program):
            ids += send_traces(url, 100)
        jaeger.await_all(ids)


def test_the_collector_has_what_waited_in_its_queues_but_not_what_waited_for_sampling(
    otelcol: Path, jaeger: Jaeger, tmp_path: Path
) -> None:
    with recording() as (logs, bodies):
        # Nobody is there yet who takes lines and traces.
        away = f"http://127.0.0.1:{free_port()}"
        jaeger.program.kill()
        with collecting(otelcol, tmp_path / "collector", jaeger, away) as (collector, ports):
            url, metrics = f"http://127.0.0.1:{ports[4318]}", f"http://127.0.0.1:{ports[8888]}/metrics"
            lines = [f"line {number}" for number in range(50)]
            send_lines(url, lines)
            ids = send_traces(url, 50)
            until(lambda: total(metrics, DECIDED, sampled="true") == 50, "the decision on every trace")
            for exporter in ("otlp_grpc/jaeger", "otlp_http/logs"):
                until(
                    lambda exporter=exporter: total(  # type: ignore[misc]
                        metrics, "otelcol_exporter_queue_size", exporter=exporter
                    ),
                    f"something in the queue of {exporter}",
                )
            undecided = send_traces(url, 20)
            with killed(collector):
                jaeger.program.start()
                config = tmp_path / "collector" / "collector.yaml"
                config.write_text(config.read_text().replace(away, logs))
            jaeger.await_all(ids)
            until(lambda: set(lines) <= lines_in(bodies), "every line")
            # A trace sent now is decided, and in Jaeger, after any that had been kept.
            jaeger.await_all(send_traces(url, 1))
            assert not any(jaeger.spans(one) for one in undecided)


def test_the_application_has_sent_what_is_older_than_its_delay(
    otelcol: Path, jaeger: Jaeger, tmp_path: Path
) -> None:
    with collecting(otelcol, tmp_path / "collector", jaeger, NOBODY) as (_, ports):
        app, url = sending_application(tmp_path, ports[4317])
        with running(app):
            ids = [generate(url)]
            spans = until(lambda: jaeger.spans(ids[0]), "the first trace")
            ids += [generate(url) for _ in range(9)]
            metrics = f"http://127.0.0.1:{ports[8888]}/metrics"
            until(
                lambda: total(metrics, "otelcol_receiver_accepted_spans") == 10 * spans,
                "every span at the collector",
            )
            with killed(app):
                jaeger.await_all(ids, spans)
            jaeger.await_all([generate(url)], spans)


def test_the_application_keeps_what_it_made_while_the_collector_was_away(
    otelcol: Path, jaeger: Jaeger, tmp_path: Path
) -> None:
    with collecting(otelcol, tmp_path / "collector", jaeger, NOBODY) as (collector, ports):
        app, url = sending_application(tmp_path, ports[4317])
        with running(app):
            first = generate(url)
            spans = until(lambda: jaeger.spans(first), "the first trace")
            ids = []
            with killed(collector):
                for _ in range(10):
                    ids.append(generate(url))
                    time.sleep(OUTAGE_SECONDS / 10)
            jaeger.await_all([*ids, generate(url)], spans)
            assert total(f"{url}/metrics", "accelerapp_telemetry_dropped_total", signal="traces") == 0
