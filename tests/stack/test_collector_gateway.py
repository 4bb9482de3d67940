"""The collector's first layer, as the chart installs it, before two instances of a second: real collectors, all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.stack.programs import free_port, until

GATEWAY = Path(__file__).parents[2] / "deployment" / "observability" / "otel" / "otel-collector-gateway.yaml"
SECOND_LAYER = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}
exporters: {{file: {{path: '{file}', flush_interval: 100ms}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""

pytestmark = pytest.mark.stack


class Layers:
    """A gateway on free ports whose second layer is on this machine, and what each instance of that was sent."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program, self.home = program, home
        self.ports = [free_port(), free_port()]
        self.moved: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_second(self, index: int) -> None:
        config = self.home / f"second-{index}.yaml"
        config.write_text(
            SECOND_LAYER.format(port=self.ports[index], file=self._file(index)), encoding="utf-8"
        )
        self._start(f"second-{index}", config)

    def start_gateway(self) -> None:
        text = GATEWAY.read_text(encoding="utf-8")
        text = text.replace("/var/lib/otelcol", str(self.home / "queue"))
        text = re.sub(r"0\.0\.0\.0:(\d+)", lambda found: f"127.0.0.1:{self._moved(found[1])}", text)
        text = re.sub(
            r"host: 0\.0\.0\.0\n(\s+)port: (\d+)",
            lambda found: f"host: 127.0.0.1\n{found[1]}port: {self._moved(found[2])}",
            text,
        )
        # There is no cluster's name service here: the same instances, by their addresses.
        static = "static: {hostnames: [" + ", ".join(f"'127.0.0.1:{port}'" for port in self.ports) + "]}"
        text, replaced = re.subn(r"dns:\n(?: {8}.*\n)+", f"{static}\n", text)
        assert replaced == 1
        config = self.home / "gateway.yaml"
        config.write_text(text, encoding="utf-8")
        self._start("gateway", config)
        address = f"http://127.0.0.1:{self.moved['13133']}/"
        until(lambda: httpx.get(address).is_success, address)

    def end(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait(timeout=60)

    def sent_to(self, index: int) -> dict[str, int]:
        """Return how many spans of each trace an instance was sent."""
        found: dict[str, int] = {}
        written = self._file(index).read_text(encoding="utf-8") if self._file(index).is_file() else ""
        # What follows the last newline is being written.
        for line in written.rpartition("\n")[0].splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        found[span["traceId"]] = found.get(span["traceId"], 0) + 1
        return found

    def traces(self, number: int) -> set[str]:
        """Send traces of three spans, each span by a request of its own, and return their ids."""
        provider = TracerProvider(resource=Resource({"service.name": "codegen"}))
        exporter = OTLPSpanExporter(f"http://127.0.0.1:{self.moved['4318']}/v1/traces")
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        ids = set()
        for _ in range(number):
            with tracer.start_as_current_span("root") as root:
                for name in ("first", "second"):
                    tracer.start_span(name).end()
            ids.add(format(root.get_span_context().trace_id, "032x"))
        provider.shutdown()
        return ids

    def _file(self, index: int) -> Path:
        return self.home / f"second-{index}.json"

    def _moved(self, port: str) -> int:
        return self.moved.setdefault(port, free_port())

    def _start(self, name: str, config: Path) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            command: list[Path | str] = [self.program, "--config", config]
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


@pytest.fixture
def layers(server_programs: Callable[[str], Path], tmp_path: Path) -> Iterator[Layers]:
    standing = Layers(server_programs("otelcol") / "otelcol", tmp_path)
    try:
        yield standing
    finally:
        for name in list(standing.processes):
            standing.end(name)


def test_every_trace_is_whole_at_one_instance_and_both_have_some(layers: Layers) -> None:
    for index in (0, 1):
        layers.start_second(index)
    layers.start_gateway()
    ids = layers.traces(40)
    until(lambda: sum(sum(layers.sent_to(index).values()) for index in (0, 1)) >= 3 * len(ids), "every span")
    first, other = layers.sent_to(0), layers.sent_to(1)
    assert first | other == dict.fromkeys(ids, 3)
    assert not first.keys() & other.keys()
    # All of forty at one of two: once in five hundred thousand million runs.
    assert first
    assert other


def test_what_an_absent_second_layer_could_not_take_it_gets_when_it_is_back(layers: Layers) -> None:
    """And the gateway may be started anew meanwhile: its queue is on disk."""
    layers.start_gateway()
    ids = layers.traces(5)
    layers.end("gateway")
    layers.moved.clear()
    for index in (0, 1):
        layers.start_second(index)
    layers.start_gateway()
    until(lambda: layers.sent_to(0).keys() | layers.sent_to(1).keys() == ids, "every trace")
