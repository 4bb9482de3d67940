"""What stands around the stack in the tests: receivers that record, the model's stand-in, and a machine of files."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.controller import Controller
from tests.stack.compose.runner import GATEWAY, Stack
from tests.stack.compose.shortened import Receiving

from accelerapp.codegen.ollama_standin import ollama_standin

WEB_PORT, SMTP_PORT, OLLAMA_PORT = 9099, 2525, 11434
RECEIVING = Receiving(f"http://{GATEWAY}:{WEB_PORT}", f"{GATEWAY}:{SMTP_PORT}")
#: What each severity is told by, beside the webhook.
TOLD_BY = {
    "critical": {"pagerduty", "slack", "mail"},
    "high": {"slack", "mail"},
    "warning": {"slack"},
    "info": {"mail"},
}


@dataclass
class Recorded:
    """Notifications as they came, in order."""

    webhooks: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    slack: list[dict[str, Any]] = field(default_factory=list)
    pagerduty: list[dict[str, Any]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def alerts(self, receiver: str, status: str) -> list[dict[str, Any]]:
        """Return the alerts that a receiver's webhook was told of as firing or resolved."""
        return [
            alert
            for name, message in list(self.webhooks)
            if name == receiver
            for alert in message["alerts"]
            if alert["status"] == status
        ]

    def told_by(self, name: str, *, resolved: bool) -> set[str]:
        """Return by which of Slack, PagerDuty and mail it was told that an alert fires, or that it has resolved."""
        word = "RESOLVED" if resolved else "FIRING"
        mails = [body.get_content() for mail in list(self.mails) if (body := mail.get_body(("plain",)))]
        slack = [message["attachments"][0]["text"] for message in list(self.slack)]
        # With a resolution PagerDuty is told the key of what it was told of before.
        keys = {event["dedup_key"] for event in list(self.pagerduty) if f" {name} of " in _summary(event)}
        action = "resolve" if resolved else "trigger"
        paged = [
            event
            for event in list(self.pagerduty)
            if event["event_action"] == action and event["dedup_key"] in keys
        ]
        found = {
            "mail": any(f"{word} {name} (" in text for text in mails),
            "slack": any(f"*{word}* {name} of " in text for text in slack),
            "pagerduty": bool(paged),
        }
        return {medium for medium, told in found.items() if told}

    def take(self, path: str, body: bytes) -> None:
        """Record what was posted."""
        message = json.loads(body)
        kind, _, receiver = path.strip("/").partition("/")
        if kind == "webhook":
            self.webhooks.append((receiver, message))
        elif kind == "slack":
            self.slack.append(message)
        elif kind == "pagerduty":
            self.pagerduty.append(message)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


def _summary(event: dict[str, Any]) -> str:
    return str(event.get("payload", {}).get("summary", ""))


def receive(stack: Stack, recorded: Recorded, ends: ExitStack) -> None:
    """Record in the stack's network what is posted and mailed."""
    with stack.network():
        web = _web(recorded.take)
        mail = Controller(recorded, hostname=GATEWAY, port=SMTP_PORT)
        mail.start()
    ends.callback(mail.stop)
    ends.callback(web.server_close)
    ends.callback(web.shutdown)


def _web(record: Callable[[str, bytes], None]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            record(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            # PagerDuty's own answer; the others take any success.
            self.send_response(202 if self.path == "/pagerduty" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((GATEWAY, WEB_PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Model:
    """The model's stand-in, where Compose's application looks for the Ollama of this machine."""

    def __init__(self, stack: Stack, *, seconds: float) -> None:
        self._stack = stack
        self._seconds = seconds
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, seconds: float | None = None) -> None:
        """Answer each request within so many seconds, unless as always."""
        takes = seconds or self._seconds
        application = ollama_standin(seed=1, seconds=(takes, takes))
        config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
        self._server = server = uvicorn.Server(config)
        with self._stack.network():
            listener = socket.create_server((GATEWAY, OLLAMA_PORT))

        async def serve() -> None:
            await server.serve(sockets=[listener])
            # Those that came while it ended: left open, they would be a warning in a later test.
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; connections to it are refused from then on."""
        if self._server is not None and self._thread is not None:
            self._server.force_exit = self._server.should_exit = True
            self._thread.join()


_MEBIBYTE = 1 << 20


class Machine:
    """A machine as Node Exporter finds it: the files of /proc, and one file system that can be filled.

    Args:
        folder: What Node Exporter takes for `/`.
        stack: Whose mount namespace has the file system.
    """

    processors = 2
    memory_bytes = 1000 * _MEBIBYTE
    load1 = 0.6
    #: Part of the time in which the disk does something.
    disk_busy = 0.25
    full_bytes = 16 * _MEBIBYTE

    def __init__(self, folder: Path, stack: Stack) -> None:
        self._folder = folder
        self._stack = stack
        self.busy = 0.2
        self.memory_used = 0.4
        self._ended = threading.Event()
        self._seconds = {"busy": 1000.0, "idle": 1000.0, "disk": 1000.0}
        self._at = time.monotonic()
        processors = [f"sys/devices/system/cpu/cpu{number}" for number in range(self.processors)]
        for path in ("proc/1", "full", *processors):
            (folder / path).mkdir(parents=True)
        for path in processors:
            self._put(f"{path}/online", "1\n")
        # The second's type is as if it were on a disk: what is in memory is not watched.
        mounts = ("25 1 8:1 / / rw - ext4 /dev/sda1 rw", "26 25 8:17 / /full rw - ext4 /dev/sdb1 rw")
        self._put("proc/1/mountinfo", "\n".join(mounts) + "\n")
        self._put("proc/vmstat", "pgfault 1\npgmajfault 1\noom_kill 0\n")
        self._put("proc/loadavg", f"{self.load1} 0.5 0.4 1/100 1000\n")
        self._write()
        stack.on_the_machine(
            "mount", "-t", "tmpfs", "-o", f"size={self.full_bytes}", "full", str(folder / "full")
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def fill(self, part: float) -> None:
        """Use a part of the file system."""
        size = round(self.full_bytes * part)
        self._stack.on_the_machine("fallocate", "-l", str(size), str(self._folder / "full" / "file"))

    def empty(self) -> None:
        self._stack.on_the_machine("rm", str(self._folder / "full" / "file"))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            self._write()

    def _write(self) -> None:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        self._seconds["busy"] += passed * self.busy
        self._seconds["idle"] += passed * (1 - self.busy)
        self._seconds["disk"] += passed * self.disk_busy
        busy, idle = (round(self._seconds[name] * 100) for name in ("busy", "idle"))
        lines = [f"cpu  {busy * 2} 0 0 {idle * 2} 0 0 0 0 0 0"]
        lines += [f"cpu{number} {busy} 0 0 {idle} 0 0 0 0 0 0" for number in range(self.processors)]
        lines += ["intr 1", "ctxt 1", "btime 1700000000", "processes 1", "procs_running 1", "procs_blocked 0"]
        self._put("proc/stat", "\n".join([*lines, "softirq" + " 1" * 11, ""]))
        total = self.memory_bytes // 1024
        available = round(total * (1 - self.memory_used))
        self._put(
            "proc/meminfo",
            f"MemTotal: {total} kB\nMemFree: {available} kB\nMemAvailable: {available} kB\n"
            "Buffers: 0 kB\nCached: 0 kB\n",
        )
        milliseconds = round(self._seconds["disk"] * 1000)
        self._put("proc/diskstats", f"8 0 sda 100 0 1000 10 100 0 1000 10 0 {milliseconds} 20\n")

    def _put(self, name: str, text: str) -> None:
        path = self._folder / name
        new = path.with_name(path.name + ".new")
        new.write_text(text, encoding="ascii")
        new.replace(path)
