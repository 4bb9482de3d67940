"""Expressions as text: what is parsed prints as the same expression, and what is wrong is said."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.promql import (
    Aggregate,
    Binary,
    Boundary,
    Call,
    DurationExpr,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    PromQLError,
    StringLiteral,
    Subquery,
    Unary,
    VectorMatching,
    VectorSelector,
    format_value,
    format_values,
    parse,
    parse_values,
    pretty,
    rewrite,
    scale_time,
    walk,
)
from accelerapp.server.signals import Matcher, MatchType

CORPUS = Path(__file__).parents[3] / "corpus" / "promql"


def lines(name: str) -> list[str]:
    text = (CORPUS / name).read_text(encoding="utf-8")
    return [
        line.replace("␤", "\n") for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]


def refusals() -> list[tuple[str, str]]:
    """Return what is refused with what is said to it, as tests/corpus/promql/refused.txt has them in turn."""
    found = lines("refused.txt")
    unseen = str.maketrans({"␠": " ", "∅": None})
    return [(text.translate(unseen), said[2:]) for text, said in zip(found[::2], found[1::2], strict=True)]


FORMS = lines("forms.txt")
REFUSALS = refusals()
COMPARED = [
    line
    for line in (CORPUS / "compare.txt")
    .read_text(encoding="utf-8")
    .split("# What is refused")[0]
    .splitlines()
    if line.strip() and not line.startswith("#")
]

WORDS = [
    *[
        "up",
        "sum",
        "by",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "+",
        "-",
        "*",
        "/",
        "^",
        "==",
        ">",
        "=~",
        "=",
    ],
    *[
        "@",
        "offset",
        "5m",
        "10",
        "0x1F",
        "1_0",
        "'b'",
        "`c`",
        "and",
        "or",
        "on",
        "ignoring",
        "group_left",
        "bool",
    ],
    *["start()", "step()", "max_of(", "anchored", "rate(", "time()", "topk(", "inf", ".", "!", "#", "\\"],
]
names = st.sampled_from(["up", "requests_total", "job:errors:rate5m", "sum", "start"])
label_names = st.sampled_from(["job", "code", "on", "by", "le"])
texts = st.text(max_size=6).filter(
    lambda text: "\x00" not in text and not any(0xD800 <= ord(c) < 0xE000 for c in text)
)
milliseconds = st.integers(min_value=1, max_value=10**11)
offsets = st.one_of(st.just(0), st.integers(min_value=-(10**9), max_value=10**9))
moments = st.one_of(
    st.none(), st.sampled_from(list(Boundary)), st.integers(min_value=-(10**12), max_value=4 * 10**12)
)
matchers = st.builds(
    lambda name, kind, value: Matcher(name, kind, value),
    label_names,
    st.sampled_from([MatchType.EQUAL, MatchType.NOT_EQUAL]),
    texts,
)
Duration = NumberLiteral | DurationExpr
literals: st.SearchStrategy[Duration] = st.builds(
    NumberLiteral, st.integers(1, 10**6).map(float), st.booleans()
)
of_the_query = st.builds(DurationExpr, st.sampled_from(["step", "range"]))


def calculated(inner: st.SearchStrategy[Duration]) -> st.SearchStrategy[DurationExpr]:
    sums = st.builds(
        DurationExpr, st.sampled_from(["+", "-", "*", "/", "%", "^"]), inner, inner, st.just(True)
    )
    negative = st.builds(DurationExpr, st.just("-"), st.none(), sums | of_the_query, st.just(True))
    return sums | negative | chosen(inner)


def chosen(inner: st.SearchStrategy[Duration]) -> st.SearchStrategy[DurationExpr]:
    return st.builds(DurationExpr, st.sampled_from(["min_of", "max_of"]), inner, inner)


durations = calculated(st.recursive(literals | of_the_query, calculated, max_leaves=4))
# What stands behind a parenthesis is read as a part of the offset, so that such a one cannot stand before an operator.
called = of_the_query | chosen(durations)
selectors = st.builds(
    VectorSelector,
    names,
    st.lists(matchers, max_size=3).map(tuple),
    offset_ms=offsets,
    at=moments,
    smoothed=st.booleans(),
) | st.builds(VectorSelector, names, offset_expr=called, anchored=st.booleans())
ranges = st.builds(MatrixSelector, selectors, milliseconds) | st.builds(
    MatrixSelector, selectors, st.just(0), durations
)


def vectors(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    labels = st.lists(label_names, max_size=2, unique=True).map(tuple)
    operators = st.sampled_from(["+", "-", "*", "/", "%", "^", "atan2", "==", ">", "<="])
    subqueries = st.builds(
        Subquery, inner, milliseconds, st.one_of(st.none(), milliseconds), offsets, moments
    )
    return st.one_of(
        st.builds(Binary, operators, inner, inner),
        st.builds(
            Binary,
            st.sampled_from(["==", "<"]),
            inner,
            inner,
            st.booleans(),
            st.builds(VectorMatching, st.booleans(), labels, st.sampled_from([None, "left", "right"])),
        ),
        st.builds(Binary, st.sampled_from(["and", "or", "unless"]), inner, inner),
        st.builds(Unary, inner),
        st.builds(Paren, inner),
        st.builds(Aggregate, st.sampled_from(["sum", "max"]), inner, st.none(), labels, st.booleans()),
        st.builds(lambda k, expr: Aggregate("topk", expr, NumberLiteral(float(k))), st.integers(0, 9), inner),
        st.builds(lambda window: Call("rate", (window,)), st.one_of(ranges, subqueries)),
    )


expressions: st.SearchStrategy[Expr] = st.recursive(selectors, vectors, max_leaves=6)


def without_parens(expr: Expr) -> Expr:
    """Take away all parentheses: printing adds those that an expression needs."""
    return rewrite(sorted_matchers(expr), lambda node: node.expr if isinstance(node, Paren) else node)


def sorted_matchers(expr: Expr) -> Expr:
    """Order the matchers of every selector: printing sorts them, and they mean the same in any order."""

    def ordered(node: Expr) -> Expr:
        if not isinstance(node, VectorSelector):
            return node
        return replace(node, matchers=tuple(sorted(node.matchers, key=str)))

    return rewrite(expr, ordered)


@pytest.mark.parametrize("text", COMPARED)
def test_what_was_parsed_prints_as_text_that_parses_to_the_same(text: str) -> None:
    expr = parse(text)
    assert sorted_matchers(parse(str(expr))) == sorted_matchers(expr)


def test_matchers_are_printed_in_order() -> None:
    text = 'sum(rate(b{route!="/x",le="1.0"}[5m])) + up{le!="2",le="1"}'
    assert str(parse(text)) == ('sum(rate(b{le="1.0",route!="/x"}[5m])) + up{le!="2",le="1"}')


@settings(deadline=None)
@given(expressions)
def test_any_expression_prints_as_text_that_means_the_same(expr: Expr) -> None:
    assert without_parens(parse(str(expr))) == without_parens(expr)


@settings(deadline=None)
@given(expressions)
def test_printing_is_stable(expr: Expr) -> None:
    printed = str(parse(str(expr)))
    assert str(parse(printed)) == printed


@settings(deadline=None)
@given(expressions, st.sampled_from([1.0, 2.0, 10.0, 20.0]))
def test_scaling_time_divides_durations_and_nothing_else(expr: Expr, factor: float) -> None:
    def durations(node: Expr) -> list[int]:
        match node:
            case VectorSelector():
                return [node.offset_ms]
            case MatrixSelector():
                return [node.range_ms]
            case Subquery():
                return [node.range_ms, node.step_ms or 0, node.offset_ms]
        return []

    scaled = scale_time(expr, factor)
    before, after = list(walk(expr)), list(walk(scaled))
    assert [type(node) for node in before] == [type(node) for node in after]
    for old, new in zip(before, after, strict=True):
        for was, now in zip(durations(old), durations(new), strict=True):
            assert now == (0 if was == 0 else math.copysign(max(1, round(abs(was) / factor)), was))
        if isinstance(old, VectorSelector) and isinstance(new, VectorSelector):
            assert (old.name, old.matchers, old.at) == (new.name, new.matchers, new.at)


def test_scaling_time_reads_as_the_compressed_expression() -> None:
    expr = parse("sum(rate(errors_total[5m] offset 10m)) > 0.05 and max_over_time(up[1h:1m] @ 100)")
    assert str(scale_time(expr, 20)) == (
        "sum(rate(errors_total[15s] offset 30s)) > 0.05 and max_over_time(up[3m:3s] @ 100.000)"
    )


def test_walking_yields_parents_before_their_children() -> None:
    expr = parse('topk(3, rate(up{job="api"}[5m]) / 2)')
    assert [type(node).__name__ for node in walk(expr)] == [
        "Aggregate",
        "NumberLiteral",
        "Binary",
        "Call",
        "MatrixSelector",
        "VectorSelector",
        "NumberLiteral",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'up{a="x\"y\\z\n"}', 'x"y\\z\n'),
        (r"up{a='it\'s'}", "it's"),
        (r"up{a=`raw\d\n`}", r"raw\d\n"),
        ('up{a="`not raw`"} # `comment`', "`not raw`"),
    ],
)
def test_strings_are_read_in_all_three_kinds_of_quotes(text: str, expected: str) -> None:
    expr = parse(text)
    assert isinstance(expr, VectorSelector)
    assert expr.matchers[0].value == expected


@pytest.mark.parametrize(("text", "message"), REFUSALS)
def test_what_is_wrong_is_said_as_prometheus_says_it(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as caught:
        parse(text)
    assert caught.value.message == message
    assert caught.value.start is not None
    assert 0 <= caught.value.start <= len(text)


@pytest.mark.parametrize("text", FORMS)
def test_a_printed_form_prints_again_as_it_is(text: str) -> None:
    expr = parse(text)
    assert str(parse(str(expr))) == str(parse(pretty(expr))) == str(expr)


def test_a_long_expression_is_laid_out_over_lines() -> None:
    errors, requests = "requests_total{status=~'5..'}[5m]", "requests_total[5m] offset 1h"
    text = f"sum by (job) (rate({errors})) / sum by (job) (rate({requests})) > 1"
    assert pretty(parse(text)) == (
        '    sum by (job) (rate(requests_total{status=~"5.."}[5m]))\n  /\n'
        "    sum by (job) (rate(requests_total[5m] offset 1h))\n>\n  1"
    )


def test_nodes_know_where_they_stand() -> None:
    text = 'topk( 3, rate(up{job="é"}[5m] offset 1m) ) + on (job) -sum(up) by (x)'
    places = {str(node): text[node.start : node.end] for node in walk(parse(text))}
    assert places == {
        str(parse(text)): text,
        'topk(3, rate(up{job="é"}[5m] offset 1m))': 'topk( 3, rate(up{job="é"}[5m] offset 1m) )',
        "3": "3",
        'rate(up{job="é"}[5m] offset 1m)': 'rate(up{job="é"}[5m] offset 1m)',
        'up{job="é"}[5m] offset 1m': 'up{job="é"}[5m] offset 1m',
        'up{job="é"} offset 1m': 'up{job="é"}',
        "-sum by (x) (up)": "-sum(up) by (x)",
        "sum by (x) (up)": "sum(up) by (x)",
        "up": "up",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "(" * 5000 + "up" + ")" * 5000,
            "1:101: parse error: the expression is nested more than 100 levels deep",
        ),
        ("-" * 5000 + "up", "1:101: parse error: the expression is nested more than 100 levels deep"),
        ("up[" + "(" * 5000, "1:103: parse error: the expression is nested more than 100 levels deep"),
        ("up" + " + up" * 500, "1:1: parse error: the expression is more than 200 operators high"),
        ("up" + "[1m:]" * 500, "1:1: parse error: the expression is more than 200 operators high"),
        ("up[1s" + " + 1s" * 5000 + "]", "1:1: parse error: the expression is more than 200 operators high"),
        (
            "up offset (1s" + " + 1s" * 5000 + ")",
            "1:1: parse error: the expression is more than 200 operators high",
        ),
        ("a" * 70_000, "1:1: parse error: the expression has 70000 characters, the most is 65536"),
        ("up{a='\ud800'}", "1:1: parse error: the expression is not valid Unicode"),
    ],
    ids=[
        "parentheses",
        "signs",
        "durations",
        "operators",
        "subqueries",
        "sums of durations",
        "offset",
        "length",
        "surrogate",
    ],
)
def test_what_is_too_much_is_refused(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as caught:
        parse(text)
    assert caught.value.message == message


@settings(deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_is_parsed_or_refused_with_a_place(text: str) -> None:
    try:
        expr = parse(text)
    except PromQLError as error:
        refusal = error.message
        assert re.match(r"\d+:\d+: parse error: |unknown position: parse error: ", refusal)
    else:
        assert sorted_matchers(parse(str(expr))) == sorted_matchers(expr)


def test_an_at_sign_in_a_string_is_no_modifier() -> None:
    expr = parse('up{mail="someone@-example"}')
    assert isinstance(expr, VectorSelector)
    assert expr.matchers[0].value == "someone@-example"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (0.05, "0.05"),
        (1e6, "1000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e-5, "0.000015"),
        (1e-6, "0.000001"),
        (1.25e-07, "1.25e-07"),
        (5e-324, "5e-324"),
        (123456789.125, "123456789.125"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_values_are_written_as_prometheus_writes_them(value: float, text: str) -> None:
    assert format_value(value) == text


@settings(deadline=None)
@given(st.lists(st.floats() | st.integers(-(10**17), 10**17).map(float)))
def test_many_values_are_written_as_each_of_them(values: list[float]) -> None:
    assert format_values(np.array(values, dtype=np.float64)) == [format_value(value) for value in values]


@settings(deadline=None)
@given(st.floats(allow_nan=False))
def test_a_written_value_reads_back(value: float) -> None:
    assert float(format_value(value)) == value


def test_the_series_notation_counts_repeats_and_leaves_out() -> None:
    assert parse_values("1 2x2 0+10x2 5-1x1 _ _x2 -1.5 Inf") == [
        1, 2, 2, 2, 0, 10, 20, 5, 4, None, None, None, -1.5, math.inf,
    ]  # fmt: skip


def test_the_series_notation_names_what_it_cannot_read() -> None:
    with pytest.raises(PromQLError, match="'1y2'"):
        parse_values("1 1y2")


def test_literals_of_the_same_number_are_equal() -> None:
    assert parse("NaN") == NumberLiteral(math.nan)
    assert hash(parse("NaN")) == hash(NumberLiteral(math.nan))
    assert parse("1") != StringLiteral("1")
