"""What is sent by programs and libraries that are not ours arrives: each input with its own senders."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.plain_otlp import plain_logs, plain_spans
from tests.stack.conftest import built
from tests.stack.programs import Program, free_port
from tests.unit.server.ingest.conftest import KeepingSink
from tests.waiting import until

from accelerapp.server.ingest import (
    Account,
    BeatsReceiver,
    HttpReceiver,
    LogstashTcpReceiver,
    OtlpGrpcReceiver,
    Receiver,
    jaeger_app,
    otlp_app,
    zipkin_app,
)

pytestmark = pytest.mark.stack

Listen = Callable[[str], Awaitable[int]]


@pytest.fixture
def sink() -> KeepingSink:
    return KeepingSink()


@pytest.fixture
async def listen(sink: KeepingSink) -> AsyncIterator[Listen]:
    """Return the call that starts a receiver by its name, on a free port."""
    running: list[Receiver] = []

    async def start(name: str) -> int:
        account = Account(name, name, time.time)
        apps = {"otlp_http": otlp_app, "zipkin": zipkin_app, "jaeger": jaeger_app}
        others = {"otlp_grpc": OtlpGrpcReceiver, "logstash_tcp": LogstashTcpReceiver, "beats": BeatsReceiver}
        if name in apps:
            receiver: Receiver = HttpReceiver(apps[name](sink, account), account)
        else:
            receiver = others[name](sink, account)
        running.append(receiver)
        return await receiver.start("127.0.0.1", 0)

    yield start
    for receiver in running:
        await receiver.stop()


async def run(*command: str | Path) -> None:
    """Run a program to its end, which must be a good one."""

    def to_end() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = await asyncio.to_thread(to_end)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("protocol", ["otlp_grpc", "otlp_http"])
async def test_telemetrygen_s_three_signals_arrive(listen: Listen, sink: KeepingSink, protocol: str) -> None:
    program, port = built("telemetrygen") / "telemetrygen", await listen(protocol)
    how = ["--otlp-insecure", "--otlp-endpoint", f"127.0.0.1:{port}", "--rate", "0", "--service", "shop"]
    how += ["--otlp-http"] if protocol == "otlp_http" else []
    await run(program, "traces", *how, "--traces", "250", "--child-spans", "3", "--status-code", "Error")
    await run(program, "logs", *how, "--logs", "500", "--body", "sold out")
    await run(
        program, "metrics", *how, "--metrics", "5", "--metric-type", "Sum", "--otlp-metric-name", "orders"
    )
    spans = plain_spans(*sink.traces)
    assert len(spans) == 1000
    assert {span["resource"]["service.name"] for span in spans} == {"shop"}
    assert {span["kind"] for span in spans} == {"client", "server"}
    records = plain_logs(*sink.logs)
    assert [record["body"] for record in records] == ["sold out"] * 500
    assert any(dict(labels).get("job") == "shop" for labels, _, _ in sink.samples)


@pytest.mark.parametrize("kind", ["jaeger", "zipkin"])
async def test_spans_of_opentelemetry_s_exporter_for_go_arrive(
    listen: Listen, sink: KeepingSink, kind: str
) -> None:
    port = await listen(kind)
    path = {"jaeger": "/api/traces", "zipkin": "/api/v2/spans"}[kind]
    await run(built("senders") / "senders", kind, f"http://127.0.0.1:{port}{path}", "shop")
    spans = {span["name"].lower(): span for span in plain_spans(*sink.traces)}
    parent, child = spans["post /orders"], spans["charge"]
    assert (parent["kind"], child["kind"], child["parent"]) == ("server", "client", parent["span"])
    assert (child["status"], child["message"]) == ("error", "card declined")
    assert child["resource"] == {"service.name": "shop", "host.name": "web-1"}
    assert str(child["attributes"]["attempt"]) == "2"
    (event,) = child["events"]
    assert event["name"].startswith("declined")
    assert 0 < parent["start"] <= child["start"] <= child["end"] <= parent["end"]


async def test_events_of_elastic_s_client_of_lumberjack_arrive_all_and_in_order(
    listen: Listen, sink: KeepingSink
) -> None:
    port = await listen("beats")
    await run(built("senders") / "senders", "beats", f"127.0.0.1:{port}", "5000")
    records = plain_logs(*sink.logs)
    assert [record["body"] for record in records] == [f"line {number}" for number in range(5000)]
    assert records[-1] == {
        "resource": {"service.name": "shop", "host.name": "web-1"},
        "time": 1795514400123000000,
        "severity": "WARN",
        "number": 13,
        "body": "line 4999",
        "attributes": {
            "agent.type": "filebeat",
            "agent.version": "9.0.0",
            "fields.team": "payments",
            "input.type": "filestream",
            "log.file.path": "/var/log/app.log",
            "log.offset": 4999,
        },
    }


@pytest.mark.parametrize("protocol", ["otlp_grpc", "otlp_http"])
async def test_the_collector_tries_again_until_there_is_room(
    listen: Listen,
    sink: KeepingSink,
    server_programs: Callable[[str], Path],
    tmp_path: Path,
    protocol: str,
) -> None:
    port, otlp, health = await listen(protocol), free_port(), free_port()
    exporter = {"otlp_grpc": "otlp", "otlp_http": "otlphttp"}[protocol]
    endpoint = f"127.0.0.1:{port}" if exporter == "otlp" else f"http://127.0.0.1:{port}"
    config = {
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}}},
        "exporters": {
            exporter: {
                "endpoint": endpoint,
                "tls": {"insecure": True},
                "compression": "gzip",
                "retry_on_failure": {"initial_interval": "50ms", "max_interval": "100ms"},
            }
        },
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": [exporter]}},
        },
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    command: list[str | Path] = [
        server_programs("otelcol") / "otelcol",
        "--config",
        tmp_path / "config.yaml",
    ]
    program = Program(command, tmp_path / "log", f"http://127.0.0.1:{health}/")
    await asyncio.to_thread(program.start)
    try:
        sink.full, sink.retry_after = True, 0.05
        provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        provider.add_span_processor(
            SimpleSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{otlp}/v1/traces"))
        )
        await asyncio.to_thread(provider.get_tracer("test").start_span("patient").end)
        await asyncio.to_thread(provider.shutdown)
        await until(lambda: sink.refusals >= 2)
        assert sink.traces == []
        sink.full = False
        await until(lambda: sink.traces)
    finally:
        await asyncio.to_thread(program.stop)
    assert [span["name"] for span in plain_spans(*sink.traces)] == ["patient"]
