"""Alerts pushed at a time, notifications wanted at a time: the cases of the routing corpus on a manual clock."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accelerapp.server.alerting import Alertmanager, Config, load_alertmanager, parse_matchers
from accelerapp.server.alerting.config import Integration
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import DeliveryError, Readiness
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State, StoredSilence

CORPUS = Path(__file__).parents[3] / "corpus" / "routing"
CASES: list[dict[str, Any]] = [
    case for path in sorted(CORPUS.glob("*.yml")) for case in YAML(typ="safe", pure=True).load(path)
]

Sent = tuple[float, str, tuple[str, ...], tuple[str, ...]]


class Recorder:
    """Takes every notification, but those of receivers that are away."""

    def __init__(
        self, timers: Any, integration: Integration, away: list[dict[str, Any]], sent: list[Sent]
    ) -> None:
        self._timers = timers
        self._away = away
        self._sent = sent
        self.send_resolved: bool = integration.settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        now = self._timers.now()
        if any(a["receiver"] == notice.receiver and a["from"] <= now < a["to"] for a in self._away):
            raise DeliveryError("away", retry=True)
        names = [(dict(a.labels)["alertname"], a.resolved(notice.now)) for a in notice.alerts]
        firing = tuple(sorted(name for name, resolved in names if not resolved))
        ended = tuple(sorted(name for name, resolved in names if resolved))
        self._sent.append((round(now, 1), notice.receiver, firing, ended))


@pytest.fixture
def state(tmp_path: Path) -> Any:
    state = State(tmp_path / "state.sqlite")
    yield state
    state.close()


def load(config: dict[str, Any], folder: Path, time_factor: float = 1) -> Config:
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(config, text)
    path = folder / "alertmanager.yml"
    path.write_text(text.getvalue())
    return load_alertmanager(path, time_factor=time_factor)


def make(case: dict[str, Any], folder: Path, state: State, timers: Any, sent: list[Sent]) -> Alertmanager:
    config = load(case["config"], folder, case.get("time_factor", 1))

    def recorder(integration: Integration, *_: object) -> Recorder:
        return Recorder(timers, integration, case.get("fail", []), sent)

    return Alertmanager(config, state, timers.now, timers=timers, deliverer=recorder)


def alerts_of(push: dict[str, Any], now: float) -> list[Alert]:
    return [
        Alert(make_labels(alert["labels"]), (), now, now + alert.get("ends", 86400))
        for alert in push["alerts"]
    ]


def silence(step: dict[str, Any]) -> StoredSilence:
    matchers = tuple(matcher for text in step["silence"] for matcher in parse_matchers(text))
    return StoredSilence("", matchers, step.get("starts", 0), step["ends"], 0, "someone", "why")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_case(case: dict[str, Any], tmp_path: Path, state: State, timers: Any) -> None:
    sent: list[Sent] = []
    silences: list[str] = []
    alertmanager = make(case, tmp_path, state, timers, sent)
    await alertmanager.start()
    for step in sorted([*case["push"], *case.get("do", [])], key=lambda step: float(step["at"])):
        await timers.advance(step["at"])
        if "alerts" in step:
            alertmanager.receive(alerts_of(step, timers.now()))
        elif "silence" in step:
            silences.append(alertmanager.silences.set(silence(step), "127.0.0.1"))
        elif "expire" in step:
            alertmanager.silences.expire(silences[step["expire"]], "127.0.0.1")
        elif "reload" in step:
            await alertmanager.reload(load(step["reload"], tmp_path))
        else:
            await alertmanager.stop()
            alertmanager = make(case, tmp_path, state, timers, sent)
            await alertmanager.start()
        await timers.settle()
    await timers.advance(case["until"])
    await alertmanager.stop()
    wanted = [
        (float(w["at"]), w["receiver"], tuple(w.get("firing", ())), tuple(w.get("resolved", ())))
        for w in case["want"]
    ]
    assert sorted(sent) == sorted(wanted)


RESTART = {
    "config": {
        "route": {"receiver": "all", "group_by": ["service"], "group_wait": "30s", "group_interval": "5m"},
        "receivers": [{"name": "all", "webhook_configs": [{"url": "http://all"}]}],
    }
}


async def test_after_a_restart_nothing_is_sent_twice_and_the_resolution_is_sent(
    tmp_path: Path, state: State, timers: Any
) -> None:
    firing = {"alerts": [{"labels": {"alertname": "A", "service": "s"}}]}
    sent: list[Sent] = []
    first = make(RESTART, tmp_path, state, timers, sent)
    await first.start()
    first.receive(alerts_of(firing, 0))
    await timers.advance(40)
    await first.stop()
    assert [s[2:] for s in sent] == [(("A",), ())]

    second = make(RESTART, tmp_path, state, timers, sent)
    await second.start()
    second.receive(alerts_of(firing, 45))
    await timers.advance(400)
    assert len(sent) == 1
    await second.stop()

    third = make(RESTART, tmp_path, state, timers, sent)
    await third.start()
    third.receive(
        [Alert(make_labels({"alertname": "A", "service": "s"}), (), 0, 400.0)],
    )
    await timers.advance(1500)
    await third.stop()
    assert [s[2:] for s in sent] == [(("A",), ()), ((), ("A",))]
    assert state.alerts.load() == []


async def test_an_alert_that_ends_while_the_process_is_away_is_told_of_as_resolved(
    tmp_path: Path, state: State, timers: Any
) -> None:
    sent: list[Sent] = []
    first = make(RESTART, tmp_path, state, timers, sent)
    await first.start()
    first.receive([Alert(make_labels({"alertname": "A", "service": "s"}), (), 0.0, 240.0)])
    await timers.advance(40)
    await first.stop()
    await timers.advance(1000)
    second = make(RESTART, tmp_path, state, timers, sent)
    await second.start()
    await timers.advance(1001)
    await second.stop()
    assert [s[2:] for s in sent] == [(("A",), ()), ((), ("A",))]


async def test_what_is_received_before_the_start_is_not_lost(
    tmp_path: Path, state: State, timers: Any
) -> None:
    sent: list[Sent] = []
    alertmanager = make(RESTART, tmp_path, state, timers, sent)
    alertmanager.receive([Alert(make_labels({"alertname": "A"}), (), 0.0, 9999.0)])
    await alertmanager.start()
    await timers.advance(60)
    await alertmanager.stop()
    assert [s[2] for s in sent] == [("A",)]
    history = alertmanager.notifications()
    assert [(n.receiver, n.integration, n.status, n.outcome, n.attempts) for n in history] == [
        ("all", "webhook", "firing", "sent", 1)
    ]
