"""What the command keeps over `kill -9`, how it ends, and what it says where it cannot start."""

from __future__ import annotations

import json
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Start = Callable[..., Any]
WaitUntil = Callable[[Callable[[], Any], str], Any]
CommandLine = Callable[..., list[str]]
OWN = "/api/accelerapp/v1"
KILLS = 3


def a_trace(number: int) -> bytes:
    request = ExportTraceServiceRequest()
    now = time.time_ns()
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name="operation",
        start_time_unix_nano=now,
        end_time_unix_nano=now + 1,
    )
    return request.SerializeToString()


def a_log(number: int) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = str(number)
    return request.SerializeToString()


def a_gauge(name: str, value: float, **attributes: str) -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    point = metric.gauge.data_points.add(as_double=value, time_unix_nano=time.time_ns())
    for key, text in attributes.items():
        point.attributes.add(key=key).value.string_value = text
    return request.SerializeToString()


MAKE: dict[str, Callable[[int], bytes]] = {
    "traces": a_trace,
    "logs": a_log,
    "metrics": lambda number: a_gauge("restart_sent", number, id=str(number)),
}


def send_until_killed(observatory: Any, ids: count[int], after: int) -> set[tuple[str, int]]:
    """Send all signals from several threads, kill after so many acknowledgements, return what was acknowledged."""
    acknowledged: set[tuple[str, int]] = set()
    enough = threading.Event()

    def send(kind: str) -> None:
        while observatory.process.poll() is None:
            number = next(ids)
            try:
                status = observatory.send(kind, MAKE[kind](number)).status_code
            except httpx.HTTPError:
                return
            assert status in {200, 503}
            if status == 200:
                acknowledged.add((kind, number))
            if len(acknowledged) >= after:
                enough.set()

    threads = [threading.Thread(target=send, args=(kind,)) for kind in [*MAKE, *MAKE]]
    for thread in threads:
        thread.start()
    assert enough.wait(30)
    observatory.kill()
    for thread in threads:
        thread.join()
    return acknowledged


@pytest.mark.timeout(90)
def test_nothing_acknowledged_over_http_is_lost_or_doubled_by_kills(start: Start, files: Path) -> None:
    chance = random.Random(5)
    # So little may stay unsealed that the kills also fall on sealing.
    environment = {"ACCELERAPP_MAX_UNSEALED_BYTES": "30000"}
    acknowledged: set[tuple[str, int]] = set()
    ids = count(1)
    for _ in range(KILLS):
        acknowledged |= send_until_killed(start(**environment), ids, chance.randint(50, 400))
    observatory = start()
    logs = Counter(int(one["body"]) for one in observatory.get(f"{OWN}/logs", limit=5000)["logs"])
    traces = observatory.get(f"{OWN}/traces", limit=1000)["traces"]
    series = observatory.get("/api/v1/series", **{"match[]": "restart_sent"})["data"]
    stored = {("logs", number) for number in logs}
    stored |= {("traces", int(one["trace_id"], 16)) for one in traces}
    stored |= {("metrics", int(one["id"])) for one in series}
    assert acknowledged <= stored, f"lost: {sorted(acknowledged - stored)}"
    assert {kind for kind, _ in acknowledged} == set(MAKE)
    assert [number for number, times in logs.items() if times > 1] == []
    assert {one["span_count"] for one in traces} == {1}
    assert any((files / "data" / "segments").glob("logs-*.duckdb")), "nothing was sealed before the kills"


class Webhook:
    """Records the notifications that it receives."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def told(self) -> list[tuple[str, str]]:
        return [
            (one["status"], alert["labels"]["alertname"]) for one in self.received for alert in one["alerts"]
        ]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def webhook() -> Any:
    hook = Webhook()
    yield hook
    hook.close()


def alerts(observatory: Any) -> dict[str, dict[str, Any]]:
    return {one["labels"]["alertname"]: one for one in observatory.get("/api/v1/alerts")["data"]["alerts"]}


def evaluated(observatory: Any) -> str:
    """Return when all rules of the one group were last evaluated, nothing before the first time."""
    (group,) = observatory.get("/api/v1/rules")["data"]["groups"]
    when = str(group["lastEvaluation"])
    return "" if when.startswith("0001-") else when


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def notified(state: Path) -> int:
    """Count the groups whose notification is on record: what a kill before that does is told again, rightly."""
    connection = sqlite3.connect(f"file:{state}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM notification_log").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.timeout(120)
def test_a_firing_alert_outlives_a_kill_and_is_told_once(
    start: Start, files: Path, webhook: Webhook, wait_until: WaitUntil
) -> None:
    (files / "rules.yml").write_text(
        "groups:\n- name: restart\n  interval: 1s\n  rules:\n"
        "  - {alert: Fault, expr: restart_fault > 0, for: 2s, labels: {severity: critical}}\n"
        "  - {alert: Waiting, expr: restart_fault > 0, for: 1h}\n"
    )
    (files / "alertmanager.yml").write_text(
        "route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{webhook.server.server_port}/'}}]}}]\n"
    )
    first = start()
    assert first.send("metrics", a_gauge("restart_fault", 1)).status_code == 200
    wait_until(lambda: webhook.told(), "the firing notification")
    wait_until(lambda: notified(files / "data" / "state.sqlite"), "the notification's record")
    until_then = seconds(evaluated(first))
    before = alerts(first)
    assert {name: one["state"] for name, one in before.items()} == {"Fault": "firing", "Waiting": "pending"}
    waited = until_then - seconds(before["Waiting"]["activeAt"])
    first.kill()

    second = start()
    # Until the whole group was evaluated, alerts are known of its first rules alone.
    wait_until(lambda: evaluated(second), "the first evaluation after the restart")
    after = alerts(second)
    assert after["Fault"]["state"] == "firing"
    assert after["Fault"]["activeAt"] == before["Fault"]["activeAt"]
    assert after["Waiting"]["state"] == "pending"
    history = second.get(f"{OWN}/alerts")["rules"]
    (waiting,) = next(rule for rule in history if rule["name"] == "Waiting")["alerts"]
    # The time without evaluations does not count, that before it does.
    assert seconds(evaluated(second)) - waiting["active_ms"] / 1000 >= waited - 0.001, (
        "its waiting began anew"
    )
    seen: list[str] = []

    def several_evaluations() -> bool:
        seen.append(evaluated(second))
        return len(set(seen)) > 4

    wait_until(several_evaluations, "some evaluations, each followed by a flush")
    assert webhook.told() == [("firing", "Fault")]

    assert second.send("metrics", a_gauge("restart_fault", 0)).status_code == 200
    wait_until(lambda: len(webhook.told()) > 1, "the resolved notification")
    assert webhook.told() == [("firing", "Fault"), ("resolved", "Fault")]


def refused(command: list[str]) -> str:
    """Run a command that cannot start and return what it says."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1, ended
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_sigterm_ends_it_with_0_and_a_second_owner_is_refused_until_then(
    start: Start, command_line: CommandLine, files: Path
) -> None:
    observatory = start()
    assert observatory.send("logs", a_log(1)).status_code == 200
    said = refused(command_line())
    assert f"{files / 'data'} is in use by the process with pid {observatory.process.pid}" in said
    assert "--data-dir" in said
    observatory.process.send_signal(signal.SIGTERM)
    assert observatory.process.wait(10) == 0
    assert (files / "stderr.txt").read_text() == ""
    assert [one["body"] for one in start().get(f"{OWN}/logs")["logs"]] == ["1"]


def test_a_taken_port_is_named_with_its_option(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(command_line("--port", str(port)))
    assert f"127.0.0.1 port {port}" in said
    assert "--port" in said


def test_a_broken_rule_file_is_named_with_its_line(command_line: CommandLine, files: Path) -> None:
    (files / "rules.yml").write_text(
        "groups:\n- name: broken\n  rules:\n  - alert: Broken\n    expr: rate(x[5m)\n"
    )
    assert f"{files / 'rules.yml'}:5" in refused(command_line())
