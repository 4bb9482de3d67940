"""The order of a waterfall's rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.signals import Span
from accelerapp.server.traces import waterfall


def span(span_id: str, parent: str = "", start: int = 0) -> Span:
    return Span("t", span_id, parent, span_id, "internal", "s", start, start + 1, "unset")


def shape(spans: list[Span]) -> list[tuple[str, int, bool]]:
    return [(row.span.span_id, row.depth, row.orphan) for row in waterfall(spans)]


def test_children_follow_their_parent_in_order_of_their_start() -> None:
    spans = [span("b", "root", 5), span("root"), span("a", "root", 9), span("b1", "b", 6)]
    assert shape(spans) == [("root", 0, False), ("b", 1, False), ("b1", 2, False), ("a", 1, False)]


def test_a_span_whose_parent_was_not_received_is_a_root_and_said_to_be_an_orphan() -> None:
    assert shape([span("child", "missing")]) == [("child", 0, True)]


def test_spans_that_are_each_others_parents_appear_once() -> None:
    assert shape([span("a", "b", 2), span("b", "a", 1)]) == [("b", 0, False), ("a", 1, False)]


def test_spans_of_one_id_are_all_there_and_the_earliest_has_the_children() -> None:
    spans = [span("root"), span("twice", "root", 1), span("twice", "root", 5), span("child", "twice", 6)]
    assert shape(spans) == [("root", 0, False), ("twice", 1, False), ("child", 2, False), ("twice", 1, False)]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(-1, 20), st.integers(0, 9))))
def test_every_span_appears_once_whatever_the_parents_are(links: list[tuple[int, int, int]]) -> None:
    spans = [span(str(i), str(parent) if parent >= 0 else "", start) for i, parent, start in links]
    assert sorted(row.span.span_id for row in waterfall(spans)) == sorted(s.span_id for s in spans)


def test_ten_thousand_nested_spans_do_not_exhaust_the_stack() -> None:
    spans = [span(str(i), str(i - 1) if i else "", i) for i in range(10_000)]
    assert waterfall(spans)[-1].depth == 9_999
