"""The series notation of Prometheus' rule tests: `errors_total{job="api"} 0+10x20 _ stale`.

Values stand at equal distances. `_` is a missing sample, `stale` a staleness marker; `1x3` is 1 and three more of it,
`0+10x3` counts up from 0 in three steps of 10, `30-10x3` down, `_x3` leaves out three samples.
"""

from __future__ import annotations

import re

from accelerapp.server.promql import ast
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.parse import parse
from accelerapp.server.signals import STALE_NAN, Labels, MatchType, make_labels

_SERIES = re.compile(
    r'\s*(?P<series>[^\s{]*(?:\{(?:[^}"]|"(?:\\.|[^"\\])*")*\})?)(?:\s+(?P<values>.*))?', re.DOTALL
)
_NUMBER = r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI]nf|[nN]a[nN])"
_ITEM = re.compile(rf"(?P<value>{_NUMBER})(?:(?P<step>[+-]{_NUMBER})?x(?P<times>\d+))?")
_GAP = re.compile(r"_(?:x(?P<times>\d+))?")


def parse_series(text: str) -> tuple[Labels, list[float | None]]:
    """Read a series and its values; None is a missing sample.

    Raises PromQLError, naming the part that cannot be read.
    """
    match = _SERIES.fullmatch(text)
    if match is None:
        raise PromQLError(f"not a series with values: {text!r}")
    return parse_metric(match["series"]), parse_values(match["values"] or "")


def parse_metric(text: str) -> Labels:
    """Read a series' name and labels, such as `up{job="api"}` or `{}`."""
    if text.replace(" ", "") == "{}":
        return ()
    expr = parse(text)
    if not isinstance(expr, ast.VectorSelector) or any(m.type != MatchType.EQUAL for m in expr.matchers):
        raise PromQLError(f"not the name and labels of a series: {text!r}")
    return make_labels({matcher.name: matcher.value for matcher in expr.all_matchers()})


def parse_values(text: str) -> list[float | None]:
    """Read a sequence of values in the notation; None is a missing sample."""
    values: list[float | None] = []
    for item in text.split():
        if gap := _GAP.fullmatch(item):
            values.extend([None] * int(gap["times"] or 1))
        elif item == "stale":
            values.append(STALE_NAN)
        elif number := _ITEM.fullmatch(item):
            first, step = float(number["value"]), number["step"]
            if step is None:
                values.extend([first] * (int(number["times"] or 0) + 1))
            else:
                values.extend(first + float(step) * k for k in range(int(number["times"]) + 1))
        else:
            raise PromQLError(f"not a value of the series notation: {item!r}")
    return values
