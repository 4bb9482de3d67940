"""Alertmanager's API v2 and amtool: the real Alertmanager and `accelerapp up` give the same answers."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.programs import Program, free_port, until

pytestmark = pytest.mark.stack

CONFIG: dict[str, Any] = {
    "global": {"slack_api_url": "http://127.0.0.1:9/secret"},
    "route": {
        "receiver": "default",
        "group_by": ["alertname"],
        "group_wait": "100ms",
        "group_interval": "1s",
        "routes": [
            {"receiver": "team", "matchers": ['team="a"'], "continue": True},
            {"receiver": "night", "matchers": ['"deployment region"=~"eu-.*"'], "group_by": ["..."]},
            {"receiver": "muted", "matchers": ["mute=yes"], "mute_time_intervals": ["always"]},
        ],
    },
    "time_intervals": [
        {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    ],
    "inhibit_rules": [
        {"source_matchers": ["severity=critical"], "target_matchers": ["severity=info"], "equal": ["job"]}
    ],
    "receivers": [
        {"name": "default", "slack_configs": [{"channel": "#x", "title": "a: 'b' {{ .Status }}"}]},
        {"name": "team", "labels": {"owner": "a"}},
        {"name": "night"},
        {"name": "muted"},
    ],
}
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=123000)


def moment(seconds: float) -> str:
    return (NOW + datetime.timedelta(seconds=seconds)).isoformat()


@dataclass(frozen=True)
class Side:
    name: str
    client: httpx.Client

    @property
    def url(self) -> str:
        return str(self.client.base_url)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, running_alertmanager: Any) -> Iterator[Side]:
    path = tmp_path_factory.mktemp("theirs") / "alertmanager.yml"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    with running_alertmanager(path, "http://am.example") as client:
        yield Side("theirs", client)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    home = tmp_path_factory.mktemp("ours")
    (home / "alertmanager.yml").write_text(json.dumps(CONFIG), encoding="utf-8")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    port = free_port()
    command = [
        *(sys.executable, "-m", "accelerapp.cli", "up", "--port", str(port), "--otlp-http-port", "0"),
        *("--prometheus-file", str(home / "prometheus.yml"), "--data-dir", str(home / "data")),
        *("--alertmanager-file", str(home / "alertmanager.yml")),
    ]
    url = f"http://127.0.0.1:{port}"
    program = Program(command, home / "log", f"{url}/-/ready")
    program.start()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield Side("ours", client)
    program.stop()


@pytest.fixture(scope="module")
def sides(theirs: Side, ours: Side) -> tuple[Side, Side]:
    return theirs, ours


def alert(labels: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"labels": labels, "startsAt": moment(-60), "endsAt": moment(3600), **more}


ALERTS = [
    alert(
        {"alertname": "One", "team": "a", "severity": "critical", "job": "j", "empty": ""},
        annotations={"summary": "é <&>", "none": ""},
        generatorURL="http://prometheus.example/graph?g0.expr=1",
    ),
    alert({"alertname": "Two", "severity": "info", "job": "j", "deployment region": "eu-west"}),
    alert({"alertname": "Two", "severity": "info", "job": "other", "instance": "b:1"}),
    alert({"alertname": "Two", "severity": "info", "job": "other", "instance": "a:1"}),
    alert({"alertname": "Three", "mute": "yes"}),
    alert({"alertname": "Over"}, startsAt=moment(-120), endsAt=moment(-60)),
]


def silence(matchers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "matchers": matchers,
        "startsAt": moment(-10),
        "endsAt": moment(7200),
        "createdBy": "someone",
        "comment": "a comment é",
        **more,
    }


def equal(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, **more}


class Answers:
    """Makes answers of both sides comparable: ids by their order, and the times at which something was received."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def _id(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"id-{len(self._ids)}")

    def normal(self, text: str) -> str:
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", self._id, text)
        return re.sub(r'"updatedAt":\s?"[^"]*"', '"updatedAt": "some time"', text)

    def of(self, answer: httpx.Response) -> tuple[int, str, Any]:
        kind = answer.headers.get("content-type", "") if answer.content else ""
        text = self.normal(answer.text)
        if "/silence" in answer.url.path:  # one that is made now starts now
            text = re.sub(r'"startsAt":\s?"[^"]*"', '"startsAt": "some time"', text)
        return answer.status_code, kind, json.loads(text) if text else ""


def _items(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def both(
    sides: tuple[Side, Side], answers: tuple[Answers, Answers], method: str, path: str, **arguments: Any
) -> tuple[httpx.Response, httpx.Response]:
    """Ask both sides, and assert that they answer alike."""
    theirs, ours = (side.client.request(method, f"/api/v2{path}", **arguments) for side in sides)
    wanted, got = answers[0].of(theirs), answers[1].of(ours)
    assert got[:2] == wanted[:2], (method, path, arguments)
    for mine, its in zip(_items(got[2]), _items(wanted[2]), strict=True):
        assert mine == its, (method, path, arguments)
    assert ours.headers["cache-control"] == "no-store"
    return theirs, ours


def test_alerts_groups_and_silences(sides: tuple[Side, Side]) -> None:
    answers = Answers(), Answers()

    def ask(method: str, path: str, **arguments: Any) -> tuple[httpx.Response, httpx.Response]:
        return both(sides, answers, method, path, **arguments)

    for path in ("/alerts", "/alerts/groups", "/silences"):
        ask("GET", path)
    ask("POST", "/alerts", json=ALERTS)
    # Groups are there once they have been told; what keeps one quiet is known by then.
    for side in sides:
        until(lambda side=side: len(side.client.get("/api/v2/alerts/groups").json()) == 4, "groups")  # type: ignore[misc]
        until(
            lambda side=side: any(  # type: ignore[misc]
                one["status"]["mutedBy"]
                for group in side.client.get("/api/v2/alerts/groups").json()
                for one in group["alerts"]
            ),
            "muted",
        )
    made = ask(
        "POST", "/silences", json=silence([equal("alertname", "Two"), equal("job", "oth.*", isRegex=True)])
    )
    ids = [answer.json()["silenceID"] for answer in made]
    ask("POST", "/silences", json=silence([equal("alertname", "x", isEqual=False)], startsAt=moment(3600)))
    ask(
        "POST",
        "/silences",
        json=silence([equal("deployment region", "us")], annotations={"a": "b"}, endsAt=moment(5000)),
    )

    for parameters in (
        {},
        {"silenced": "false"},
        {"inhibited": "false"},
        {"active": "false"},
        {"active": "false", "inhibited": "false"},
        {"unprocessed": "false"},
        {"filter": 'alertname="Two"'},
        {"filter": ["alertname=~T.*", "job!=j"]},
        {"filter": '"deployment region"="eu-west"'},
        {"filter": 'nothing=""'},
        {"receiver": "team|night"},
        {"receiver": "tea"},
        {"receiver_matchers": "owner=a"},
        {"muted": "false"},
    ):
        ask("GET", "/alerts", params=parameters)
        ask("GET", "/alerts/groups", params=parameters)
    for parameters in (
        {},
        {"active": "false"},
        {"pending": "false"},
        {"expired": "false"},
        {"filter": "alertname=Two"},
        {"filter": ["alertname=Two", "job=~oth.*"]},
        {"filter": "job=other"},
    ):
        ask("GET", "/silences", params=parameters)
    ask("GET", "/receivers")
    ask("GET", "/receivers", params={"receiver_matchers": "owner=a"})

    # A change that leaves the past as it was keeps the id, and another makes a new one.
    def change(**more: Any) -> None:
        theirs, ours = (
            side.client.post(
                "/api/v2/silences",
                json={**side.client.get(f"/api/v2/silence/{own}").json(), **more},
            )
            for side, own in zip(sides, ids, strict=True)
        )
        assert answers[1].of(ours) == answers[0].of(theirs)
        ids[:] = [theirs.json()["silenceID"], ours.json()["silenceID"]]

    def shown() -> None:
        wanted, got = (
            answer.of(side.client.get(f"/api/v2/silence/{own}"))
            for answer, side, own in zip(answers, sides, ids, strict=True)
        )
        assert got == wanted

    before = list(ids)
    change(comment="another", endsAt=moment(9000))
    assert ids == before
    shown()
    change(matchers=[equal("alertname", "Three")])
    assert ids[0] != before[0]
    shown()
    for side, own, old in zip(sides, ids, before, strict=True):
        assert side.client.get(f"/api/v2/silence/{old}").json()["status"]["state"] == "expired", side.name
        for _ in range(2):
            assert side.client.delete(f"/api/v2/silence/{own}").status_code == 200, side.name
        assert side.client.get(f"/api/v2/silence/{own}").json()["status"]["state"] == "expired", side.name
    # Resolved, and no longer told of.
    ask("POST", "/alerts", json=[alert({"alertname": "Three", "mute": "yes"}, endsAt=moment(-1))])
    ask("GET", "/alerts", params={"filter": "alertname=Three"})


MISSING = "12345678-1234-1234-1234-123456789abc"


@pytest.mark.parametrize(
    ("method", "path", "arguments", "exact"),
    [
        ("GET", f"/silence/{MISSING}", {}, True),
        ("DELETE", f"/silence/{MISSING}", {}, True),
        ("GET", "/silence/nothing", {}, True),
        ("DELETE", "/silence/nothing", {}, True),
        ("GET", "/alerts", {"params": {"active": "perhaps"}}, False),
        ("GET", "/alerts", {"params": {"filter": "nonsense"}}, False),
        ("GET", "/silences", {"params": {"filter": "{a=1,b=2}"}}, False),
        ("GET", "/alerts", {"params": {"receiver": "("}}, False),
        ("GET", "/receivers", {"params": {"receiver_matchers": "("}}, False),
        ("PUT", "/alerts", {"json": []}, False),
        ("POST", "/status", {"json": []}, False),
        ("POST", "/alerts", {"content": "[]", "headers": {"content-type": "text/plain"}}, True),
        (
            "POST",
            "/alerts",
            {"content": "[]", "headers": {"content-type": "application/json; charset=utf-8"}},
            True,
        ),
        ("POST", "/silences", {"data": {"a": "b"}}, True),
        ("POST", "/alerts", {"content": "", "headers": {"content-type": "application/json"}}, True),
        ("POST", "/silences", {"content": "", "headers": {"content-type": "application/json"}}, True),
        ("POST", "/alerts", {"content": "[{", "headers": {"content-type": "application/json"}}, False),
        ("POST", "/alerts", {"json": {}}, False),
        ("POST", "/alerts", {"json": [{"labels": {}}]}, True),
        ("POST", "/alerts", {"json": [{"labels": {"a": ""}}]}, True),
        ("POST", "/alerts", {"json": [{"annotations": {}}]}, True),
        ("POST", "/alerts", {"json": [{"labels": {"a": 1}}]}, False),
        ("POST", "/alerts", {"json": [alert({"a": "b"}, startsAt=moment(9), endsAt=moment(1))]}, True),
        ("POST", "/alerts", {"json": [alert({"a": "b"}, startsAt="yesterday")]}, False),
        ("POST", "/alerts", {"json": [alert({"a": "b"}, generatorURL="no url")]}, True),
        ("POST", "/silences", {"json": {}}, False),
        ("POST", "/silences", {"json": silence([])}, True),
        ("POST", "/silences", {"json": silence([equal("a", "")])}, True),
        ("POST", "/silences", {"json": silence([equal("a", ".*", isRegex=True)])}, True),
        ("POST", "/silences", {"json": silence([equal("", "x")])}, True),
        ("POST", "/silences", {"json": silence([equal("a", "(", isRegex=True)])}, False),
        ("POST", "/silences", {"json": silence([{"name": "a", "value": "b"}])}, True),
        ("POST", "/silences", {"json": silence([equal("a", "b")], id=MISSING)}, True),
        ("POST", "/silences", {"json": silence([equal("a", "b")], endsAt=moment(-5))}, True),
        (
            "POST",
            "/silences",
            {"json": silence([equal("a", "b")], startsAt=moment(20), endsAt=moment(10))},
            True,
        ),
        ("GET", "/status/more", {}, False),
    ],
)
def test_errors(
    sides: tuple[Side, Side], method: str, path: str, arguments: dict[str, Any], exact: bool
) -> None:
    theirs, ours = (side.client.request(method, f"/api/v2{path}", **arguments) for side in sides)
    assert ours.status_code == theirs.status_code, (theirs.text, ours.text)
    if exact:
        assert ours.text.strip() == theirs.text.strip()
    elif theirs.text and theirs.status_code not in (404, 405):
        # The words of Go's parsers are not ours, but what is an object here is one there.
        assert type(ours.json()) is type(theirs.json()), (theirs.text, ours.text)


def test_status(sides: tuple[Side, Side]) -> None:
    theirs, ours = (side.client.get("/api/v2/status").json() for side in sides)
    assert {name: set(part) for name, part in ours.items() if name != "uptime"} == {
        name: set(part) for name, part in theirs.items() if name != "uptime"
    }
    assert ours["cluster"] == theirs["cluster"]
    assert "secret" not in ours["config"]["original"].replace("<secret>", "")


# amtool


def run(amtool: Path, side: Side, *arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [amtool, f"--alertmanager.url={side.url}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=stdin,
    )
    assert done.returncode == 0, (side.name, arguments, done.stdout + done.stderr)
    return done.stdout


def lines(text: str) -> list[str]:
    """Return what amtool printed, without ids, times and the widths that they have."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)", "TIME", text)
    return [" ".join(line.split()) for line in text.splitlines()]


def test_amtool(sides: tuple[Side, Side], amtool: Path, tmp_path: Path) -> None:
    def same(*arguments: str) -> list[str]:
        theirs, ours = (lines(run(amtool, side, *arguments)) for side in sides)
        assert ours == theirs, arguments
        return ours

    same("alert", "add", "Amtool", "node=bar", '"deployment region"="eu-1"', "--annotation=summary=some text")
    assert any("Amtool" in line for line in same("alert", "query", "Amtool"))
    same("-o", "extended", "alert", "query", "alertname=~Am.*")
    same("alert", "query", "alertname=~Am.*", "--receiver=night")
    same("silence", "add", "--comment=maintenance", "--author=me", "Amtool", "node=~b.*", "--annotation=a=b")
    same("alert", "query", "Amtool")
    assert any("Amtool" in line for line in same("alert", "query", "--silenced", "Amtool"))
    assert any("maintenance" in line for line in same("silence", "query", "Amtool"))
    same("-o", "extended", "silence", "query", "Amtool")
    for side in sides:
        (own,) = run(amtool, side, "silence", "query", "-q", "Amtool").split()
        kept = json.loads(run(amtool, side, "-o", "json", "silence", "query", "Amtool"))
        assert own in run(amtool, side, "silence", "update", "--duration=3h", "--comment=longer", own)
        run(amtool, side, "silence", "expire", own)
        (tmp_path / "silences.json").write_text(json.dumps(kept), encoding="utf-8")
        run(amtool, side, "silence", "import", str(tmp_path / "silences.json"))
    assert any("maintenance" in line for line in same("silence", "query", "Amtool"))
    assert any("longer" in line for line in same("silence", "query", "--expired", "Amtool"))
    same("cluster", "show")
    same("config", "routes", "show")
    assert same("config", "routes", "test", "team=a") == ["team"]
    same("config", "routes", "test", '"deployment region"=eu-2', "team=a")
    assert json.loads(run(amtool, sides[1], "-o", "json", "config", "show"))["config"]["original"]
    # What is shown can be read back.
    (tmp_path / "shown.yml").write_text(
        sides[1].client.get("/api/v2/status").json()["config"]["original"], encoding="utf-8"
    )
    done = subprocess.run(
        [amtool, "check-config", tmp_path / "shown.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
