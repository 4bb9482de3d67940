"""The two homes of one application's telemetry, each run whole: the observatory, and the native stack.

Both read one copy of the shipped files, in which only times are shorter and addresses others. The applications are
started by one command; what differs between them stands in the environment.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from tests.stack.compose.shortened import scrape_every_second, shorten_rules
from tests.stack.programs import Program, Redirected, free_port

from accelerapp.codegen.ollama_standin import ollama_standin

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deployment" / "observability"
FAULT_TOKEN = "a-token-of-the-test"
FACTOR = 60
#: The same for both applications; telemetry leaves twice a second.
SHARED = {
    "ACCELERAPP_CODEGEN_BACKEND": "ollama",
    "ACCELERAPP_CODEGEN_FAULT_TOKEN": FAULT_TOKEN,
    # Health is checked at the start; a later check would meet the fault switch by chance.
    "ACCELERAPP_CODEGEN_HEALTH_INTERVAL": "3600",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    "OTEL_BLRP_SCHEDULE_DELAY": "500",
}


@dataclass(frozen=True)
class Servers:
    """The programs of the native stack; None where one is not built."""

    prometheus: Path
    alertmanager: Path
    node_exporter: Path
    blackbox_exporter: Path
    jaeger: Path | None
    collector: Path | None


@dataclass(frozen=True)
class Home:
    """An application and where its telemetry is asked for.

    Args:
        application: The program, with its environment.
        url: The application's base URL.
        metrics: Base URL of Prometheus' HTTP API.
        traces: Base URL of Jaeger's query API; None where there is none.
    """

    application: Program
    url: str
    metrics: str
    traces: str | None

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of Prometheus' API, with names in place of the two addresses."""
        answer = httpx.get(f"{self.metrics}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.is_success, answer.text
        return json.loads(self.named(answer.text))["data"]

    def named(self, text: str) -> str:
        """Put names in place of the addresses of the application and of Prometheus, which no two homes share."""
        return text.replace(self.url.removeprefix("http://"), "<application>").replace(
            self.metrics.removeprefix("http://"), "<prometheus>"
        )

    def query(self, expression: str) -> list[tuple[dict[str, str], str]]:
        """Return the labels and the value of each series of an instant query, in one order."""
        data = self.ask("query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, data["result"][1])]
        return sorted(((one["metric"], one["value"][1]) for one in data["result"]), key=str)


@contextlib.contextmanager
def model_and_webhook() -> Iterator[str]:
    """Serve the stand-in for Ollama, and take notifications at `/told/<receiver>`; yields the base URL."""

    async def told(_: Request) -> Response:
        return Response()

    app = Starlette(
        routes=[
            Route("/told/{receiver}", told, methods=["POST"]),
            Mount("/", ollama_standin(seconds=(0, 0.02))),
        ]
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@contextlib.contextmanager
def running(folder: Path, servers: Servers) -> Iterator[dict[str, Home]]:
    """Run both homes with their applications, named observatory and native, in an empty folder."""
    with contextlib.ExitStack() as ends:

        def start(program: Program) -> Program:
            program.start()
            # Nothing that they write on the way out is read, and Jaeger takes ten seconds for it.
            ends.callback(program.kill)
            return program

        model = ends.enter_context(model_and_webhook())
        files = folder / "files"
        _copy(files, f"{model}/told")
        applications = [free_port(), free_port()]
        observatory = _observatory(folder, files, applications[0], model)
        start(observatory.program)
        native = _Native(folder / "native", files / "prometheus", servers, applications[1], model)
        for program in native.parts:
            start(program)
        # Without a collector nothing is known that would take what the native stack's application sends.
        receivers = [observatory.receiver, native.receiver or observatory.receiver]
        programs = [
            start(_application(folder / f"application-{port}.log", port, model, receiver))
            for port, receiver in zip(applications, receivers, strict=True)
        ]
        # Last of all: what it scrapes is there from its first scrape on.
        start(native.prometheus)
        urls = [f"http://127.0.0.1:{port}" for port in applications]
        yield {
            "observatory": Home(programs[0], urls[0], observatory.url, observatory.url),
            "native": Home(programs[1], urls[1], native.url, native.traces),
        }


def _copy(target: Path, webhook: str) -> None:
    """Copy the shipped files: scraped and evaluated every second, and what is told goes to a webhook.

    `for` and the intervals of groups are divided; windows, thresholds, labels and texts stay as they are.
    """
    for name in ("prometheus", "embedded", "blackbox"):
        shutil.copytree(SHIPPED / name, target / name)
    shorten_rules(target / "prometheus", FACTOR)
    for file in target.glob("*/prometheus.yml"):
        scrape_every_second(file)
    alertmanager = target / "prometheus" / "alertmanager.yml"
    routing = _load(alertmanager)
    routing["receivers"] = [
        {"name": receiver["name"], "webhook_configs": [{"url": f"{webhook}/{receiver['name']}"}]}
        for receiver in routing["receivers"]
    ]
    alertmanager.write_text(json.dumps(routing), encoding="utf-8")
    # Its probes of Elasticsearch read a password, and there is none to probe here.
    blackbox = target / "blackbox" / "blackbox.yml"
    modules = {
        name: module for name, module in _load(blackbox)["modules"].items() if "basic_auth" not in str(module)
    }
    blackbox.write_text(json.dumps({"modules": modules}), encoding="utf-8")


def _readdress(file: Path, addresses: Mapping[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for shipped, here in addresses.items():
        text = text.replace(shipped, here)
    file.write_text(text, encoding="utf-8")


def _application(log: Path, port: int, model: str, receiver: str) -> Program:
    environment = {
        **SHARED,
        "ACCELERAPP_CODEGEN_OLLAMA_URL": model,
        # Both run on one machine at the same time.
        "ACCELERAPP_CODEGEN_PORT": str(port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver,
    }
    command = [sys.executable, "-m", "accelerapp.cli", "codegen", "serve"]
    return Program(command, log, f"http://127.0.0.1:{port}/ready", environment)


@dataclass(frozen=True)
class _Observatory:
    program: Program
    url: str
    receiver: str


def _observatory(home: Path, files: Path, application: int, model: str) -> _Observatory:
    """Return `accelerapp up` on the embedded files, of which only the application's address is another."""
    embedded = files / "embedded" / "prometheus.yml"
    _readdress(embedded, {"localhost:8088": f"127.0.0.1:{application}"})
    page, receiver = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command: list[str | Path] = [
        *(sys.executable, "-m", "accelerapp.cli", "up"),
        *("--port", page.rpartition(":")[2]),
        *("--otlp-http-port", receiver.rpartition(":")[2]),
        *("--data-dir", home / "observatory"),
        *("--ollama-url", model),
        *("--prometheus-file", embedded),
        *("--alertmanager-file", files / "prometheus" / "alertmanager.yml"),
    ]
    return _Observatory(Program(command, home / "observatory.log", f"{page}/-/ready"), page, receiver)


class _Native:
    """Prometheus, Alertmanager and the exporters on the shipped files; Jaeger and the collector where there are any."""

    def __init__(self, home: Path, files: Path, servers: Servers, application: int, model: str) -> None:
        self.home = home
        home.mkdir()
        self.parts: list[Program] = []
        self.traces: str | None = None
        self.receiver: str | None = None
        #: Where a part of the files' names is, here.
        self._addresses = {
            "accelerapp:8080": f"127.0.0.1:{application}",
            "host.docker.internal:11434": model.removeprefix("http://"),
        }
        if servers.collector is not None and servers.jaeger is not None:
            self._collector(servers.collector, self._jaeger(servers.jaeger))
        self._alertmanager(servers.alertmanager, files / "alertmanager.yml")
        self._exporter("node-exporter", 9100, servers.node_exporter)
        blackbox = files.parent / "blackbox" / "blackbox.yml"
        self._exporter("blackbox-exporter", 9115, servers.blackbox_exporter, f"--config.file={blackbox}")
        self.prometheus = self._prometheus(servers.prometheus, files)

    def _at(self, name: str, port: int, here: int | None = None) -> str:
        address = f"127.0.0.1:{here or free_port()}"
        self._addresses[f"{name}:{port}"] = address
        return address

    def _add(self, name: str, ready: str, command: list[str | Path]) -> None:
        self.parts.append(Program(command, self.home / f"{name}.log", ready))

    def _jaeger(self, program: Path) -> dict[int, int]:
        file = Redirected(SHIPPED / "jaeger" / "jaeger.yaml")
        file.replace("/var/lib/jaeger", str(self.home / "jaeger"))
        (self.home / "jaeger.yaml").write_text(file.text, encoding="utf-8")
        self._at("jaeger", 8888, file.ports[8888])
        self.traces = f"http://127.0.0.1:{file.ports[16686]}"
        ready = f"http://127.0.0.1:{file.ports[13133]}/status"
        self._add("jaeger", ready, [program, "--config", self.home / "jaeger.yaml"])
        return file.ports

    def _collector(self, program: Path, jaeger: Mapping[int, int]) -> None:
        """Add the shipped collector; a file takes the logs, for there is no Elasticsearch here."""
        file = Redirected(SHIPPED / "otel" / "otel-collector-config.yaml")
        file.replace("/var/lib/otelcol", str(self.home / "queue"))
        file.replace("jaeger:4317", f"127.0.0.1:{jaeger[4317]}")
        file.replace("exporters: [elasticsearch]", "exporters: [file]")
        begin, end = file.text.index("  elasticsearch:\n"), file.text.index("\nservice:\n")
        logs = f"  file:\n    path: {self.home / 'logs.json'}\n"
        (self.home / "collector.yaml").write_text(
            file.text[:begin] + logs + file.text[end:], encoding="utf-8"
        )
        for port in (8888, 8889):
            self._at("otel-collector", port, file.ports[port])
        self.receiver = f"http://127.0.0.1:{file.ports[4318]}"
        ready = f"http://127.0.0.1:{file.ports[13133]}/"
        self._add("collector", ready, [program, "--config", self.home / "collector.yaml"])

    def _alertmanager(self, program: Path, config: Path) -> None:
        address = self._at("alertmanager", 9093)
        command: list[str | Path] = [
            program,
            f"--config.file={config}",
            f"--storage.path={self.home / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]
        self._add("alertmanager", f"http://{address}/-/ready", command)

    def _exporter(self, name: str, port: int, program: Path, *arguments: str) -> None:
        address = self._at(name, port)
        self._add(name, f"http://{address}/metrics", [program, f"--web.listen-address={address}", *arguments])

    def _prometheus(self, program: Path, files: Path) -> Program:
        address = self._at("prometheus", 9090)
        self.url = f"http://{address}"
        # As the Compose file mounts them, with a model that is probed; what is not run has no target.
        shutil.copytree(files / "targets" / "compose", files / "targets", dirs_exist_ok=True)
        shutil.copytree(files / "targets" / "compose-backend", files / "backend")
        config = files / "prometheus.yml"
        for file in (config, *(files / "targets").glob("*.yml"), files / "backend" / "ollama.yml"):
            _readdress(file, self._addresses)
            if file != config and not re.search(r"127\.0\.0\.1:\d", file.read_text(encoding="utf-8")):
                file.unlink()
        command: list[str | Path] = [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.home / 'prometheus'}",
            f"--web.listen-address={address}",
            f"--web.external-url={self.url}",
        ]
        environment = {"CLUSTER": "laptop", "ENVIRONMENT": "development"}
        return Program(command, self.home / "prometheus.log", f"{self.url}/-/ready", environment)


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path)
