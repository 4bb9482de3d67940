"""Our observatory and a real Prometheus make the same series of the same OTLP requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.stack.conftest import RunningPrometheus, start_prometheus

from accelerapp.server.api.prometheus.values import value_json
from accelerapp.server.ingest.otlp_intake import MetricIntake
from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.promql import Engine
from accelerapp.server.storage import Storage, StorageSettings

pytestmark = pytest.mark.stack

START = 1_700_000_000
CASES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "corpus/otlp/metrics.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def theirs(prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPrometheus]:
    home = tmp_path_factory.mktemp("prometheus")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    flags = ("--web.enable-otlp-receiver", "--enable-feature=otlp-deltatocumulative")
    with start_prometheus(prometheus, home, *flags) as running:
        yield running


@pytest.mark.parametrize("case", CASES)
def test_a_request_becomes_the_same_series(case: str, theirs: RunningPrometheus, tmp_path: Path) -> None:
    """Each case has an hour of its own, since a Prometheus takes nothing that is older than what it has."""
    begin = START + 3600 * list(CASES).index(case)
    requests = [request_of(one, begin) for one in CASES[case]]
    for request in requests:
        answer = theirs.client.post(
            "/api/v1/otlp/v1/metrics",
            content=request.SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
        )
        assert answer.is_success, answer.text
    query = {"query": '{__name__=~".+"}[1h]', "time": str(begin + 3599)}
    expected = theirs.get("/api/v1/query", query)["data"]
    assert isinstance(expected, dict)
    mine = asyncio.run(kept(requests, tmp_path, query["query"], float(query["time"])))
    assert by_labels(mine) == by_labels(expected["result"])
    assert expected["result"], "the case says nothing"


async def kept(requests: list[ExportMetricsServiceRequest], folder: Path, query: str, at: float) -> Any:
    storage = Storage.open(folder, StorageSettings(retention_seconds=0))
    intake = MetricIntake(storage, Account("otlp", "OTLP", lambda: 0.0), lambda: 0.0)
    for request in requests:
        await intake.take(request, 0)
    await storage.wait_loaded()
    answer = orjson.loads(orjson.dumps(value_json(Engine(storage.metrics).instant(query, at))))["result"]
    await storage.close()
    return answer


def request_of(document: dict[str, Any], begin: int) -> ExportMetricsServiceRequest:
    """Read a request in OTLP JSON whose times are seconds after `begin`."""
    request = parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest())
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, metric.WhichOneof("data") or "gauge").data_points:
                    point.time_unix_nano = (begin + point.time_unix_nano) * 10**9
                    point.start_time_unix_nano = (begin + point.start_time_unix_nano) * 10**9
    return request


def by_labels(result: Any) -> dict[str, Any]:
    return {json.dumps(series.pop("metric"), sort_keys=True): series for series in result}
