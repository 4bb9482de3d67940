"""Alerts that were posted, silences that were made and what was told of outlive `kill -9`, a receiver's absence too."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

Start = Callable[..., Any]
WaitUntil = Callable[[Callable[[], Any], str], Any]


class Receiver:
    """Answers with 503 while it is away, and keeps what it takes."""

    def __init__(self) -> None:
        self.away = True
        self.refused = 0
        self.told: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if outer.away:
                    outer.refused += 1
                else:
                    outer.told += [
                        f"{alert['labels']['alertname']} {alert['status']}" for alert in body["alerts"]
                    ]
                self.send_response(503 if outer.away else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def post(observatory: Any, path: str, body: Any) -> httpx.Response:
    answer: httpx.Response = observatory.http.post(f"{observatory.url}/api/v2{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer


def alert(name: str, *, ends: float = 3600) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now + timedelta(seconds=ends)).isoformat(),
    }


def test_nothing_is_lost_while_a_receiver_is_away_and_nothing_is_told_twice(
    start: Start, files: Path, receiver: Receiver, wait_until: WaitUntil
) -> None:
    config = {
        "route": {
            "receiver": "hook",
            "group_by": ["..."],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "hook", "webhook_configs": [{"url": receiver.url}]}],
    }
    (files / "alertmanager.yml").write_text(json.dumps(config))
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "alertname", "value": "Silenced", "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "someone",
        "comment": "maintenance",
    }
    first = start()
    made = post(first, "/silences", silence).json()["silenceID"]
    post(first, "/alerts", [alert("Fault"), alert("Silenced")])
    first.kill()
    for _ in range(2):
        observatory = start()
        receiver.refused = 0
        wait_until(lambda: receiver.refused, "an attempt")
        observatory.kill()

    receiver.away = False
    third = start()
    wait_until(lambda: receiver.told, "the notification")
    # On record, since the next kill would rightly tell again what is not.
    wait_until(lambda: [one["outcome"] for one in notifications(files)][-1:] == ["sent"], "its record")
    third.kill()

    fourth = start()
    (kept,) = fourth.get("/api/v2/silences")
    assert (kept["id"], kept["status"]["state"], kept["comment"]) == (made, "active", "maintenance")
    known = {one["labels"]["alertname"]: one["status"] for one in fourth.get("/api/v2/alerts")}
    assert known["Silenced"]["silencedBy"] == [made]
    assert known["Fault"]["state"] == "active"
    post(fourth, "/alerts", [alert("Later")])
    wait_until(lambda: "Later firing" in receiver.told, "one that comes later")
    post(fourth, "/alerts", [alert("Fault", ends=0), alert("Silenced", ends=0)])
    wait_until(lambda: "Fault resolved" in receiver.told, "the resolution")
    assert sorted(receiver.told) == ["Fault firing", "Fault resolved", "Later firing"]


def notifications(files: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(f"file:{files / 'data' / 'state.sqlite'}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT outcome, at FROM notification ORDER BY id").fetchall()
        logged = connection.execute("SELECT count(*) FROM notification_log").fetchone()[0]
    finally:
        connection.close()
    return [{"outcome": outcome, "at": at} for outcome, at in rows if logged]


def test_alerts_may_end_by_the_patience_with_their_sender(
    start: Start, files: Path, receiver: Receiver, wait_until: WaitUntil
) -> None:
    receiver.away = False
    config = {
        "global": {"resolve_timeout": "2s"},
        "route": {"receiver": "hook", "group_wait": "0s", "group_interval": "200ms"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": receiver.url}]}],
    }
    (files / "alertmanager.yml").write_text(json.dumps(config))
    observatory = start()
    began = time.monotonic()
    post(observatory, "/alerts", [{"labels": {"alertname": "Fault"}}])
    wait_until(lambda: receiver.told == ["Fault firing", "Fault resolved"], "the resolution")
    assert time.monotonic() - began >= 2
