"""The one call that sets everything up: what arrives where, what stays silent, and how it ends."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any, Protocol

import httpx
import pytest
from tests.waiting import until

from accelerapp.monitoring import MetricsCollector, correlation_scope, current_trace, get_logger
from accelerapp.observability import (
    TelemetryHandle,
    get_tracer,
    setup_observability,
    setup_tracing,
    trace_block,
)


class Receiver(Protocol):
    url: str
    status: int
    requests: list[tuple[str, bytes]]

    def spans(self, path: str = ...) -> list[Any]: ...
    def logs(self, path: str = ...) -> list[Any]: ...
    def resources(self, path: str = ...) -> list[dict[str, str]]: ...


@pytest.fixture
def handles() -> Iterator[list[TelemetryHandle]]:
    made: list[TelemetryHandle] = []
    yield made
    for handle in made:
        handle.shutdown(1)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "LOGSTASH_HOST",
    ):
        monkeypatch.delenv(name, raising=False)


def attributes(record: Any) -> dict[str, Any]:
    found = {}
    for item in record.attributes:
        kind = item.value.WhichOneof("value")
        found[item.key] = getattr(item.value, kind) if kind else None
    return found


@pytest.mark.usefixtures("root_logger")
def test_spans_and_logs_arrive_with_their_ids_and_resource(
    receiver: Receiver, handles: list[TelemetryHandle]
) -> None:
    handle = setup_observability("shop", "2.1", "test", otlp_endpoint=receiver.url, log_level=None)
    handles.append(handle)
    with correlation_scope("req-7"), trace_block("checkout", {"items": 3}):
        trace = current_trace()
        assert trace is not None
        fields = {"user": "u1", "nested": {"a": [1, 2]}, "big": 2**70}
        get_logger("shop").warning("card %s", "declined", extra={"extra_fields": fields})
        try:
            raise LookupError("no such card")
        except LookupError:
            get_logger("shop").exception("failed")
    assert handle.flush(10)

    (span,) = receiver.spans()
    assert (span.name, span.trace_id.hex(), span.span_id.hex()) == ("checkout", *trace)
    (resource,) = receiver.resources()
    assert resource["service.name"] == "shop"
    assert resource["service.version"] == "2.1"
    assert resource["deployment.environment.name"] == "test"

    declined, failed = receiver.logs()
    assert declined.body.string_value == "card declined"
    assert (declined.severity_text, declined.severity_number) == ("WARN", 13)
    assert (declined.trace_id.hex(), declined.span_id.hex()) == trace
    told = attributes(declined)
    assert (told["correlation_id"], told["user"], told["big"]) == ("req-7", "u1", str(2**70))
    assert told["nested"].values[0].value.array_value.values[1].int_value == 2
    told = attributes(failed)
    assert told["exception.type"] == "LookupError"
    assert told["exception.message"] == "no such card"
    assert "Traceback" in told["exception.stacktrace"]


@pytest.mark.usefixtures("root_logger")
def test_a_record_that_protobuf_cannot_hold_costs_no_other(
    receiver: Receiver, handles: list[TelemetryHandle]
) -> None:
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None)
    handles.append(handle)
    get_logger("shop").info("lone \ud800 surrogate", extra={"extra_fields": {"value": "\udfff"}})
    get_logger("shop").info("next")
    assert handle.flush(10)
    assert [record.body.string_value for record in receiver.logs()] == ["lone ? surrogate", "next"]


def test_the_environment_configures(receiver: Receiver, handles: list[TelemetryHandle]) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/custom",
        "OTEL_SERVICE_NAME": "by-environment",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=9,deployment.environment.name=staging",
    }
    handle = setup_observability(log_level=None, environ=environ)
    handles.append(handle)
    with get_tracer("t").start_as_current_span("work"):
        pass
    assert handle.flush(10)
    assert [span.name for span in receiver.spans("/custom")] == ["work"]
    (resource,) = receiver.resources("/custom")
    assert resource["service.name"] == "by-environment"
    assert resource["service.version"] == "9"
    assert resource["deployment.environment.name"] == "staging"


def test_setup_tracing_reads_the_environment_and_sends_to_jaeger_too(
    receiver: Receiver, handles: list[TelemetryHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.url}/collector")
    handle = setup_tracing("shop", jaeger_endpoint=f"{receiver.url}/jaeger")
    handles.append(handle)
    with trace_block("work"):
        pass
    assert handle.flush(10)
    assert [span.name for span in receiver.spans("/collector/v1/traces")] == ["work"]
    assert [span.name for span in receiver.spans("/jaeger/v1/traces")] == ["work"]


def test_without_an_endpoint_there_are_ids_and_nothing_is_sent_or_printed(
    handles: list[TelemetryHandle], capfd: pytest.CaptureFixture[str]
) -> None:
    handle = setup_observability("quiet", log_level=None, environ={})
    handles.append(handle)
    with trace_block("work"):
        assert current_trace() is not None
    assert handle.flush(0.1)
    handle.shutdown()
    assert capfd.readouterr() == ("", "")


def test_disabled_means_no_spans(receiver: Receiver, handles: list[TelemetryHandle]) -> None:
    environ = {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    handle = setup_observability(log_level=None, environ=environ)
    handles.append(handle)
    with trace_block("work"):
        assert current_trace() is None
    assert handle.flush(1)
    assert receiver.requests == []


def test_the_same_set_up_twice_is_one_and_another_replaces_it(
    receiver: Receiver, handles: list[TelemetryHandle]
) -> None:
    first = setup_observability("a", otlp_endpoint=receiver.url, log_level=None)
    assert setup_observability("a", otlp_endpoint=receiver.url, log_level=None) is first
    with trace_block("one"):
        pass
    second = setup_observability("b", otlp_endpoint=receiver.url, log_level=None)
    handles += [first, second]
    assert second is not first
    with trace_block("two"):
        pass
    assert second.flush(10)
    assert [span.name for span in receiver.spans()] == ["one", "two"]
    assert [resource["service.name"] for resource in receiver.resources()] == ["a", "b"]


@pytest.mark.usefixtures("root_logger")
def test_shutdown_sends_what_is_queued_and_takes_its_handlers_away(receiver: Receiver) -> None:
    before = list(logging.getLogger().handlers)
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None)
    with trace_block("last"):
        get_logger("shop").info("last words")
    handle.shutdown(10)
    handle.shutdown(10)
    assert [span.name for span in receiver.spans()] == ["last"]
    assert [record.body.string_value for record in receiver.logs()] == ["last words"]
    assert logging.getLogger().handlers == before
    assert current_trace() is None


def test_a_dead_endpoint_is_said_once_without_a_traceback_and_ends_in_time(refused_port: int) -> None:
    program = f"""
        import time
        from accelerapp.monitoring import get_logger, get_metrics
        from accelerapp.observability import setup_observability, trace_block
        handle = setup_observability("dead", otlp_endpoint="http://127.0.0.1:{refused_port}")
        for number in range(50):
            with trace_block("work"):
                get_logger("app").debug("not shown")
        get_logger("app").info("shown")
        began = time.monotonic()
        handle.shutdown(1.0)
        print(time.monotonic() - began)
        print(get_metrics().get_all_metrics()["counters"]["telemetry_dropped_total"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seconds, dropped = (float(line) for line in done.stdout.split())
    assert seconds < 10
    assert dropped == 51
    assert "Traceback" not in done.stderr
    assert done.stderr.count("cannot send traces") == 1
    assert done.stderr.count("cannot send logs") == 1
    assert done.stderr.count("/v1/traces: Connection refused; what is given up until it works") == 1
    assert len(done.stderr.splitlines()) == 3


def test_an_endpoint_that_refuses_is_counted(receiver: Receiver, handles: list[TelemetryHandle]) -> None:
    receiver.status = 400
    metrics = MetricsCollector()
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None, metrics_collector=metrics)
    handles.append(handle)
    with trace_block("work"):
        pass
    assert handle.flush(10)
    counter = metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason"))
    assert counter.labels(signal="traces", reason="rejected").get() == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_an_endpoint_that_is_busy_gets_all_of_it_later(
    receiver: Receiver, handles: list[TelemetryHandle], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Less than the exporter's own first pause: it gives up at once, and what tries again is ours.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
    receiver.status = status
    metrics = MetricsCollector()
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None, metrics_collector=metrics)
    handles.append(handle)
    with trace_block("work"):
        pass
    await until(lambda: len(receiver.requests) > 1)
    receiver.status = 200
    assert handle.flush(30)
    assert receiver.spans()[-1].name == "work"
    assert metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason")).get() == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500])
def test_what_an_endpoint_refuses_is_sent_once(
    receiver: Receiver, handles: list[TelemetryHandle], status: int
) -> None:
    receiver.status = status
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None)
    handles.append(handle)
    with trace_block("work"):
        pass
    assert handle.flush(30)
    assert len(receiver.requests) == 1


@pytest.mark.usefixtures("root_logger")
def test_what_sending_logs_is_not_sent_itself(receiver: Receiver, handles: list[TelemetryHandle]) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    handle = setup_observability(otlp_endpoint=receiver.url, log_level=None)
    handles.append(handle)
    get_logger("app").info("one")
    assert handle.flush(10)
    assert handle.flush(10)
    assert [record.body.string_value for record in receiver.logs()] == ["one"]


def test_grpc_without_its_extra_is_one_warning_and_no_crash() -> None:
    program = """
        import sys
        sys.modules["opentelemetry.exporter.otlp.proto.grpc.trace_exporter"] = None
        sys.modules["opentelemetry.exporter.otlp.proto.grpc._log_exporter"] = None
        from accelerapp.observability import setup_observability, trace_block
        handle = setup_observability(otlp_endpoint="http://127.0.0.1:4317", environ={"OTEL_LOGS_EXPORTER": "none"})
        with trace_block("work"):
            print("worked")
        handle.shutdown(1)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "worked\n"
    (line,) = done.stderr.splitlines()
    assert "install accelerapp[grpc]" in line


def test_port_4317_speaks_grpc(handles: list[TelemetryHandle]) -> None:
    grpc = pytest.importorskip("grpc")
    from concurrent import futures

    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

    received: list[str] = []

    class Service(services.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
            received.extend(
                span.name
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
            return messages.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(1))
    services.add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_LOGS_EXPORTER": "none"}
        handle = setup_observability(
            otlp_endpoint=f"http://127.0.0.1:{port}", log_level=None, environ=environ
        )
        handles.append(handle)
        with trace_block("over grpc"):
            pass
        assert handle.flush(10)
        assert received == ["over grpc"]
        handle.shutdown(5)
    finally:
        server.stop(None).wait()


def test_metrics_are_served_where_asked_for(handles: list[TelemetryHandle]) -> None:
    metrics = MetricsCollector()
    metrics.counter("jobs_total").inc()
    handle = setup_observability(log_level=None, metrics_port=0, metrics_collector=metrics, environ={})
    handles.append(handle)
    assert handle.metrics_server is not None
    answer = httpx.get(f"http://127.0.0.1:{handle.metrics_server.port}/metrics")
    assert "accelerapp_jobs_total 1" in answer.text


@pytest.mark.parametrize(
    ("environ", "host"), [({}, "127.0.0.1"), ({"OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0"}, "0.0.0.0")]
)
def test_metrics_are_for_this_machine_unless_another_address_is_named(
    handles: list[TelemetryHandle], environ: dict[str, str], host: str
) -> None:
    handle = setup_observability(
        log_level=None, metrics_port=0, metrics_collector=MetricsCollector(), environ=environ
    )
    handles.append(handle)
    assert handle.metrics_server is not None
    assert handle.metrics_server.host == host


@pytest.mark.parametrize("port", ["0", "x", "70000"])
def test_a_malformed_logstash_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match=f"LOGSTASH_PORT='{port}'"):
        setup_observability(log_level=None, environ={"LOGSTASH_HOST": "h", "LOGSTASH_PORT": port})


def test_the_end_of_the_process_waits_for_telemetry(receiver: Receiver) -> None:
    program = f"""
        from accelerapp.observability import setup_tracing, trace_block
        setup_tracing("ends", otlp_endpoint="{receiver.url}")
        with trace_block("at the end"):
            pass
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, check=True)
    assert time.monotonic() - began < 30
    assert [span.name for span in receiver.spans()] == ["at the end"]
