"""Alerting rules, their alerts and what happened to them, as the page is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.oncall import Playbooks
from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import Notification, State

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

NOW = 1000.0
ALERTS = "/api/accelerapp/v1/alerts"
RULES = """
groups:
  - name: g
    interval: 30s
    rules:
      - record: a:b
        expr: a
      - alert: Slow
        expr: latency > on (service) limit
        keep_firing_for: 5m
        labels: {severity: warning, service: "{{ $labels.service }}"}
      - alert: Broken
        expr: a / on () group_left () (x * {a="b"})
      - record: r:p95
        expr: histogram_quantile(0.95, rate(r_seconds_bucket[5m]))
      - alert: Late
        expr: r:p95 > 1
      - alert: Waiting
        expr: vector(5) > 0
        for: 1h
      - alert: Quiet
        expr: latency < 0
        labels: {severity: info}
"""
ROUTES = """
route:
  receiver: default
  routes:
    - receiver: night
      matchers: ['severity="warning"']
      group_by: [service]
      mute_time_intervals: [always]
time_intervals:
  - name: always
    time_intervals: [{months: ['1:12']}]
inhibit_rules:
  - source_matchers: ['alertname="Elsewhere"']
    target_matchers: ['service="b"']
receivers: [{name: default}, {name: night}]
"""


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[dict[str, Any]]:
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "alertmanager.yml").write_text(ROUTES)
    reader, state = MemoryReader(), State(tmp_path / "state.sqlite")
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60)
    alertmanager = Alertmanager(load_alertmanager(tmp_path / "alertmanager.yml"), state, lambda: NOW)
    rules = RuleManager(
        groups,
        Engine(reader),
        lambda _: None,
        lambda _: None,
        state,
        lambda: NOW,
        external_url="http://here",
        external_labels={"cluster": "c1"},
    )
    for service, value in (("a", 3.0), ("b", 4.0)):
        for name, given in (("latency", value), ("limit", 1.0)):
            reader.add(make_labels({"__name__": name, "service": service}), [round(NOW * 1000)], [given])
    rules.evaluate(groups[0], NOW)
    yield {
        "rules": rules,
        "alertmanager": alertmanager,
        "playbooks": Playbooks(tmp_path),
        "engine": Engine(reader),
        "clock": lambda: NOW,
        "external_url": "http://here",
        "state": state,
    }
    state.close()


def opened(api: Open, parts: dict[str, Any]) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return api(**{name: part for name, part in parts.items() if name != "state"})


async def test_a_rule_says_where_it_stands_and_what_its_graph_is_compared_with(
    api: Open, parts: dict[str, Any], tmp_path: Path
) -> None:
    async with opened(api, parts) as client:
        rules = {rule["name"]: rule for rule in (await client.get(ALERTS)).json()["rules"]}
    assert list(rules) == ["Slow", "Broken", "Late", "Waiting", "Quiet"]
    slow = rules["Slow"]
    assert (slow["group"], slow["file"], slow["interval_seconds"]) == ("g", str(tmp_path / "rules.yml"), 30)
    assert (slow["graph_query"], slow["threshold_query"], slow["comparison"]) == ("latency", "limit", ">")
    assert (slow["state"], slow["keep_firing_for_seconds"], slow["last_evaluation_ms"]) == (
        "firing",
        300,
        NOW * 1000,
    )
    assert [alert["labels"]["service"] for alert in slow["alerts"]] == ["a", "b"]
    assert slow["histogram"] is None
    assert rules["Late"]["histogram"] == {
        "metric": "r_seconds",
        "query": "r_seconds_bucket",
        "bound": None,
    }


async def test_routes_are_those_that_the_alert_takes_under_the_labels_it_is_sent_with(
    api: Open, parts: dict[str, Any]
) -> None:
    async with opened(api, parts) as client:
        answer = (await client.get(ALERTS)).json()
    slow, *_, quiet = answer["rules"]
    (taken,) = slow["alerts"][0]["routes"]
    route = answer["receiver_routes"][taken]
    assert (route["receiver"], route["group_by"], route["muted_by"]) == ("night", ["service"], ["always"])
    assert route["key"] == '{}/{severity="warning"}'
    # Without an alert the labels of the rule itself decide.
    assert [answer["receiver_routes"][one]["receiver"] for one in quiet["routes"]] == ["default"]


async def test_what_keeps_an_alert_quiet_is_named(api: Open, parts: dict[str, Any]) -> None:
    silence = {
        "matchers": [{"name": "service", "value": "a", "isRegex": False}],
        "startsAt": "1970-01-01T00:00:00Z",
        "endsAt": "1970-01-01T01:00:00Z",
        "createdBy": "ann",
        "comment": "known",
    }
    elsewhere = Alert(make_labels({"alertname": "Elsewhere"}), (), NOW - 1, NOW + 60, "http://other/graph")
    await parts["alertmanager"].take([elsewhere])
    async with opened(api, parts) as client:
        (await client.post("/api/v2/silences", json=silence)).raise_for_status()
        answer = (await client.get(ALERTS)).json()
    (first, second) = answer["rules"][0]["alerts"]
    (told,) = answer["silences"]
    assert first["silenced_by"] == [told["id"]]
    assert (told["created_by"], told["comment"], told["matchers"]) == ("ann", "known", ['service="a"'])
    (inhibitor,) = second["inhibited_by"]
    assert answer["inhibitors"] == {inhibitor: {"alertname": "Elsewhere"}}


async def test_an_alert_that_no_rule_here_has_raised_is_told_apart(api: Open, parts: dict[str, Any]) -> None:
    slow = make_labels({"alertname": "Slow", "service": "gone", "severity": "warning"})
    await parts["alertmanager"].take(
        [
            Alert(make_labels({"alertname": "Elsewhere"}), (("summary", "s"),), 900, NOW + 60, ""),
            Alert(make_labels({"alertname": "Over"}), (), 900, NOW - 1, ""),
            # Raised here: its rule has let it go, and the end is yet to be told.
            Alert(slow, (), 900, NOW + 60, "http://here/graph?g0.expr=latency"),
        ]
    )
    async with opened(api, parts) as client:
        answer = (await client.get(ALERTS)).json()
    (other,) = answer["others"]
    assert (other["labels"], other["annotations"], other["starts_ms"]) == (
        {"alertname": "Elsewhere"},
        {"summary": "s"},
        900_000,
    )
    assert answer["others_left_out"] == 0


async def test_the_history_is_of_one_alert_or_of_all_and_of_a_time(api: Open, parts: dict[str, Any]) -> None:
    told = [make_labels({"alertname": name, "n": str(n)}) for name in ("Slow", "Quiet") for n in range(30)]
    for at, alerts in ((NOW - 50, told[:1]), (NOW - 5, told)):
        parts["state"].notifications.add(
            Notification(at, "night", "webhook[0]", "firing", "sent", "", 1, (), tuple(alerts))
        )
    async with opened(api, parts) as client:
        one = (await client.get(f"{ALERTS}/history", params={"name": "Quiet"})).json()
        every = (await client.get(f"{ALERTS}/history")).json()
        before = (await client.get(f"{ALERTS}/history", params={"end_ms": (NOW - 20) * 1000})).json()
        cut = (await client.get(f"{ALERTS}/history", params={"limit": 1})).json()
        bad = await client.get(f"{ALERTS}/history", params={"limit": 0})
    assert one["transitions"] == []
    ((names, count, shown),) = [
        (n["names"], n["alert_count"], len(n["alerts"])) for n in one["notifications"]
    ]
    assert (names, count, shown) == (["Quiet"], 30, 20)
    assert sorted((t["rule"], t["state"]) for t in every["transitions"]) == [
        ("Slow", "firing"),
        ("Slow", "firing"),
        ("Waiting", "pending"),
    ]
    assert [n["names"] for n in every["notifications"]] == [["Slow"], ["Quiet", "Slow"]]
    assert (before["transitions"], len(before["notifications"]), before["truncated"]) == ([], 1, False)
    assert (len(cut["transitions"]), len(cut["notifications"]), cut["truncated"]) == (1, 1, True)
    assert bad.status_code == 400


async def test_the_history_says_who_changed_which_silence(api: Open, parts: dict[str, Any]) -> None:
    body = {
        "matchers": [{"name": "service", "value": "a|b", "isRegex": True}],
        "startsAt": "1970-01-01T00:00:00Z",
        "endsAt": "1970-01-01T01:00:00Z",
        "createdBy": "ann",
        "comment": "known",
    }
    async with opened(api, parts) as client:
        made = (await client.post("/api/v2/silences", json=body)).json()["silenceID"]
        await client.delete(f"/api/v2/silence/{made}")
        await client.post("/api/v2/silences", json={**body, "createdBy": "bob"})
        changes = (await client.get(f"{ALERTS}/history", params={"silence": made})).json()["silence_changes"]
        later = {"silence": made, "start_ms": (NOW + 1) * 1000}
        none = (await client.get(f"{ALERTS}/history", params=later)).json()
        lately = (await client.get(f"{ALERTS}/history")).json()["silence_changes"]
    assert [(c["action"], c["silence"], c["created_by"]) for c in changes] == [
        ("created", made, "ann"),
        ("expired", made, "ann"),
    ]
    assert [c["created_by"] for c in lately] == ["ann", "ann", "bob"]
    assert (none["silence_changes"], none["transitions"]) == ([], [])
    assert (changes[0]["client"], changes[0]["matchers"]) == ("127.0.0.1", ['service=~"a|b"'])


async def test_a_playbook_is_told_with_its_blocks(api: Open, parts: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "slow.md").write_text("# Slow\n\n```promql\nrate(a[5m])\n```\n")
    parts = {**parts, "playbooks": Playbooks(tmp_path), "time_factor": 20.0}
    async with opened(api, parts) as client:
        answer = (await client.get("/api/accelerapp/v1/playbooks/slow")).json()
        listed = (await client.get("/api/accelerapp/v1/playbooks")).json()
    assert listed == {"playbooks": [{"name": "slow", "title": "Slow"}]}
    assert answer["title"] == "Slow"
    assert answer["blocks"] == [
        {"lang": "promql", "text": "rate(a[5m])", "query": "rate(a[15s])", "problem": ""}
    ]


async def test_a_silence_is_told_what_it_would_keep_quiet(api: Open, parts: dict[str, Any]) -> None:
    elsewhere = Alert(make_labels({"alertname": "Elsewhere", "service": "a"}), (), 900, NOW + 60, "")
    await parts["alertmanager"].take([elsewhere])
    async with opened(api, parts) as client:

        async def matching(*matchers: str) -> dict[str, Any]:
            answer = await client.get(f"{ALERTS}/matching", params={"filter": list(matchers)})
            return dict(answer.json())

        one = await matching('service="a"', 'cluster="c1"')
        both = await matching('service="a"')
        waiting = await matching('alertname="Waiting"')
        rules = await matching('alertname=~"Slow|Late"', 'severity!="info"', 'service!="x"')
        none = await client.get(f"{ALERTS}/matching")
        bad = await client.get(f"{ALERTS}/matching", params={"filter": 'a=~"("'})
    # With the labels that it is sent with, those of its place among them.
    assert [(a["labels"]["alertname"], a["labels"]["service"]) for a in one["alerts"]] == [("Slow", "a")]
    assert [a["labels"]["alertname"] for a in both["alerts"]] == ["Slow", "Elsewhere"]
    assert (both["firing"], both["pending"]) == (2, 0)
    assert [(a["state"], a["silenced_by"]) for a in waiting["alerts"]] == [("pending", [])]
    assert (waiting["firing"], waiting["pending"]) == (0, 1)
    assert [(r["name"], r["depends_on"]) for r in waiting["rules"]] == [("Waiting", [])]
    # The rule's own labels tell of it, as far as they are no templates.
    assert [(r["name"], r["depends_on"]) for r in rules["rules"]] == [
        ("Slow", ["service"]),
        ("Late", ["service", "severity"]),
    ]
    assert (none.status_code, bad.status_code) == (400, 400)
    assert "not valid RE2" in bad.json()["error"]
