"""What events of Logstash and Beats become: by the corpus, and as the shipped ingest pipeline has it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.plain_otlp import plain_logs

from accelerapp.server.ingest.lines import Lines
from accelerapp.server.ingest.log_events import from_lines, to_request
from accelerapp.server.ingest.receiver import RefusedError
from accelerapp.server.storage.otlp_logs import LogDecoder

ROOT = Path(__file__).parents[4]
NOW_NS = 1_800_000_000_000_000_000


def load(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load(path))


@pytest.mark.parametrize(
    "case", load(ROOT / "tests/corpus/log_events/events.yml"), ids=lambda case: case["name"]
)
def test_an_event_becomes_this_record(case: dict[str, Any]) -> None:
    (record,) = plain_logs(to_request([case["event"]], NOW_NS))
    assert record == case["want"]


#: Those that Logstash sends; the others are OTLP's own fields, which the collector sends.
BY_LOGSTASH = [
    case
    for case in load(ROOT / "deployment/observability/tests/pipeline.yml")
    if not case["in"].keys() & {"SeverityText", "Body"}
]
ECS = {
    "service.name": "resource.service.name",
    "log.logger": "scope",
    "message": "body",
    "trace.id": "trace",
    "span.id": "span",
    "error.stack_trace": "exception.stacktrace",
    "error.type": "exception.type",
    "error.message": "exception.message",
    "log.origin.function": "code.function.name",
}


def in_ecs(record: dict[str, Any], path: str) -> Any:
    """Return what a record has under a name of the Elastic Common Schema."""
    attributes = record.get("attributes", {})
    if path == "@timestamp":
        at = dt.datetime.fromtimestamp(record["time"] / 1e9, dt.UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if path == "log.level":
        return {"warn": "warning"}.get(record["severity"].lower(), record["severity"].lower())
    if path == "event.duration":
        return attributes["duration_seconds"] * 1e9
    if path.startswith("labels."):
        labels = {key.replace(".", "_"): value for key, value in attributes.items()}
        value = labels[path.removeprefix("labels.")]
        return str(value).lower() if isinstance(value, bool) else str(value)
    name = ECS.get(path, path)
    if name.startswith("resource."):
        return record["resource"][name.removeprefix("resource.")]
    return record[name] if name in record else attributes[name]


@pytest.mark.parametrize("case", BY_LOGSTASH, ids=lambda case: case["name"])
def test_an_event_is_stored_as_the_shipped_pipeline_stores_it(case: dict[str, Any]) -> None:
    (record,) = plain_logs(to_request([case["in"]], NOW_NS))
    assert {path: in_ecs(record, path) for path in case["want"]} == case["want"]
    assert ("unparsed" in record.get("attributes", {}).get("tags", [])) == ("index" in case)


def test_records_of_one_sender_share_their_resource_and_scope() -> None:
    events = [{"service": "a", "logger": "x", "message": "m"}, {"service": "b", "message": "m"}] * 3
    request = to_request(events, NOW_NS)
    assert len(plain_logs(request)) == 6
    assert request.count(b"service.name") == 2


def test_a_line_that_is_no_object_is_kept_as_text_and_tagged() -> None:
    request, not_json = from_lines([b'{"message": "a"}', b"1", b"oh \xff", b"[" * 10_000], NOW_NS)
    assert not_json == 3
    records = plain_logs(request)
    assert [record["body"] for record in records[:3]] == ["a", "1", "oh \N{REPLACEMENT CHARACTER}"]
    assert all("_jsonparsefailure" in record["attributes"]["tags"] for record in records[1:])


@pytest.mark.parametrize(
    "event",
    [
        {"message": "m", "level": "INFO", "line": "1" * 5000},
        {"message": f'1.2.3.4 - - [now] "GET / HTTP/1.1" 200 {"1" * 5000}'},
    ],
    ids=["a line's number", "nginx's bytes"],
)
def test_a_number_of_more_digits_than_any_machine_has_costs_no_other_line(event: dict[str, Any]) -> None:
    request, not_json = from_lines([orjson.dumps(event), b'{"message": "next"}'], NOW_NS)
    assert [record["body"] for record in plain_logs(request)] == [event["message"], "next"]
    assert not_json == 0


def test_a_line_of_too_many_events_is_refused() -> None:
    with pytest.raises(RefusedError, match="100001 events in one line"):
        from_lines([b"[" + b"{}," * 100_000 + b"{}]"], NOW_NS)


def test_a_line_that_is_a_list_is_as_many_events() -> None:
    request, not_json = from_lines([b'[{"message": "a"}, 5, {"message": "b"}]', b"[]"], NOW_NS)
    assert [record["body"] for record in plain_logs(request)] == ["a", "5", "b"]
    assert not_json == 1


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        ),
        max_size=6,
    )
)
def test_any_object_becomes_a_record_that_the_storage_can_load(event: dict[str, Any]) -> None:
    request, not_json = from_lines([orjson.dumps(event)], NOW_NS)
    decoder = LogDecoder()
    decoder.add(request, NOW_NS, 1)
    assert (len(decoder), decoder.damaged, not_json) == (1, 0, 0)


@pytest.mark.parametrize("depth", [5, 20, 300, 1015])
@pytest.mark.parametrize("opened", [b'{"a":', b"["])
def test_a_deep_value_becomes_a_record_that_the_storage_can_load(depth: int, opened: bytes) -> None:
    closed = b"}" if opened[:1] == b"{" else b"]"
    line = (
        b'{"level": "INFO", "message": "m", "http": '
        + opened * depth
        + b"1" * (closed == b"}")
        + closed * depth
        + b"}"
    )
    request, not_json = from_lines([line], NOW_NS)
    decoder = LogDecoder()
    decoder.add(request, NOW_NS, 1)
    assert (len(decoder), decoder.damaged, not_json) == (1, 0, 0)


@given(
    st.lists(
        st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line and line == line.strip())
    ),
    st.data(),
)
def test_lines_are_the_same_however_their_bytes_come(lines: list[bytes], data: st.DataObject) -> None:
    content = b"\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    taken, splitter = [], Lines(20)
    for begin, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        taken += splitter.add(content[begin:end])
    assert taken + splitter.rest() == [line for line in lines if line]
    assert splitter.too_long == 0


@given(st.data())
def test_lines_beyond_the_limit_are_left_out_and_counted(data: st.DataObject) -> None:
    lines = [b"1234", b"x" * 11, b"56", b"y" * 1000, b"1234567890"]
    content = b"\r\n".join(lines) + b"\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    taken, splitter = [], Lines(11)
    for begin, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        taken += splitter.add(content[begin:end])
        assert len(splitter._begun) <= 11
    assert taken + splitter.rest() == [b"1234", b"56", b"1234567890"]
    assert splitter.too_long == 2
