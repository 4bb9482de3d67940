"""The service as a process: its options, a taken port, and a clean end."""

from __future__ import annotations

import http.server
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.stack.programs import LocalServer
from typer.testing import CliRunner

from accelerapp.cli.codegen import app

SPECS = Path(__file__).parents[3] / "examples" / "specs"
COMMAND = [sys.executable, "-c", "from accelerapp.cli.codegen import app; app()", "serve"]


def started(*options: str, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the service on a free port; return the process and its URL."""
    with log.open("wb") as file:
        process = subprocess.Popen([*COMMAND, "--port", "0", *options], stderr=file)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"listening on (http://[\d.]+:\d+)", log.read_text("utf-8"))
        if found:
            return process, found[1]
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"the service did not start: {log.read_text('utf-8')}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_code_0(tmp_path: Path, number: signal.Signals) -> None:
    process, url = started(log=tmp_path / "log")
    try:
        assert httpx.get(f"{url}/health").status_code == 200
        assert httpx.get(f"{url}/ready").status_code == 200
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")


def test_a_request_in_progress_is_finished_and_nothing_new_is_begun(tmp_path: Path) -> None:
    held, answered = threading.Event(), threading.Event()

    class Model(http.server.BaseHTTPRequestHandler):
        """Answers a generation when the test says so."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            held.set()
            answered.wait(30)
            project = json.dumps({"files": [{"path": "main.py", "content": "pass"}]})
            body = json.dumps({"response": project, "done": True, "done_reason": "stop"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    specification = json.loads((SPECS / "greenhouse.json").read_text("utf-8"))
    with LocalServer(Model) as model, ThreadPoolExecutor(1) as threads:
        process, url = started("--backend", "ollama", "--ollama-url", model.url, log=tmp_path / "log")
        try:
            with httpx.Client(base_url=url, timeout=30) as before:
                before.get("/health")  # a connection that is open when the signal comes
                asked = threads.submit(httpx.post, f"{url}/v1/generate", json=specification, timeout=30)
                assert held.wait(30)
                process.send_signal(signal.SIGTERM)
                refused(url)
                with pytest.raises(httpx.TransportError):
                    httpx.get(f"{url}/health")
            answered.set()
            assert asked.result().status_code == 200
            assert process.wait(30) == 0
        finally:
            answered.set()
            process.kill()
    assert "stopping: what was begun is finished first" in (tmp_path / "log").read_text("utf-8")


def refused(url: str) -> None:
    """Wait until nothing is accepted at an address any more."""
    deadline = time.monotonic() + 30
    port = int(url.rpartition(":")[2])
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail("the service still accepts connections")


def test_a_taken_port_is_told_with_the_option_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = CliRunner().invoke(app, ["serve", "--port", str(port)])
    assert outcome.exit_code == 1
    assert outcome.stderr == f"error: port {port} on 127.0.0.1 is taken; choose another with --port\n"


def test_a_wrong_option_is_named() -> None:
    outcome = CliRunner().invoke(app, ["serve", "--backend", "magic"])
    assert outcome.exit_code == 2
    assert outcome.stderr == "error: --backend: Input should be 'templates' or 'ollama'\n"


def test_a_wrong_environment_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERAPP_CODEGEN_PORT", "many")
    outcome = CliRunner().invoke(app, ["serve"])
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("error: ACCELERAPP_CODEGEN_PORT: ")


def test_a_malformed_endpoint_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector")
    outcome = CliRunner().invoke(app, ["serve", "--port", "0"])
    assert outcome.exit_code == 1
    assert outcome.stderr == "error: OTLP endpoint 'ftp://collector' must look like http://host:4318\n"


def test_a_short_fault_token_is_told_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERAPP_CODEGEN_FAULT_TOKEN", "secret")
    outcome = CliRunner().invoke(app, ["serve"])
    assert outcome.exit_code == 2
    assert outcome.stderr == (
        "error: ACCELERAPP_CODEGEN_FAULT_TOKEN: the token must have at least 8 characters\n"
    )
