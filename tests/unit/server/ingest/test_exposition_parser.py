"""What the corpus cannot say of the exposition parser: what it remembers, and properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from accelerapp.server.ingest.exposition import ExpositionParser, float_text
from accelerapp.server.signals import Labels


def test_a_known_line_is_relabelled_once() -> None:
    asked: list[Labels] = []

    def relabel(labels: Labels) -> Labels:
        asked.append(labels)
        return labels

    parser = ExpositionParser(relabel)
    for value in range(3):
        parser.parse(f'a{{b="c"}} {value}\n')
    assert len(asked) == 1


def test_a_series_that_was_away_is_not_remembered_for_ever() -> None:
    parser = ExpositionParser()
    parser.parse("a 1\nb 1\n")
    parser.parse("b 1\n")
    assert list(parser._known) == ["b"]


def test_a_changed_type_changes_the_labels() -> None:
    parser = ExpositionParser()
    assert parser.parse('h_bucket{le="1"} 1\n')[0][0][1] == ("le", "1")
    assert parser.parse('# TYPE h histogram\nh_bucket{le="1"} 1\n')[0][0][1] == ("le", "1.0")


def test_a_quoted_name_may_be_any_text() -> None:
    ((labels, value, _),) = ExpositionParser().parse('{"my.metric", "a label"="b"} 1\n')
    assert labels == (("__name__", "my.metric"), ("a label", "b"))
    assert value == 1


@given(
    values=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False), max_size=4
    )
)
def test_what_prometheus_client_writes_is_read(values: dict[str, float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "help", ["text"], registry=registry)
    for text, value in values.items():
        gauge.labels(text).set(value)
    found = ExpositionParser().parse(generate_latest(registry).decode())
    assert {dict(labels).get("text", ""): value for labels, value, _ in found} == values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1.0"),
        (0, "0.0"),
        (-0.0, "-0.0"),
        (0.005, "0.005"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (100000, "100000.0"),
        (1_000_000, "1e+06"),
        (123456789, "1.23456789e+08"),
        (-2.5, "-2.5"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_floats_are_written_as_prometheus_writes_le(value: float, text: str) -> None:
    assert float_text(value) == text


@given(st.floats())
def test_a_written_float_is_the_same_float(value: float) -> None:
    assert repr(float(float_text(value))) == repr(value)
