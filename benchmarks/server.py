"""Servers that are measured: started with nothing in them, alone, and asked what they take of the machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from benchmarks.report import scratch
from tests.stack.programs import free_port
from tests.stack.servers.build import SERVERS, build

from accelerapp.server.config import RECEIVERS

_PATIENCE_SECONDS = 60
#: Of one processor: less is not work on a load that is over.
_IDLE_SHARE = 0.08


@dataclass(frozen=True)
class Served:
    """A running server; `ports` are those that it was given, by name, `ready_seconds` what its start took."""

    process: psutil.Process
    folder: Path
    ports: Mapping[str, int]
    ready_seconds: float

    def url(self, port: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    def resident_bytes(self) -> int:
        """Return what it has in memory (RSS), the pages of its libraries included."""
        return sum(int(one.memory_info().rss) for one in self._all())

    def cpu_seconds(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in self._all())

    def settle(self, seconds: float = 60) -> None:
        """Wait until it has done what it put off, seen by its processor time, at most for so long."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            before = self.cpu_seconds()
            time.sleep(1)
            if self.cpu_seconds() - before < _IDLE_SHARE:
                return

    def disk_bytes(self) -> int:
        """Return what its folder takes on the disk."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sum(path.stat().st_blocks * 512 for path in files)

    def metric(self, name: str) -> float:
        """Return the sum of a metric at /metrics."""
        text = httpx.get(self.url("page", "/metrics"), timeout=30).text
        lines = (line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextlib.contextmanager
def observatory(
    *receivers: str,
    scrape: Mapping[str, object] | None = None,
    data: Path | None = None,
    dashboard: Mapping[str, object] | None = None,
) -> Iterator[Served]:
    """Run the observatory with the receivers named, on an empty folder or `data`, without the shipped rules.

    It has one dashboard of its own where one is given, else the shipped ones.
    """
    with scratch() as home:
        folder = Path(home)
        (folder / "prometheus.yml").write_text(json.dumps(scrape or {"global": {}}))
        (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        ports = {name: free_port() for name in ("page", *receivers)}
        command = [sys.executable, "-m", "accelerapp.cli", "up", "--port", str(ports["page"])]
        command += ["--data-dir", str(data or folder / "data")]
        command += ["--prometheus-file", str(folder / "prometheus.yml")]
        command += ["--alertmanager-file", str(folder / "alertmanager.yml")]
        environment = {f"ACCELERAPP_{name.upper()}_PORT": str(ports.get(name, "off")) for name in RECEIVERS}
        if dashboard is not None:
            (folder / "dashboards").mkdir()
            (folder / "dashboards" / "bench.json").write_text(json.dumps(dashboard))
            environment["ACCELERAPP_DASHBOARDS_DIR"] = str(folder / "dashboards")
        with _running(command, folder, ports, "/-/ready", environment) as served:
            yield served


@contextlib.contextmanager
def shipped_observatory() -> Iterator[Served]:
    """Run the observatory as `accelerapp up` is on a laptop: with all that is shipped."""
    with scratch() as home:
        folder = Path(home)
        ports = {name: free_port() for name in ("page", *RECEIVERS)}
        command = [sys.executable, "-m", "accelerapp.cli", "up", "--port", str(ports["page"])]
        command += ["--data-dir", str(folder / "data")]
        given = {f"ACCELERAPP_{name.upper()}_PORT": str(ports[name]) for name in RECEIVERS}
        with _running(command, folder, ports, "/-/ready", given) as served:
            yield served


@contextlib.contextmanager
def prometheus(scrape: Mapping[str, object]) -> Iterator[Served]:
    """Run the real Prometheus."""
    with scratch() as home:
        folder = Path(home)
        (folder / "prometheus.yml").write_text(json.dumps(scrape))
        ports = {"page": free_port()}
        command = [str(build(SERVERS["prometheus"]) / "prometheus")]
        command += [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{ports['page']}", "--web.enable-remote-write-receiver"]
        with _running(command, folder, ports, "/-/ready", {}) as served:
            yield served


@contextlib.contextmanager
def jaeger() -> Iterator[Served]:
    """Run the real Jaeger, all in one, which keeps spans on Badger as the shipped file has it."""
    with scratch() as home:
        folder = Path(home)
        ports = {name: free_port() for name in ("page", "otlp_http", "ui", "ui_grpc")}
        config = {
            "service": {
                "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["batch"],
                        "exporters": ["jaeger_storage_exporter"],
                    }
                },
                "telemetry": {"metrics": {"level": "none"}},
            },
            "extensions": {
                "jaeger_query": {
                    "storage": {"traces": "kept"},
                    "http": {"endpoint": f"127.0.0.1:{ports['ui']}"},
                    "grpc": {"endpoint": f"127.0.0.1:{ports['ui_grpc']}"},
                },
                "jaeger_storage": {
                    "backends": {
                        "kept": {
                            "badger": {
                                "directories": {
                                    "keys": str(folder / "keys"),
                                    "values": str(folder / "values"),
                                },
                                "ephemeral": False,
                            }
                        }
                    }
                },
                "healthcheckv2": {
                    "use_v2": True,
                    "http": {"endpoint": f"127.0.0.1:{ports['page']}"},
                },
            },
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{ports['otlp_http']}"}}}},
            "processors": {"batch": {}},
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "kept"}},
        }
        (folder / "jaeger.yaml").write_text(json.dumps(config))
        command = [str(build(SERVERS["jaeger"]) / "jaeger"), "--config", str(folder / "jaeger.yaml")]
        with _running(command, folder, ports, "/status", {}) as served:
            yield served


@contextlib.contextmanager
def _running(
    command: Sequence[str], folder: Path, ports: Mapping[str, int], ready: str, environment: Mapping[str, str]
) -> Iterator[Served]:
    began = time.perf_counter()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        _await(process, f"http://127.0.0.1:{ports['page']}{ready}", folder / "log")
        yield Served(psutil.Process(process.pid), folder, ports, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(url).status_code == 200:
                    return
            time.sleep(0.005)
    raise SystemExit(f"{url} was not ready: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
