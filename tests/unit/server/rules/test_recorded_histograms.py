"""A recording rule keeps native histograms as such, and marks where their series end."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.promql import Engine, Vector
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import Labels, NativeHistogram, make_labels
from accelerapp.server.storage import Storage, StorageSettings
from accelerapp.server.storage.state import State

RULES = """
groups:
  - name: latency
    interval: 60s
    rules:
      - record: job:latency:rate2m
        expr: sum by (job) (rate(latency[2m]))
        labels: {kind: recorded}
      - alert: Slow
        expr: histogram_quantile(0.5, job:latency:rate2m) > 1
"""
RECORDED = make_labels({"__name__": "job:latency:rate2m", "job": "api", "kind": "recorded"})


def observed(count: float) -> NativeHistogram:
    return NativeHistogram(0, count, 1.5 * count, 1e-128, 0.0, ((1, count),))


async def test_recorded_histograms_are_stored_queried_and_ended(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    storage = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    series = make_labels({"__name__": "latency", "job": "api"})
    await storage.write_histograms([(series, at * 1000, observed(at)) for at in range(0, 121, 15)])
    await storage.wait_loaded()
    engine = Engine(storage.metrics)
    floats: list[tuple[Labels, int, float]] = []
    histograms: list[tuple[Labels, int, NativeHistogram]] = []
    state = State(tmp_path / "state.sqlite")
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60, time_factor=1.0)
    rules = RuleManager(
        groups,
        engine,
        floats.extend,
        lambda alerts: None,
        state,
        lambda: 120.0,
        write_histograms=histograms.extend,
    )
    rules.evaluate(groups[0], 120.0)
    ((labels, at_ms, histogram),) = histograms
    assert (labels, at_ms) == (RECORDED, 120_000)
    assert histogram.gauge
    assert histogram.count == pytest.approx(1.0)
    await storage.write_histograms(histograms)
    await storage.seal()
    rules.evaluate(groups[0], 120.0)
    assert {dict(labels).get("alertname") for labels, _, _ in floats} == {"Slow"}
    value = engine.instant("delta(job:latency:rate2m[1m]) or job:latency:rate2m", 120.0)
    assert isinstance(value, Vector)
    assert value.histograms[0].count == pytest.approx(1.0)
    rules.evaluate(groups[0], 600.0)
    assert (RECORDED, 600_000) in [(labels, at) for labels, at, _ in floats]
    state.close()
    await storage.close()


async def test_where_they_cannot_be_written_the_rule_says_so(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    storage = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    series = make_labels({"__name__": "latency", "job": "api"})
    await storage.write_histograms([(series, at * 1000, observed(at)) for at in range(0, 121, 15)])
    await storage.wait_loaded()
    state = State(tmp_path / "state.sqlite")
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60, time_factor=1.0)
    rules = RuleManager(groups, Engine(storage.metrics), lambda _: None, lambda _: None, state, lambda: 120.0)
    rules.evaluate(groups[0], 120.0)
    (group,) = rules.groups()
    assert "native histograms are not recorded here" in group.rules[0].last_error
    state.close()
    await storage.close()
