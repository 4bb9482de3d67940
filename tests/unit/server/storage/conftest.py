"""Requests with known contents, and storages that close themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accelerapp.server.storage import Storage, StorageSettings

START_NS = 1_700_000_000_000_000_000


class OpenStorage(Protocol):
    def __call__(self, *, path: Path | None = None, **settings: Any) -> Storage: ...


@pytest.fixture
async def open_storage(tmp_path: Path) -> AsyncIterator[OpenStorage]:
    """Open storages in the test's folder, which are closed when the test ends; their data never expires."""
    opened: list[Storage] = []

    def open_one(*, path: Path | None = None, **settings: Any) -> Storage:
        chosen = StorageSettings(**{"retention_seconds": 0, **settings})
        storage = Storage.open(path or tmp_path / "data", chosen)
        opened.append(storage)
        return storage

    yield open_one
    for storage in opened:
        await storage.close()


@pytest.fixture
def traces_request() -> Callable[..., bytes]:
    def build(number: int, spans: int = 1, service: str = "shop", **attributes: str) -> bytes:
        """Make a trace whose id is `number`: one root and children, a millisecond apart."""
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = service
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "library"
        for index in range(spans):
            span = scope_spans.spans.add(
                trace_id=number.to_bytes(16, "big"),
                span_id=(number * 1000 + index + 1).to_bytes(8, "big"),
                parent_span_id=(number * 1000 + 1).to_bytes(8, "big") if index else b"",
                name=f"operation {index}",
                start_time_unix_nano=START_NS + number * 1_000_000_000 + index * 1_000_000,
                end_time_unix_nano=START_NS + number * 1_000_000_000 + index * 1_000_000 + 500,
            )
            for key, value in attributes.items():
                span.attributes.add(key=key).value.string_value = value
        return request.SerializeToString()

    return build


@pytest.fixture
def logs_request() -> Callable[..., bytes]:
    def build(number: int, body: str = "", severity: int = 9, **attributes: str) -> bytes:
        """Make a request with one log record, `number` seconds after the start."""
        request = ExportLogsServiceRequest()
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.add(key="service.name").value.string_value = "shop"
        record = resource_logs.scope_logs.add().log_records.add(
            time_unix_nano=START_NS + number * 1_000_000_000,
            severity_number=severity,
        )
        record.body.string_value = body or f"message {number}"
        for key, value in attributes.items():
            record.attributes.add(key=key).value.string_value = value
        return request.SerializeToString()

    return build


Reopen = Callable[..., Awaitable[Storage]]


@pytest.fixture
def reopen(open_storage: OpenStorage) -> Reopen:
    """Close a storage and open its folder again."""

    async def run(storage: Storage, **settings: Any) -> Storage:
        await storage.close()
        return open_storage(**settings)

    return run
