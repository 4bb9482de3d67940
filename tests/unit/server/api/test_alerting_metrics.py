"""What /metrics tells of rules and notifications, by the names that the shipped rules ask for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager, parse_matchers
from accelerapp.server.api import Services
from accelerapp.server.api.alerting_metrics import families
from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State, StoredSilence

NOW = 1000.0


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    config = {
        "route": {"receiver": "hook"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": "http://127.0.0.1:1/"}]}],
    }
    (tmp_path / "alertmanager.yml").write_text(json.dumps(config))
    (tmp_path / "rules.yml").write_text("groups: [{name: g, interval: 1m, rules: [{record: a, expr: '1'}]}]")
    state = State(tmp_path / "state.sqlite")
    alertmanager = Alertmanager(load_alertmanager(tmp_path / "alertmanager.yml"), state, lambda: NOW)
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60)
    rules = RuleManager(
        groups, Engine(MemoryReader()), lambda samples: None, lambda alerts: None, state, lambda: NOW
    )
    rules.evaluate(groups[0], 960.0)
    await alertmanager.start()
    await alertmanager.take([Alert(make_labels({"alertname": name}), (), NOW, 9999.0) for name in ("A", "B")])
    alertmanager.silences.set(
        StoredSilence("", tuple(parse_matchers("alertname=A")), NOW, 2000.0, 0, "me", "why"), "127.0.0.1"
    )
    found = SimpleNamespace(rules=rules, alertmanager=alertmanager, clock=lambda: NOW)
    yield cast("Services", found)
    await alertmanager.stop()
    state.close()


def values(services: Services) -> dict[str, dict[tuple[str, ...], Any]]:
    return {family.name: dict(family.values) for family in families(services)}


async def test_rules_and_their_groups(services: Services, tmp_path: Path) -> None:
    told = values(services)
    group = (f"{tmp_path / 'rules.yml'};g",)
    assert told["prometheus_rule_evaluations_total"] == {group: 1.0}
    assert told["prometheus_rule_evaluation_failures_total"] == {group: 0.0}
    assert told["prometheus_rule_group_iterations_total"] == {group: 1.0}
    assert told["prometheus_rule_group_last_evaluation_timestamp_seconds"] == {group: 960.0}
    assert told["prometheus_rule_group_rules"] == {group: 1.0}


async def test_alerts_and_silences_by_state(services: Services) -> None:
    told = values(services)
    assert told["alertmanager_alerts"] == {("active",): 1.0, ("suppressed",): 1.0}
    assert told["alertmanager_silences"] == {("active",): 1.0, ("pending",): 0.0, ("expired",): 0.0}


async def test_failures_are_there_at_nothing_before_the_first(services: Services) -> None:
    key = ("webhook", "hook")
    assert values(services)["alertmanager_notifications_failed_total"] == {(*key, "other"): 0.0}
    services.alertmanager.counts.failed["hook", "webhook", "serverError"] += 1
    assert values(services)["alertmanager_notifications_failed_total"] == {
        (*key, "other"): 0.0,
        (*key, "serverError"): 1.0,
    }
    assert values(services)["alertmanager_notifications_total"] == {key: 0.0}
