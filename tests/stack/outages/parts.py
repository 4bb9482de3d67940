"""What the outage tests share: the outage itself, the programs as they are shipped, and what is sent to them."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from ruamel.yaml import YAML
from tests.stack.programs import LocalServer, Program, Redirected, free_port, until

SHIPPED = Path(__file__).parents[3] / "deployment" / "observability"
OUTAGE_SECONDS = 30.0
#: A port that nothing listens on.
NOBODY = "http://127.0.0.1:1"
#: The collector's counter of traces that sampling has decided on.
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"


@contextlib.contextmanager
def killed(program: Program, seconds: float = OUTAGE_SECONDS) -> Iterator[None]:
    """Kill a program, run the block while it is away, and start it anew on what it left behind.

    Args:
        program: What runs.
        seconds: How long it is away at least.
    """
    program.kill()
    end = time.monotonic() + seconds
    yield
    time.sleep(max(0.0, end - time.monotonic()))
    program.start()


@contextlib.contextmanager
def running(*programs: Program) -> Iterator[None]:
    """Start programs in this order, and end them after the block; at once, since nobody reads what they keep."""
    with contextlib.ExitStack() as ends:
        for program in programs:
            program.start()
            ends.callback(program.kill)
        yield


@contextlib.contextmanager
def recording() -> Iterator[tuple[str, list[bytes]]]:
    """Take whatever is posted; yields the base URL and the bodies."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with LocalServer(Handler) as server:
        yield server.url, bodies


def shipped_flag(service: str, name: str) -> str:
    """Return a flag as Compose and Kubernetes give it to a service, both the same."""
    compose = YAML(typ="safe").load(SHIPPED / "docker-compose.yml")["services"][service]["command"]
    rendered = YAML(typ="safe").load_all(SHIPPED / "prometheus" / "kubernetes-deployment.yaml")
    [workload] = [
        one for one in rendered if one["kind"] == "StatefulSet" and one["metadata"]["name"] == service
    ]
    flags = [
        [flag for flag in given if flag.startswith(f"--{name}=")]
        for given in (compose, workload["spec"]["template"]["spec"]["containers"][0]["args"])
    ]
    assert len(flags[0]) == 1, f"Compose gives {service} no --{name}"
    assert flags[0] == flags[1]
    return str(flags[0][0])


def application(home: Path, **environment: str) -> tuple[Program, str]:
    """Return the code-generation service and its URL; it generates by a model that is not there, so each fails."""
    url = f"http://127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        *(sys.executable, "-m", "accelerapp.cli", "codegen", "serve"),
        *("--port", url.rpartition(":")[2]),
    ]
    model = {"ACCELERAPP_CODEGEN_BACKEND": "ollama", "ACCELERAPP_CODEGEN_OLLAMA_URL": NOBODY}
    return Program(command, home / "application.log", f"{url}/health", {**model, **environment}), url


def generate(application: str) -> str:
    """Ask for a generation, which fails, and return the trace's id."""
    spec = json.loads((SHIPPED.parents[1] / "examples" / "specs" / "greenhouse.json").read_text())
    answer = httpx.post(f"{application}/v1/generate", json=spec, timeout=60)
    assert answer.is_server_error, answer.text
    return str(answer.json()["trace_id"])


def prometheus_server(binary: Path, home: Path, config: str, *flags: str) -> tuple[Program, str]:
    (home / "prometheus.yml").write_text(config, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        binary,
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address={address}",
        *flags,
    ]
    return Program(command, home / "prometheus.log", f"http://{address}/-/ready"), f"http://{address}"


def asked(prometheus: str, query: str) -> list[float]:
    """Return the values of an instant query."""
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=60).json()
    return [float(series["value"][1]) for series in answer["data"]["result"]]


def total(metrics: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's series that have these labels, of what a program exposes at a URL."""
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", httpx.get(metrics, timeout=30).text, re.MULTILINE)
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(float(value) for given, value in found if all(one in given for one in wanted))


class Jaeger:
    """A shipped Jaeger, its ports by those that its file names.

    Args:
        program: The binary.
        home: A folder for its data and its log.
        file: The shipped file, redirected.
        environment: What it has beside the machine's.
    """

    def __init__(self, program: Path, home: Path, file: Redirected, **environment: str) -> None:
        home.mkdir(exist_ok=True)
        (home / "jaeger.yaml").write_text(file.text)
        self.ports = file.ports
        ready = f"http://127.0.0.1:{file.ports[13133]}/status"
        self.program = Program(
            [program, "--config", home / "jaeger.yaml"], home / "jaeger.log", ready, environment
        )

    @classmethod
    def with_badger(cls, program: Path, home: Path) -> Jaeger:
        file = Redirected(SHIPPED / "jaeger" / "jaeger.yaml")
        file.replace("/var/lib/jaeger", str(home / "data"))
        return cls(program, home, file)

    def spans(self, trace_id: str) -> int:
        """Return how many different spans it has of a trace: what was sent again may be there twice."""
        url = f"http://127.0.0.1:{self.ports[16686]}/api/traces/{trace_id}"
        traces = httpx.get(url, timeout=30).json().get("data") or []
        return len({span["spanID"] for trace in traces for span in trace["spans"]})

    def await_all(self, ids: Sequence[str], spans: int = 2) -> None:
        """Wait until it has every one of these traces, with all of its spans."""
        missing = list(ids)

        def none_missing() -> bool:
            missing[:] = [one for one in missing if self.spans(one) != spans]
            return not missing

        try:
            until(none_missing, f"{len(ids)} traces in Jaeger")
        except AssertionError as late:
            late.add_note(f"missing: {len(missing)}")
            raise


@contextlib.contextmanager
def collecting(
    program: Path, home: Path, jaeger: Jaeger, logs: str
) -> Iterator[tuple[Program, dict[int, int]]]:
    """Run the shipped collector, its logs sent by OTLP to a recorder, by the same queue."""
    file = Redirected(SHIPPED / "otel" / "otel-collector-config.yaml")
    file.replace("/var/lib/otelcol", str(home / "queue"))
    file.replace("jaeger:4317", f"127.0.0.1:{jaeger.ports[4317]}")
    file.replace("exporters: [elasticsearch]", "exporters: [otlp_http/logs]")
    begin, end = file.text.index("  elasticsearch:\n"), file.text.index("\nservice:\n")
    queue = re.search(r"    sending_queue:\n(?:      .*\n)+", file.text[begin:end])
    assert queue is not None
    file.text = (
        file.text[:begin]
        + f"  otlp_http/logs:\n    endpoint: {logs}\n    compression: none\n"
        + queue[0]
        + "    retry_on_failure: {max_elapsed_time: 0s}\n"
        + file.text[end:]
    )
    home.mkdir(exist_ok=True)
    (home / "collector.yaml").write_text(file.text)
    command: list[str | Path] = [program, "--config", home / "collector.yaml"]
    collector = Program(command, home / "collector.log", f"http://127.0.0.1:{file.ports[13133]}/")
    with running(collector):
        yield collector, file.ports


def send_traces(receiver: str, count: int) -> list[str]:
    """Send failed traces of two spans each, which sampling keeps; return the ids, each of them acknowledged."""
    made = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "codegen"}))
    provider.add_span_processor(SimpleSpanProcessor(made))
    tracer = provider.get_tracer("test")
    exporter = OTLPSpanExporter(f"{receiver}/v1/traces")
    ids = []
    for _ in range(count):
        with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child"):
            root.set_status(Status(StatusCode.ERROR, "the model is away"))
        assert exporter.export(made.get_finished_spans()) is SpanExportResult.SUCCESS, "not acknowledged"
        made.clear()
        ids.append(format(root.get_span_context().trace_id, "032x"))
    provider.shutdown()
    exporter.shutdown()  # type: ignore[no-untyped-call]
    return ids
