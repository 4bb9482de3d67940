"""The same alerts to a real Alertmanager and to ours, by the same routes: what arrives at the webhooks is the same."""

from __future__ import annotations

import asyncio
import datetime
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager, parse_matchers
from accelerapp.server.api.alertmanager_body import posted_silence
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

pytestmark = pytest.mark.stack

DEADLINE_SECONDS = 30.0
EXTERNAL_URL = "http://observatory.example:9090"

ONE = {
    "alertname": "HighErrorRate",
    "deployment region": "eu-west",
    "severity": "critical",
    "instance": "b:1",
}
#: Told before the one above, since it has a job: they are in the order of job, instance, labels.
TWO = {**ONE, "instance": "c:1", "job": "codegen", "route": "/v1/generate"}
#: With fewer labels than any, and no instance.
THREE = {name: ONE[name] for name in ("alertname", "deployment region", "severity")}
OTHER = {"alertname": 'say "no"\t\\ \u00a0é', "service": "codegen"}
WARNING = {"alertname": "Slow", "severity": "warning", "zone": "1"}

Body = dict[str, Any]


def routes(url: str) -> dict[str, Any]:
    """Return the configuration; `url` is the one side's part of the webhook server."""

    def receiver(name: str, place: str, **settings: Any) -> dict[str, Any]:
        return {"name": name, "webhook_configs": [{"url": f"{url}/{place}", **settings}]}

    return {
        "route": {
            "receiver": "default",
            "group_by": ["alertname", "deployment region"],
            "group_wait": "200ms",
            "group_interval": "600ms",
            "repeat_interval": "4h",
            "routes": [
                {
                    "receiver": "team.a (eu)",
                    "matchers": ['"deployment region"=~"eu-.*"', "severity=critical"],
                    "continue": True,
                },
                {
                    "receiver": "firing-only",
                    "matchers": ['severity!="info"', 'severity=~"critical|high"', 'severity!~""'],
                },
                {"matchers": ["severity=warning"], "group_by": ["..."]},
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ["severity=critical"], "target_matchers": ["severity=info"], "equal": ["job"]}
        ],
        "receivers": [
            receiver("default", "default"),
            receiver("team.a (eu)", "team", max_alerts=2),
            receiver("firing-only", "firing", send_resolved=False),
        ],
    }


@dataclass
class Step:
    """What is sent at once (at most one alert a group, so that no flush can fall between two) and what arrives."""

    name: str
    firing: list[dict[str, str]] = field(default_factory=list)
    resolved: list[dict[str, str]] = field(default_factory=list)
    arrive: dict[str, int] = field(default_factory=dict)
    silence: str = ""
    expire: bool = False


STEPS = [
    Step("first alerts", [ONE, OTHER, WARNING], arrive={"team": 1, "firing": 1, "default": 2}),
    Step("an alert is added", [TWO], arrive={"team": 1, "firing": 1}),
    Step("and one more", [THREE], arrive={"team": 1, "firing": 1}),
    Step("one resolves", resolved=[TWO], arrive={"team": 1}),
    Step("one is kept quiet", [{**OTHER, "severity": "info"}, {"alertname": "Z"}], arrive={"default": 1}),
    Step("one of two resolves", resolved=[ONE], arrive={"team": 1}),
    Step("the last ones resolve", resolved=[THREE, OTHER, WARNING], arrive={"team": 1, "default": 2}),
    Step("one comes back", [ONE], arrive={"team": 1, "firing": 1}),
    Step(
        "one is silenced, and one is added", [TWO], arrive={"team": 1, "firing": 1}, silence='instance=~"b.*"'
    ),
    Step("the silence ends, and the silenced one is new", arrive={"team": 1, "firing": 1}, expire=True),
    Step(
        "one resolves under a silence, and one is added",
        [THREE],
        [ONE],
        arrive={"team": 1, "firing": 1},
        silence='instance=~"b.*"',
    ),
    Step(
        "the silence ends, and of what resolved under it nothing is told",
        resolved=[THREE],
        arrive={"team": 1},
        expire=True,
    ),
]


def silence(text: str) -> dict[str, Any]:
    """Return a silence as the API takes it."""
    now = datetime.datetime.now(datetime.UTC)
    (matcher,) = parse_matchers(text)
    return {
        "matchers": [{"name": matcher.name, "value": matcher.value, "isRegex": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
        "createdBy": "someone",
        "comment": "why",
    }


class Webhooks:
    """A server for both sides; what arrives is kept by its path."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, str, Body]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                _, side, place = self.path.split("/")
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body["Content-Type"] = self.headers["Content-Type"]
                outer.bodies.append((side, place, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, side: str, place: str) -> list[Body]:
        """Return what one receiver got, group by group."""
        found = [body for at, where, body in list(self.bodies) if (at, where) == (side, place)]
        return sorted(found, key=lambda body: str(body["groupKey"]))


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    server = Webhooks()
    yield server
    server.close()


@pytest.fixture
def theirs(webhooks: Webhooks, tmp_path: Path, running_alertmanager: Any) -> Iterator[httpx.Client]:
    path = tmp_path / "theirs.yml"
    path.write_text(json.dumps(routes(f"{webhooks.url}/theirs")), encoding="utf-8")
    with running_alertmanager(path, EXTERNAL_URL) as client:
        yield client


@pytest.fixture
async def ours(webhooks: Webhooks, tmp_path: Path) -> AsyncIterator[Alertmanager]:
    path = tmp_path / "ours.yml"
    path.write_text(json.dumps(routes(f"{webhooks.url}/ours")), encoding="utf-8")
    state = State(tmp_path / "state.sqlite")
    alertmanager = Alertmanager(load_alertmanager(path), state, time.time, EXTERNAL_URL)
    await alertmanager.start()
    yield alertmanager
    await alertmanager.stop()
    state.close()


def alert(labels: dict[str, str], starts_at: float, ends_at: float) -> Alert:
    annotations = {"summary": f"{labels['alertname']} <&>", "which": labels.get("instance", "none")}
    url = "http://prometheus.example/graph?g0.expr=a+%3E+1&g0.tab=1"
    return Alert(make_labels(labels), make_labels(annotations), starts_at, ends_at, url)


def as_json(sent: Alert) -> dict[str, Any]:
    def moment(seconds: float) -> str:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()

    return {
        "labels": dict(sent.labels),
        "annotations": dict(sent.annotations),
        "startsAt": moment(sent.starts_at),
        "endsAt": moment(sent.ends_at),
        "generatorURL": sent.generator_url,
    }


async def arrived(webhooks: Webhooks, counts: dict[str, int], step: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        seen = {
            (side, place): len(webhooks.of(side, place)) for side in ("theirs", "ours") for place in counts
        }
        if all(number == counts[place] for (_, place), number in seen.items()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{step}: wanted {counts} on both sides, got {seen}")


async def test_the_webhooks_get_the_same(
    webhooks: Webhooks, theirs: httpx.Client, ours: Alertmanager
) -> None:
    started = time.time()
    counts = dict.fromkeys(("team", "firing", "default"), 0)
    silenced: dict[str, str] = {}
    for step in STEPS:
        if step.expire:
            gone = await asyncio.to_thread(theirs.delete, f"/api/v2/silence/{silenced['theirs']}")
            assert gone.status_code == 200, gone.text
            ours.silences.expire(silenced["ours"], "127.0.0.1")
        if step.silence:
            wanted = silence(step.silence)
            made = await asyncio.to_thread(theirs.post, "/api/v2/silences", json=wanted)
            silenced["theirs"] = made.json()["silenceID"]
            silenced["ours"] = ours.silences.set(posted_silence(wanted), "127.0.0.1")
        now = time.time()
        sent = [alert(labels, started, now + 3600) for labels in step.firing]
        sent += [alert(labels, started, now) for labels in step.resolved]
        answer = await asyncio.to_thread(theirs.post, "/api/v2/alerts", json=[as_json(a) for a in sent])
        assert answer.status_code == 200, answer.text
        ours.receive(sent)
        for place, number in step.arrive.items():
            counts[place] += number
        await arrived(webhooks, counts, step.name)
    for place in counts:
        assert webhooks.of("ours", place) == webhooks.of("theirs", place)
    # Both sides being wrong alike would show here.
    first = webhooks.of("ours", "team")[0]
    assert first["groupKey"].endswith(':{alertname="HighErrorRate", deployment region="eu-west"}')
    assert [alert["labels"] for alert in first["alerts"]] == [ONE]
