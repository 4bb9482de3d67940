"""Jaeger's spans: what they become by the corpus, and what is refused, in time and without filling the memory."""

from __future__ import annotations

import contextlib
import gzip
import struct
import time
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jaeger_batches import CASES, THRIFT, batch, written
from tests.plain_otlp import plain_spans
from tests.unit.server.ingest.conftest import KeepingSink, Serve

from accelerapp.server.ingest import Account, jaeger_app
from accelerapp.server.ingest.jaeger_spans import translate
from accelerapp.server.ingest.receiver import RefusedError
from accelerapp.server.ingest.thrift import Field, Shape, ThriftError, Type, read_struct

THRIFT_TYPE = {"Content-Type": "application/x-thrift"}
RICH = next(case for case in CASES if case["name"].startswith("references"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_batch_becomes_these_spans(case: dict[str, Any]) -> None:
    assert plain_spans(translate(batch(case))) == case["want"]


@pytest.fixture
async def jaeger(sink: KeepingSink, serve: Serve) -> AsyncIterator[tuple[httpx.AsyncClient, Account]]:
    account = Account("jaeger", "Jaeger", time.time)
    url = await serve(jaeger_app(sink, account, max_request_bytes=1_000_000))
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client, account


@pytest.mark.parametrize("media_type", ["application/x-thrift", "application/vnd.apache.thrift.binary"])
async def test_a_batch_is_taken_with_202(
    jaeger: tuple[httpx.AsyncClient, Account], sink: KeepingSink, media_type: str
) -> None:
    client, account = jaeger
    headers = {"Content-Type": media_type}
    answer = await client.post("/api/traces?format=jaeger.thrift", content=batch(RICH), headers=headers)
    assert answer.status_code == 202
    assert account.status("").accepted == {"traces": 4}
    assert len(plain_spans(*sink.traces)) == 4


SPAN: dict[str, Any] = {"traceIdLow": 1, "traceIdHigh": 0, "spanId": 1, "parentSpanId": 0}
SPAN |= {"operationName": "a", "flags": 0, "startTime": 1, "duration": 1}


def with_span(**changes: Any) -> bytes:
    good, wrong = THRIFT.Span(**SPAN), THRIFT.Span(**SPAN | changes)
    return written(THRIFT.Batch(process=THRIFT.Process(serviceName="shop"), spans=[good, wrong]))


SPANS = b"\x0f\x00\x02\x0c"  # the header of the batch's list of spans
UNKNOWN = b"\x0f\x00\x63"  # the header of a list that the batch does not have
REFUSED = [
    ("no thrift", b"[]", "ends too early"),
    ("empty", b"", "ends too early"),
    ("no process", b"\x00", "a Batch has no process"),
    ("no ids", with_span(traceIdLow=0), "spans 1: an id is zero"),
    ("no span id", with_span(spanId=0), "spans 1: an id is zero"),
    ("a time before 1970", with_span(startTime=-1), "spans 1: startTime is not a time in microseconds: -1"),
    ("a time after 2262", with_span(startTime=2**62), "spans 1: startTime is not a time in microseconds"),
    (
        "an unknown type of tag",
        with_span(tags=[THRIFT.Tag(key="a", vType=9)]),
        "spans 1: the tag 'a' has a type that there is not: 9",
    ),
    ("a missing field", with_span(operationName=None), "spans 1: a Span has no name"),
    ("a list beyond the end", SPANS + struct.pack(">i", 2**31 - 1), "a length of 2147483647 is claimed"),
    ("a list below zero", SPANS + struct.pack(">i", -1), "a length of -1 is claimed"),
    ("empty spans", SPANS + struct.pack(">i", 900_000) + bytes(900_000), "spans 0: a Span has no"),
    ("unknown structs", UNKNOWN + b"\x0c" + struct.pack(">i", 900_000) + bytes(900_000), "are too many"),
    ("unknown depth", b"\x0c\x00\x63" * 10_000, "nested too deeply"),
    ("an unknown wire type", b"\x0c\x00\x63\x11\x00\x01", "there is no type 17"),
]


@pytest.mark.parametrize(("body", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_what_is_wrong_is_named_at_once(
    jaeger: tuple[httpx.AsyncClient, Account], sink: KeepingSink, body: bytes, says: str
) -> None:
    client, account = jaeger
    headers = THRIFT_TYPE | {"Content-Encoding": "gzip"}
    async with httpx.AsyncClient(timeout=10, base_url=client.base_url, trust_env=False) as impatient:
        answer = await impatient.post("/api/traces", content=gzip.compress(body), headers=headers)
    assert answer.status_code == 400
    assert says in answer.text
    assert (account.status("").refused, sink.traces) == ({"malformed": 1}, [])


def test_more_spans_than_are_translated_at_once_are_refused() -> None:
    batch_of_one = with_span()
    start = batch_of_one.index(SPANS) + len(SPANS)
    span = written(THRIFT.Span(**SPAN))
    many = batch_of_one[:start] + struct.pack(">i", 100_001) + span * 100_001 + b"\x00"
    with pytest.raises(RefusedError, match="the request has 100001 spans, 100000 are allowed"):
        translate(many)


async def test_other_forms_are_refused_by_name(jaeger: tuple[httpx.AsyncClient, Account]) -> None:
    answer = await jaeger[0].post("/api/traces", content=b"{}", headers={"Content-Type": "application/json"})
    assert answer.status_code == 415
    assert "send application/x-thrift or" in answer.text


def test_a_list_of_empty_structs_makes_no_objects() -> None:
    body = SPANS + struct.pack(">i", 4_000_000) + bytes(4_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ThriftError):
            translate(body)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@given(st.integers(0, len(batch(RICH)) - 1))
def test_a_cut_batch_is_refused(length: int) -> None:
    with pytest.raises(ThriftError):
        translate(batch(RICH)[:length])


@given(st.binary(max_size=300), st.integers(0, len(batch(RICH))))
def test_noise_is_read_or_refused_and_nothing_else(noise: bytes, at: int) -> None:
    whole = batch(RICH)
    with contextlib.suppress(ThriftError):
        translate(whole[:at] + noise + whole[at:])


TAG = Shape(
    "Tag",
    {
        1: Field("key", Type.STRING),
        4: Field("vDouble", Type.DOUBLE),
        5: Field("vBool", Type.BOOL),
        6: Field("vLong", Type.I64),
        7: Field("vBinary", Type.STRING),
    },
)


@given(
    key=st.text(),
    number=st.integers(-(2**63), 2**63 - 1),
    ratio=st.floats(allow_nan=False),
    yes=st.booleans(),
    raw=st.binary(),
)
def test_fields_are_read_as_they_were_written(
    key: str, number: int, ratio: float, yes: bool, raw: bytes
) -> None:
    tag = THRIFT.Tag(key=key, vType=0, vStr="not named", vDouble=ratio, vBool=yes, vLong=number, vBinary=raw)
    assert read_struct(written(tag), TAG) == {
        "key": key.encode(),
        "vDouble": ratio,
        "vBool": yes,
        "vLong": number,
        "vBinary": raw,
    }
