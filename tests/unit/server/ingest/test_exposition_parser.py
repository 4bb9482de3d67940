"""What the corpus cannot say of the exposition parser: what it remembers, and properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser, Parsed
from accelerapp.server.ingest.exposition_line import ExposedExemplar, float_text
from accelerapp.server.signals import Labels, Metadata, make_labels


def parser() -> ExpositionParser[Labels]:
    return ExpositionParser(make_labels)


def flat(parsed: Parsed[Labels]) -> list[tuple[Labels, str, int | None]]:
    """Return what can be compared of every sample, NaN and negative zero as well."""
    return [
        (labels, repr(value), parsed.times.get(index))
        for index, (labels, value) in enumerate(zip(parsed.series, parsed.values.tolist(), strict=True))
    ]


def test_a_known_series_is_resolved_once() -> None:
    asked: list[Labels] = []

    def resolve(labels: dict[str, str]) -> Labels:
        asked.append(make_labels(labels))
        return asked[-1]

    remembering = ExpositionParser(resolve)
    for value in range(3):
        remembering.parse(f'a{{b="c"}} {value}\n')
    assert len(asked) == 1


def test_a_series_that_was_away_is_not_remembered_for_ever() -> None:
    remembering = parser()
    remembering.parse("a 1\nb 1\n")
    remembering.parse("b 1\n")
    assert list(remembering._known) == ["b"]


def test_the_same_series_in_the_same_order_are_the_same_object() -> None:
    remembering = parser()
    first = remembering.parse("a 1\nb 1\n").series
    assert remembering.parse("# a comment\na 2\nb 3\n").series is first
    assert remembering.parse("b 1\na 1\n").series is not first


def test_a_changed_type_changes_the_labels() -> None:
    remembering = parser()
    assert remembering.parse('h_bucket{le="1"} 1\n').series[0][1] == ("le", "1")
    typed = '# TYPE h histogram\nh_bucket{le="1"} 1\n'
    assert remembering.parse(typed).series[0][1] == ("le", "1.0")


def test_a_quoted_name_may_be_any_text() -> None:
    parsed = parser().parse('{"my.metric", "a label"="b"} 1\n')
    assert parsed.series[0] == (("__name__", "my.metric"), ("a label", "b"))
    assert parsed.values.tolist() == [1]


def test_types_help_and_units_are_told() -> None:
    text = (
        "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n"
        '# HELP a_seconds How \\"long\\"\\nit is.\na_seconds 1\n# EOF\n'
    )
    parsed = parser().parse(text, openmetrics=True)
    assert parsed.metadata == {"a_seconds": Metadata("gauge", 'How "long"\nit is.', "seconds")}
    assert parser().parse("# TYPE a untyped\n# HELP a b \\\\ c\na 1\n").metadata == {
        "a": Metadata("unknown", "b \\ c")
    }


def test_an_exemplar_is_told_once_for_as_long_as_it_is_shown() -> None:
    remembering = parser()
    text = '# TYPE a counter\na_total 3 # {trace_id="x # {y"} 0.5 1700000000.25\n# EOF\n'
    exemplar = ExposedExemplar((("trace_id", "x # {y"),), 0.5, 1_700_000_000_250)
    assert remembering.parse(text, openmetrics=True).exemplars == [(0, exemplar)]
    assert remembering.parse(text, openmetrics=True).exemplars == []
    newer = remembering.parse(text.replace("0.5", "0.6"), openmetrics=True)
    assert newer.exemplars == [(0, ExposedExemplar((("trace_id", "x # {y"),), 0.6, 1_700_000_000_250))]
    assert newer.values.tolist() == [3]


def test_what_came_before_an_error_is_told_with_it() -> None:
    with pytest.raises(ExpositionError, match="line 3: 'x' is not a number") as refused:
        parser().parse("a 1\nb 1\nc x\nd y\n")
    assert [labels[0][1] for labels in refused.value.series] == ["a", "b"]


#: Values as a target may write them, and what is none.
_VALUES = st.one_of(
    st.floats().map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(
        [
            *[
                "NaN",
                "+Inf",
                "-Inf",
                "inf",
                "infinity",
                "-nan",
                "+nan",
                "1.",
                ".5",
                "+1",
                "-0",
                "-0.0",
                "01",
                "1e5",
                "1E-5",
            ],
            *("1e999", "1_0", "0x1p3", "1,2", "١", "1\r", '"5"', "null"),
        ]
    ),
)
_LINES = st.lists(
    st.one_of(
        st.builds(
            lambda name, value, end: f"{name} {value}{end}",
            st.sampled_from(
                ["a", "b", 'a{b="c"}', 'a{b="x # {y"}', 'a{b="} 1"}', '{"a"}', 'h_bucket{le="1"}']
            ),
            _VALUES,
            st.sampled_from(["", "", "", " 12", ' # {t="x"} 1', ' 12 # {t="x"} 1 2', " ", " x"]),
        ),
        st.sampled_from(["# HELP a b", "#", "# EOF", "", "a", "a{"]),
    ),
    max_size=8,
)
#: A type comes before its series, as the formats ask: what a series' text means may change with it.
_TYPES = st.sampled_from(["# TYPE h histogram", "# TYPE h gauge"])


@settings(max_examples=300)
@given(types=st.tuples(_TYPES, _TYPES), before=_LINES, after=_LINES, openmetrics=st.booleans())
def test_what_is_remembered_changes_nothing(
    types: tuple[str, str], before: list[str], after: list[str], *, openmetrics: bool
) -> None:
    """A parser that has read one exposition reads another as a parser that has not."""
    end = "# EOF\n" if openmetrics else ""

    def outcome(one: ExpositionParser[Labels], lines: list[str]) -> object:
        try:
            parsed = one.parse("\n".join([*lines, end]), openmetrics=openmetrics)
        except ExpositionError as error:
            return str(error), list(error.series)
        return flat(parsed), parsed.metadata

    remembering = parser()
    first, second = [types[0], *before], [types[1], *after]
    outcome(remembering, first)
    for lines in (second, second, first):
        assert outcome(remembering, lines) == outcome(parser(), lines)


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
    found = parser().parse(generate_latest(registry).decode())
    texts = [dict(labels).get("text", "") for labels in found.series]
    assert dict(zip(texts, found.values.tolist(), strict=True)) == values


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
