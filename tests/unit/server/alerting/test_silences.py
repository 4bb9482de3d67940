"""Silences: what may be changed in place, how long they stay, what is refused, and who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import SilenceError, SilenceNotFoundError, Silences, parse_matchers
from accelerapp.server.alerting.silence import RETENTION
from accelerapp.server.signals import make_labels
from accelerapp.server.storage.state import State, StoredSilence

CLIENT = "127.0.0.1"
A = make_labels({"alertname": "A"})


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.sqlite")
    yield made
    made.close()


def wanted(matchers: str = 'alertname="A"', **more: Any) -> StoredSilence:
    values: dict[str, Any] = {"starts_at": 0.0, "ends_at": 1000.0, **more}
    found = tuple(parse_matchers(matchers))
    return StoredSilence(
        values.pop("id", ""), found, values.pop("starts_at"), values.pop("ends_at"), 0, "me", "why"
    )


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_that_began_in_the_past_begins_now(state: State) -> None:
    silences = Silences(state.silences, Clock())
    made = silences.get(silences.set(wanted(), CLIENT)).stored
    assert (made.starts_at, made.ends_at, made.updated_at) == (100.0, 1000.0, 100.0)


def test_what_keeps_the_past_as_it_was_keeps_the_id(state: State) -> None:
    clock = Clock()
    silences = Silences(state.silences, clock)
    key = silences.set(wanted(), CLIENT)
    made = silences.get(key).stored
    clock.now = 200.0
    assert silences.set(replace(made, ends_at=5000.0, comment="longer"), CLIENT) == key
    assert silences.get(key).stored.comment == "longer"
    other = silences.set(replace(made, matchers=tuple(parse_matchers('alertname="B"'))), CLIENT)
    assert other != key
    assert silences.get(key).state(200.0) == "expired"
    assert silences.get(other).state(200.0) == "active"
    assert silences.silenced_by(A, 200.0) == []
    # One that is over is made anew, not changed.
    assert silences.set(silences.get(key).stored, CLIENT) not in (key, other)


def test_one_that_has_begun_cannot_have_begun_at_another_time(state: State) -> None:
    clock = Clock()
    silences = Silences(state.silences, clock)
    key = silences.set(wanted(), CLIENT)
    clock.now = 200.0
    other = silences.set(replace(silences.get(key).stored, starts_at=50.0), CLIENT)
    assert other != key
    assert silences.get(other).stored.starts_at == 200.0


def test_one_to_come_may_be_moved_but_not_into_the_past(state: State) -> None:
    silences = Silences(state.silences, Clock())
    key = silences.set(wanted(starts_at=500.0), CLIENT)
    stored = silences.get(key).stored
    assert silences.silenced_by(A, 499.0) == []
    assert silences.silenced_by(A, 500.0) == [key]
    assert silences.silenced_by(A, 1000.0) == []
    assert silences.set(replace(stored, starts_at=600.0), CLIENT) == key
    assert silences.set(replace(stored, starts_at=50.0), CLIENT) != key


def test_ending_it_twice_changes_nothing(state: State) -> None:
    clock = Clock()
    silences = Silences(state.silences, clock)
    key = silences.set(wanted(), CLIENT)
    silences.expire(key, CLIENT)
    clock.now = 300.0
    silences.expire(key, CLIENT)
    assert silences.get(key).stored.ends_at == 100.0
    with pytest.raises(SilenceNotFoundError):
        silences.expire("none", CLIENT)


def test_it_is_kept_for_a_time_after_its_end_and_over_a_restart(state: State) -> None:
    clock = Clock()
    silences = Silences(state.silences, clock)
    key = silences.set(wanted(), CLIENT)
    clock.now = 999.0 + RETENTION
    again = Silences(state.silences, clock)
    assert [silence.stored for silence in again.all()] == [silences.get(key).stored]
    clock.now += 2.0
    assert again.all() == []
    again.set(wanted(ends_at=clock.now + 1), CLIENT)
    assert len(state.silences.load()) == 1


def test_who_asked_is_kept(state: State) -> None:
    silences = Silences(state.silences, Clock())
    key = silences.set(wanted(), "10.0.0.7")
    silences.set(silences.get(key).stored, "10.0.0.8")
    silences.expire(key, "10.0.0.9")
    found = [(change.action, change.created_by, change.client) for change in silences.changes()]
    assert found == [
        ("created", "me", "10.0.0.7"),
        ("changed", "me", "10.0.0.8"),
        ("expired", "me", "10.0.0.9"),
    ]


def test_there_are_so_many_and_they_are_so_large(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerapp.server.alerting.silence.MAX_SILENCES", 1)
    silences = Silences(state.silences, Clock())
    key = silences.set(wanted(), CLIENT)
    with pytest.raises(SilenceError, match=r"exceeded maximum number of silences: 1 \(limit: 1\)"):
        silences.set(wanted(), CLIENT)
    assert silences.set(replace(silences.get(key).stored, comment="still may be changed"), CLIENT) == key
    with pytest.raises(SilenceError, match="silence exceeded maximum size: 70"):
        silences.set(replace(wanted(), comment="x" * 70_000), CLIENT)
