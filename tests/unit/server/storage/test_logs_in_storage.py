"""Log records: the filter, and what a record becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import LogQuery, MalformedRequestError, Storage
from accelerapp.server.storage.logs import words

OpenStorage = Callable[..., Storage]
MakeLogs = Callable[..., bytes]
START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.fixture(params=[False, True], ids=["head", "segment"])
async def storage(
    request: pytest.FixtureRequest, open_storage: OpenStorage, logs_request: MakeLogs
) -> Storage:
    """Hold three records, in memory or sealed."""
    opened = open_storage()
    await opened.write_logs(logs_request(1, "Connection to backend was refused", 17))
    await opened.write_logs(logs_request(2, "ÜBER 100% der Anfragen", 9, correlation_id="c-1"))
    await opened.write_logs(logs_request(3, "connection pool grows", 13))
    await (opened.seal() if request.param else opened.wait_loaded())
    return opened


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, [3, 2, 1]),
        ({"limit": 1}, [3]),
        ({"text": "CONNECTION"}, [3, 1]),
        ({"text": "refused connection"}, [1]),
        ({"text": '"connection refused"'}, []),
        ({"text": '"was refused"'}, [1]),
        ({"text": "über"}, [2]),
        ({"text": "100%"}, [2]),
        ({"text": "10_%"}, []),
        ({"min_severity": 13}, [3, 1]),
        ({"service": "bank"}, []),
        ({"correlation_id": "c-1"}, [2]),
        ({"start_ns": START_NS + 2 * SECOND, "end_ns": START_NS + 3 * SECOND}, [3, 2]),
    ],
)
async def test_a_search_finds_the_records_that_meet_every_condition(
    storage: Storage, conditions: dict[str, Any], found: list[int]
) -> None:
    records = storage.logs.search(LogQuery(**{"start_ns": 0, "end_ns": 2**62, **conditions}))
    assert [(one.time_ns - START_NS) // SECOND for one in records] == found


async def test_every_field_of_a_record_comes_back(open_storage: OpenStorage) -> None:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    scope_logs.scope.name = "app"
    record = scope_logs.log_records.add(
        observed_time_unix_nano=7,
        severity_text="warning",
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
    )
    record.body.kvlist_value.values.add(key="a").value.int_value = 1
    record.attributes.add(key="correlation.id").value.string_value = "c"
    storage = open_storage()
    await storage.write_logs(request.SerializeToString())
    await storage.wait_loaded()
    assert storage.logs.search(LogQuery(0, 10, trace_id=TRACE.upper(), span_id=SPAN)) == [
        LogRecord(
            time_ns=7,
            level="warning",
            severity_number=13,
            service="unknown_service",
            body='{"a":1}',
            trace_id=TRACE,
            span_id=SPAN,
            correlation_id="c",
            attributes={"correlation.id": "c"},
            resource={},
            scope="app",
            id=1 << 24,
        )
    ]


async def test_a_record_without_a_time_gets_that_of_its_receipt_also_after_a_restart(
    open_storage: OpenStorage, reopen: Callable[..., Any]
) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "when?"
    storage = open_storage()
    await storage.write_logs(request.SerializeToString())
    await storage.wait_loaded()
    before = storage.logs.search(LogQuery(0, 2**62))
    assert before[0].time_ns > START_NS
    storage = await reopen(storage)
    assert storage.logs.search(LogQuery(0, 2**62)) == before


async def test_an_unreadable_request_is_refused(open_storage: OpenStorage) -> None:
    with pytest.raises(MalformedRequestError, match="not an OTLP logs request"):
        await open_storage().write_logs(b"\xff\xff")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("one two", ["one", "two"]),
        ('"one two" three', ["one two", "three"]),
        ("it's", ["it's"]),
        ('an unpaired " quote', ["an", "unpaired", '"', "quote"]),
        ("back\\slash # hash", ["back\\slash", "#", "hash"]),
    ],
)
def test_a_search_is_split_into_words_and_phrases(text: str, found: list[str]) -> None:
    assert words(text) == found
