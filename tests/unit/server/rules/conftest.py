"""Files of `promtool test rules`, run by our own engine and rules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accelerapp.server.promql import (
    Engine,
    MemoryReader,
    Scalar,
    Vector,
    parse_metric,
    parse_series,
)
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.signals import Labels
from accelerapp.server.storage.state import State
from accelerapp.server.times import parse_duration


def run_promtool_file(path: Path, folder: Path) -> Iterator[str]:
    """Yield what was not as expected, one line each."""
    content = YAML(typ="safe", pure=True).load(path)
    interval = parse_duration(content["evaluation_interval"])
    files = [path.parent / name for name in content["rule_files"]]
    for number, test in enumerate(content["tests"]):
        state = State(folder / f"{path.stem}-{number}.sqlite")
        try:
            for line in _run_test(test, files, interval, state):
                yield f"{path.name}, {test['name']}: {line}"
        finally:
            state.close()


def _run_test(test: dict[str, Any], files: list[Path], interval: float, state: State) -> Iterator[str]:
    reader = MemoryReader()
    step = round(parse_duration(test["interval"]) * 1000)
    for series in test["input_series"]:
        labels, values = parse_series(series["series"] + " " + series["values"])
        given = [(index * step, value) for index, value in enumerate(values) if value is not None]
        reader.add(labels, [at for at, _ in given], [value for _, value in given])

    def write(samples: Sequence[tuple[Labels, int, float]]) -> None:
        for labels, at, value in samples:
            reader.add(labels, [at], [value])

    engine = Engine(reader)
    groups = load_rule_files(files, default_interval_seconds=interval)
    address = test.get("external_url", "")
    rules = RuleManager(groups, engine, write, lambda alerts: None, state, lambda: 0.0, external_url=address)
    alert_tests = [(parse_duration(str(t["eval_time"])), t) for t in test.get("alert_rule_test", [])]
    expr_tests = [(parse_duration(str(t["eval_time"])), t) for t in test.get("promql_expr_test", [])]
    last = max(at for at, _ in [*alert_tests, *expr_tests])
    for number in itertools.count():
        now = number * interval
        if now > last:
            break
        for group in groups:
            rules.evaluate(group, now)
        for at, expected in alert_tests:
            if now <= at < now + interval:
                yield from _compare_alerts(rules, expected, at)
    for at, expected in expr_tests:
        yield from _compare_samples(engine, expected, at)


def _compare_alerts(rules: RuleManager, expected: dict[str, Any], at: float) -> Iterator[str]:
    name = expected["alertname"]
    found = [
        (dict(alert.labels), dict(alert.annotations))
        for group in rules.groups()
        for rule in group.rules
        if rule.rule.name == name
        for alert in rule.alerts
        if alert.state == "firing"
    ]
    wanted = [
        (
            {"alertname": name, **{k: str(v) for k, v in alert.get("exp_labels", {}).items()}},
            {k: str(v) for k, v in alert.get("exp_annotations", {}).items()},
        )
        for alert in expected["exp_alerts"]
    ]
    if sorted(map(str, map(_ordered, found))) != sorted(map(str, map(_ordered, wanted))):
        yield f"{name} at {at} s: expected {wanted}, found {found}"


def _ordered(pair: tuple[dict[str, str], dict[str, str]]) -> Any:
    return sorted(pair[0].items()), sorted(pair[1].items())


def _compare_samples(engine: Engine, expected: dict[str, Any], at: float) -> Iterator[str]:
    result = engine.instant(expected["expr"], at)
    found: dict[Labels, float]
    if isinstance(result, Scalar):
        found = {(): result.value}
    else:
        assert isinstance(result, Vector)
        found = dict(zip(result.labels, map(float, result.values), strict=True))
    wanted = {parse_metric(sample["labels"]): float(sample["value"]) for sample in expected["exp_samples"]}
    if set(found) != set(wanted) or any(found[key] != pytest.approx(wanted[key]) for key in wanted):
        yield f"{expected['expr']} at {at} s: expected {wanted}, found {found}"


@pytest.fixture
def promtool_file(tmp_path: Path) -> Callable[[Path], list[str]]:
    return lambda path: list(run_promtool_file(path, tmp_path))
