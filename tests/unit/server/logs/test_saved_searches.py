"""Kibana's saved searches of the shipped stack find the same lines here as there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.ingest.log_events import from_lines
from accelerapp.server.logs import compile_query, parse
from accelerapp.server.storage import LogQuery, Storage, StorageSettings

SHIPPED = Path(__file__).parents[4] / "deployment" / "observability" / "elk" / "kibana-saved-objects.ndjson"
SEARCHES = {
    one["attributes"]["title"]: json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])[
        "query"
    ]
    for one in map(json.loads, SHIPPED.read_text().splitlines())
    if one["type"] == "search"
}
#: Lines as the application and others write them, which Logstash takes.
LINES: list[dict[str, Any]] = [
    {"message": "done", "level": "INFO", "logger": "accelerapp.request", "duration_seconds": 0.2},
    {
        "message": "slow",
        "level": "INFO",
        "logger": "accelerapp.request",
        "duration_seconds": 1.25,
        "correlation_id": "c-1",
    },
    {"message": "slow, elsewhere", "level": "INFO", "logger": "shop", "duration_seconds": 9},
    {"message": "generation failed", "level": "ERROR", "logger": "accelerapp.codegen.service"},
    {"message": "generation began", "level": "DEBUG", "logger": "accelerapp.codegen.service"},
    {"message": "failed", "level": "critical", "logger": "shop", "correlationId": "c-2"},
    {"message": "gone", "log": {"level": "fatal", "logger": "shop"}, "labels": {"correlation_id": "c-3"}},
    {"message": "faults changed", "level": "WARNING", "logger": "accelerapp.audit"},
]
FOUND = {
    "Errors": ["generation failed", "failed", "gone"],
    "By correlation id": ["slow", "failed", "gone"],
    "Slow requests": ["slow"],
    "Failed generations": ["generation failed"],
    "Audit events": ["faults changed"],
}


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    request, _ = from_lines([json.dumps(line).encode() for line in LINES], 1_795_687_200 * 10**9)
    await opened.write_logs(request)
    await opened.wait_loaded()
    yield opened
    await opened.close()


def test_every_saved_search_is_tried() -> None:
    assert SEARCHES.keys() == FOUND.keys()
    assert {query["language"] for query in SEARCHES.values()} == {"kuery"}


@pytest.mark.parametrize("title", FOUND)
async def test_a_saved_search_finds_its_lines(storage: Storage, title: str) -> None:
    condition = compile_query(parse(SEARCHES[title]["query"]), 0)
    found = storage.logs.search(LogQuery(0, 2**62, condition=condition))
    assert sorted(record.body for record in found) == sorted(FOUND[title])
