"""Measures what a sample, a span and a log line take on the disk of the real servers, for the operator's sizing.

Run it with `make bench-sizes`, or `python -m benchmarks.stack_sizes [metrics] [traces] [logs]` for some of the
stores. It builds the servers that are not there yet, as `make test-stack` does, takes about a quarter of
an hour else, and prints the tables of docs/reference/benchmarks.md.

**Metrics.** A real Prometheus with the shipped rules scrapes the application under traffic, Node Exporter,
Alertmanager and itself, every 15 s for `--minutes`. What it has stored is written out by promtool, continued to
two and to eighteen hours (what only rose goes on rising; everything else is repeated), and made into a block by
promtool, with the code that compacts blocks in the server. Bytes are those of the block's chunks and index,
samples those of its meta.json. A block of two hours is what the server writes first; of such it makes larger
ones, up to a tenth of the retention, in which the index weighs less.

**Traces and logs.** The application is asked for generations, with a stand-in for the model, and sends its spans
and its JSON lines here, in the place of the collector and of Logstash. They are repeated until there are enough,
each repetition with ids and times of its own. The spans go to the shipped Jaeger: once on Badger, measured after
its regular end, when everything is in tables; once on a search engine, measured after a merge into one segment.
The lines, with the field that Logstash adds, are stored under the shipped template by the shipped pipeline, and
measured after a merge too, which the shipped lifecycle makes after two days.

OpenSearch stands for Elasticsearch, which is in no package registry: both store by Lucene, with the same codec
by default.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import gzip
import hashlib
import itertools
import json
import math
import os
import platform
import re
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.stack.programs import Program, Redirected, free_port, opensearch, until
from tests.stack.servers.build import SERVERS, build

from accelerapp.codegen import ollama_standin

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "deployment" / "observability"
FAULT_TOKEN = "for-the-benchmark"  # noqa: S105 - of a service that ends with it
SCRAPE_SECONDS = 15
HOURS = 3600
#: Row of a table: what was stored, how many of it, bytes of one, and what else is to be known.
Row = tuple[str, int, float, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stores", nargs="*", metavar="STORE", help="metrics, traces, logs; all by default")
    parser.add_argument("--minutes", type=float, default=10, help="of scraping (10)")
    parser.add_argument(
        "--requests", type=int, default=1000, help="to the application, for traces and logs (1000)"
    )
    parser.add_argument(
        "--number", type=int, default=50_000, help="of spans, and of lines, to be stored (50000)"
    )
    asked = parser.parse_args()
    stores = asked.stores or ["metrics", "traces", "logs"]
    if not set(stores) <= {"metrics", "traces", "logs"}:
        parser.error("a store is one of metrics, traces, logs")
    say(f"{machine()}\n")
    with tempfile.TemporaryDirectory(prefix="stack-sizes-") as scratch:
        home = Path(scratch)
        if "metrics" in stores:
            (home / "metrics").mkdir()
            print_table("Metrics", metrics(home / "metrics", asked.minutes * 60))
        if "traces" in stores or "logs" in stores:
            recording = record(home, asked.requests, asked.number)
            print_table("Spans and lines", traces_and_logs(home, recording, stores))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def machine() -> str:
    """Return the machine in one line."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    used = [f"{name} {SERVERS[name].version}" for name in ("prometheus", "jaeger", "opensearch")]
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {', '.join(used)} (Jaeger's module 1.76.0 is its release 2.13)"
    )


def print_table(title: str, rows: Sequence[Row]) -> None:
    say(f"| {title} | Number | Bytes of one | |\n|---|---|---|---|")
    for what, count, size, note in rows:
        say(f"| {what} | {count:,} | {'' if math.isnan(size) else f'{size:,.2f}'} | {note} |")
    say("")


def bytes_of(folder: Path) -> int:
    """Return what the files take on the disk: a hole in a file takes nothing."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


# --- the application, under traffic ---


@contextlib.contextmanager
def model() -> Iterator[str]:
    """Serve the stand-in for the model; yields its URL."""
    port = free_port()
    config = uvicorn.Config(ollama_standin(seed=1, seconds=(0, 0.05)), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextlib.contextmanager
def application(home: Path, **environment: str) -> Iterator[str]:
    """Run the application as it is shipped, one call of the model in fifty failing; yields its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with model() as model_url:
        given = {
            "ACCELERAPP_CODEGEN_BACKEND": "ollama",
            "ACCELERAPP_CODEGEN_OLLAMA_URL": model_url,
            "ACCELERAPP_CODEGEN_FAULT_TOKEN": FAULT_TOKEN,
            **environment,
        }
        command = [sys.executable, "-m", "accelerapp.cli", "codegen", "serve", "--port", str(port)]
        program = Program(command, home / "application.log", f"{url}/health", given)
        program.start()
        try:
            headers = {"Authorization": f"Bearer {FAULT_TOKEN}"}
            httpx.put(f"{url}/v1/faults", json={"error_rate": 0.02}, headers=headers).raise_for_status()
            yield url
        finally:
            program.stop()


def specifications() -> list[dict[str, Any]]:
    """Return the examples, and one that is refused."""
    good = [json.loads(path.read_text()) for path in sorted((ROOT / "examples" / "specs").glob("*.json"))]
    return [*good * 8, {**good[0], "board": "abacus"}]


def ask(url: str, count: int) -> None:
    """Ask for so many generations, eight at a time."""
    bodies = specifications()
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(8) as people:
        for _ in people.map(
            lambda n: client.post("/v1/generate", json=bodies[n % len(bodies)]), range(count)
        ):
            pass


@dataclass(frozen=True)
class Recording:
    """What the application has sent: OTLP requests and JSON lines, repeated until there are as many as asked for.

    Each repetition has ids of its own, and lies as long before the one ahead of it as the recording took.
    """

    spans: int
    requests: list[bytes]
    lines: list[bytes]


def record(home: Path, requests: int, number: int) -> Recording:
    """Run the application under traffic, in the place of the collector and of Logstash."""
    lines: list[bytes] = []
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                packed = self.headers.get("Content-Encoding") == "gzip"
                bodies.append(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Logstash(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines.extend(self.rfile)

    began = time.time()
    with contextlib.ExitStack() as running:
        at = []
        for server in (
            ThreadingHTTPServer(("127.0.0.1", 0), Collector),
            socketserver.ThreadingTCPServer(("127.0.0.1", 0), Logstash),
        ):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, daemon=True).start()
            running.callback(server.server_close)
            running.callback(server.shutdown)
            at.append(int(server.server_address[1]))
        with application(
            home,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{at[0]}",
            OTEL_LOGS_EXPORTER="none",
            LOGSTASH_HOST="127.0.0.1",
            LOGSTASH_PORT=str(at[1]),
        ) as url:
            ask(url, requests)
    took = time.time() - began
    recorded = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    spans = sum(
        len(scope.spans) for one in recorded for group in one.resource_spans for scope in group.scope_spans
    )
    say(
        f"{requests} requests: {spans} spans of {sum(map(len, bodies)) / spans:.0f} bytes, "
        f"{len(lines)} lines of {sum(map(len, lines)) / len(lines):.0f}\n"
    )
    turns = range(math.ceil(number / spans))
    moved = [moved_request(one, turn, took * turn).SerializeToString() for turn in turns for one in recorded]
    more = [
        moved_line(line, turn, took * turn)
        for turn in range(math.ceil(number / len(lines)))
        for line in lines
    ]
    return Recording(spans * len(turns), moved, more)


def other_id(number: str, turn: int) -> str:
    """Return the id that one of the recording has in a repetition, as random as it is."""
    return hashlib.sha256(f"{number} {turn}".encode()).hexdigest()[: len(number)]


def moved_request(
    recorded: ExportTraceServiceRequest, turn: int, seconds: float
) -> ExportTraceServiceRequest:
    moved = ExportTraceServiceRequest()
    moved.CopyFrom(recorded)
    back = int(seconds * 1e9)
    for group in moved.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                for name in ("trace_id", "span_id", "parent_span_id"):
                    setattr(span, name, bytes.fromhex(other_id(getattr(span, name).hex(), turn)))
                span.start_time_unix_nano -= back
                span.end_time_unix_nano -= back
                for event in span.events:
                    event.time_unix_nano -= back
                for attribute in span.attributes:
                    if attribute.key == "correlation_id":
                        attribute.value.string_value = other_uuid(attribute.value.string_value, turn)
    return moved


def other_uuid(text: str, turn: int) -> str:
    return str(uuid.UUID(other_id(text.replace("-", ""), turn)))


def moved_line(line: bytes, turn: int, seconds: float) -> bytes:
    # Logstash adds the sender's address.
    sent = {**json.loads(line), "host": "172.18.0.5"}
    stamp = dt.datetime.fromisoformat(sent["timestamp"]) - dt.timedelta(seconds=seconds)
    sent["timestamp"] = sent["@timestamp"] = stamp.isoformat(timespec="microseconds").replace("+00:00", "Z")
    for name in sent.keys() & {"trace_id", "span_id"}:
        sent[name] = other_id(sent[name], turn)
    if "correlation_id" in sent:
        sent["correlation_id"] = other_uuid(sent["correlation_id"], turn)
    return json.dumps(sent).encode() + b"\n"


# --- Prometheus ---


def metrics(home: Path, seconds: float) -> list[Row]:
    """Scrape for so long, and return the bytes of a sample and the series of each job."""
    programs, node, manager = (build(SERVERS[n]) for n in ("prometheus", "node-exporter", "alertmanager"))
    ports = {name: free_port() for name in ("prometheus", "node-exporter", "alertmanager")}
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    (home / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with application(home) as url, contextlib.ExitStack() as running:
        at["accelerapp"] = url.removeprefix("http://")
        (home / "prometheus.yml").write_text(scrape_file(at))
        commands: dict[str, list[str | Path]] = {
            "node-exporter": [node / "node_exporter", f"--web.listen-address={at['node-exporter']}"],
            "alertmanager": [
                manager / "alertmanager",
                f"--config.file={home / 'alertmanager.yml'}",
                f"--storage.path={home / 'alertmanager'}",
                f"--web.listen-address={at['alertmanager']}",
                "--cluster.listen-address=",
            ],
            "prometheus": [
                programs / "prometheus",
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address={at['prometheus']}",
            ],
        }
        for name, command in commands.items():
            program = Program(command, home / f"{name}.log", f"http://{at[name]}/metrics")
            program.start()
            running.callback(program.stop)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:  # two requests a second
            ask(url, 8)
            time.sleep(4)
        query = {"query": 'count by (job) ({__name__=~".+"})'}
        counted = httpx.get(f"http://{at['prometheus']}/api/v1/query", params=query).json()["data"]["result"]
    by_job = {one["metric"].get("job", "rules"): int(float(one["value"][1])) for one in counted}
    dumped = home / "recorded.txt"
    with dumped.open("wb") as output:
        dump: list[str | Path] = [programs / "promtool", "tsdb", "dump-openmetrics", home / "data"]
        subprocess.run(dump, stdout=output, check=True)
    rows = [block(programs / "promtool", dumped, home / f"{hours}h", hours) for hours in (2, 18)]
    return rows + [(f"series of {job}", count, math.nan, "") for job, count in sorted(by_job.items())]


def scrape_file(at: dict[str, str]) -> str:
    rules = [str(SHIPPED / "prometheus" / f"{name}-rules.yml") for name in ("recording", "meta", "alert")]
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [address], "labels": {"service": name}}]}
        for name, address in at.items()
    ]
    settings = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    return json.dumps({"global": settings, "rule_files": rules, "scrape_configs": jobs})


def block(promtool: Path, recorded: Path, home: Path, hours: int) -> Row:
    """Continue what was recorded to so many hours, make one block of it, and return the bytes of its samples."""
    home.mkdir()
    span = hours * HOURS
    begin = int(time.time()) // span * span - span
    continued = home / "continued.txt"
    with continued.open("w", encoding="utf-8") as output:
        for series, values in recorded_series(recorded).items():
            steps = span // SCRAPE_SECONDS
            output.writelines(
                f"{series} {value!r} {begin + number * SCRAPE_SECONDS}\n"
                for number, value in enumerate(prolonged(values, steps))
            )
        output.write("# EOF\n")
    make: list[str | Path] = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        continued,
        home / "blocks",
    ]
    make[4:4] = [f"--max-block-duration={hours}h"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    (meta,) = (home / "blocks").glob("*/meta.json")
    told = json.loads(meta.read_text())["stats"]
    chunks, index = (
        sum(path.stat().st_size for path in meta.parent.glob(pattern)) for pattern in ("chunks/*", "index")
    )
    samples = told["numSamples"]
    return (
        f"samples in a block of {hours} hours",
        samples,
        (chunks + index) / samples,
        f"{told['numSeries']:,} series; chunks {chunks / samples:.2f}, index {index / samples:.2f}",
    )


def recorded_series(dumped: Path) -> dict[str, list[float]]:
    """Return the values of each series that promtool has written out, by its name and labels, in order of time."""
    found: dict[str, list[float]] = {}
    for line in dumped.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            series, value, _ = line.rsplit(" ", 2)
            found.setdefault(series, []).append(float(value))
    return found


def prolonged(values: list[float], steps: int) -> Iterator[float]:
    """Yield the values again and again; those of a series that only rose go on from where they were."""
    rises = all(a <= b for a, b in itertools.pairwise(values)) and values[0] < values[-1]
    whole = all(value.is_integer() for value in values)
    # The step from the last to the first again is the first one.
    gained = values[-1] - values[0] + (values[1] - values[0]) if rises else 0.0
    for number in range(steps):
        turn, place = divmod(number, len(values))
        value = values[place] + turn * gained
        # Decimals stay as long as they were: the noise of an addition would not compress.
        yield value if whole or not rises else round(value, 9)


# --- Jaeger, and the search engine ---


def traces_and_logs(home: Path, recording: Recording, stores: Sequence[str]) -> list[Row]:
    """Return the bytes of a span in each of Jaeger's stores, and those of a line."""
    rows: list[Row] = []
    if "traces" in stores:
        rows.append(spans_in_badger(home, recording))
    engine = opensearch(build(SERVERS["opensearch"]), home / "opensearch")
    engine.start()
    try:
        with httpx.Client(base_url=engine.ready.removesuffix("/_cluster/health"), timeout=600) as client:
            if "traces" in stores:
                rows.append(spans_in_engine(client, home, recording))
            if "logs" in stores:
                rows += lines_in_engine(client, recording.lines)
    finally:
        engine.stop()
    return rows


def spans_in_badger(home: Path, recording: Recording) -> Row:
    file = Redirected(SHIPPED / "jaeger" / "jaeger.yaml")
    store = home / "badger"
    file.replace("/var/lib/jaeger", str(store))
    with jaeger(file, home):
        send(file, recording)
        running = bytes_of(store)
    keys, values = (bytes_of(store / part) for part in ("keys", "values"))
    note = (
        f"{running / 2**20:.0f} MiB in all while it runs, {values / 2**20:.0f} MiB of the rest in value logs"
    )
    return "spans in Badger", recording.spans, (keys + values) / recording.spans, note


def spans_in_engine(client: httpx.Client, home: Path, recording: Recording) -> Row:
    file = Redirected(SHIPPED / "jaeger" / "jaeger-elasticsearch.yaml")
    # Jaeger's name for the engine that stands for it here, which has no users.
    file.replace("        elasticsearch:\n", "        opensearch:\n")
    file.text = re.sub(r" +auth:\n(?: {12,}.*\n)+", "", file.text)
    with jaeger(file, home, ELASTICSEARCH_URL=str(client.base_url)):
        send(file, recording)
    note, after, stored = merged(client, "accelerapp-jaeger-span-*")
    if stored != recording.spans:
        raise SystemExit(f"{stored} of {recording.spans} spans are in the engine")
    return "spans in the search engine", recording.spans, after / recording.spans, note


@contextlib.contextmanager
def jaeger(file: Redirected, home: Path, **environment: str) -> Iterator[None]:
    """Run Jaeger on a file, and end it regularly."""
    config = home / "jaeger.yaml"
    config.write_text(file.text)
    status = f"http://127.0.0.1:{file.ports[13133]}/status"
    command: list[str | Path] = [build(SERVERS["jaeger"]) / "jaeger", "--config", config]
    program = Program(command, home / "jaeger.log", status, environment)
    program.start()
    try:
        yield
    finally:
        program.stop()


def send(file: Redirected, recording: Recording) -> None:
    """Send every span, and wait until Jaeger has stored what it took."""
    headers = {"Content-Type": "application/x-protobuf"}
    with httpx.Client(base_url=f"http://127.0.0.1:{file.ports[4318]}", timeout=60) as client:
        for body in recording.requests:
            client.post("/v1/traces", content=body, headers=headers).raise_for_status()
    time.sleep(15)  # what is in its batches


def lines_in_engine(client: httpx.Client, lines: list[bytes]) -> list[Row]:
    """Store lines as Logstash does, and return the bytes of one: as it was sent, stored, and merged."""
    template = json.loads((SHIPPED / "elk" / "index-template.json").read_text())
    # The one setting that this engine does not have.
    del template["template"]["settings"]["index"]["lifecycle"]
    pipeline = json.loads((SHIPPED / "elk" / "ingest-pipeline.json").read_text())
    client.put("/_ingest/pipeline/accelerapp-logs", json=pipeline).raise_for_status()
    client.put("/_index_template/accelerapp-logs", json=template).raise_for_status()
    day = "accelerapp-logs-2026.11.24"
    for begin in range(0, len(lines), 500):
        body = b""
        for line in lines[begin : begin + 500]:
            body += b'{"create":{}}\n' + line
        headers = {"Content-Type": "application/x-ndjson"}
        answer = client.post(f"/{day}/_bulk", content=body, headers=headers).raise_for_status().json()
        if answer["errors"]:
            raise SystemExit(f"a line was refused: {json.dumps(answer)[:1000]}")
    note, after, stored = merged(client, "accelerapp-logs-*")
    sent_bytes = sum(map(len, lines))
    unparsed = client.get("/accelerapp-logs-unparsed-*/_count").json()["count"]
    note = f"{note}; {unparsed} unparsed"
    return [
        ("lines, as they are sent", len(lines), sent_bytes / len(lines), ""),
        ("lines in the search engine", stored, after / stored, note),
    ]


def merged(client: httpx.Client, indices: str) -> tuple[str, int, int]:
    """Merge indices into one segment; return what one document took before, all bytes after, and the documents."""

    def size() -> int:
        client.post(f"/{indices}/_flush?force=true&wait_if_ongoing=true").raise_for_status()
        client.post(f"/{indices}/_refresh").raise_for_status()
        answer = client.get(f"/{indices}/_stats/store,segments").raise_for_status().json()
        total = answer["_all"]["primaries"]
        segments.append(int(total["segments"]["count"]))
        return int(total["store"]["size_in_bytes"])

    segments: list[int] = []
    sizes = [size()]
    # Not the documents of the statistics, which count every tag of a span as one.
    documents = int(client.get(f"/{indices}/_count").raise_for_status().json()["count"])
    note = f"before the merge {sizes[0] / documents:.0f}, in {segments[0]} segments"
    client.post(f"/{indices}/_forcemerge?max_num_segments=1").raise_for_status()

    def settled() -> bool:  # the segments that were merged are deleted a moment later
        sizes.append(size())
        return len(sizes) > 6 and len({*sizes[-5:]}) == 1

    until(settled, "the end of a merge")
    return note, sizes[-1], documents


if __name__ == "__main__":
    main()
