"""What a receiver was told is known, though the disk was full when it was told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.notification_log import NotificationLog
from accelerapp.server.alerting.receivers import Readiness
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import LogEntry, State

CONFIG = """
route: {receiver: web, group_by: ['...'], group_wait: 1s, group_interval: 10s, repeat_interval: 1h}
receivers: [{name: web, webhook_configs: [{url: 'http://localhost:1/'}]}]
"""
#: What has such a name fits no page that is there already.
LABELS = make_labels({"alertname": "A", "path": "x" * 10_000})


class Recorder:
    send_resolved = True

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def readiness(self) -> tuple[Readiness, str]:
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        self._told.append(notice.status)


class Disk:
    """The room that a state file has: SQLite itself refuses what goes beyond it."""

    def __init__(self, state: State) -> None:
        self._connection: sqlite3.Connection = state._file._connection

    def fill(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 1")  # as many as there are

    def free(self) -> None:
        self._connection.execute("PRAGMA max_page_count = 100000")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.sqlite")
    yield made
    made.close()


def make(folder: Path, state: State, timers: Any, told: list[str]) -> Alertmanager:
    path = folder / "alertmanager.yml"
    path.write_text(CONFIG, encoding="utf-8")
    return Alertmanager(
        load_alertmanager(path), state, timers.now, timers=timers, deliverer=lambda *_: Recorder(told)
    )


async def test_what_was_told_while_the_disk_was_full_is_told_once_and_written_when_there_is_space(
    tmp_path: Path, state: State, timers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    disk = Disk(state)
    alertmanager = make(tmp_path, state, timers, told)
    await alertmanager.start()
    disk.fill()
    alertmanager.receive([Alert(LABELS, (), 0.0, 99_999.0)])
    await timers.advance(100)
    assert told == ["firing"]
    assert [r.message for r in caplog.records if "notification log" in r.message] == [
        "the notification log cannot be written and is kept in memory: database or disk is full"
    ]
    alertmanager.receive([Alert(LABELS, (), 0.0, 100.0)])
    await timers.advance(200)
    assert told == ["firing", "resolved"]
    assert state.notifications.history() == []

    alertmanager.receive([Alert(LABELS, (), 201.0, 99_999.0)])
    await timers.advance(220)
    disk.free()
    await timers.advance(240)
    assert [one.status for one in state.notifications.history()] == ["firing", "resolved", "firing"]
    await alertmanager.stop()
    again = make(tmp_path, state, timers, told)
    await again.start()
    again.receive([Alert(LABELS, (), 201.0, 99_999.0)])
    await timers.advance(300)
    assert told == ["firing", "resolved", "firing"]
    await again.stop()


async def test_what_waits_is_written_when_alerting_stops(tmp_path: Path, state: State, timers: Any) -> None:
    told: list[str] = []
    disk = Disk(state)
    alertmanager = make(tmp_path, state, timers, told)
    await alertmanager.start()
    disk.fill()
    alertmanager.receive([Alert(LABELS, (), 0.0, 99_999.0)])
    await timers.advance(5)
    disk.free()
    await alertmanager.stop()
    assert [one.outcome for one in state.notifications.history()] == ["sent"]


def test_what_has_expired_is_not_known_and_not_kept(state: State) -> None:
    log, disk = NotificationLog(state.notifications), Disk(state)
    entry = LogEntry(1.0, frozenset({"x" * 10_000}), frozenset())
    disk.fill()
    log.save("group", "web", entry, 10.0)
    assert log.entry("group", "web", 9.0) == entry
    assert log.entry("group", "web", 10.0) is None
    disk.free()
    log.write()
    assert state.notifications.entry("group", "web", 9.0) is None
