"""Rules that are read again while they are evaluated: what goes on, what begins anew, and what ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import Group, RuleManager, load_rule_files
from accelerapp.server.signals import STALE_NAN_BITS, Labels, make_labels
from accelerapp.server.storage.state import State

TEXT = """
groups:
  - name: one
    interval: 1m
    rules:
      - {alert: Waits, expr: bad > 0, for: 10m}
      - {record: copy, expr: bad}
  - name: two
    interval: 1m
    rules:
      - {record: other, expr: bad}
"""


class Rules:
    """Rules over one series that is always there."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rules.yml"
        self.reader = MemoryReader()
        self.state = State(folder / "state.sqlite")
        self.written: list[tuple[Labels, int, float]] = []
        self.clock = 0.0
        self.manager = RuleManager(
            self.load(TEXT),
            Engine(self.reader, lookback_seconds=1.0),
            self.written.extend,
            lambda alerts: None,
            self.state,
            lambda: self.clock,
        )

    def load(self, text: str) -> list[Group]:
        self.file.write_text(text)
        self.groups = list(load_rule_files([self.file], default_interval_seconds=60))
        return self.groups

    def apply(self, text: str) -> None:
        self.load(text)
        self.manager.apply(self.groups)

    def at(self, now: float) -> None:
        self.reader.add(make_labels({"__name__": "bad", "job": "x"}), [round(now * 1000)], [1.0])
        for group in self.groups:
            self.manager.evaluate(group, now)

    def alert(self) -> tuple[str, float] | None:
        (rule,) = [r for g in self.manager.groups() for r in g.rules if r.rule.name == "Waits"]
        return (rule.alerts[0].state, rule.alerts[0].active_at) if rule.alerts else None

    def stale(self) -> set[str]:
        return {
            dict(labels)["__name__"]
            for labels, _, value in self.written
            if np.float64(value).view(np.uint64) == STALE_NAN_BITS
        }


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[Rules]:
    opened = Rules(tmp_path)
    yield opened
    opened.state.close()


def test_an_alert_goes_on_waiting_where_its_rule_is_the_same(rules: Rules) -> None:
    rules.at(60)
    rules.apply(TEXT.replace("interval: 1m", "interval: 2m"))
    assert rules.alert() == ("pending", 60)
    assert {group.last_evaluation for group in rules.manager.groups()} == {60}
    rules.at(660)
    assert rules.alert() == ("firing", 60)
    assert rules.stale() == {"ALERTS"}  # the pending one


def test_a_longer_for_and_another_expression_count_for_the_same_alert(rules: Rules) -> None:
    rules.at(60)
    rules.apply(TEXT.replace("for: 10m", "for: 20m").replace("bad > 0", "bad >= 0"))
    rules.at(660)
    assert rules.alert() == ("pending", 60)
    rules.at(1260)
    assert rules.alert() == ("firing", 60)


def test_an_alert_with_other_labels_begins_anew_and_the_old_series_end(rules: Rules) -> None:
    rules.at(60)
    rules.apply(TEXT.replace("for: 10m}", "for: 10m, labels: {team: a}}"))
    assert rules.alert() is None
    rules.at(120)
    assert rules.alert() == ("pending", 120)
    ended = [dict(labels) for labels, at, value in rules.written if at == 120_000 and np.isnan(value)]
    assert sorted(labels["__name__"] for labels in ended) == ["ALERTS", "ALERTS_FOR_STATE"]
    assert all("team" not in labels for labels in ended)


def test_the_series_of_a_rule_that_is_gone_become_stale_once(rules: Rules) -> None:
    rules.at(60)
    rules.apply(TEXT.partition("  - name: two")[0])
    rules.at(120)
    rules.at(180)
    stale = [(dict(labels)["__name__"], at) for labels, at, value in rules.written if np.isnan(value)]
    assert stale == [("other", 120_000)]


def test_a_series_that_another_rule_writes_now_does_not_end(rules: Rules) -> None:
    rules.at(60)
    rules.apply(TEXT.replace("name: two", "name: three"))
    rules.at(120)
    rules.at(180)
    assert rules.stale() == set()


def test_without_any_group_all_series_end(rules: Rules) -> None:
    rules.at(60)
    rules.clock = 70.0
    rules.apply("groups: []")
    assert rules.stale() == {"ALERTS", "ALERTS_FOR_STATE", "copy", "other"}
    assert {at for _, at, value in rules.written if np.isnan(value)} == {70_000}


def test_a_group_that_is_gone_is_not_evaluated(rules: Rules) -> None:
    gone = rules.groups[1]
    rules.apply(TEXT.partition("  - name: two")[0])
    rules.manager.evaluate(gone, 60)
    assert rules.written == []


def test_groups_that_come_later_are_evaluated_by_the_thread_that_runs(tmp_path: Path) -> None:
    rules = Rules(tmp_path)
    evaluated = threading.Event()
    rules.manager = RuleManager(
        [],
        Engine(rules.reader),
        lambda samples: evaluated.set(),
        lambda alerts: None,
        rules.state,
        time.time,
    )
    rules.manager.start()
    try:
        quick = "groups: [{name: g, interval: 100ms, rules: [{record: one, expr: vector(1)}]}]"
        rules.apply(quick)
        assert evaluated.wait(30)
    finally:
        rules.manager.stop()
        rules.state.close()


def test_the_evaluation_goes_on_where_the_ends_of_series_cannot_be_written(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(samples: Sequence[tuple[Labels, int, float]]) -> None:
        if all(np.isnan(value) for _, _, value in samples):
            raise OSError("the disk is gone")

    monkeypatch.setattr(rules.manager, "_write", write)
    rules.at(60)
    rules.apply(TEXT.partition("  - name: two")[0])
    rules.at(120)
    rules.at(660)
    assert rules.alert() == ("firing", 60)
