"""Routes that are read again while alerts come in and notifications are under way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import Alertmanager, Config, load_alertmanager
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import Readiness
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State


class Slow:
    """A receiver that answers when it is let go, and where it is cancelled ends when it may."""

    send_resolved = True

    def __init__(self, told: list[tuple[str, float]]) -> None:
        self._told = told
        self.answers = asyncio.Event()
        self.ending = asyncio.Event()
        self.may_end = asyncio.Event()

    def readiness(self) -> tuple[Readiness, str]:
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.ending.set()
            await self.may_end.wait()
            raise
        self._told.extend((dict(alert.labels)["alertname"], notice.now) for alert in notice.alerts)


def load(folder: Path, **route: Any) -> Config:
    path = folder / "alertmanager.yml"
    config = {
        "route": {"receiver": "a", "group_wait": "1s", "group_interval": "10s", **route},
        "receivers": [{"name": "a", "webhook_configs": [{"url": "http://localhost:1/"}]}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    return load_alertmanager(path)


def alert(name: str) -> Alert:
    return Alert(make_labels({"alertname": name}), (), 0.0, 99_999.0)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path / "state.sqlite")
    yield opened
    opened.close()


async def test_an_alert_that_comes_in_meanwhile_is_told_once_by_the_new_routes(
    tmp_path: Path, timers: Any, state: State
) -> None:
    told: list[tuple[str, float]] = []
    slow = Slow(told)
    alertmanager = Alertmanager(load(tmp_path), state, timers.now, timers=timers, deliverer=lambda *_: slow)
    await alertmanager.start()
    alertmanager.receive([alert("Before")])
    await timers.advance(5)  # it is being told of

    reloading = asyncio.create_task(alertmanager.reload(load(tmp_path, group_by=["alertname"])))
    async with asyncio.timeout(30):
        await slow.ending.wait()
        alertmanager.receive([alert("Meanwhile")])
        while not alertmanager.groups():
            await asyncio.sleep(0.001)
    assert not reloading.done()
    slow.may_end.set()
    await reloading
    slow.answers.set()
    await timers.advance(100)
    assert sorted(name for name, _ in told) == ["Before", "Meanwhile"]
    assert [group.labels for group in alertmanager.groups()] == [
        (("alertname", "Before"),),
        (("alertname", "Meanwhile"),),
    ]
    await alertmanager.stop()


async def test_alerts_for_whose_new_groups_there_is_no_room_are_not_kept(
    tmp_path: Path, timers: Any, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accelerapp.server.alerting.manager.MAX_GROUPS_OF_A_ROUTE", 2)
    alertmanager = Alertmanager(
        load(tmp_path), state, timers.now, timers=timers, deliverer=lambda *_: Slow([])
    )
    await alertmanager.start()
    alertmanager.receive([alert("A"), alert("B"), alert("C")])
    await timers.settle()
    await alertmanager.reload(load(tmp_path, group_by=["alertname"]))
    assert [dict(kept.labels)["alertname"] for kept in alertmanager.alerts()] == ["A", "B"]
    assert alertmanager.load().groups_refused == 1
    await alertmanager.stop()
    assert [dict(kept.labels)["alertname"] for kept in state.alerts.load()] == ["A", "B"]
