"""The state file: what is written is there after it is opened again, and foreign files are refused."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest

from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import (
    LogEntry,
    Notification,
    State,
    StateError,
    StoredAlert,
    Transition,
    file,
    schema,
)

LABELS = make_labels({"alertname": "A", "service": "ä\n"})


def reopened(path: Path, state: State) -> State:
    state.close()
    return State(path)


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    state = State(path)
    stored = StoredAlert(LABELS, "firing", 1.5, 2.5, None, None, 3.5, math.inf, make_labels({"a": "b"}))
    change = Transition(2.5, LABELS, "firing", 7.0)
    alert = Alert(LABELS, (), 1.0, 2.0, "http://x")
    entry = LogEntry(5.0, frozenset({"f"}), frozenset({"r", "s"}))
    told = Notification(6.0, "web", "webhook", "firing", "sent", "", 2, LABELS, (LABELS,))
    state.rules.save("rule", 4.0, [stored], [change])
    state.alerts.save([alert])
    state.notifications.save_entry("group", "web", entry, 100.0)
    state.notifications.add(told)
    state = reopened(path, state)
    assert state.rules.load("rule") == (4.0, [stored])
    assert state.rules.transitions("rule") == [change]
    assert state.alerts.load() == [alert]
    assert state.notifications.entry("group", "web", 50.0) == entry
    assert state.notifications.history() == [told]
    state.close()


def test_nan_is_kept(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    state.rules.save("r", 1.0, [], [Transition(1.0, LABELS, "firing", math.nan)])
    assert math.isnan(state.rules.transitions("r")[0].value)
    state.close()


def test_an_expired_entry_is_not_known(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    state.notifications.save_entry("g", "r", LogEntry(1.0, frozenset(), frozenset()), 10.0)
    assert state.notifications.entry("g", "r", 9.9) is not None
    assert state.notifications.entry("g", "r", 10.0) is None
    state.close()


def test_histories_begin_where_asked(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    state.rules.save("r", 3.0, [], [Transition(float(at), LABELS, "firing", 1.0) for at in range(4)])
    assert [t.at for t in state.rules.transitions("r", since=2.0)] == [2.0, 3.0]
    assert state.rules.transitions("other") == []
    state.close()


def test_history_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "HISTORY_LIMIT", 3)
    state = State(tmp_path / "s")
    state.rules.save("r", 9.0, [], [Transition(float(at), LABELS, "firing", 1.0) for at in range(10)])
    assert [t.at for t in state.rules.transitions("r")] == [7.0, 8.0, 9.0]
    state.close()


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    state = State(tmp_path / "s")
    state.alerts.save([Alert(LABELS, (), 1.0, 2.0)])
    with pytest.raises(sqlite3.Error):
        state.alerts.save([Alert((), (), 1.0, 2.0), Alert(LABELS, (), None, 2.0)])  # type: ignore[arg-type]
    assert state.alerts.load() == [Alert(LABELS, (), 1.0, 2.0)]
    state.close()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StateError, match="move it away to start afresh"):
        State(tmp_path / "s")


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    State(tmp_path / "s").close()
    connection = sqlite3.connect(tmp_path / "s")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateError, match="schema version 99"):
        State(tmp_path / "s")


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(f"{schema.MIGRATIONS[0]} PRAGMA user_version = 1;")
    connection.execute("INSERT INTO rule_evaluation VALUES ('rule', 4.0)")
    connection.commit()
    connection.close()
    state = State(path)
    assert state.rules.load("rule") == (4.0, [])
    assert state.silences.load() == []
    state.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
