"""Where the shipped file sends alerts and which it mutes, by the table that a real Alertmanager is held against too."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accelerapp.server.alerting import load_alertmanager
from accelerapp.server.alerting.inhibit import Inhibitor
from accelerapp.server.signals import Alert, make_labels

OBSERVABILITY = Path(__file__).parents[4] / "deployment" / "observability"
CONFIG = load_alertmanager(OBSERVABILITY / "prometheus" / "alertmanager.yml")
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(OBSERVABILITY / "tests" / "routes.yml")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_receivers_and_inhibition(case: dict[str, Any]) -> None:
    alerts = [Alert(make_labels(row["labels"]), (), 0.0, math.inf) for row in case["alerts"]]
    inhibitor = Inhibitor(CONFIG.inhibit_rules, alerts)
    for row, alert in zip(case["alerts"], alerts, strict=True):
        receivers = [route.receiver for route in CONFIG.route.match(row["labels"])]
        assert receivers == row["to"], row["labels"]
        muted = inhibitor.inhibited_by(alert.labels, 1.0) is not None
        assert muted is row.get("muted", False), row["labels"]
