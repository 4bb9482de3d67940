"""Zipkin's and Jaeger's spans become what the real collector makes of them, which sends us its result by OTLP."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.jaeger_batches import CASES as BATCHES
from tests.jaeger_batches import batch
from tests.plain_otlp import plain_spans
from tests.stack.programs import Program, free_port
from tests.unit.server.ingest.conftest import KeepingSink
from tests.unit.server.ingest.test_zipkin import NOW_NS, cases

from accelerapp.server.ingest import Account, HttpReceiver, jaeger_spans, otlp_app, zipkin_spans

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Collector:
    """A collector that takes both kinds of spans and sends each request on at once, to a sink of ours."""

    zipkin: str
    jaeger: str
    sink: KeepingSink


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Collector]:
    sink = KeepingSink()
    receiver = HttpReceiver(otlp_app(sink, account := Account("otlp_http", "OTLP", time.time)), account)
    home, port = tmp_path_factory.mktemp("collector"), await receiver.start("127.0.0.1", 0)
    zipkin, jaeger, health = free_port(), free_port(), free_port()
    config = {
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
        "receivers": {
            "zipkin": {"endpoint": f"127.0.0.1:{zipkin}"},
            "jaeger": {"protocols": {"thrift_http": {"endpoint": f"127.0.0.1:{jaeger}"}}},
        },
        "exporters": {
            "otlphttp": {
                "endpoint": f"http://127.0.0.1:{port}",
                # The sender waits for our answer.
                "sending_queue": {"enabled": False},
                "retry_on_failure": {"enabled": False},
            }
        },
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["zipkin", "jaeger"], "exporters": ["otlphttp"]}},
        },
    }
    (home / "config.yaml").write_text(json.dumps(config))
    command: list[str | Path] = [server_programs("otelcol") / "otelcol", "--config", home / "config.yaml"]
    program = Program(command, home / "log", f"http://127.0.0.1:{health}/")
    try:
        program.start()
        yield Collector(
            f"http://127.0.0.1:{zipkin}/api/v2/spans", f"http://127.0.0.1:{jaeger}/api/traces", sink
        )
    finally:
        program.stop()
        await receiver.stop()


async def through(collector: Collector, url: str, body: bytes, media_type: str) -> list[dict[str, Any]]:
    """Return the spans that come out of the collector when this goes in."""
    collector.sink.traces.clear()
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(url, content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 202, answer.text
    return plain_spans(*collector.sink.traces)


ZIPKIN = [case for case in cases("spans.yml") if case["spans"]]
JAEGER = [case for case in BATCHES if case["spans"]]


@pytest.mark.parametrize("case", ZIPKIN, ids=lambda case: case["name"])
async def test_zipkin_s_spans_are_the_collector_s(collector: Collector, case: dict[str, Any]) -> None:
    body = json.dumps(case["spans"]).encode()
    theirs = await through(collector, collector.zipkin, body, "application/json")
    ours = plain_spans(zipkin_spans.translate(body, NOW_NS))
    assert (ours == theirs) == ("collector" not in case), (ours, theirs)


@pytest.mark.parametrize("case", JAEGER, ids=lambda case: case["name"])
async def test_jaeger_s_spans_are_the_collector_s(collector: Collector, case: dict[str, Any]) -> None:
    body = batch(case)
    theirs = await through(collector, collector.jaeger, body, "application/x-thrift")
    ours = plain_spans(jaeger_spans.translate(body))
    assert (ours == theirs) == ("collector" not in case), (ours, theirs)
