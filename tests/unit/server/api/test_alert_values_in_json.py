"""Alerts whose value is NaN or infinite: the answers stay JSON, in Prometheus' form and in ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.oncall import Playbooks
from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import make_labels
from accelerapp.server.storage.state import State

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

NOW = 1000.0


def strictly(text: str) -> Any:
    """Read JSON, in which NaN and Infinity are no numbers."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "theirs", "ours"),
    [
        (float("nan"), "NaN", None),
        (float("inf"), "+Inf", None),
        (float("-inf"), "-Inf", None),
        (2.5, "2.5e+00", 2.5),
        (1e300, "1e+300", 1e300),
    ],
)
async def test_values_that_json_cannot_write(
    api: Open, tmp_path: Path, value: float, theirs: str, ours: float | None
) -> None:
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: g, rules: [{alert: Odd, expr: 'odd != 1', for: 1m, annotations: {text: '{{ $value }}'}}]}]"
    )
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: a}\nreceivers: [{name: a}]\n")
    reader = MemoryReader()
    state = State(tmp_path / "state.sqlite")
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60)

    def rule_manager() -> RuleManager:
        return RuleManager(groups, Engine(reader), lambda _: None, lambda _: None, state, lambda: NOW)

    rules = rule_manager()
    for now in (NOW - 120, NOW - 60, NOW):
        reader.add(make_labels({"__name__": "odd"}), [round(now * 1000)], [value])
        rules.evaluate(groups[0], now)
    restarted = rule_manager()
    restarted.evaluate(groups[0], NOW)  # which reads its state from the file first
    for manager in (rules, restarted):
        parts = {
            "rules": manager,
            "alertmanager": Alertmanager(
                load_alertmanager(tmp_path / "alertmanager.yml"), state, lambda: NOW
            ),
            "playbooks": Playbooks(tmp_path),
            "engine": Engine(reader),
            "clock": lambda: NOW,
        }
        async with api(**parts) as client:
            (alert,) = strictly((await client.get("/api/v1/alerts")).text)["data"]["alerts"]
            (group,) = strictly((await client.get("/api/v1/rules")).text)["data"]["groups"]
            (rule,) = strictly((await client.get("/api/accelerapp/v1/alerts")).text)["rules"]
            history = strictly((await client.get("/api/accelerapp/v1/alerts/history")).text)
        assert (alert["state"], alert["value"]) == ("firing", theirs)
        assert group["rules"][0]["alerts"] == [alert]
        assert [(a["state"], a["value"]) for a in rule["alerts"]] == [("firing", ours)]
        assert [(t["state"], t["value"]) for t in history["transitions"]] == [
            ("pending", ours),
            ("firing", ours),
        ]
    state.close()
