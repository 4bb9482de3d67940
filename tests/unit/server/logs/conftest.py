"""The lines of tests/corpus/logs, in a head and in segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from ruamel.yaml import YAML

from accelerapp.server.ingest.otlp_attributes import set_value
from accelerapp.server.logs import compile_query, parse
from accelerapp.server.storage import LogQuery, Storage, StorageSettings, index

CORPUS = Path(__file__).parents[3] / "corpus" / "logs"
START_NS = 1_795_687_200 * 10**9  # 2026-11-26T10:00:00Z
NOW = START_NS / 1e9 + 25 * 3600
SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "FATAL": 21}

Find = Callable[[str], list[str]]


def request_of(lines: list[dict[str, Any]]) -> bytes:
    """Return lines of the corpus as an OTLP request."""
    request = ExportLogsServiceRequest()
    for line in lines:
        resource_logs = request.resource_logs.add()
        for key, value in {"service.name": line["service"], **line.get("resource", {})}.items():
            set_value(resource_logs.resource.attributes.add(key=key).value, value)
        scope_logs = resource_logs.scope_logs.add()
        scope_logs.scope.name = line.get("scope", "")
        record = scope_logs.log_records.add(
            time_unix_nano=START_NS + line["at"] * 10**9,
            severity_text=line.get("text", line.get("level", "")),
            severity_number=line.get("number", SEVERITIES.get(line.get("level", ""), 0)),
            trace_id=bytes.fromhex(line.get("trace", "")),
            span_id=bytes.fromhex(line.get("span", "")),
        )
        record.body.string_value = line["body"]
        for key, value in line.get("attributes", {}).items():
            set_value(record.attributes.add(key=key).value, value)
    return request.SerializeToString()


@pytest.fixture(scope="session")
def lines() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = YAML(typ="safe").load(CORPUS / "lines.yml")
    return loaded


@pytest.fixture(scope="module", params=["head", "segment", "blocks of two lines"])
def find(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> Iterator[Find]:
    """Return a way to find the names of the lines that a query finds, the oldest first."""

    async def fill(storage: Storage) -> None:
        await storage.write_logs(request_of(lines))
        await (storage.wait_loaded() if request.param == "head" else storage.seal())

    with pytest.MonkeyPatch.context() as patch:
        if request.param == "blocks of two lines":
            patch.setattr(index, "BLOCK_ROWS", 2)
            patch.setattr("accelerapp.server.storage.parts.BLOCK_ROWS", 2)
        storage = Storage.open(tmp_path_factory.mktemp("logs"), StorageSettings(retention_seconds=0))
        asyncio.run(fill(storage))
        names = {START_NS + line["at"] * 10**9: line["name"] for line in lines}

        def run(text: str) -> list[str]:
            query = LogQuery(0, 2**63 - 1, condition=compile_query(parse(text), NOW))
            return [names[record.time_ns] for record in reversed(storage.logs.search(query))]

        yield run
        asyncio.run(storage.close())
