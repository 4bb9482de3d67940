"""The service as a process: its options, a taken port, and a clean end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from accelerapp.cli.codegen import app

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
