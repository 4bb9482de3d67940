"""Real servers for the stack tests: built once, and started on a free port of the loopback for each module."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.stack.programs import Program, free_port

from accelerapp.server.signals import Labels

BUILD = Path(__file__).parent / "servers" / "build.py"
START_SECONDS = 60.0
BUILD_SECONDS = 900 if os.environ.get("ACCELERAPP_STACK") != "all" else 7200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder time for the first one's build, which downloads and compiles."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


def built(server: str, *, only_cached: bool = False) -> Path:
    """Return the folder with a server's programs, built first unless `only_cached` and not all are asked for.

    Skips where it cannot be had; in CI that is a failure, but for one that takes too long to be built there.
    """
    command = [sys.executable, str(BUILD)]
    if only_cached and os.environ.get("ACCELERAPP_STACK") != "all":
        command.append("--cached")
    done = subprocess.run([*command, server], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Path(done.stdout.strip())
    if "--cached" in command:
        pytest.skip(f"{server} is not built; make test-stack builds it")
    if shutil.which("go") is None:
        reason = f"{server} is built with Go, which is not installed (Debian: apt-get install golang)"
    else:
        reason = f"{server} could not be built: {done.stderr.strip()[-2000:]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    return built("prometheus")


@pytest.fixture(scope="session")
def alertmanager_programs() -> Path:
    return built("alertmanager")


@pytest.fixture(scope="session")
def promtool(prometheus_programs: Path) -> Path:
    return prometheus_programs / "promtool"


@pytest.fixture(scope="session")
def prometheus(prometheus_programs: Path) -> Path:
    return prometheus_programs / "prometheus"


@pytest.fixture(scope="session")
def server_programs() -> Callable[[str], Path]:
    """Return the call that finds the programs of a server that takes long to build."""
    return lambda server: built(server, only_cached=True)


@pytest.fixture(scope="session")
def old_promtool() -> Path:
    """Promtool of the oldest Prometheus that the shipped files are for."""
    return built("prometheus-2.47", only_cached=True) / "promtool"


@pytest.fixture(scope="session")
def amtool(alertmanager_programs: Path) -> Path:
    return alertmanager_programs / "amtool"


@pytest.fixture(scope="session")
def alertmanager(alertmanager_programs: Path) -> Path:
    return alertmanager_programs / "alertmanager"


@dataclass(frozen=True)
class RunningPrometheus:
    """A Prometheus that scrapes nothing and takes samples by remote write."""

    client: httpx.Client

    def write(self, series: Mapping[Labels, Sequence[tuple[int, float]]]) -> None:
        """Send samples (Unix milliseconds, value), every bit of the values kept."""
        body = snappy_literals(write_request(series))
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        self.client.post("/api/v1/write", content=body, headers=headers).raise_for_status()

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, object]:
        """Ask an endpoint and return its JSON, whatever the status."""
        answer = self.client.post(path, data=dict(parameters)).json()
        assert isinstance(answer, dict)
        return answer


@pytest.fixture(scope="module")
def running_prometheus(
    prometheus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPrometheus]:
    home = tmp_path_factory.mktemp("prometheus")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    with start_prometheus(prometheus, home, "--web.enable-remote-write-receiver") as running:
        yield running


@contextlib.contextmanager
def start_prometheus(
    program: Path, home: Path, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[RunningPrometheus]:
    """Start a Prometheus on the prometheus.yml of a folder, which has its log and its data too."""
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                "--storage.tsdb.retention.time=100y",
                "--web.listen-address=127.0.0.1:0",
                *flags,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | (environment or {}),
        )
        try:
            with httpx.Client(base_url=_ready_url(process, log), timeout=60) as client:
                yield RunningPrometheus(client)
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def running_alertmanager(
    alertmanager: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path, str], contextlib.AbstractContextManager[httpx.Client]]:
    """Return the call that starts an Alertmanager with a file and an external URL, and ends it after the block."""

    def start(config: Path, external_url: str) -> contextlib.AbstractContextManager[httpx.Client]:
        return start_alertmanager(alertmanager, tmp_path_factory.mktemp("alertmanager"), config, external_url)

    return start


@pytest.fixture(scope="session", params=["alertmanager", "alertmanager-0.26"])
def alertmanager_release(request: pytest.FixtureRequest) -> Path:
    """Return the folder with the programs of each release that the shipped alertmanager.yml is for."""
    return built(request.param, only_cached=request.param != "alertmanager")


@pytest.fixture(scope="session", params=["alertmanager", "alertmanager-0.26", "observatory"])
def running_release(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path, str], contextlib.AbstractContextManager[httpx.Client]]:
    """Return the call that starts one of these releases or our own, as `running_alertmanager` does for the newest."""
    ours = request.param == "observatory"
    programs = Path() if ours else built(request.param, only_cached=request.param != "alertmanager")

    def start(config: Path, external_url: str) -> contextlib.AbstractContextManager[httpx.Client]:
        home = tmp_path_factory.mktemp("alertmanager")
        if ours:
            return start_observatory(home, config, external_url)
        return start_alertmanager(programs / "alertmanager", home, config, external_url)

    return start


@contextlib.contextmanager
def start_observatory(home: Path, config: Path, external_url: str) -> Iterator[httpx.Client]:
    """Start `accelerapp up` on a file of Alertmanager's, with nothing to scrape; `home` is an empty folder."""
    scrape, port = home / "prometheus.yml", free_port()
    scrape.write_text("global: {}\n", encoding="utf-8")
    url = f"http://127.0.0.1:{port}"
    program = Program(
        [
            *(sys.executable, "-m", "accelerapp.cli", "up", "--port", str(port), "--otlp-http-port", "0"),
            *("--alertmanager-file", config, "--prometheus-file", scrape),
            *("--data-dir", home / "data"),
        ],
        home / "log",
        f"{url}/-/ready",
        {"ACCELERAPP_EXTERNAL_URL": external_url},
    )
    program.start()
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield client
    finally:
        program.stop()


@contextlib.contextmanager
def start_alertmanager(program: Path, home: Path, config: Path, external_url: str) -> Iterator[httpx.Client]:
    """Start an Alertmanager of any release; `home` is an empty folder for its log and data."""
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.path={home / 'data'}",
                "--web.listen-address=127.0.0.1:0",
                f"--web.external-url={external_url}",
                "--web.route-prefix=/",
                "--cluster.listen-address=",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(base_url=_ready_url(process, log), timeout=60) as client:
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def _ready_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8")
        found = re.search(r'msg="?Listening on"?.* address=(127\.0\.0\.1:\d+)', said)
        if found:
            url = f"http://{found[1]}"
            try:
                if httpx.get(f"{url}/-/ready").is_success:
                    return url
            except httpx.TransportError:
                pass
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def write_request(series: Mapping[Labels, Sequence[tuple[int, float]]]) -> bytes:
    """Encode a remote-write 1.0 `WriteRequest`."""
    request = b""
    for labels, samples in series.items():
        body = b"".join(
            _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels
        )
        body += b"".join(
            _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(stamp))
            for stamp, value in samples
        )
        request += _field(1, body)
    return request


def snappy_literals(data: bytes) -> bytes:
    """Frame bytes as a snappy block that compresses nothing."""
    framed = _varint(len(data))
    for begin in range(0, len(data), 65536):
        part = data[begin : begin + 65536]
        framed += b"\xf4" + struct.pack("<H", len(part) - 1) + part
    return framed


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])
