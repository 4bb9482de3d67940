"""Every example of docs/howto/send-telemetry.md but Filebeat's is run, against an observatory at other ports."""

from __future__ import annotations

import asyncio
import logging.handlers
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from markdown_it import MarkdownIt
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from tests.stack.conftest import built
from tests.stack.programs import free_port

from accelerapp.server.app import Observatory
from accelerapp.server.config import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "send-telemetry.md"
PORTS = {
    4317: "otlp_grpc",
    4318: "otlp_http",
    9411: "zipkin",
    14268: "jaeger",
    8080: "logstash_http",
    5000: "logstash_tcp",
    5044: "beats",
}

pytestmark = pytest.mark.stack


def examples() -> dict[str, tuple[str, str]]:
    """Return the page's blocks by their heading, numbered where it has several: the language and the text."""
    found: dict[str, tuple[str, str]] = {}
    heading, number = "", 0
    tokens = MarkdownIt().parse(PAGE.read_text())
    for token, after in zip(tokens, [*tokens[1:], tokens[0]], strict=True):
        if token.type == "heading_open":
            heading, number = after.content, 0
        elif token.type == "fence":
            number += 1
            found[f"{heading} {number}"] = (token.info, token.content)
    return found


EXAMPLES = examples()


@asynccontextmanager
async def observatory(folder: Path) -> AsyncIterator[tuple[Observatory, Callable[[str], str]]]:
    """Run an observatory, and return the call that puts its ports into an example."""
    ports = dict.fromkeys((f"{name}_port" for name in PORTS.values()), 0)
    started = Observatory(Settings.model_validate({"data_dir": folder / "data", "port": 0} | ports))
    await started.start()
    given = {
        int(port): status.address.rpartition(":")[2]
        for port, name in PORTS.items()
        for status in started.receivers()
        if status.name == name
    }
    named = re.compile(rf"(?<!\d)({'|'.join(map(str, PORTS))})(?!\d)")
    try:
        yield started, lambda text: named.sub(lambda found: given[int(found[1])], text)
    finally:
        await started.stop()


async def run(folder: Path, *command: str | Path, **environment: str) -> None:
    def to_end() -> subprocess.CompletedProcess[str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LOGSTASH_"))
        }
        return subprocess.run(
            command,
            cwd=folder,
            env=clean | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = await asyncio.to_thread(to_end)
    assert (done.returncode, done.stdout) in {(0, ""), (0, "ok")}, done.stdout + done.stderr


async def arrives(started: Observatory, name: str, signals: set[str]) -> None:
    """Wait until a receiver has taken these signals, and until the page's API shows what came of the shop."""
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=started.url, trust_env=False) as client:
        status: Any = next(one for one in started.receivers() if one.name == name)
        while set(status.accepted) != signals:
            await asyncio.sleep(0.05)
            status = next(one for one in started.receivers() if one.name == name)
        for signal in signals:
            path = f"/api/accelerapp/v1/{signal}"
            while '"shop"' not in (shown := (await client.get(path)).text):
                assert "error" not in shown[:20], shown
                await asyncio.sleep(0.05)
        assert status.refused == {}


@pytest.mark.parametrize(
    ("example", "receiver", "signals"),
    [
        ("From Python 1", "otlp_http", {"traces", "logs"}),
        ("From any OpenTelemetry SDK 2", "otlp_grpc", {"traces"}),
        ("From Zipkin's tracers 1", "zipkin", {"traces"}),
        ("Log lines as for Logstash 1", "logstash_tcp", {"logs"}),
        ("Log lines as for Logstash 2", "logstash_http", {"logs"}),
    ],
)
async def test_an_example_arrives(tmp_path: Path, example: str, receiver: str, signals: set[str]) -> None:
    language, text = EXAMPLES[example]
    async with observatory(tmp_path) as (started, at_its_ports):
        program = [sys.executable, "-W", "error", "-c"] if language == "python" else ["sh", "-ec"]
        await run(tmp_path, *program, at_its_ports(text))
        await arrives(started, receiver, signals)


async def test_the_variables_of_every_sdk_lead_here(tmp_path: Path) -> None:
    language, text = EXAMPLES["From any OpenTelemetry SDK 1"]
    send = (
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Exporter\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "provider = TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(Exporter()))\n"
        "provider.get_tracer('shop').start_span('place order').end()\n"
    )
    async with observatory(tmp_path) as (started, at_its_ports):
        assert language == "sh"
        command = f'{at_its_ports(text)}\nexec {sys.executable} -c "{send}"'
        await run(tmp_path, "sh", "-ec", command)
        await arrives(started, "otlp_http", {"traces"})


async def test_the_collector_s_file_leads_here(
    tmp_path: Path, server_programs: Callable[[str], Path]
) -> None:
    program, listens = server_programs("otelcol") / "otelcol", free_port()
    async with observatory(tmp_path) as (started, at_its_ports):
        text = at_its_ports(EXAMPLES["From an OpenTelemetry Collector 1"][1])
        text = text.replace("127.0.0.1:14317", f"127.0.0.1:{listens}")
        text = text.replace("service:\n", "service:\n  telemetry: {metrics: {level: none}}\n")
        (tmp_path / "config.yaml").write_text(text)
        with (tmp_path / "log").open("wb") as log:
            command: list[str | Path] = [program, "--config", tmp_path / "config.yaml"]
            running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            await asyncio.to_thread(one_log_record, f"http://127.0.0.1:{listens}")
            await arrives(started, "otlp_grpc", {"logs"})
        finally:
            running.terminate()
            await asyncio.to_thread(running.wait, 60)


def one_log_record(endpoint: str) -> None:
    from opentelemetry._logs import LogRecord

    provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    exporter = OTLPLogExporter(endpoint, insecure=True, timeout=30)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("shop").emit(LogRecord(body="sold out"))
    provider.shutdown()


async def test_the_program_in_go_leads_here(tmp_path: Path) -> None:
    built("senders")  # so that its modules are there
    async with observatory(tmp_path) as (started, at_its_ports):
        pins = ROOT / "tests" / "stack" / "servers" / "senders"
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(pins / name, tmp_path / name)
        (tmp_path / "main.go").write_text(at_its_ports(EXAMPLES["From Jaeger's clients 1"][1]))
        await run(tmp_path, "go", "run", ".", CGO_ENABLED="0", GOFLAGS="-mod=mod", GOWORK="off")
        await arrives(started, "jaeger", {"traces"})


async def test_rsyslog_s_file_leads_here(tmp_path: Path) -> None:
    program = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        reason = "rsyslogd is not installed (Debian: apt-get install rsyslog)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    socket = tmp_path / "log.sock"
    listening = f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{socket}")\n'
    async with observatory(tmp_path) as (started, at_its_ports):
        config = tmp_path / "rsyslog.conf"
        config.write_text(listening + at_its_ports(EXAMPLES["From rsyslog 1"][1]))
        with (tmp_path / "log").open("wb") as log:
            command: list[str | Path] = [program, "-n", "-f", config, "-i", tmp_path / "pid"]
            running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            async with asyncio.timeout(60):
                while not socket.exists():
                    await asyncio.sleep(0.02)
            handler = logging.handlers.SysLogHandler(str(socket))
            handler.ident = "shop: "
            handler.emit(logging.makeLogRecord({"msg": 'sold "out"', "levelno": 50, "levelname": "CRITICAL"}))
            handler.close()
            await arrives(started, "logstash_tcp", {"logs"})
            async with httpx.AsyncClient(base_url=started.url, trust_env=False) as client:
                (line,) = (await client.get("/api/accelerapp/v1/logs")).json()["logs"]
        finally:
            running.terminate()
            await asyncio.to_thread(running.wait, 60)
    assert (line["body"].strip(), line["level"], line["service"]) == ('sold "out"', "FATAL", "shop")


async def test_an_exponential_histogram_is_asked_for_as_the_page_says(tmp_path: Path) -> None:
    async with observatory(tmp_path) as (started, at_its_ports):
        await run(
            tmp_path, sys.executable, "-W", "error", "-c", at_its_ports(EXAMPLES["Metrics over OTLP 1"][1])
        )
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=started.url, trust_env=False) as client:

            async def ask(query: str) -> Any:
                return (await client.get("/api/v1/query", params={"query": query})).json()["data"]["result"]

            while not (found := await ask("http_server_request_duration_seconds")):
                await asyncio.sleep(0.05)
            assert found[0]["metric"]["http_route"] == "/cart"
            assert found[0]["metric"]["job"] == "shop"
            assert found[0]["histogram"][1]["count"] == "3"
            (median,) = await ask("histogram_quantile(0.5, http_server_request_duration_seconds)")
            assert float(median["value"][1]) == pytest.approx(0.2, rel=0.01)
            rated = await client.get("/api/v1/query", params={"query": EXAMPLES["Metrics over OTLP 2"][1]})
            assert rated.json()["status"] == "success"


def test_no_example_is_left_out() -> None:
    run_here = {
        "From Python 1",
        "From any OpenTelemetry SDK 1",
        "From any OpenTelemetry SDK 2",
        "Metrics over OTLP 1",
        "Metrics over OTLP 2",
        "From an OpenTelemetry Collector 1",
        "From Zipkin's tracers 1",
        "From Jaeger's clients 1",
        "Log lines as for Logstash 1",
        "Log lines as for Logstash 2",
        "From rsyslog 1",
    }
    assert EXAMPLES.keys() - run_here == {"From Beats 1"}
