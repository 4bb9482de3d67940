"""The real command as a subprocess, and what is asked of it over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

PROTOBUF = {"Content-Type": "application/x-protobuf"}
PATIENCE_SECONDS = 30


class Observatory:
    """`accelerapp up` on free ports."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        with (folder / "stderr.txt").open("a") as stderr:
            self.process = subprocess.Popen(
                command(folder, *arguments),
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self.process.stdout is not None
        said = ""
        while (line := self.process.stdout.readline()) and not line.startswith("Everything"):
            said += line
        found = re.search(r"shows (\S+) and receives:\n  OTLP over HTTP at (\S+)\n", said)
        assert found, (folder / "stderr.txt").read_text()
        self.url, self.otlp = found[1], f"http://{found[2]}"
        self.http = httpx.Client(trust_env=False, timeout=10)

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.http.get(self.url + path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, signal_name: str, request: bytes) -> httpx.Response:
        return self.http.post(f"{self.otlp}/v1/{signal_name}", content=request, headers=PROTOBUF)

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(10) == -signal.SIGKILL

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()


def command(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of an observatory whose data and files are in a folder."""
    own = ["--prometheus-file", str(folder / "prometheus.yml")]
    own += ["--alertmanager-file", str(folder / "alertmanager.yml"), "--data-dir", str(folder / "data")]
    ports = ["--port", "0", "--otlp-http-port", "0"]
    return [sys.executable, "-m", "accelerapp.cli", "up", *ports, *own, *arguments]


def until(holds: Callable[[], Any], what: str) -> Any:
    """Return what a condition gives once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"not within {PATIENCE_SECONDS} s: {what}")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the smallest files that an observatory needs."""
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
    )
    (tmp_path / "rules.yml").write_text("groups: []\n")
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    return tmp_path


@pytest.fixture
def start(files: Path) -> Iterator[Callable[..., Observatory]]:
    started: list[Observatory] = []

    def run(*arguments: str, **environment: str) -> Observatory:
        started.append(Observatory(files, *arguments, **environment))
        return started[-1]

    yield run
    for one in started:
        one.close()


@pytest.fixture
def command_line(files: Path) -> Callable[..., list[str]]:
    return lambda *arguments: command(files, *arguments)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any], str], Any]:
    return until
