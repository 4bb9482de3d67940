"""Programs that tests start, wait for, kill and start anew, each on free ports of the loopback."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx

SECONDS = 90.0


class LocalServer:
    """An HTTP server on a free port of the loopback, in a thread of its own until it is closed."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Of several processes of pytest-xdist each has ports of its own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
#: Below those that the system gives to outgoing connections, any of which might take a port before its server has it.
_PORTS = range(20_000 + 3_000 * _WORKER, 23_000 + 3_000 * _WORKER)
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nothing listens on, and that was not given out before."""
    while True:
        port = random.choice(_PORTS)
        if port not in _given:
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
                _given.add(port)
                return port


def until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Return what the condition finds once it is true; a server that does not answer yet has nothing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not seen within {seconds:g} s: {what}")


@dataclass
class Program:
    """A server's command; it is the same at each start, and so are its ports and its data.

    Args:
        command: The program and its arguments.
        log: What it says, of all its starts.
        ready: URL that answers with success when it has started.
        environment: What it has beside the machine's.
    """

    command: Sequence[str | Path]
    log: Path
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | self.environment
            )

    def start(self) -> None:
        self.launch()
        try:
            until(self._answers, f"{self.ready} answers")
        except AssertionError:
            self.kill()
            raise AssertionError(self.log.read_text(encoding="utf-8", errors="replace")[-3000:]) from None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "it has ended"
        return httpx.get(self.ready, timeout=10).is_success

    def kill(self) -> None:
        """End it with SIGKILL: nothing is written on the way out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=60)

    def stop(self) -> None:
        """End it with SIGTERM, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)


def opensearch(programs: Path, home: Path) -> Program:
    """Return OpenSearch with its data in a new folder, started by our launcher."""
    port = free_port()
    (home / "config").mkdir(parents=True)
    shutil.copyfile(programs / "log4j2.properties", home / "config" / "log4j2.properties")
    command = [
        *("java", "-Xmx768m", "-Djava.security.manager=allow"),
        *("-cp", f"{programs / 'classes'}:{programs / 'lib'}/*"),
        f"-Dlog4j2.configurationFile={programs / 'log4j2.properties'}",
        *("Launch", str(home), str(port)),
    ]
    return Program(command, home / "log", f"http://127.0.0.1:{port}/_cluster/health")


class Redirected:
    """A shipped file with every port that it listens on moved to a free one of the loopback."""

    def __init__(self, source: Path) -> None:
        self.ports: dict[int, int] = {}
        self.text = re.sub(
            r"0\.0\.0\.0:(\d+)", lambda found: f"127.0.0.1:{self._at(int(found[1]))}", source.read_text()
        )
        self.text = re.sub(
            r"host: 0\.0\.0\.0\n(\s+)port: (\d+)",
            lambda found: f"host: 127.0.0.1\n{found[1]}port: {self._at(int(found[2]))}",
            self.text,
        )

    def _at(self, port: int) -> int:
        return self.ports.setdefault(port, free_port())

    def replace(self, old: str, new: str) -> None:
        assert old in self.text, f"the shipped file no longer has {old!r}"
        self.text = self.text.replace(old, new)
