"""Our observatory and a real Prometheus answer alike of native histograms, which both were sent as OTLP."""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE as CUMULATIVE,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
)
from tests.stack.conftest import RunningPrometheus, start_prometheus

from accelerapp.server.api.prometheus.values import value_json
from accelerapp.server.ingest.otlp_intake import MetricIntake
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.promql import Annotations, Engine, PromQLError, Value
from accelerapp.server.storage import Storage, StorageSettings

EXPRESSIONS = [
    line
    for line in (Path(__file__).parents[1] / "corpus/promql/compare_histograms.txt")
    .read_text(encoding="utf-8")
    .splitlines()
    if line.strip() and not line.startswith("#")
]
START = 1_700_000_040  # a multiple of a minute; compare_histograms.txt refers to it
EXPORT_SECONDS = 15
EXPORTS = 160
INSTANTS = (START + 7.5, START + 1000, START + 1777.7)
RANGES = ((START - 60, START + 2500, 60.0), (START + 900, START + 1300, 7.0))
TOLERANCE = 1e-12

pytestmark = pytest.mark.stack


class Observations:
    """A histogram that is observed: what its points say by now, at the scale that it has."""

    def __init__(self, scale: int) -> None:
        self.scale = scale
        self.clear()

    def clear(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.zero = self.count = 0
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.count += 1
        self.sum += value
        if math.isnan(value):
            return
        if value == 0:
            self.zero += 1
            return
        side = self.sides[value < 0]
        index = math.ceil(math.log2(abs(value)) * 2**self.scale) - 1
        side[index] = side.get(index, 0) + 1

    def coarser(self) -> None:
        self.scale -= 1
        for side in self.sides:
            before = dict(side)
            side.clear()
            for index, count in before.items():
                side[index >> 1] = side.get(index >> 1, 0) + count

    def point(self, at: int) -> ExponentialHistogramDataPoint:
        point = ExponentialHistogramDataPoint(
            scale=self.scale,
            count=self.count,
            sum=self.sum,
            zero_count=self.zero,
            start_time_unix_nano=START * 10**9,
            time_unix_nano=at * 10**9,
        )
        for target, side in zip((point.positive, point.negative), self.sides, strict=True):
            target.offset = min(side, default=0)
            target.bucket_counts.extend(
                side.get(i, 0) for i in range(target.offset, max(side, default=-1) + 1)
            )
        return point


def requests() -> Iterator[ExportMetricsServiceRequest]:
    """Yield an export every 15 s: histograms that grow, reset, coarsen, end, are mixed with floats, and so on."""
    dice = random.Random(20261126)
    kinds = {name: Observations(scale) for name, scale in SERIES}
    # Prometheus reads early histograms with the empty buckets that later ones in their chunk have, and looks at signs.
    for name, value in (("signed", -1.0), ("signed", 1.0), ("negative", -1.5), ("zero", 1.5)):
        kinds[name].observe(value)
    classic = [0] * 4
    total = 0
    for number in range(EXPORTS):
        at = START + number * EXPORT_SECONDS
        request = ExportMetricsServiceRequest()
        scope = request.resource_metrics.add().scope_metrics.add()
        metrics: dict[str, Metric] = {}

        def add(
            name: str, point: Any, metrics: dict[str, Metric] = metrics, scope: Any = scope, **labels: str
        ) -> None:
            if name not in metrics:
                metrics[name] = scope.metrics.add(name=name)
                metrics[name].exponential_histogram.aggregation_temporality = CUMULATIVE
            for key, value in labels.items():
                point.attributes.add(key=key).value.string_value = value
            metrics[name].exponential_histogram.data_points.append(point)

        for name, observed in kinds.items():
            for _ in range(dice.randrange(12)):
                observed.observe(observation(name, dice))
        if number in (60, 61, 110):
            kinds["web"].clear()
        if number == 75:
            kinds["batch"].coarser()
        for name in ("api", "web", "batch"):
            if dice.random() > 0.05:
                add("latency", kinds[name].point(at), job=name)
        add("signed", kinds["signed"].point(at), job="api")
        add("fine", kinds["fine"].point(at))
        add("odd", kinds["nan"].point(at), kind="nan")
        add("odd", Observations(0).point(at), kind="empty")
        add("odd", kinds["zero"].point(at), kind="zero")
        add("odd", kinds["negative"].point(at), kind="negative")
        if number < 80:
            add("ended", kinds["api"].point(at))
        if number == 80:
            gone = ExponentialHistogramDataPoint(time_unix_nano=at * 10**9, flags=1)
            add("ended", gone)
        if number >= 100:
            add("late", kinds["api"].point(at))
        if (number // 30) % 2:
            add("mixed", kinds["web"].point(at))
        else:
            gauge = scope.metrics.add(name="mixed").gauge.data_points.add(as_int=number)
            gauge.time_unix_nano = at * 10**9
        total += dice.randrange(5)
        for name in ("requests_total", "half"):
            floats = scope.metrics.add(name=name).gauge.data_points.add(as_int=total)
            floats.time_unix_nano = at * 10**9
            if name == "half":
                floats.attributes.add(key="kind").value.string_value = "float"
        add("half", kinds["api"].point(at), metrics={}, kind="native")
        for position in range(4):
            classic[position] += dice.randrange(3)
        explicit = scope.metrics.add(name="both").histogram
        explicit.aggregation_temporality = CUMULATIVE
        explicit.data_points.append(
            HistogramDataPoint(
                time_unix_nano=at * 10**9,
                count=sum(classic),
                sum=float(number),
                explicit_bounds=[0.1, 0.5, 2.0],
                bucket_counts=classic,
            )
        )
        add("both", kinds["web"].point(at), metrics={})
        yield request


SERIES = [
    ("api", 3),
    ("web", 3),
    ("batch", 2),
    ("signed", 1),
    ("fine", 11),
    ("nan", 2),
    ("zero", 0),
    ("negative", 0),
]


def observation(name: str, dice: random.Random) -> float:
    if name == "signed":
        return dice.choice([dice.gauss(0, 2), 0.0])
    if name == "nan":
        return math.nan if dice.random() < 0.2 else dice.expovariate(1)
    if name == "zero":
        return dice.choice([0.0, 0.0, 1.5])
    if name == "negative":
        return dice.choice([0.0, -1.5, -3.0])
    return dice.lognormvariate(-1.0, 0.8 if name == "fine" else 1.2)


@pytest.fixture(scope="module")
def theirs(prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPrometheus]:
    home = tmp_path_factory.mktemp("prometheus")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    with start_prometheus(prometheus, home, "--web.enable-otlp-receiver") as running:
        for request in requests():
            answer = running.client.post(
                "/api/v1/otlp/v1/metrics",
                content=request.SerializeToString(),
                headers={"Content-Type": "application/x-protobuf"},
            )
            assert answer.is_success, answer.text
        yield running


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Keep the same: half of it in a segment, half in the head."""
    storage = Storage.open(tmp_path_factory.mktemp("data"), StorageSettings(retention_seconds=0))

    async def fill() -> None:
        intake = MetricIntake(storage, Account("otlp", "OTLP", lambda: 0.0), lambda: 0.0)
        for number, request in enumerate(requests()):
            answer = await intake.take(request, 0)
            assert answer.partial_success.rejected_data_points == 0, answer
            if number == EXPORTS // 2:
                await storage.seal()
        await storage.wait_loaded()

    asyncio.run(fill())
    yield Engine(storage.metrics)
    asyncio.run(storage.close())


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_instant_queries_of_histograms_agree(
    expression: str, ours: Engine, theirs: RunningPrometheus
) -> None:
    for at in INSTANTS:
        answer = theirs.get("/api/v1/query", {"query": expression, "time": f"{at:.3f}"})
        compare(
            f"{expression} at {at}",
            expression,
            answer,
            lambda notes, at=at: ours.instant(expression, at, notes=notes),  # type: ignore[misc]
        )


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_range_queries_of_histograms_agree(expression: str, ours: Engine, theirs: RunningPrometheus) -> None:
    for start, end, step in RANGES:
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        compare(
            f"{expression} from {start}",
            expression,
            theirs.get("/api/v1/query_range", parameters),
            lambda notes, start=start, end=end, step=step: ours.range(  # type: ignore[misc]
                expression, start, end, step, notes=notes
            ),
        )


def compare(
    what: str, expression: str, answer: dict[str, Any], evaluate: Callable[[Annotations], Value]
) -> None:
    notes = Annotations()
    refusal = ""
    try:
        value = evaluate(notes)
    except PromQLError as error:
        refusal = error.message
    if refusal:
        assert answer["status"] == "error", f"{what}: we refuse it ({refusal}), Prometheus does not"
        assert answer["errorType"] != "execution" or refusal == answer["error"], what
        return
    assert answer["status"] == "success", f"{what}: Prometheus refuses it: {answer.get('error')}"
    mine = json.loads(orjson.dumps(value_json(value)))
    assert mine["resultType"] == answer["data"]["resultType"], what
    left, right = by_labels(mine["result"]), by_labels(answer["data"]["result"])
    assert left.keys() == right.keys(), what
    for labels, theirs in right.items():
        same(f"{what}: {labels}", left[labels], theirs)
    assert sorted(notes.warnings(expression)) == sorted(answer.get("warnings", [])), what
    assert uncounted(notes.infos(expression)) == uncounted(answer.get("infos", [])), what


def uncounted(infos: list[str]) -> list[str]:
    """Order infos, without how many samples were fixed for monotonicity: Prometheus doubles that count at each step."""
    return sorted(re.sub(r"over -?\d+ samples", "over samples", one) for one in infos)


def by_labels(result: Any) -> dict[str, Any]:
    if not result or not isinstance(result[0], dict):
        return {"": result}
    return {json.dumps(series["metric"], sort_keys=True): series for series in result}


def same(what: str, mine: Any, other: Any) -> None:
    """Compare what two answers have, numbers within the tolerance."""
    if isinstance(other, dict):
        assert mine.keys() == other.keys(), what
        for key, value in other.items():
            same(f"{what}: {key}", mine[key], value)
    elif isinstance(other, list):
        assert len(mine) == len(other), f"{what}: {mine} beside {other}"
        for one, value in zip(mine, other, strict=True):
            same(what, one, value)
    elif isinstance(other, str):
        assert close(mine, other), f"{what}: {mine} beside {other}"
    else:
        assert mine == other, what


def close(mine: str, other: str) -> bool:
    try:
        numbers = float(mine), float(other)
    except ValueError:
        return mine == other
    return math.isclose(*numbers, rel_tol=TOLERANCE) or (math.isnan(numbers[0]) and math.isnan(numbers[1]))
