"""The shipped file on a manual clock, which begins on Thursday, 1 January 1970, at midnight UTC: when who is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.alerting.config import Integration
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import Readiness
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

SHIPPED = Path(__file__).parents[4] / "deployment" / "observability" / "prometheus" / "alertmanager.yml"
HOUR = 3600.0
DAY = 24 * HOUR

#: When, who, what fires and what has resolved.
Told = tuple[float, str, list[str], list[str]]


class Recorder:
    def __init__(self, told: list[Told], integration: Integration, timers: Any) -> None:
        self._told = told
        self._timers = timers
        self.send_resolved: bool = integration.settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        names = [(dict(alert.labels)["alertname"], alert.resolved(notice.now)) for alert in notice.alerts]
        firing = [name for name, resolved in names if not resolved]
        ended = [name for name, resolved in names if resolved]
        self._told.append((self._timers.now(), notice.receiver, firing, ended))


@pytest.fixture
def told() -> list[Told]:
    return []


@pytest.fixture
async def shipped(told: list[Told], tmp_path: Path, timers: Any) -> AsyncIterator[Alertmanager]:
    state = State(tmp_path / "state.sqlite")

    def recorder(integration: Integration, *_: object) -> Recorder:
        return Recorder(told, integration, timers)

    alertmanager = Alertmanager(
        load_alertmanager(SHIPPED), state, timers.now, timers=timers, deliverer=recorder
    )
    await alertmanager.start()
    yield alertmanager
    await alertmanager.stop()
    state.close()


async def send(
    shipped: Alertmanager, timers: Any, name: str, severity: str, *, ends_at: float = 99 * DAY
) -> None:
    labels = {
        "alertname": name,
        "severity": severity,
        "service": "codegen",
        "cluster": "a",
        "environment": "b",
    }
    shipped.receive([Alert(make_labels(labels), (), timers.now(), ends_at)])
    await timers.settle()


async def test_infos_are_told_of_once_a_day_and_what_came_and_went_as_well(
    shipped: Alertmanager, timers: Any, told: list[Told]
) -> None:
    await send(shipped, timers, "A", "info")
    await timers.advance(HOUR)
    await send(shipped, timers, "B", "info")
    await timers.advance(2 * HOUR)
    await send(shipped, timers, "B", "info", ends_at=timers.now())
    await send(shipped, timers, "C", "info")
    await timers.advance(DAY + HOUR)
    await send(shipped, timers, "A", "info", ends_at=timers.now())
    await send(shipped, timers, "C", "info", ends_at=timers.now())
    await timers.advance(4 * DAY)
    assert told == [
        (300.0, "info-alerts", ["A"], []),
        (300.0 + DAY, "info-alerts", ["A", "C"], ["B"]),
        (300.0 + 2 * DAY, "info-alerts", [], ["A", "C"]),
    ]


async def test_warnings_are_told_of_at_any_hour_and_again_by_day(
    shipped: Alertmanager, timers: Any, told: list[Told]
) -> None:
    await timers.advance(3 * HOUR)
    await send(shipped, timers, "A", "warning")
    await timers.advance(4 * DAY + 20 * HOUR)
    await send(shipped, timers, "A", "warning", ends_at=timers.now())
    await timers.advance(7 * DAY)
    *firing, last = told
    assert {(who, tuple(names)) for _, who, names, _ in firing} == {("warning-alerts", ("A",))}
    # In the first night at once, then twelve hours later; the next morning, once a day at the weekend, and on Monday.
    assert [divmod(int(at / HOUR), 24) for at, *_ in firing] == [
        (0, 3),
        (0, 15),
        (1, 8),
        (2, 8),
        (3, 8),
        (4, 8),
    ]
    assert (last[0] // HOUR, *last[1:]) == (4 * 24 + 20, "warning-alerts", [], ["A"])


async def test_the_heartbeat_beats_every_minute_and_never_resolves(
    shipped: Alertmanager, timers: Any, told: list[Told]
) -> None:
    await send(shipped, timers, "Watchdog", "none")
    await timers.advance(HOUR / 2 + 1)
    assert [at for at, *_ in told] == [60.0 * minute for minute in range(31)]
    await send(shipped, timers, "Watchdog", "none", ends_at=timers.now())
    await timers.advance(HOUR)
    assert {(who, tuple(firing), tuple(ended)) for _, who, firing, ended in told} == {
        ("heartbeat", ("Watchdog",), ())
    }
    assert len(told) == 31
