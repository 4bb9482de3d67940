"""The histogram that an alert's condition watches, found through the recording rules between the two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.promql import (
    Aggregate,
    Binary,
    Call,
    Expr,
    NumberLiteral,
    Paren,
    Subquery,
    VectorSelector,
    rewrite,
    unwrap,
    walk,
)
from accelerapp.server.rules import Rule
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType

#: So often what is recorded may be made of what is recorded itself.
_MOST_DEEP: Final = 4
#: Selectors of an expression in whose place what they are recorded from is put.
_MOST_REPLACED: Final = 50
#: What these make of a histogram is a value as it has observed them.
_VALUES: Final = frozenset({"histogram_quantile", "histogram_avg"})
#: These choose from values, or average them; the others add them up or count them.
_CHOOSING: Final = frozenset({"min", "max", "avg", "topk", "bottomk", "quantile"})
_CHOOSING_OVER_TIME: Final = frozenset(
    {"min_over_time", "max_over_time", "avg_over_time", "quantile_over_time"}
)


@dataclass(frozen=True, slots=True)
class WatchedHistogram:
    """A histogram behind a condition.

    `metric` is its name, without `_bucket`; `query` selects the series whose exemplars are its observations. Where the
    condition counts the observations up to a bound, such as by `le="1"`, this is the `bound`. It is None where the
    condition watches a quantile or the mean, which have the histogram's own unit.
    """

    metric: str
    query: str
    bound: float | None = None


def recording_rules(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Return the recording rules among some, by the names of what they record."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        if not rule.alerting:
            found.setdefault(rule.name, []).append(rule)
    return found


def histogram_of(watched: Expr, recorded: Mapping[str, Sequence[Rule]]) -> WatchedHistogram | None:
    """Return the histogram that an expression watches, None where it watches none, or several.

    `recorded` are the recording rules by the names of what they record.
    """
    expr = _written_out(watched, recorded)
    return _of_values(expr) or _of_counts(expr)


def _written_out(expr: Expr, recorded: Mapping[str, Sequence[Rule]]) -> Expr:
    """Put in for each recorded series what it is recorded from, where that is what one rule alone records."""
    left = _MOST_REPLACED

    def source(node: Expr) -> Expr:
        nonlocal left
        if not isinstance(node, VectorSelector) or left == 0:
            return node
        rules = [rule for rule in recorded.get(node.name or "", ()) if _may_record(rule, node)]
        if len(rules) != 1:
            return node
        left -= 1
        return Paren(rules[0].expr)

    for _ in range(_MOST_DEEP):
        before, expr = expr, rewrite(expr, source)
        if expr == before:
            break
    return expr


def _may_record(rule: Rule, selector: VectorSelector) -> bool:
    """Tell whether a selector takes what a rule records, as far as the labels tell that the rule sets."""
    labels = rule.label_texts
    return all(
        (labels[matcher.name] == matcher.value) == (matcher.type is MatchType.EQUAL)
        for matcher in selector.matchers
        if matcher.name in labels and matcher.type in (MatchType.EQUAL, MatchType.NOT_EQUAL)
    )


def _of_values(expr: Expr) -> WatchedHistogram | None:
    """Return the histogram whose quantile or mean an expression is."""
    expr = _chosen_from(expr)
    if isinstance(expr, Call) and expr.name in _VALUES:
        return _only(_selectors(expr))
    if isinstance(expr, Binary) and expr.op == "/":
        sums, counts = _selectors(expr.left), _selectors(expr.right)
        name = _stem(sums, "_sum")
        if name and name == _stem(counts, "_count"):
            # Exemplars are of the buckets, or of the native histogram of the name.
            either = Matcher(METRIC_NAME, MatchType.REGEX, f"{name}(_bucket)?")
            return WatchedHistogram(name, str(VectorSelector(None, (either, *sums[0].matchers))))
    return None


def _of_counts(expr: Expr) -> WatchedHistogram | None:
    """Return the histogram of which an expression counts what is within a bound."""
    found = {}
    for node in walk(expr):
        if isinstance(node, VectorSelector) and (node.name or "").endswith("_bucket"):
            le = next((m.value for m in node.matchers if m.name == "le" and m.type is MatchType.EQUAL), "")
            every = replace(node, matchers=tuple(m for m in node.matchers if m.name != "le"))
            if (bound := _finite(le)) is not None:
                found[str(node)] = _only([every]), bound
        if isinstance(node, Call) and node.name == "histogram_fraction":
            bounds = [one.value for one in map(unwrap, node.args[:2]) if isinstance(one, NumberLiteral)]
            for bound in bounds:
                if 0 < bound < math.inf:
                    found[str(node)] = _only(_selectors(node)), bound
    different = {(one.metric, bound) for one, bound in found.values() if one is not None}
    if len(different) != 1:
        return None
    histogram, bound = next(iter(found.values()))
    return None if histogram is None else replace(histogram, bound=bound)


def _chosen_from(expr: Expr) -> Expr:
    """Take away what only chooses from values."""
    while True:
        expr = unwrap(expr)
        if isinstance(expr, Aggregate) and expr.op in _CHOOSING:
            expr = expr.expr
        elif (
            isinstance(expr, Call)
            and expr.name in _CHOOSING_OVER_TIME
            and isinstance(expr.args[-1], Subquery)
        ):
            expr = expr.args[-1].expr
        else:
            return expr


def _selectors(expr: Expr) -> list[VectorSelector]:
    return [node for node in walk(expr) if isinstance(node, VectorSelector)]


def _only(selectors: Iterable[VectorSelector]) -> WatchedHistogram | None:
    """Return the histogram of selectors that are all the same but for their times."""
    found = {VectorSelector(one.name, one.matchers) for one in selectors}
    if len(found) != 1:
        return None
    (selector,) = found
    return WatchedHistogram(selector.name.removesuffix("_bucket"), str(selector)) if selector.name else None


def _stem(selectors: Sequence[VectorSelector], suffix: str) -> str:
    """Return the one name of which all selectors have that with the suffix, "" where there is none."""
    stems = {
        (one.name or "").removesuffix(suffix) if (one.name or "").endswith(suffix) else ""
        for one in selectors
    }
    return stems.pop() if len(stems) == 1 else ""


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
