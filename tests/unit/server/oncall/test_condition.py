"""What of an alert's expression is drawn, and where its line lies."""

from __future__ import annotations

import pytest

from accelerapp.server.oncall import condition_of
from accelerapp.server.promql import parse


@pytest.mark.parametrize(
    ("expr", "watched", "comparison", "threshold"),
    [
        ("a / b > 0.05", "a / b", ">", 0.05),
        ("a / b > 0.05 and c >= 10", "a / b", ">", 0.05),
        ("(a > 3) unless on () b > 1", "a", ">", 3.0),
        ("0.1 >= a", "a", "<=", 0.1),
        ("up == 0", "up", "==", 0.0),
        ("vector(1)", "vector(1)", None, None),
        ("a > bool 2", "a > bool 2", None, None),
    ],
)
def test_condition(expr: str, watched: str, comparison: str | None, threshold: float | None) -> None:
    condition = condition_of(parse(expr))
    assert (str(condition.watched), condition.comparison, condition.threshold) == (
        watched,
        comparison,
        threshold,
    )


def test_what_is_compared_with_series_has_these_as_thresholds() -> None:
    condition = condition_of(parse("(a > on (b) c:limit) and on (b) d >= 10"))
    assert (str(condition.watched), condition.comparison, condition.threshold) == ("a", ">", None)
    assert str(condition.against) == "c:limit"
