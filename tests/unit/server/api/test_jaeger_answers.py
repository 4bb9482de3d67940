"""What Jaeger's API answers here beside what the real Jaeger is compared with: newer requests, limits, Go's words."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.api import jaeger
from accelerapp.server.api.goparameters import GoValueError, go_bool, go_duration, go_hexadecimal, go_int
from accelerapp.server.gotemplate import Duration
from accelerapp.server.signals import Span
from accelerapp.server.storage import (
    Operation,
    ReadTimeoutError,
    ReadTooLargeError,
    ServiceShare,
    SpanQuery,
    TracePosition,
    TraceSummary,
)

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
TRACE = "ab" * 16
BETWEEN = {
    "query.start_time_min": "2026-01-01T00:00:00Z",
    "query.start_time_max": "2026-01-01T00:00:01.000001Z",
}


class Spans:
    """One trace of three spans, and the queries that were asked; `error` is raised by every search."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[SpanQuery] = []
        self.error = error
        attributes = {"list": ["a", 1, True], "map": {"k": 1.5}, "none": None}
        self.spans = [
            Span(TRACE, f"{n:016x}", "", "POST /x", "server", "shop", n, n + 5, "ok", attributes=attributes)
            for n in range(1, 4)
        ]

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        if self.error is not None:
            raise self.error
        self.asked.append(query)
        shares = (ServiceShare("shop", 3, 1),)
        return [TraceSummary(TracePosition(3, TRACE), "shop", "POST /x", 1, 8, 3, 1, 2, shares)]

    def traces(self, trace_ids: list[str], limit: int) -> dict[str, list[Span]]:
        return {TRACE: self.spans[:limit]} if TRACE in trace_ids else {}

    def operations(self, service: str) -> list[Operation]:
        return [Operation(service, "a", "server"), Operation(service, "a", "client")]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
async def client(api: Open, spans: Spans) -> AsyncIterator[httpx.AsyncClient]:
    async with api(spans=spans, clock=time.time) as opened:
        yield opened


async def test_summaries_have_what_the_newest_page_lists(client: httpx.AsyncClient, spans: Spans) -> None:
    asked = {
        **BETWEEN,
        "query.service_name": "shop",
        "query.span_name": "POST /x",
        "query.num_traces": "7",
        "query.duration_min": "1ms",
        "query.attributes": '{"error": "true", "zone": "a"}',
    }
    answer = (await client.get("/api/v3/trace-summaries", params=asked)).json()
    assert answer == {
        "summaries": [
            {
                "traceId": TRACE,
                "rootServiceName": "shop",
                "rootOperationName": "POST /x",
                "minStartTimeUnixNano": "1",
                "maxEndTimeUnixNano": "8",
                "spanCount": 3,
                "errorSpanCount": 1,
                "orphanSpanCount": 2,
                "services": [{"name": "shop", "spanCount": 3, "errorSpanCount": 1}],
            }
        ]
    }
    begin = 1_767_225_600_000_000_000
    assert spans.asked == [
        SpanQuery(
            begin,
            begin + 1_000_001_000,
            service="shop",
            name="POST /x",
            status="error",
            min_duration_ns=1_000_000,
            attributes={"zone": "a"},
            limit=7,
        )
    ]


async def test_values_keep_their_types_in_otlp(client: httpx.AsyncClient) -> None:
    answer = (await client.get(f"/api/v3/traces/{TRACE}")).json()
    (span, *_) = answer["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    values = [{"stringValue": "a"}, {"intValue": "1"}, {"boolValue": True}]
    assert span["attributes"] == [
        {"key": "list", "value": {"arrayValue": {"values": values}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 1.5}}]}}},
        {"key": "none", "value": {}},
    ]
    assert span["status"] == {"code": 1}


async def test_operations_are_told_by_kind(client: httpx.AsyncClient) -> None:
    named = (await client.get("/api/services/a%2Fb/operations")).json()
    assert named["data"] == ["a"]
    asked = {"service": "shop", "spanKind": "client"}
    assert (await client.get("/api/operations", params=asked)).json()["data"] == [
        {"name": "a", "spanKind": "client"}
    ]
    asked = {"service": "shop", "span_kind": "server"}
    assert (await client.get("/api/v3/operations", params=asked)).json() == {
        "operations": [{"name": "a", "spanKind": "server"}]
    }


async def test_of_too_many_spans_the_earliest_are_told_with_a_warning(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaeger, "MOST_SPANS", 2)
    (trace,) = (await client.get(f"/api/traces/{TRACE}")).json()["data"]
    assert [span["startTime"] for span in trace["spans"]] == [0, 0]
    assert [span["spanID"] for span in trace["spans"]] == [f"{1:016x}", f"{2:016x}"]
    assert trace["warnings"] == [jaeger.TRUNCATED]
    monkeypatch.setattr(jaeger, "MOST_SPANS", 3)
    (trace,) = (await client.get(f"/api/traces/{TRACE}")).json()["data"]
    assert (len(trace["spans"]), trace["warnings"]) == (3, None)


@pytest.mark.parametrize(
    "path", ["/api/traces?service=shop&limit=5001", "/api/traces?" + "traceID=1&" * 5001]
)
async def test_more_traces_than_an_answer_holds_are_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert "at most 5000 traces" in answer.json()["errors"][0]["msg"]


@pytest.mark.parametrize(
    ("error", "status"), [(ReadTimeoutError("late"), 503), (ReadTooLargeError("big"), 422)]
)
async def test_a_read_that_is_ended_is_told_in_each_form(api: Open, error: Exception, status: int) -> None:
    async with api(spans=Spans(error), clock=time.time) as client:
        first = await client.get("/api/traces", params={"service": "shop"})
        third = await client.get("/api/v3/trace-summaries", params=BETWEEN)
        own = await client.get("/api/accelerapp/v1/traces")
    assert [one.status_code for one in (first, third, own)] == [status] * 3
    assert first.json()["errors"] == [{"code": status, "msg": str(error)}]
    assert third.json() == {"error": {"httpCode": status, "message": str(error)}}
    assert own.json() == {"error": str(error)}


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_duration_is_read_as_it_is_written(nanoseconds: int) -> None:
    assert go_duration(Duration(nanoseconds).text()) == nanoseconds


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (go_duration, "1h2m3.5s", 3_723_500_000_000),
        (go_duration, "-1.5us", -1500),
        (go_duration, ".5s", 500_000_000),
        (go_duration, "0", 0),
        (go_int, "+7", 7),
        (go_bool, "T", True),
        (go_hexadecimal, "fF", 255),
    ],
)
def test_a_text_is_read_as_go_does(read: Callable[[str], Any], text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (go_duration, "", 'time: invalid duration ""'),
        (go_duration, ".s", 'time: invalid duration ".s"'),
        (go_duration, "3000000h", 'time: invalid duration "3000000h"'),
        (go_duration, "1d", 'time: unknown unit "d" in duration "1d"'),
        (go_duration, "1s2", 'time: missing unit in duration "1s2"'),
        (go_int, "1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        (go_int, "9" * 5000, "value out of range"),
        (go_bool, "yes", 'strconv.ParseBool: parsing "yes": invalid syntax'),
        (go_hexadecimal, "0x1", 'strconv.ParseUint: parsing "0x1": invalid syntax'),
    ],
)
def test_what_go_does_not_read_is_refused_in_its_words(
    read: Callable[[str], Any], text: str, message: str
) -> None:
    with pytest.raises(GoValueError) as refused:
        read(text)
    assert message in str(refused.value)
