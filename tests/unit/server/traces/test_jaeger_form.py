"""A trace in Jaeger's form, rule by rule; tests/stack compares the whole with the real Jaeger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accelerapp.server.signals import Span
from accelerapp.server.traces import jaeger_trace

TRACE = "ab" * 16
PARENT = Span(TRACE, "01" * 8, "", "outer", "server", "shop", 1_000_000, 2_000_000, "unset")


def told(span: Span, *, raw: bool = False) -> dict[str, Any]:
    trace = jaeger_trace([span], raw=raw)
    found: dict[str, Any] = trace["spans"][0]
    return found


def tags(span: Span, *, raw: bool = False) -> list[tuple[str, str, Any]]:
    return [(tag["key"], tag["type"], tag["value"]) for tag in told(span, raw=raw)["tags"]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", ("string", "text")),
        (True, ("bool", True)),
        (7, ("int64", 7)),
        (2**53, ("int64", "9007199254740992")),
        (-(2**53), ("int64", "-9007199254740992")),
        (2**53 - 1, ("int64", 2**53 - 1)),
        (0.5, ("float64", 0.5)),
        (None, ("string", "")),
        (["a", 1, True], ("string", '["a",1,true]')),
        ({"b": 1, "a": "ü"}, ("string", '{"a":"ü","b":1}')),
    ],
)
def test_a_value_becomes_a_tag_of_its_type(value: Any, expected: tuple[str, Any]) -> None:
    span = replace(PARENT, kind="unspecified", attributes={"k": value})
    assert tags(span) == [("k", *expected)]


def test_what_are_fields_in_opentelemetry_are_tags_in_order_of_their_names() -> None:
    span = replace(
        PARENT,
        status="error",
        status_message="broken",
        scope="lib",
        scope_version="1",
        trace_state="a=1",
        attributes={"z": 1, "a": 2},
    )
    expected = [
        ("a", "int64", 2),
        ("error", "bool", True),
        ("otel.scope.name", "string", "lib"),
        ("otel.scope.version", "string", "1"),
        ("otel.status_code", "string", "ERROR"),
        ("otel.status_description", "string", "broken"),
        ("span.kind", "string", "server"),
        ("w3c.tracestate", "string", "a=1"),
        ("z", "int64", 1),
    ]
    assert tags(span) == expected
    raw = tags(span, raw=True)
    assert raw != expected
    assert sorted(raw) == expected


def test_a_numeric_address_is_told_as_text_unless_raw() -> None:
    span = replace(PARENT, kind="unspecified", attributes={"peer.ipv4": 0x7F000001, "ip": "x"})
    assert tags(span) == [("ip", "string", "x"), ("peer.ipv4", "string", "127.0.0.1")]
    assert ("peer.ipv4", "int64", 0x7F000001) in tags(span, raw=True)


def test_an_event_is_a_log_that_begins_with_its_name() -> None:
    events = (
        {"time_ns": 5_999, "name": "named", "attributes": {"z": 1, "a": 2}},
        {"time_ns": 6_000, "name": "other", "attributes": {"a": 1, "event": "own"}},
    )
    logs = told(replace(PARENT, events=events))["logs"]
    assert [log["timestamp"] for log in logs] == [5, 6]
    assert [[(field["key"], field["value"]) for field in log["fields"]] for log in logs] == [
        [("event", "named"), ("a", 2), ("z", 1)],
        [("event", "own"), ("a", 1)],
    ]


def test_parents_and_links_are_references() -> None:
    def link(trace_id: str, span_id: str, **attributes: str) -> dict[str, Any]:
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        return {"trace_id": trace_id, "span_id": span_id, "attributes": named}

    child = replace(PARENT, span_id="02" * 8, parent_span_id="01" * 8)
    links = (
        link("0" * 16 + "cd" * 8, "03" * 8),
        link(TRACE, "04" * 8, opentracing__ref_type="child_of"),
        link(TRACE, "01" * 8),  # the parent again
        link("0" * 32, "05" * 8),
    )
    span = told(replace(child, links=links))
    assert [(one["refType"], one["traceID"], one["spanID"]) for one in span["references"]] == [
        ("FOLLOWS_FROM", TRACE, "01" * 8),
        ("FOLLOWS_FROM", "cd" * 8, "03" * 8),
        ("CHILD_OF", TRACE, "04" * 8),
    ]
    assert [warning for warning in span["warnings"] if "Invalid span reference removed" in warning] != []
    assert len(told(replace(child, links=links), raw=True)["references"]) == 4


def test_spans_of_one_resource_share_a_process() -> None:
    here, there = {"service.name": "shop", "host": "b"}, {"service.name": "shop", "host": "a"}
    spans = [replace(PARENT, span_id=f"{n:016x}", resource=r) for n, r in enumerate((here, there, here), 1)]
    trace = jaeger_trace(spans)
    assert [span["processID"] for span in trace["spans"]] == ["p1", "p2", "p1"]
    assert trace["processes"]["p2"] == {
        "serviceName": "shop",
        "tags": [{"key": "host", "type": "string", "value": "a"}],
    }


def test_a_trace_id_of_64_bits_is_told_without_its_zeros() -> None:
    short = replace(PARENT, trace_id="0" * 16 + "cd" * 8)
    assert jaeger_trace([short])["traceID"] == told(short)["traceID"] == "cd" * 8


@pytest.mark.parametrize(
    ("begin", "end", "delta"),
    [
        (1_000_000, 2_000_000, None),  # as long as its parent
        (1_200_000, 1_300_000, None),  # within it
        (900_000, 1_000_000, "550µs"),  # moved to the middle
        (1_950_000, 2_050_000, "-500µs"),
        (999_000, 2_000_000, "1µs"),  # longer: only not to begin before it
        (1_500_000, 3_000_000, None),
    ],
)
def test_a_child_that_does_not_fit_into_its_parent_is_warned_of(
    begin: int, end: int, delta: str | None
) -> None:
    child = replace(PARENT, span_id="02" * 8, parent_span_id=PARENT.span_id, start_ns=begin, end_ns=end)
    warnings = jaeger_trace([PARENT, child])["spans"][1]["warnings"]
    text = f"clock skew adjustment disabled; not applying calculated delta of {delta}"
    assert warnings == (None if delta is None else [text])
    assert jaeger_trace([PARENT, child], raw=True)["spans"][1]["warnings"] is None
    on_one_host = [replace(span, resource={"ip": "10.0.0.1"}) for span in (PARENT, child)]
    assert jaeger_trace(on_one_host)["spans"][1]["warnings"] is None


def test_a_missing_parent_and_an_id_of_two_spans_are_warned_of() -> None:
    orphan = replace(PARENT, span_id="02" * 8, parent_span_id="09" * 8)
    again = replace(PARENT, start_ns=1_100_000)
    spans = jaeger_trace([PARENT, orphan, again])["spans"]
    assert [span["warnings"] for span in spans] == [
        None,
        [f"invalid parent span IDs={'09' * 8}; skipping clock skew adjustment"],
        ["duplicate span IDs; skipping clock skew adjustment"],
    ]
