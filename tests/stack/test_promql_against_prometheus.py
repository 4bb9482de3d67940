"""Our engine and a real Prometheus answer the same expressions over the same samples alike."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from accelerapp.server.promql import (
    Annotations,
    Engine,
    Matrix,
    MemoryReader,
    PromQLError,
    Scalar,
    String,
    Value,
    Vector,
)
from accelerapp.server.signals import STALE_NAN, Labels, make_labels

EXPRESSIONS = [
    line
    for line in (Path(__file__).parents[1] / "corpus/promql/compare.txt")
    .read_text(encoding="utf-8")
    .splitlines()
    if line.strip() and not line.startswith("#")
]
START = 1_700_000_040  # a multiple of a minute; compare.txt refers to it
SCRAPE_MS = 15_000
SCRAPES = 240
INSTANTS = (START + 7.5, START + 300, START + 1000, START + 2222.221, START + 3600)
RANGES = ((START - 60, START + 3700, 60.0), (START + 900, START + 1500, 7.0))
TOLERANCE = 1e-12
MOST = 10  # warnings or infos that an answer has

Answer = dict[Labels, list[tuple[float, float]]]
Samples = dict[Labels, list[tuple[int, float]]]


class Prometheus(Protocol):
    """The running server, as conftest.py gives it."""

    def write(self, series: Mapping[Labels, Sequence[tuple[int, float]]]) -> None: ...

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, object]: ...


def generate() -> Samples:
    """Make counters with resets, gauges, gaps, late and stale series, histograms, NaN and infinities."""
    dice = random.Random(20231114)
    data: Samples = {}

    def add(
        labels: dict[str, str], value: Callable[[int], float | None], first: int = 0, last: int = SCRAPES
    ) -> None:
        offset = dice.randrange(SCRAPE_MS)
        data[make_labels(labels)] = [
            (START * 1000 + k * SCRAPE_MS + offset + dice.randrange(-40, 41), number)
            for k in range(first, last)
            if (number := value(k)) is not None
        ]

    def counter(step: float, reset: float) -> Callable[[int], float | None]:
        total = 0.0

        def value(_: int) -> float | None:
            nonlocal total
            total = 0.0 if dice.random() < reset else total + dice.randrange(5) * step
            return None if dice.random() < 0.05 else total

        return value

    for job in ("api", "web", "batch"):
        for code in ("200", "404", "500"):
            add({"__name__": "requests_total", "job": job, "code": code}, counter(1, 0.02))
        add(
            {"__name__": "bytes_total", "job": job},
            counter(0.1 + dice.random(), 0.01),
            first=30 if job == "batch" else 0,
        )
        add({"__name__": "temperature", "job": job, "room": "a"}, lambda _: dice.gauss(20, 5))
        add(
            {"__name__": "temperature", "job": job, "room": "b"},
            lambda k: dice.gauss(1e6, 1) if k % 40 < 20 else None,
        )
        add({"__name__": "info", "job": job, "version": f"1.{len(job)}", "team": "x"}, lambda _: 1.0)
        add({"__name__": "huge", "job": job}, lambda k: dice.choice([1e16, -1e16, 1.0, 0.1, 3e-5]))
        bounds = ("0.05", "0.1", "0.5", "1", "2.5", "+Inf")
        counts = [0] * len(bounds)
        rows: Samples = {}
        for k in range(SCRAPES):
            for _ in range(dice.randrange(6)):
                seconds = dice.expovariate(2)
                counts = [n + (seconds <= float(bound)) for n, bound in zip(counts, bounds, strict=True)]
            for number, bound in zip(counts, bounds, strict=True):
                labels = make_labels({"__name__": "latency_bucket", "job": job, "le": bound})
                rows.setdefault(labels, []).append((START * 1000 + k * SCRAPE_MS, float(number)))
        data.update(rows)
    add({"__name__": "late", "job": "api"}, counter(2, 0), first=100)
    add({"__name__": "ended", "job": "api"}, counter(2, 0), last=90)
    add({"__name__": "moved", "job": "api", "instance": "1"}, counter(3, 0), last=120)
    add({"__name__": "moved", "job": "api", "instance": "2"}, counter(3, 0), first=124)
    add({"__name__": "odd", "kind": "nan"}, lambda k: math.nan if k % 3 else float(k))
    add({"__name__": "odd", "kind": "inf"}, lambda k: (math.inf, -math.inf, 1.0, 2.0)[k % 4])
    add({"__name__": "odd", "kind": "zero"}, lambda k: 0.0)
    add({"__name__": "odd", "kind": "stairs"}, lambda k: float(k // 10))
    add({"__name__": "odd", "kind": "overflow"}, lambda k: 1.7e308)
    add({"__name__": "odd", "kind": "tiny"}, lambda k: 5e-324 * (k % 5))
    add({"__name__": "ties", "n": "1"}, lambda k: 1.0)
    add({"__name__": "ties", "n": "2"}, lambda k: 1.0)
    add({"__name__": "ties", "n": "3"}, lambda k: 2.0)
    add({"__name__": "ties", "n": "4"}, lambda k: 1.0)
    add({"__name__": "broken_bucket", "le": "1"}, lambda k: 10.0 + k)
    add({"__name__": "broken_bucket", "le": "1.0"}, lambda k: 1.0)
    add({"__name__": "broken_bucket", "le": "2"}, lambda k: 5.0 + k)
    add({"__name__": "broken_bucket", "le": "+Inf"}, lambda k: 20.0 + k if k % 7 else None)
    add({"__name__": "broken_bucket", "le": "many"}, lambda k: 3.0)
    add({"__name__": "endless_bucket", "le": "1"}, lambda k: 1.0)
    add({"__name__": "below_bucket", "le": "-1"}, lambda k: 4.0)
    add({"__name__": "below_bucket", "le": "0"}, lambda k: 6.0)
    add({"__name__": "below_bucket", "le": "+Inf"}, lambda k: 8.0)
    for labels in (
        (("__name__", "ended"), ("job", "api")),
        (("__name__", "moved"), ("instance", "1"), ("job", "api")),
    ):
        data[labels].append((data[labels][-1][0] + SCRAPE_MS, STALE_NAN))
    # Ties among equal values go by the order in which a storage lists its series; ours lists them by their labels,
    # Prometheus' head by their first appearance.
    return dict(sorted(data.items()))


@pytest.fixture(scope="module")
def samples() -> Samples:
    return generate()


@pytest.fixture(scope="module")
def ours(samples: Samples) -> Engine:
    reader = MemoryReader()
    for labels, points in samples.items():
        reader.add(labels, [stamp for stamp, _ in points], [value for _, value in points])
    return Engine(reader)


@pytest.fixture(scope="module")
def theirs(running_prometheus: Prometheus, samples: Samples) -> Prometheus:
    running_prometheus.write(samples)
    return running_prometheus


@pytest.mark.stack
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_instant_queries_agree(expression: str, ours: Engine, theirs: Prometheus) -> None:
    for at in INSTANTS:
        answer = theirs.get("/api/v1/query", {"query": expression, "time": f"{at:.3f}"})
        notes = Annotations()
        compare(
            f"{expression} at {at}",
            answer,
            lambda at=at, notes=notes: ours.instant(expression, at, notes=notes),  # type: ignore[misc]
        )
        compare_notes(f"{expression} at {at}", expression, answer, notes)


@pytest.mark.stack
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_range_queries_agree(expression: str, ours: Engine, theirs: Prometheus) -> None:
    for start, end, step in RANGES:
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        answer = theirs.get("/api/v1/query_range", parameters)
        notes = Annotations()
        compare(
            f"{expression} from {start}",
            answer,
            lambda start=start, end=end, step=step, notes=notes: ours.range(  # type: ignore[misc]
                expression, start, end, step, notes=notes
            ),
        )
        compare_notes(f"{expression} from {start}", expression, answer, notes)


def compare_notes(what: str, expression: str, answer: dict[str, object], notes: Annotations) -> None:
    """Compare warnings and infos of answers with few of them; beyond ten Prometheus shows any."""
    if answer["status"] == "error":
        return
    assert sorted(notes.warnings(expression)) == listed(answer, "warnings"), what
    theirs = listed(answer, "infos")
    if len(theirs) <= MOST:
        assert uncounted(notes.infos(expression)) == uncounted(theirs), what


def listed(answer: dict[str, object], name: str) -> list[str]:
    found = answer.get(name, [])
    assert isinstance(found, list)
    return sorted(found)


def uncounted(infos: list[str]) -> list[str]:
    """Order infos, without how many samples were fixed for monotonicity: Prometheus doubles that count at each step."""
    return sorted(re.sub(r"over -?\d+ samples", "over samples", one) for one in infos)


def compare(what: str, answer: dict[str, object], evaluate: Callable[[], Value]) -> None:
    refusal: PromQLError | None = None
    try:
        value = evaluate()
    except PromQLError as error:
        refusal = error
    if refusal is not None:
        assert answer["status"] == "error", f"{what}: we refuse it ({refusal}), Prometheus does not"
        assert refusal.message == str(answer["error"]).removeprefix('invalid parameter "query": '), what
        return
    assert answer["status"] == "success", f"{what}: Prometheus refuses it: {answer.get('error')}"
    data = answer["data"]
    assert isinstance(data, dict)
    if isinstance(value, String):
        assert value.value == data["result"][1]
        return
    mine, other = mine_of(value), theirs_of(data)
    assert mine.keys() == other.keys(), what
    for labels, points in other.items():
        assert [stamp for stamp, _ in mine[labels]] == [stamp for stamp, _ in points], f"{what}: {labels}"
        np.testing.assert_allclose(
            [number for _, number in mine[labels]],
            [number for _, number in points],
            rtol=TOLERANCE,
            atol=0,
            err_msg=f"{what}: {labels}",
        )


def mine_of(value: Value) -> Answer:
    if isinstance(value, Matrix):
        return {
            series.labels: list(zip((series.timestamps / 1000).tolist(), series.values.tolist(), strict=True))
            for series in value.series
        }
    if isinstance(value, Vector):
        return {
            labels: [(value.time, float(number))]
            for labels, number in zip(value.labels, value.values, strict=True)
        }
    assert isinstance(value, Scalar)
    return {(): [(value.time, value.value)]}


def theirs_of(data: dict[str, object]) -> Answer:
    result = json.loads(json.dumps(data["result"]))
    match data["resultType"]:
        case "scalar":
            return {(): [(float(result[0]), float(result[1]))]}
        case "vector":
            return {make_labels(each["metric"]): [point(each["value"])] for each in result}
        case _:
            return {make_labels(each["metric"]): [point(each) for each in each["values"]] for each in result}


def point(pair: list[object]) -> tuple[float, float]:
    return float(str(pair[0])), float(str(pair[1]))
