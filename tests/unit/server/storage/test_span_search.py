"""Searches for spans in several segments and the head find what a plain reading of all spans finds."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accelerapp.server.signals import Span
from accelerapp.server.storage import (
    ServiceShare,
    SpanPoint,
    SpanQuery,
    Storage,
    TracePosition,
    TraceSummary,
    spansql,
)
from accelerapp.server.storage import spans as spans_in_storage
from accelerapp.server.storage.otlp import attribute_words, search_text, to_json
from accelerapp.server.storage.spansql import span_condition
from accelerapp.server.storage.words import words

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
PARTS = 4  # three segments and the head
BEGIN, LAST = 1_000_000, 2_000_000


def made_spans() -> list[list[Span]]:
    """Return the spans of each part: traces lie over several parts, some spans are there twice, some are rings."""
    chance = random.Random(20261126)
    parts: list[list[Span]] = [[] for _ in range(PARTS)]
    for number in range(60):
        trace_id = chance.randbytes(16).hex()
        ids = [chance.randbytes(8).hex() for _ in range(chance.randint(1, 8))]
        begin = chance.randrange(BEGIN, LAST, 10_000)  # so that many begin at the same time
        for position, span_id in enumerate(ids):
            start = begin + chance.randrange(0, 50_000, 5_000)
            service = chance.choice(["shop", "bank", "mail"])
            span = Span(
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=chance.choice(["", *ids, "ff" * 8]) if position else "",
                name=f"operation {chance.randrange(4)}",
                kind=chance.choice(KINDS),
                service=service,
                start_ns=start,
                end_ns=start + chance.choice([-5, 0, 1_000, 40_000, 10**12]),
                status=chance.choice(STATUSES),
                attributes={"colour": chance.choice(["red", "blue"]), "number": number},
                resource={"service.name": service, "zone": chance.choice("ab")},
                scope=chance.choice(["", "web", "db"]),
            )
            for part in chance.sample(range(PARTS), chance.choice([1, 1, 1, 2])):
                parts[part].append(span)
    return parts


MADE = made_spans()
ALL = [span for part in MADE for span in part]
#: The spans that each service sent.
SENT: dict[str, set[tuple[str, str]]] = defaultdict(set)
for _span in ALL:
    SENT[_span.service].add((_span.trace_id, _span.span_id))


def as_request(spans: list[Span]) -> bytes:
    request = ExportTraceServiceRequest()
    for span in spans:
        resource = request.resource_spans.add()
        for key, text in span.resource.items():
            resource.resource.attributes.add(key=key).value.string_value = text
        scope = resource.scope_spans.add()
        scope.scope.name = span.scope
        made = scope.spans.add(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_span_id),
            name=span.name,
            kind=cast("Any", KINDS.index(span.kind)),
            start_time_unix_nano=span.start_ns,
            end_time_unix_nano=span.end_ns,
        )
        made.status.code = cast("Any", STATUSES.index(span.status))
        made.attributes.add(key="colour").value.string_value = span.attributes["colour"]
        made.attributes.add(key="number").value.int_value = span.attributes["number"]
    return request.SerializeToString()


@pytest.fixture
async def storage(open_storage: Callable[..., Storage]) -> Storage:
    opened = open_storage()
    for number, part in enumerate(MADE):
        await opened.write_traces(as_request(part))
        await (opened.seal() if number < PARTS - 1 else opened.wait_loaded())
    return opened


def query(**conditions: Any) -> SpanQuery:
    return SpanQuery(**{"start_ns": 0, "end_ns": 2**62, **conditions})


def meets(span: Span, query: SpanQuery) -> bool:
    took = span.end_ns - span.start_ns
    equal = {"service": span.service, "name": span.name, "kind": span.kind, "status": span.status}
    equal["scope"] = span.scope
    texts = {name: str(value) for name, value in {**span.resource, **span.attributes}.items()}
    return (
        query.start_ns <= span.start_ns <= query.end_ns
        and all(getattr(query, name) in (None, value) for name, value in equal.items())
        and (not query.root or not span.parent_span_id)
        and (query.caller is None or (span.trace_id, span.parent_span_id) in SENT[query.caller])
        and (query.min_duration_ns is None or took >= query.min_duration_ns)
        and (query.max_duration_ns is None or took <= query.max_duration_ns)
        and all(texts.get(name) == value for name, value in query.attributes.items())
    )


def summed_up(trace_id: str, position: int) -> TraceSummary:
    spans = {(span.span_id, span.start_ns): span for span in ALL if span.trace_id == trace_id}.values()
    ids = {span.span_id for span in spans}
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
    roots = [span for span in ordered if span.parent_span_id not in ids - {span.span_id}]
    root = (roots or ordered)[0]
    shares = []
    for service in sorted({span.service for span in spans}):
        own = [span for span in spans if span.service == service]
        shares.append(ServiceShare(service, len(own), sum(span.status == "error" for span in own)))
    return TraceSummary(
        position=TracePosition(position, trace_id),
        root_service=root.service,
        root_name=root.name,
        start_ns=ordered[0].start_ns,
        end_ns=max(span.end_ns for span in spans),
        span_count=len(spans),
        error_count=sum(span.status == "error" for span in spans),
        orphan_count=sum(span.parent_span_id not in {"", *ids} for span in spans),
        services=tuple(shares),
    )


def searched(query: SpanQuery) -> list[TraceSummary]:
    newest: dict[str, int] = defaultdict(int)
    for span in ALL:
        if meets(span, query):
            newest[span.trace_id] = max(newest[span.trace_id], span.start_ns)
    order = sorted(newest.items(), key=lambda one: (-one[1], one[0]))
    return [summed_up(trace_id, position) for trace_id, position in order]


def queries() -> Iterator[SpanQuery]:
    chance = random.Random(1)
    choices: dict[str, list[Any]] = {
        "start_ns": [0, 1_300_000, 1_300_001],
        "end_ns": [2**62, 1_700_000, 1_299_999],
        "service": ["shop", "none"],
        "name": ["operation 1"],
        "kind": ["client", "unspecified"],
        "status": list(STATUSES),
        "scope": ["web"],
        "caller": ["bank"],
        "root": [True],
        "min_duration_ns": [0, 1_000, 1_001],
        "max_duration_ns": [0, 40_000],
        "attributes": [{"colour": "red"}, {"zone": "a", "number": "7"}, {"service.name": "bank"}],
    }
    yield SpanQuery(0, 2**62)
    for names in itertools.chain(itertools.combinations(choices, 1), itertools.combinations(choices, 2)):
        chosen = {name: chance.choice(choices[name]) for name in names}
        yield SpanQuery(**{"start_ns": 0, "end_ns": 2**62, **chosen})


async def test_pages_of_a_search_are_all_that_meets_it_in_one_order(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few rows would be read at once; here every search begins with a small part of the time.
    monkeypatch.setattr(spansql, "_FEW_ROWS", 0)
    monkeypatch.setattr(spansql, "_SPANS_OF_A_TRACE", 1)
    found_any = 0
    for number, query in enumerate(queries()):
        expected = searched(query)
        found_any += bool(expected)
        assert storage.spans.search(replace(query, limit=1000)) == expected, query
        if number % 4:  # pages of all of them would take long
            continue
        longest = sorted(expected, key=lambda one: (one.start_ns - one.end_ns, one.trace_id))
        assert storage.spans.search(replace(query, limit=7, longest=True)) == longest[:7], query
        paged: list[TraceSummary] = []
        for limit in itertools.cycle((4, 1, 25)):
            before = paged[-1].position if paged else None
            page = storage.spans.search(replace(query, limit=limit, before=before))
            paged += page
            if len(page) < limit:
                break
        assert paged == expected, query
    assert found_any > 30


async def test_figures_count_what_a_search_finds(storage: Storage) -> None:
    for query in queries():
        found = [span for span in ALL if meets(span, query)]
        figures = storage.spans.figures(query)
        took = np.array([max(0, span.end_ns - span.start_ns) for span in found], dtype=np.int64)
        assert (figures.spans, figures.errors) == (len(found), sum(span.status == "error" for span in found))
        lowest = -1
        for bound, spans in figures.durations:
            upper = 2**63 - 1 if bound is None else bound
            assert spans == np.count_nonzero((took > lowest) & (took <= upper)), (query, bound)
            lowest = upper
        named = {(span.service, span.name, span.kind) for span in found}
        assert {(one.service, one.name, one.kind) for one in figures.operations} == named
        for one in figures.operations:
            mine = [
                (max(0, span.end_ns - span.start_ns), span.status == "error")
                for span in found
                if (span.service, span.name, span.kind) == (one.service, one.name, one.kind)
            ]
            assert (one.spans, one.errors) == (len(mine), sum(error for _, error in mine))
            times = np.array([time for time, _ in mine])
            wanted = np.quantile(times, [0.5, 0.95, 0.99]).tolist()
            assert [one.p50_ns, one.p95_ns, one.p99_ns] == pytest.approx(wanted)
            assert one.max_ns == times.max()
        assert [one.spans for one in figures.operations] == sorted(
            (one.spans for one in figures.operations), reverse=True
        )


async def test_more_operations_than_the_limit_are_left_out_and_told(storage: Storage) -> None:
    everything = storage.spans.figures(SpanQuery(0, 2**62), 1000)
    assert everything.truncated is False
    cut = storage.spans.figures(SpanQuery(0, 2**62), 5)
    assert cut.truncated is True
    assert cut.operations == everything.operations[:5]


async def test_points_are_the_spans_that_a_search_finds_each_once(storage: Storage) -> None:
    for query in queries():
        found = {
            SpanPoint(
                span.trace_id,
                span.span_id,
                span.service,
                span.name,
                span.start_ns,
                max(0, span.end_ns - span.start_ns),
                span.status,
            )
            for span in ALL
            if meets(span, query)
        }
        order = sorted(found, key=lambda one: (one.start_ns, one.trace_id, one.span_id))
        assert storage.spans.points(query) == order, query


async def test_of_many_points_the_longest_and_the_failed_stay_and_the_rest_are_the_same_ones_again(
    open_storage: Callable[..., Storage],
) -> None:
    resource = {"service.name": "shop"}
    spans = [
        Span(
            f"{number:032x}", f"{number:016x}", "", "x", "server", "shop", BEGIN + number, BEGIN + 1000 - number,
            "error" if number == 200 else "ok", attributes={"colour": "red", "number": 1}, resource=resource,
        )
        for number in range(1, 201)
    ]  # fmt: skip
    storage = open_storage()
    await storage.write_traces(as_request(spans))
    await storage.wait_loaded()
    some = storage.spans.points(SpanQuery(0, 2**62), 10)
    assert len(some) == len(set(some)) <= 10
    assert {int(one.span_id, 16) for one in some} >= {1, 2, 200}
    # A range that begins later has all that lies in it of what was chosen before.
    later = storage.spans.points(SpanQuery(BEGIN + 100, 2**62), 10)
    assert {one for one in some if one.start_ns >= BEGIN + 100} <= set(later)


async def test_calls_lead_from_the_service_of_the_parent_to_that_of_the_span(
    open_storage: Callable[..., Storage],
) -> None:
    def span(number: int, parent: int, service: str, took: int, status: str = "unset") -> Span:
        above = f"{parent:016x}" if parent else ""
        resource = {"service.name": service}
        return Span(
            "ab" * 16, f"{number:016x}", above, "x", "server", service, BEGIN + number, BEGIN + number + took, status,
            attributes={"colour": "red", "number": 1}, resource=resource,
        )  # fmt: skip

    storage = open_storage()
    await storage.write_traces(as_request([span(1, 0, "shop", 100), span(4, 1, "cart", 30, "error")]))
    await storage.seal()
    later = [
        span(2, 1, "cart", 10),
        span(3, 1, "cart", 20),
        span(5, 3, "cart", 5),
        span(6, 99, "mail", 5),
        span(7, 6, "shop", 5),
    ]
    await storage.write_traces(as_request(later))
    await storage.wait_loaded()
    calls = storage.spans.calls(0, 2**62)
    found = [(one.caller, one.callee, one.calls, one.errors) for one in calls]
    assert found == [("shop", "cart", 3, 1), ("mail", "shop", 1, 0)]
    assert [calls[0].p50_ns, calls[0].p95_ns] == pytest.approx([20, 29])
    assert storage.spans.calls(0, 2**62, 1) == calls[:1]
    assert [one.calls for one in storage.spans.calls(BEGIN + 3, BEGIN + 4)] == [2]
    for one in calls:
        figures = storage.spans.figures(query(service=one.callee, caller=one.caller))
        assert (figures.spans, figures.errors) == (one.calls, one.errors)


async def test_an_empty_store_has_nothing(open_storage: Callable[..., Storage]) -> None:
    spans = open_storage().spans
    query = SpanQuery(0, 2**62)
    assert (spans.search(query), spans.calls(0, 2**62), spans.services(), spans.operations()) == (
        [],
        [],
        [],
        [],
    )
    figures = spans.figures(query)
    assert (figures.spans, figures.errors, figures.operations) == (0, 0, ())
    assert {spans for _, spans in figures.durations} == {0}


async def test_a_long_trace_is_cut_after_its_earliest_spans(storage: Storage) -> None:
    longest = max({span.trace_id for span in ALL}, key=lambda one: len(storage.spans.trace(one)))
    whole = storage.spans.trace(longest)
    assert len(whole) > 3
    assert storage.spans.trace(longest, 3) == whole[:3]


_JSON = st.recursive(
    st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), _JSON, min_size=1, max_size=3))
def test_the_index_never_leaves_out_what_has_an_attribute(attributes: dict[str, Any]) -> None:
    stored = set(words(attribute_words(search_text(attributes))))
    for name, value in attributes.items():
        text = value if isinstance(value, str) else to_json(value)
        (asked,) = span_condition(SpanQuery(0, 1, attributes={name: text})).wanted.parts  # type: ignore[union-attr]
        assert set(words(asked.text)) <= stored  # type: ignore[union-attr]


async def test_a_segment_of_before_is_read_without_what_it_has_not(
    open_storage: Callable[..., Storage], reopen: Callable[..., Awaitable[Storage]], tmp_path: Path
) -> None:
    storage = open_storage()
    await storage.write_traces(as_request(ALL))
    await storage.seal()
    red = query(attributes={"colour": "red"})
    red_traces = storage.spans.search(red)
    await storage.close()
    (file,) = (tmp_path / "data" / "segments").glob("traces-*.duckdb")
    with duckdb.connect(str(file)) as connection:
        for column in ("scope_version", "trace_state"):
            connection.execute(f"ALTER TABLE spans DROP COLUMN {column}")
        for table in ("words", "blocks"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE meta SET format = 2")
    storage = await reopen(storage)
    assert storage.spans.search(red) == red_traces != []
    (first, *_) = storage.spans.trace(red_traces[0].trace_id)
    assert (first.scope_version, first.trace_state) == ("", "")


async def test_a_span_keeps_its_scope_and_trace_state_and_is_found_by_its_events(
    open_storage: Callable[..., Storage],
) -> None:
    request = ExportTraceServiceRequest.FromString(as_request(ALL[:1]))
    scope = request.resource_spans[0].scope_spans[0]
    scope.scope.name, scope.scope.version = "lib", "1.2"
    scope.spans[0].trace_state = "a=1,b=2"
    scope.spans[0].events.add(name="e").attributes.add(key="inner").value.string_value = "x y"
    storage = open_storage()
    for sealed in (False, True):
        if sealed:
            await storage.seal()
        else:
            await storage.write_traces(request.SerializeToString())
            await storage.wait_loaded()
        (found,) = storage.spans.search(query(attributes={"inner": "x y"}, scope="lib"))
        (span,) = storage.spans.trace(found.trace_id)
        assert (span.scope, span.scope_version, span.trace_state) == ("lib", "1.2", "a=1,b=2")
        assert storage.spans.search(query(attributes={"inner": "x"})) == []


async def test_several_traces_come_in_the_order_of_their_ids_until_there_are_enough_spans(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_in_storage, "_TRACES_AT_ONCE", 7)
    ids = list(dict.fromkeys(span.trace_id for span in ALL))[::-1]
    unknown = "ab" * 16
    whole = storage.spans.traces([ids[0].upper(), unknown, *ids])
    assert list(whole) == ids
    assert whole == {one: storage.spans.trace(one) for one in ids}
    cut = storage.spans.traces(ids, limit=50)
    assert list(cut) == ids[: len(cut)]
    assert sum(map(len, cut.values())) == 50
    *first, last = cut
    assert all(cut[one] == whole[one] for one in first)
    assert cut[last] == whole[last][: len(cut[last])]
    assert storage.spans.traces([]) == {}
