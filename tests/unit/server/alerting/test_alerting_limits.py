"""What happens where there are more alerts or groups than are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.alerting.limits import Refusals
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import Readiness
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

MANAGER = "accelerapp.server.alerting.manager"
END = 99_999.0

Make = Callable[..., Alertmanager]


class Recorder:
    send_resolved = True

    def __init__(self, told: list[tuple[str, str]]) -> None:
        self._told = told

    def readiness(self) -> tuple[Readiness, str]:
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        for alert in notice.alerts:
            self._told.append(
                (dict(alert.labels)["n"], "resolved" if alert.resolved(notice.now) else "firing")
            )


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def make(tmp_path: Path, timers: Any, told: list[tuple[str, str]]) -> Iterator[Make]:
    state = State(tmp_path / "state.sqlite")

    def build(**route: Any) -> Alertmanager:
        path = tmp_path / "alertmanager.yml"
        config = {
            "route": {"receiver": "a", "group_wait": "1s", "group_interval": "10s", **route},
            "receivers": [{"name": "a", "webhook_configs": [{"url": "http://localhost:1/"}]}],
        }
        path.write_text(json.dumps(config), encoding="utf-8")
        return Alertmanager(
            load_alertmanager(path),
            state,
            timers.now,
            timers=timers,
            deliverer=lambda *_: Recorder(told),
        )

    yield build
    state.close()


def alert(number: int, ends_at: float = END) -> Alert:
    return Alert(make_labels({"alertname": "A", "n": str(number)}), (), 0.0, ends_at)


async def test_alerts_beyond_the_limit_are_refused_counted_and_taken_once_there_is_room(
    make: Make,
    timers: Any,
    told: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(f"{MANAGER}.MAX_ALERTS", 2)
    alertmanager = make()
    await alertmanager.start()
    alertmanager.receive([alert(n) for n in range(4)])
    await timers.advance(5)
    assert [labels for labels, _ in told] == ["0", "1"]
    assert (alertmanager.load().alerts, alertmanager.load().alerts_refused) == (2, 2)
    (record,) = caplog.records
    assert "alerts at a time; let fewer labels vary" in record.message
    assert "'n': '2'" in record.message

    told.clear()
    alertmanager.receive([alert(0, ends_at=5.0)])  # one that is known is still heard
    await timers.advance(15)
    assert ("0", "resolved") in told
    alertmanager.receive([alert(3)])
    await timers.advance(30)
    assert ("3", "firing") in told
    await alertmanager.stop()


async def test_groups_beyond_the_limit_are_refused_and_their_alerts_not_kept(
    make: Make,
    timers: Any,
    told: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(f"{MANAGER}.MAX_GROUPS_OF_A_ROUTE", 2)
    alertmanager = make(group_by=["..."])
    await alertmanager.start()
    alertmanager.receive([alert(n) for n in range(3)])
    await timers.advance(5)
    load = alertmanager.load()
    assert (load.alerts, load.groups, load.groups_refused) == (2, 2, 1)
    assert 'n="2"' in caplog.text
    assert "group by fewer labels" in caplog.text

    alertmanager.receive([alert(0, ends_at=5.0)])
    await timers.advance(15)
    alertmanager.receive([alert(2)])
    await timers.advance(20)
    assert told == [("0", "firing"), ("1", "firing"), ("0", "resolved"), ("2", "firing")]
    await alertmanager.stop()


async def test_what_waits_for_the_start_is_limited_too(
    make: Make, timers: Any, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MANAGER}.MAX_ALERTS", 2)
    alertmanager = make()
    for _ in range(3):
        alertmanager.receive([alert(n) for n in range(3)])
    await alertmanager.start()
    await timers.advance(5)
    assert [labels for labels, _ in told] == ["1", "2"]
    assert alertmanager.load().alerts_refused == 0
    await alertmanager.stop()


def test_refusals_are_said_once_a_minute_with_their_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    now = 0.0
    refusals = Refusals("too many", lambda: now)
    for second in (0.0, 1.0, 59.0, 60.0, 61.0):
        now = second
        refusals.add(f"at {second:g}")
    assert refusals.count == 5
    assert [record.message for record in caplog.records] == [
        "1 times refused: too many; the latest was at 0",
        "3 times refused: too many; the latest was at 60",
    ]
