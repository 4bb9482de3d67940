"""Spans: traces by id, the search, and what is damaged."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accelerapp.server.signals import Span
from accelerapp.server.storage import MalformedRequestError, Operation, ServiceShare, SpanQuery, Storage
from accelerapp.server.storage.otlp import attribute_line, search_text

OpenStorage = Callable[..., Storage]
MakeTraces = Callable[..., bytes]
START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def trace_id(number: int) -> str:
    return f"{number:032x}"


def query(**conditions: Any) -> SpanQuery:
    return SpanQuery(**{"start_ns": 0, "end_ns": 2**62, **conditions})


@pytest.fixture(params=[False, True], ids=["head", "segment"])
async def storage(
    request: pytest.FixtureRequest, open_storage: OpenStorage, traces_request: MakeTraces
) -> Storage:
    """Hold three traces of three spans, in memory or sealed."""
    opened = open_storage()
    for number, service, colour in ((1, "shop", "red"), (2, "shop", "blue"), (3, "bank", "red")):
        await opened.write_traces(traces_request(number, spans=3, service=service, colour=colour))
    await (opened.seal() if request.param else opened.wait_loaded())
    return opened


async def test_a_trace_comes_in_order_of_start_with_its_service_and_scope(storage: Storage) -> None:
    spans = storage.spans.trace(trace_id(1))
    assert [span.name for span in spans] == ["operation 0", "operation 1", "operation 2"]
    assert spans[1] == Span(
        trace_id=trace_id(1),
        span_id=f"{1002:016x}",
        parent_span_id=f"{1001:016x}",
        name="operation 1",
        kind="unspecified",
        service="shop",
        start_ns=START_NS + SECOND + 1_000_000,
        end_ns=START_NS + SECOND + 1_000_500,
        status="unset",
        attributes={"colour": "red"},
        resource={"service.name": "shop"},
        scope="library",
    )


async def test_an_unknown_trace_is_empty(storage: Storage) -> None:
    assert storage.spans.trace(trace_id(9)) == []


async def test_a_span_that_a_client_sent_twice_is_there_once(
    storage: Storage, traces_request: MakeTraces
) -> None:
    await storage.write_traces(traces_request(1, spans=3, colour="red"))
    await storage.wait_loaded()
    assert len(storage.spans.trace(trace_id(1))) == 3
    # What was sent twice does not count for the limit.
    assert [one.name for one in storage.spans.trace(trace_id(1), 3)] == [f"operation {i}" for i in range(3)]
    assert len(storage.spans.trace(trace_id(1), 2)) == 2
    assert [one.span_count for one in storage.spans.search(query())] == [3, 3, 3]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, [3, 2, 1]),
        ({"limit": 2}, [3, 2]),
        ({"service": "shop"}, [2, 1]),
        ({"name": "operation 2", "attributes": {"colour": "red"}}, [3, 1]),
        ({"attributes": {"service.name": "bank"}}, [3]),
        ({"attributes": {"colour": "re"}}, []),
        ({"attributes": {"olour": "red"}}, []),
        ({"status": "error"}, []),
        ({"min_duration_ns": 501}, []),
        ({"max_duration_ns": 500, "service": "bank"}, [3]),
        ({"end_ns": START_NS + 2 * SECOND}, [2, 1]),
        ({"start_ns": START_NS + 3 * SECOND + 2_000_000}, [3]),
        ({"start_ns": START_NS + 3 * SECOND + 2_000_001}, []),
    ],
)
async def test_a_search_finds_the_traces_that_have_such_a_span(
    storage: Storage, conditions: dict[str, Any], found: list[int]
) -> None:
    assert [one.trace_id for one in storage.spans.search(query(**conditions))] == list(map(trace_id, found))


async def test_a_found_trace_is_summed_up(storage: Storage) -> None:
    (found,) = storage.spans.search(query(service="bank"))
    assert (found.root_service, found.root_name, found.services) == (
        "bank",
        "operation 0",
        (ServiceShare("bank", 3, 0),),
    )
    assert (found.start_ns, found.end_ns) == (START_NS + 3 * SECOND, START_NS + 3 * SECOND + 2_000_500)
    assert (found.span_count, found.error_count) == (3, 0)


async def test_services_and_operations_are_listed(storage: Storage) -> None:
    assert storage.spans.services() == ["bank", "shop"]
    kind = "unspecified"
    found = [Operation("bank", f"operation {number}", kind) for number in range(3)]
    assert storage.spans.operations("bank") == found
    assert storage.spans.operations() == [*found, *(Operation("shop", one.name, kind) for one in found)]
    # Many names of one service do not push the others out.
    assert storage.spans.operations(most=1) == [found[0], Operation("shop", found[0].name, kind)]


async def test_every_field_of_a_span_comes_back(open_storage: OpenStorage) -> None:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    span = resource_spans.scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, name="name\x00\n'", start_time_unix_nano=1, end_time_unix_nano=2
    )
    span.kind = span.SPAN_KIND_CLIENT
    span.status.code = span.status.STATUS_CODE_ERROR
    span.status.message = "boom"
    span.attributes.add(key="n").value.int_value = 2**62
    span.attributes.add(key="f").value.double_value = float("nan")
    span.attributes.add(key="b").value.bytes_value = b"\xff\x00"
    span.attributes.add(key="l").value.array_value.values.add().bool_value = True
    span.attributes.add(key="m").value.kvlist_value.values.add(key="k").value.string_value = "v"
    span.events.add(time_unix_nano=5, name="event").attributes.add(key="e").value.int_value = 1
    span.links.add(trace_id=b"l" * 16, span_id=b"k" * 8)
    storage = open_storage()
    await storage.write_traces(request.SerializeToString())
    await storage.seal()
    (found,) = storage.spans.trace((b"t" * 16).hex())
    assert (found.name, found.kind, found.status, found.status_message) == (
        "name\x00\n'",
        "client",
        "error",
        "boom",
    )
    assert found.service == "unknown_service"
    assert found.attributes == {
        "n": 2**62,
        "f": "NaN",
        "b": base64.b64encode(b"\xff\x00").decode(),
        "l": [True],
        "m": {"k": "v"},
    }
    assert found.events == ({"time_ns": 5, "name": "event", "attributes": {"e": 1}},)
    (linking,) = storage.spans.search(query(attributes={"link:traceID": (b"l" * 16).hex()}))
    assert linking.trace_id == found.trace_id
    assert found.links == ({"trace_id": (b"l" * 16).hex(), "span_id": (b"k" * 8).hex(), "attributes": {}},)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xff", gzip.compress(b""), b"\x0a\x05\x0a\xff", b"\x0a\x04\x0a\x02\x0a\xff"],
    ids=["garbage", "gzip", "cut", "resource"],
)
async def test_an_unreadable_request_is_refused_and_nothing_is_journalled(
    open_storage: OpenStorage, body: bytes
) -> None:
    storage = open_storage()
    with pytest.raises(MalformedRequestError, match="not an OTLP traces request"):
        await storage.write_traces(body)
    assert storage.stats()["journal_syncs"] == 0


@pytest.mark.parametrize(
    "bad_span",
    [b"\xff\xff\xff", b"\x0a\x01t", b"\x0a\x10" + b"t" * 16],
    ids=["not a span", "short trace id", "no span id"],
)
async def test_a_damaged_span_costs_only_itself(
    open_storage: OpenStorage, traces_request: MakeTraces, bad_span: bytes
) -> None:
    scope_spans = b"\x12" + bytes([len(bad_span)]) + bad_span
    resource_spans = b"\x12" + bytes([len(scope_spans)]) + scope_spans
    bad_request = b"\x0a" + bytes([len(resource_spans)]) + resource_spans
    storage = open_storage()
    await storage.write_traces(bad_request + traces_request(1))  # two messages laid end to end are merged
    await storage.wait_loaded()
    assert len(storage.spans.trace(trace_id(1))) == 1
    assert storage.stats()["damaged_spans"] == 1


async def test_a_span_after_the_last_storable_time_is_damaged(open_storage: OpenStorage) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=2**64 - 1
    )
    storage = open_storage()
    await storage.write_traces(request.SerializeToString())
    await storage.wait_loaded()
    assert storage.stats()["damaged_spans"] == 1


@given(
    st.dictionaries(st.text(), st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans(), max_size=3),
    st.text(),
    st.text(),
)
def test_an_attribute_is_found_only_as_a_whole(attributes: dict[str, Any], key: str, value: str) -> None:
    others = {name: one for name, one in attributes.items() if f"{name}={one}" != f"{key}={value}"}
    as_text = {attribute_line(name, one) for name, one in others.items()}
    assert (attribute_line(key, value) in search_text(others)) is (attribute_line(key, value) in as_text)
    assert attribute_line(key, value) in search_text({**others, key: value})
