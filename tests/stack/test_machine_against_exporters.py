"""What is told of the machine and of Ollama is what the real node_exporter and blackbox_exporter tell."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from tests.stack.conftest import built
from tests.stack.programs import LocalServer, Program, free_port

from accelerapp.observability.exposition import render_text
from accelerapp.server.ingest import HttpProbe, Node
from accelerapp.server.ingest.exposition import ExpositionParser
from accelerapp.server.signals import Labels, make_labels

pytestmark = pytest.mark.stack

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"

#: Where the two look at different moments, as a share of the value and in its unit.
_TOLERANCES: Mapping[str, tuple[float, float]] = {
    r"node_cpu_seconds_total": (0.01, 5),
    r"node_memory_(MemTotal|SwapTotal|Hugepagesize|CommitLimit|VmallocTotal|HardwareCorrupted).*": (0, 0),
    r"node_memory_.*": (0.3, 2**30),
    r"node_filesystem_(size_bytes|files|readonly)": (0, 0),
    r"node_filesystem_.*": (0.05, 2**28),
    r"node_(network|disk)_.*": (0.05, 2**28),
    r"node_load\d+": (0.3, 1),
    r"node_boot_time_seconds": (0, 2),
    r"node_time_seconds": (0, 30),
    r"node_uname_info|node_filefd_maximum": (0, 0),
    r"node_filefd_allocated": (0.3, 2000),
    r"node_(context_switches_total|intr_total|vmstat_.*)": (0.05, 500_000),
}

Values = dict[Labels, float]


def values(text: str) -> Values:
    parsed = ExpositionParser(make_labels).parse(text)
    return dict(zip(parsed.series, parsed.values.tolist(), strict=True))


def types(text: str) -> dict[str, str]:
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def of_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return our text and that of node_exporter."""
    port = free_port()
    program = Program(
        [built("node-exporter") / "node_exporter", f"--web.listen-address=127.0.0.1:{port}"],
        tmp_path_factory.mktemp("node") / "log",
        f"http://127.0.0.1:{port}/",
    )
    program.start()
    try:
        theirs = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
        yield render_text(Node().metrics()), theirs
    finally:
        program.kill()


def test_every_metric_has_the_type_of_node_exporters(of_the_machine: tuple[str, str]) -> None:
    ours, theirs = map(types, of_the_machine)
    assert len(ours) > 60
    # What it takes from /proc/vmstat it types as untyped, though they are counters; of memory it knows a part.
    compared = {
        name
        for name in ours
        if not name.startswith("node_vmstat") and (name in theirs or not name.startswith("node_memory"))
    }
    assert {name: ours[name] for name in compared} == {name: theirs.get(name) for name in compared}
    assert {name for name in theirs if name.startswith("node_memory")} <= ours.keys()


def test_every_series_has_the_labels_and_about_the_value_of_node_exporters(
    of_the_machine: tuple[str, str],
) -> None:
    ours, theirs = map(values, of_the_machine)
    # The root's file system is always told here, and in a container is of a type that node_exporter leaves out.
    ours = {labels: value for labels, value in ours.items() if ("fstype", "overlay") not in labels}
    missing = [labels for labels in ours if labels not in theirs and ("mountpoint", "/") not in labels]
    assert [labels for labels in missing if not dict(labels)["__name__"].startswith("node_memory")] == []
    wrong = []
    for labels, value in ours.items():
        name = dict(labels)["__name__"]
        relative, absolute = next(
            both for pattern, both in _TOLERANCES.items() if re.fullmatch(pattern, name)
        )
        if labels in theirs and not math.isclose(value, theirs[labels], rel_tol=relative, abs_tol=absolute):
            wrong.append((labels, value, theirs[labels]))
    assert wrong == []


def test_every_processor_and_device_is_told(of_the_machine: tuple[str, str]) -> None:
    ours, theirs = map(values, of_the_machine)
    for name in (
        "node_cpu_seconds_total",
        "node_network_receive_bytes_total",
        "node_disk_io_time_seconds_total",
    ):
        assert {labels for labels in ours if ("__name__", name) in labels} == {
            labels for labels in theirs if ("__name__", name) in labels
        }


class Answers(BaseHTTPRequestHandler):
    """The answers that a probe may meet, by the path."""

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/api/version")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status, body = {
            "/api/version": (200, b'{"version":"0.12.3"}'),
            "/other": (200, b"{}"),
            "/error": (500, b'{"version":"0.12.3"}'),
        }[self.path]
        self.send_response(status)
        if self.path != "/other":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def blackbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Values]]:
    """Return the call that probes a URL with the shipped module for Ollama."""
    port = free_port()
    program = Program(
        [
            built("blackbox-exporter") / "blackbox_exporter",
            f"--config.file={SHIPPED / 'blackbox' / 'blackbox.yml'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        tmp_path_factory.mktemp("blackbox") / "log",
        f"http://127.0.0.1:{port}/-/healthy",
    )
    program.start()

    def probe(target: str) -> Values:
        parameters = {"module": "ollama", "target": target}
        return values(httpx.get(f"http://127.0.0.1:{port}/probe", params=parameters, timeout=60).text)

    yield probe
    program.kill()


#: What blackbox_exporter tells and we do not: the look-up of the name is part of connecting here.
NOT_TOLD = {"probe_ip_addr_hash", "probe_dns_lookup_time_seconds"}


@pytest.mark.parametrize("path", ["/api/version", "/other", "/error", "/redirect", None])
def test_a_probe_tells_what_blackbox_exporter_tells(
    blackbox: Callable[[str], Values], path: str | None
) -> None:
    with LocalServer(Answers) as server:
        url = f"{server.url}{path}" if path else f"http://127.0.0.1:{free_port()}/api/version"
        theirs = blackbox(url)
        ours = values(render_text(asyncio.run(HttpProbe(url, '"version"').metrics())))

    def told(found: Values) -> set[Labels]:
        return {
            labels
            for labels in found
            if dict(labels)["__name__"] not in NOT_TOLD and ("phase", "resolve") not in labels
        }

    assert told(ours) == told(theirs)
    for labels, value in ours.items():
        if "duration" in dict(labels)["__name__"]:
            assert 0 <= value < 5
        elif path or dict(labels)["__name__"] != "probe_ip_protocol":  # known here from the connection alone
            assert value == theirs[labels], labels
