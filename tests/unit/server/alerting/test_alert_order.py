"""The order in which a receiver is told of a group's alerts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

#: By job and by instance, those without them last; then the fewer labels first, then label by label.
TOLD = [
    {"alertname": "A", "job": "a", "instance": "2", "zone": "1"},
    {"alertname": "A", "job": "b", "instance": "1"},
    {"alertname": "B", "job": "b", "instance": "1"},
    {"alertname": "A", "job": "b"},
    {"alertname": "A", "instance": "1", "zone": "1"},
    {"alertname": "A", "instance": "2"},
    {"alertname": "B"},
    {"alertname": "A", "b": "1"},
    {"alertname": "A", "a": "1"},
    {"alertname": "A", "a": "2"},
    {"alertname": "A", "a": "1", "b": "1"},
]


async def test_alerts_are_told_in_alertmanagers_order(tmp_path: Path, timers: Any) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text("route: {receiver: a, group_wait: 1s}\nreceivers: [{name: a}]\n", encoding="utf-8")
    state = State(tmp_path / "state.sqlite")
    alertmanager = Alertmanager(load_alertmanager(path), state, timers.now, timers=timers)
    await alertmanager.start()
    alerts = [Alert(make_labels(labels), (), 0.0, 99.0) for labels in TOLD]
    random.Random(1).shuffle(alerts)
    alertmanager.receive(alerts)
    await timers.settle()
    (group,) = alertmanager.groups()
    assert [dict(alert.labels) for alert in group.alerts] == TOLD
    await alertmanager.stop()
    state.close()
