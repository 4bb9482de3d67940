"""Alerts over evaluations, restarts and failures; what is sent, written and remembered."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import STALE_NAN_BITS, Alert, Labels, make_labels
from accelerapp.server.storage.state import State

RULES = """
groups:
  - name: g
    interval: 1m
    rules:
      - alert: Waits
        expr: bad > 0
        for: 10m
        annotations: {text: 'at {{ $value }} in {{ $externalLabels.region }}'}
      - alert: AtOnce
        expr: worse > 0
      - record: copy
        expr: bad
"""


class Bench:
    """Rules over samples that a test sets, evaluated when it says so."""

    def __init__(self, folder: Path, text: str = RULES, factor: float = 1.0) -> None:
        (folder / "rules.yml").write_text(text)
        self._folder = folder
        self._factor = factor
        self.values: dict[str, float | None] = {}
        self.sent: list[tuple[float, Alert]] = []
        self.written: list[tuple[Labels, int, float]] = []
        self.state = State(folder / "state.sqlite")
        self.reader = MemoryReader()
        self.now = 0.0
        self.restart()

    def restart(self) -> None:
        self.groups = load_rule_files(
            [self._folder / "rules.yml"], default_interval_seconds=60, time_factor=self._factor
        )

        def write(samples: Sequence[tuple[Labels, int, float]]) -> None:
            self.written.extend(samples)

        def notify(alerts: Sequence[Alert]) -> None:
            self.sent.extend((self.now, alert) for alert in alerts)

        self.rules = RuleManager(
            self.groups,
            Engine(self.reader, lookback_seconds=1.0),
            write,
            notify,
            self.state,
            lambda: self.now,
            external_url="http://here/",
            external_labels={"region": "eu"},
        )

    def at(self, now: float, **values: float | None) -> None:
        """Set values (None ends a series) and evaluate every group for `now`."""
        self.now = now
        self.values.update(values)
        for name, value in self.values.items():
            if value is not None:
                self.reader.add(make_labels({"__name__": name, "job": "x"}), [round(now * 1000)], [value])
        for group in self.groups:
            self.rules.evaluate(group, now)

    def every_minute(self, start: float, end: float) -> None:
        now = start
        while now <= end:
            self.at(now)
            now += 60

    def states(self, rule: str) -> list[tuple[float, str]]:
        return [(t.at, t.state) for t in self.rules.history(rule)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.state.close()


def test_history_has_every_change_of_state(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 660)
    bench.at(720, bad=None)
    assert bench.states("Waits") == [(0, "pending"), (600, "firing"), (720, "inactive")]


def test_a_firing_alert_is_sent_with_its_texts_and_an_end_in_the_future(bench: Bench) -> None:
    bench.at(0, bad=3.5)
    bench.every_minute(60, 600)
    ((at, alert),) = bench.sent
    assert at == 600
    assert alert.labels == make_labels({"alertname": "Waits", "job": "x", "region": "eu"})
    assert dict(alert.annotations) == {"text": "at 3.5 in eu"}
    assert (alert.starts_at, alert.ends_at) == (600, 600 + 4 * 60)
    assert alert.generator_url == "http://here/alerts/Waits"


def test_it_is_sent_again_only_after_the_resend_delay(bench: Bench) -> None:
    for now in range(0, 200, 20):
        bench.at(now, worse=1.0)
    assert [at for at, _ in bench.sent] == [0, 80, 160]


def test_a_resolution_is_sent_at_once_and_then_for_fifteen_minutes(bench: Bench) -> None:
    bench.at(0, worse=1.0)
    bench.at(30, worse=None)
    bench.every_minute(91, 2400)
    resolved = [(at, alert.ends_at) for at, alert in bench.sent if alert.ends_at <= at]
    assert resolved[0] == (30, 30)
    assert {end for _, end in resolved} == {30}
    assert 30 + 13 * 60 <= resolved[-1][0] <= 30 + 15 * 60


def test_the_time_factor_divides_for_and_what_is_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path, factor=20)
    (group,) = bench.groups
    assert (group.interval_seconds, group.rules[0].for_seconds) == (3, 30)
    assert group.rules[0].for_seconds_as_written == 600
    for step in range(12):
        bench.at(step * 3, bad=1.0)
    assert bench.states("Waits") == [(0, "pending"), (30, "firing")]
    assert bench.sent[0][1].ends_at == 30 + 4 * 3
    bench.state.close()


def test_firing_alerts_fire_on_after_a_restart_and_are_not_new(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 600)
    bench.restart()
    bench.at(720)
    assert bench.states("Waits") == [(0, "pending"), (600, "firing")]
    assert {alert.starts_at for _, alert in bench.sent} == {600}


def test_what_resolved_during_a_restart_is_sent_as_resolved(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 600)
    bench.restart()
    bench.at(900, bad=None)
    assert bench.sent[-1][1].ends_at == 900
    assert bench.states("Waits")[-1] == (900, "inactive")


def test_a_pending_alert_waits_for_its_grace_after_a_restart(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 540)
    bench.restart()
    bench.every_minute(900, 1560)
    # Nine of ten minutes had passed; the grace after a restart is ten minutes, counted from the first evaluation.
    assert bench.states("Waits") == [(0, "pending"), (1500, "firing")]


def test_what_was_saved_is_taken_up_though_it_could_not_be_read_at_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 600)
    bench.restart()

    def fail(rule: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(bench.state.rules, "load", fail)
        bench.at(660)
    bench.at(720)
    assert bench.states("Waits") == [(0, "pending"), (600, "firing")]


def test_after_too_long_an_outage_an_alert_begins_afresh(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.every_minute(60, 600)
    bench.restart()
    bench.at(600 + 3601)
    assert bench.states("Waits")[2:] == [(4201, "inactive"), (4201, "pending")]


def test_recorded_series_end_with_a_staleness_marker(bench: Bench) -> None:
    bench.at(0, bad=1.0)
    bench.at(60, bad=None)
    copies = [(at, value) for labels, at, value in bench.written if dict(labels)["__name__"] == "copy"]
    assert copies[0] == (0, 1.0)
    assert copies[1][0] == 60_000
    assert np.float64(copies[1][1]).view(np.uint64) == STALE_NAN_BITS


ERRORS = """
groups:
  - name: g
    rules:
      - alert: Joined
        expr: bad{job="x"} * on (job) worse
      - alert: Same
        expr: '{__name__=~"bad|worse"} > 0'
      - alert: Fine
        expr: bad > 0
        annotations: {text: '{{ humanize "no number" }}'}
"""


def test_a_failing_rule_says_why_and_leaves_the_others_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ERRORS)
    bench.at(0, bad=1.0, worse=1.0)
    _, same, fine = bench.rules.groups()[0].rules
    assert (same.health, fine.health) == ("err", "ok")
    assert "same labelset after applying alert labels" in same.last_error
    assert fine.state == "firing"
    assert "error calling humanize" in dict(fine.alerts[0].annotations)["text"]
    bench.state.close()


def test_a_failed_evaluation_leaves_the_alerts_as_they_were(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ERRORS)
    bench.at(0, bad=1.0)
    assert bench.rules.groups()[0].rules[1].state == "firing"
    bench.at(60, worse=1.0)
    same = bench.rules.groups()[0].rules[1]
    assert (same.health, same.state) == ("err", "firing")
    bench.state.close()


def test_snapshot_in_prometheus_form(bench: Bench) -> None:
    bench.at(0, bad=0.25)
    group = bench.rules.groups()[0].as_prometheus()
    waits, _, copy = group["rules"]
    assert group["interval"] == 60
    assert {key: waits[key] for key in ("name", "state", "query", "duration", "health", "type")} == {
        "name": "Waits",
        "state": "pending",
        "query": "bad > 0",
        "duration": 600,
        "health": "ok",
        "type": "alerting",
    }
    assert waits["lastEvaluation"] == "1970-01-01T00:00:00Z"
    assert waits["alerts"][0]["value"] == "2.5e-01"
    assert waits["alerts"][0]["activeAt"] == "1970-01-01T00:00:00Z"
    assert copy["type"] == "recording"
    assert copy["labels"] == {}
    assert "state" not in copy


def test_groups_are_evaluated_on_a_thread_at_their_slots(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "groups: [{name: g, interval: 50ms, rules: [{record: one, expr: '1'}]}]")
    times: list[int] = []
    enough = threading.Event()

    def write(samples: Sequence[tuple[Labels, int, float]]) -> None:
        times.extend(at for _, at, _ in samples)
        if len(times) >= 3:
            enough.set()

    group = bench.groups[0]
    clock: Callable[[], float] = time.time
    rules = RuleManager([group], Engine(bench.reader), write, lambda alerts: None, bench.state, clock)
    rules.start()
    assert enough.wait(30)
    rules.stop()
    offset = round(group.offset_seconds * 1000)
    assert all(abs((at - offset) % 50) in (0, 1, 49) for at in times)
    assert times == sorted(set(times))
    bench.state.close()


def test_what_was_due_missed_and_failed_is_counted(tmp_path: Path) -> None:
    text = """
groups:
  - name: g
    interval: 1m
    rules:
      - {record: one, expr: '1'}
      - {record: two, expr: 'bad * on () group_left () bad'}
"""
    bench = Bench(tmp_path, text)
    bench.reader.add(make_labels({"__name__": "bad", "a": "2"}), [0], [1])
    bench.at(0, bad=1)
    bench.at(60)
    (group,) = bench.rules.groups()
    assert (group.counts.iterations, group.counts.evaluations, group.counts.failures) == (2, 4, 1)
    bench.state.close()


def test_slots_that_went_by_are_missed_and_never_made_up_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "groups: [{name: g, interval: 1m, rules: [{record: one, expr: '1'}]}]")
    group = bench.groups[0]
    times: list[int] = []
    begun, slept = threading.Event(), threading.Event()

    def clock() -> float:
        try:
            return bench.now
        finally:
            begun.set()

    def write(samples: Sequence[tuple[Labels, int, float]]) -> None:
        times.extend(at for _, at, _ in samples)
        if len(times) == 1:
            bench.now = group.slot_time(5) + 1  # the evaluation takes four minutes
        else:
            slept.set()

    bench.now = group.slot_time(0) + 59.9
    rules = RuleManager([group], Engine(bench.reader), write, lambda alerts: None, bench.state, clock)
    rules.start()
    # Not before the thread knows in which slot it begins.
    assert begun.wait(30)
    # A little later: by the rounding of floats the moment itself may still be before the slot, and this clock stands.
    bench.now = group.slot_time(1) + 0.001
    assert slept.wait(30)
    rules.stop()
    assert [at / 1000 for at in times] == pytest.approx([group.slot_time(1), group.slot_time(5)], abs=0.001)
    (status,) = rules.groups()
    assert (status.counts.iterations, status.counts.missed) == (5, 3)
    bench.state.close()


def test_the_texts_of_a_rule_know_the_time_the_address_and_other_series(tmp_path: Path) -> None:
    text = """
groups:
  - name: g
    interval: 1m
    query_offset: 30s
    labels: {team: platform, severity: group}
    rules:
      - alert: A
        expr: bad > 0
        labels: {severity: own}
        annotations:
          url: '{{ externalURL }} {{ pathPrefix }}'
          now: '{{ now }}'
          query: '{{ query "count(bad)" | first | value }}'
          wrong: '{{ query "sum(" }}'
"""
    bench = Bench(tmp_path, text)
    bench.reader.add(make_labels({"__name__": "bad", "job": "x"}), [89_500], [1])
    bench.reader.add(make_labels({"__name__": "bad", "job": "y"}), [119_500], [0])
    bench.reader.add(make_labels({"__name__": "bad", "job": "z"}), [119_500], [0])
    bench.at(120)
    (alert,) = (alert for _, alert in bench.sent)
    own = {"alertname": "A", "job": "x", "team": "platform", "severity": "own"}
    # Where it is from is added to what is sent, as Prometheus does it.
    assert dict(alert.labels) == {**own, "region": "eu"}
    (known,) = bench.rules.groups()[0].rules[0].alerts
    assert dict(known.labels) == own
    assert dict(bench.rules.as_sent(known.labels)) == {**own, "region": "eu"}
    assert dict(bench.rules.as_sent(make_labels({"region": "us"}))) == {"region": "us"}
    annotations = dict(alert.annotations)
    assert annotations["url"] == "http://here "
    assert annotations["now"] == "120"
    # The expression is asked of half a minute ago, the texts' queries of now, as in Prometheus.
    assert annotations["query"] == "2"
    assert annotations["wrong"].startswith("<error expanding template: ")
    bench.state.close()


def test_beyond_its_limit_a_group_keeps_no_alerts(tmp_path: Path) -> None:
    text = "groups: [{name: g, interval: 1m, limit: 1, rules: [{alert: A, expr: 'bad > 0'}]}]"
    bench = Bench(tmp_path, text)
    bench.at(0, bad=1)
    assert [alert.state for alert in bench.rules.groups()[0].rules[0].alerts] == ["firing"]
    bench.reader.add(make_labels({"__name__": "bad", "job": "y"}), [60_000], [1])
    bench.at(60)
    (rule,) = bench.rules.groups()[0].rules
    assert rule.last_error == "exceeded limit of 1 with 2 alerts"
    assert rule.alerts == ()
    bench.state.close()


def test_a_rule_without_alerts_has_a_title_without_templates(tmp_path: Path) -> None:
    text = """
groups:
  - name: g
    rules:
      - alert: A
        expr: bad
        annotations:
          summary: >-
            {{ $labels.service }} fails {{ if gt $value 1.0 }}often{{ else }}once{{ end }}, {{ $value | humanize }}
      - {alert: B, expr: bad, annotations: {description: 'plain'}}
      - {alert: C, expr: bad}
"""
    bench = Bench(tmp_path, text)
    titles = [rule.rule.title for rule in bench.rules.groups()[0].rules]
    assert titles == ["[service] fails often, …", "plain", ""]
    bench.state.close()
