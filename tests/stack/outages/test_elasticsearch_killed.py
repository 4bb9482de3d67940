"""Elasticsearch's engine, here OpenSearch's, is killed while it is written to: what it acknowledged is there."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.stack.outages.parts import (
    DECIDED,
    NOBODY,
    SHIPPED,
    Jaeger,
    collecting,
    killed,
    running,
    send_traces,
    total,
)
from tests.stack.programs import Program, Redirected, opensearch, until

pytestmark = pytest.mark.stack


@pytest.fixture
def engine(server_programs: Callable[[str], Path], tmp_path: Path) -> Iterator[Program]:
    program = opensearch(server_programs("opensearch"), tmp_path / "opensearch")
    with running(program):
        yield program


def test_elasticsearch_has_every_line_that_it_acknowledged(engine: Program) -> None:
    template = json.loads((SHIPPED / "elk" / "index-template.json").read_text())["template"]
    # How a write is acknowledged is the shipped template's; the rest of its settings is not of this test.
    durable = {
        key: value for key, value in template["settings"]["index"].items() if key.startswith("translog")
    }
    url = engine.ready.removesuffix("/_cluster/health")
    settings = {"number_of_replicas": 0, **durable}
    httpx.put(f"{url}/lines", json={"settings": {"index": settings}}, timeout=60).raise_for_status()
    acknowledged: list[str] = []

    def write() -> None:
        with httpx.Client(base_url=url, timeout=30) as client, contextlib.suppress(httpx.TransportError):
            for number in range(100_000):
                answer = client.put(f"/lines/_doc/{number}", json={"message": f"line {number}"})
                if answer.status_code == 201:
                    acknowledged.append(str(number))

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: len(acknowledged) > 500, "five hundred lines")
    with killed(engine):
        writer.join()
    health = f"{url}/_cluster/health/lines?wait_for_status=green&timeout=5s"
    until(lambda: httpx.get(health, timeout=10).json()["status"] == "green", "the index")
    asked = {"docs": [{"_id": one} for one in acknowledged]}
    found = httpx.post(f"{url}/lines/_mget?_source=false", json=asked, timeout=60).json()["docs"]
    assert len(found) == len(acknowledged)
    assert all(one["found"] for one in found)


def test_traces_wait_in_the_collector_while_jaegers_elasticsearch_is_away(
    engine: Program, server_programs: Callable[[str], Path], tmp_path: Path
) -> None:
    file = Redirected(SHIPPED / "jaeger" / "jaeger-elasticsearch.yaml")
    # This engine asks for no password.
    file.text, count = re.subn(r" +auth:\n +basic:\n( +username: .*\n +password_file: .*\n)", "", file.text)
    assert count == 1
    jaeger = Jaeger(
        server_programs("jaeger") / "jaeger",
        tmp_path / "jaeger",
        file,
        ELASTICSEARCH_URL=engine.ready.removesuffix("/_cluster/health"),
    )
    otelcol = server_programs("otelcol") / "otelcol"
    with running(jaeger.program), collecting(otelcol, tmp_path / "collector", jaeger, NOBODY) as (_, ports):
        url, metrics = f"http://127.0.0.1:{ports[4318]}", f"http://127.0.0.1:{ports[8888]}/metrics"
        ids = send_traces(url, 50)
        jaeger.await_all(ids)
        ids += send_traces(url, 50)
        until(lambda: total(metrics, DECIDED, sampled="true") > 50, "traces on their way")
        with killed(engine):
            ids += send_traces(url, 50)
            until(lambda: total(metrics, DECIDED, sampled="true") == 150, "the decision on every trace")
        jaeger.await_all(ids)
