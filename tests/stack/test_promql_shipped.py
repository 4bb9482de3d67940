"""The expressions of the shipped rules and dashboards mean the same to our engine and to a real Prometheus.

The samples are made for the expressions: of every metric that one of them selects, series with the labels that they
match and group by, counters that restart, gauges around the numbers that they compare with, and buckets.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from ruamel.yaml import YAML
from tests.stack.test_promql_against_prometheus import compare

from accelerapp.server.promql import (
    Aggregate,
    Binary,
    Engine,
    Expr,
    MemoryReader,
    NumberLiteral,
    VectorSelector,
    parse,
    walk,
)
from accelerapp.server.signals import METRIC_NAME, Labels, Matcher, MatchType, make_labels

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
START, SECONDS, SCRAPE = 1_700_000_040, 1800, 15
BOUNDS = ("0.1", "0.5", "1", "2.5", "10", "+Inf")
#: What labels are given where a matcher wants neither one value nor none.
VALUES = (
    "accelerapp",
    "500",
    "503",
    "200",
    "idle",
    "user",
    "node",
    "ext4",
    "eth0",
    "/",
    "page",
    "5m",
    "api",
    "ollama",
)

Samples = dict[Labels, list[tuple[int, float]]]


class Prometheus(Protocol):
    """The running server, as conftest.py gives it."""

    def write(self, series: Mapping[Labels, Sequence[tuple[int, float]]]) -> None: ...

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, object]: ...


def shipped() -> Iterator[str]:
    for path in sorted((SHIPPED / "prometheus").glob("*rules.yml")):
        for group in YAML(typ="safe").load(path)["groups"]:
            yield from (rule["expr"] for rule in group["rules"])
    for path in sorted((SHIPPED / "grafana").rglob("*.json")):
        yield from targets(json.loads(path.read_text(encoding="utf-8")))


def targets(node: Any) -> Iterator[str]:
    """Yield every Prometheus query within a dashboard."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from targets(each)


EXPRESSIONS = sorted(set(shipped()))


def samples(expressions: Sequence[Expr]) -> Samples:
    dice = random.Random(4)
    matchers: dict[str, list[Matcher]] = defaultdict(list)
    groupings: set[str] = set()
    numbers: list[float] = [1.0]
    for node in (node for expr in expressions for node in walk(expr)):
        match node:
            case VectorSelector(name=str() as name):
                matchers[name] += node.matchers
            case Aggregate():
                groupings.update(node.grouping)
            case Binary():
                groupings.update(node.matching.labels)
            case NumberLiteral():
                numbers.append(node.value)
    data: Samples = {}
    for name, conditions in sorted(matchers.items()):
        for labels in series_of(conditions, groupings - {"le"}):
            if name.endswith("_bucket"):
                rising = counter(dice)
                for place, bound in enumerate(BOUNDS, start=1):
                    data[make_labels({METRIC_NAME: name, "le": bound, **labels})] = [
                        (at, value * place) for at, value in rising
                    ]
            elif re.search(r"_total$|_count$|_sum$|_bytes_total$", name):
                data[make_labels({METRIC_NAME: name, **labels})] = counter(dice)
            else:
                data[make_labels({METRIC_NAME: name, **labels})] = gauge(dice, numbers)
    return dict(sorted(data.items()))


def series_of(conditions: list[Matcher], groupings: set[str]) -> list[dict[str, str]]:
    """Return the labels of some series, among them such as every condition alone accepts."""
    wanted: dict[str, set[str]] = {name: {"x", "y"} for name in groupings}
    for matcher in conditions:
        accepted = {
            MatchType.EQUAL: {matcher.value},
            MatchType.NOT_EQUAL: {f"not {matcher.value}"},
            MatchType.REGEX: {v for v in VALUES if re.fullmatch(matcher.value, v)},
            MatchType.NOT_REGEX: {v for v in VALUES if not re.fullmatch(matcher.value, v)},
        }[matcher.type]
        found = wanted.setdefault(matcher.name, set())
        found.update(sorted(accepted)[:2])
    dice = random.Random(5)
    rows = [{name: dice.choice(sorted(values)) for name, values in sorted(wanted.items())} for _ in range(12)]
    return [dict(row) for row in {tuple(sorted(row.items())) for row in rows}]


def times() -> list[int]:
    return [START * 1000 + k * SCRAPE * 1000 for k in range(SECONDS // SCRAPE)]


def counter(dice: random.Random) -> list[tuple[int, float]]:
    total, points = 0.0, []
    most = dice.choice([2, 10, 100])
    for at in times():
        total = 0.0 if dice.random() < 0.01 else total + dice.randrange(most)
        points.append((at + dice.randrange(5000), total))
    return points


def gauge(dice: random.Random, numbers: list[float]) -> list[tuple[int, float]]:
    near = dice.sample(sorted(set(numbers)), k=min(4, len(set(numbers))))
    return [(at, dice.choice([0.0, 1.0, *near]) * dice.choice([0.5, 1.0, 1.5])) for at in times()]


@pytest.fixture(scope="module")
def data() -> Samples:
    return samples([parse(text) for text in EXPRESSIONS])


@pytest.mark.stack
def test_shipped_expressions_agree(running_prometheus: Prometheus, data: Samples) -> None:
    running_prometheus.write(data)
    reader = MemoryReader()
    for labels, points in data.items():
        reader.add(labels, [at for at, _ in points], [value for _, value in points])
    engine = Engine(reader)
    answered = 0
    for text in EXPRESSIONS:
        end = START + SECONDS
        parameters = {"query": text, "start": str(START + 600), "end": str(end), "step": "47"}
        answer = running_prometheus.get("/api/v1/query_range", parameters)
        compare(text, answer, evaluation(engine, text, end))
        found = answer.get(
            "data"
        )  # none where both refuse, since samples are made without regard to what must match
        answered += isinstance(found, dict) and bool(found["result"])
    assert answered > 0.8 * len(EXPRESSIONS), "too few of the expressions had an answer to compare"


def evaluation(engine: Engine, text: str, end: int) -> Callable[[], Any]:
    return lambda: engine.range(text, START + 600, end, 47)
