"""The registry: which series a set of matchers finds."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.signals import Labels, Matcher, MatchType, make_labels
from accelerapp.server.storage import InvalidMatcherError
from accelerapp.server.storage.series import SeriesRegistry

NAMES = st.sampled_from(["__name__", "job", "code", "absent"])
VALUES = st.sampled_from(["", "a", "ab", "b", "a\nb"])
PATTERNS = st.sampled_from(["", "a", "a.*", "b|", "a|b", ".+", ".*", "[^a]b?"])
LABELS = st.dictionaries(NAMES.filter(lambda name: name != "absent"), VALUES).map(make_labels)
MATCHERS = st.one_of(
    st.builds(Matcher, NAMES, st.sampled_from([MatchType.EQUAL, MatchType.NOT_EQUAL]), VALUES),
    st.builds(Matcher, NAMES, st.sampled_from([MatchType.REGEX, MatchType.NOT_REGEX]), PATTERNS),
)


def accepted(matcher: Matcher, labels: Labels) -> bool:
    """Judge one series by the definition, with Python's own regular expressions."""
    value = dict(labels).get(matcher.name, "")
    if matcher.type in (MatchType.EQUAL, MatchType.NOT_EQUAL):
        return (value == matcher.value) is (matcher.type is MatchType.EQUAL)
    found = re.fullmatch(matcher.value, value, re.DOTALL) is not None
    return found is (matcher.type is MatchType.REGEX)


@given(series=st.lists(LABELS, unique=True, max_size=12), matchers=st.lists(MATCHERS, max_size=3))
def test_matchers_find_what_the_definition_says(series: list[Labels], matchers: list[Matcher]) -> None:
    registry = SeriesRegistry(100)
    for labels in series:
        registry.id(labels)
    found = [registry.labels(number) for number in registry.match(matchers).tolist()]
    assert found == [labels for labels in series if all(accepted(one, labels) for one in matchers)]


def test_a_series_keeps_its_id() -> None:
    registry = SeriesRegistry(10)
    first = registry.id((("__name__", "up"),))
    registry.id((("__name__", "down"),))
    assert registry.id((("__name__", "up"),)) == first


def test_new_series_beyond_the_limit_are_refused_and_their_metric_is_named() -> None:
    registry = SeriesRegistry(1)
    assert registry.id((("__name__", "up"),)) == 0
    assert registry.id((("__name__", "noisy"), ("id", "1"))) is None
    assert registry.id((("__name__", "noisy"), ("id", "2"))) is None
    assert registry.id((("__name__", "up"),)) == 0
    assert registry.refused() == {"noisy": 2}


def test_a_wrong_regular_expression_is_named() -> None:
    registry = SeriesRegistry(1)
    with pytest.raises(InvalidMatcherError, match=r"'\(a'.*missing"):
        registry.match([Matcher("job", MatchType.REGEX, "(a")])


def test_a_regular_expression_that_would_explode_returns() -> None:
    registry = SeriesRegistry(1)
    registry.id((("job", "a" * 5000),))
    assert registry.match([Matcher("job", MatchType.REGEX, "(a+)+b")]).tolist() == []


def test_labels_that_cannot_be_written_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        SeriesRegistry(1).id((("job", "\ud800"),))


def test_the_text_of_a_series_takes_no_more_memory_than_it_is_long() -> None:
    registry = SeriesRegistry(10)
    labels = (("__name__", "up"), ("job", "bench"))
    series = registry.id(labels)
    assert series is not None
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        registry.id((("__name__", "up"), ("job", "another")))
        assert tracemalloc.get_traced_memory()[0] - before < 2000
    finally:
        tracemalloc.stop()
    assert registry.texts([series]) == [b'[["__name__","up"],["job","bench"]]']
