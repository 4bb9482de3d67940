"""Aggregations give what going through a group's series one after the other gives, as Prometheus does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.promql import aggregation, ast, parse
from accelerapp.server.promql.aggregation import Groups, mean_by_lanes, sum_by_lanes
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Floats, group_rows, keep_labels
from accelerapp.server.promql.limits import Budget
from accelerapp.server.signals import Labels

STEPS = 3

near = st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False)
large = st.floats(min_value=-1e300, max_value=1e300)
odd = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.7e308])
integers = st.integers(-(10**6), 10**6).map(float)


def blocks(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Block]:
    """Make up to thirty series in up to four groups, with values at some of the steps."""
    cell = st.tuples(numbers, st.booleans())
    row = st.tuples(st.integers(0, 3), st.lists(cell, min_size=STEPS, max_size=STEPS))

    def build(rows: list[tuple[int, list[tuple[float, bool]]]]) -> Block:
        labels: list[Labels] = [(("g", str(group)), ("n", f"{n:02}")) for n, (group, _) in enumerate(rows)]
        values = np.array([[value for value, _ in cells] for _, cells in rows])
        present = np.array([[here for _, here in cells] for _, cells in rows])
        return Block(labels, values, present)

    return st.lists(row, min_size=1, max_size=30).map(build)


class Given:
    """What an aggregation sees of an evaluator whose vector is known."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.notes = Annotations()
        self.budget = Budget(1_000_000, math.inf, lambda: 0.0)

    def vector(self, expr: ast.Expr) -> Block:
        return self.block

    def scalar(self, expr: ast.Expr) -> Floats:
        assert isinstance(expr, ast.NumberLiteral)
        return np.full(self.block.values.shape[1], expr.value)

    def check_time(self) -> None:
        pass


def aggregated(text: str, block: Block) -> dict[Labels, list[float | None]]:
    expr = parse(text)
    assert isinstance(expr, ast.Aggregate)
    with np.errstate(all="ignore"):
        result = aggregation.aggregate(expr, Given(block))
    return {
        labels: [float(v) if here else None for v, here in zip(values, present, strict=True)]
        for labels, values, present in zip(result.labels, result.values, result.present, strict=True)
    }


def by_hand(block: Block) -> dict[Labels, list[list[float]]]:
    """Return the values of each group at each step, in order; groups without any are left out."""
    found: dict[Labels, list[list[float]]] = {}
    for labels, values, present in zip(block.labels, block.values, block.present, strict=True):
        group = found.setdefault(labels[:1], [[] for _ in range(STEPS)])
        for step in np.flatnonzero(present).tolist():
            group[step].append(float(values[step]))
    return {labels: steps for labels, steps in found.items() if any(steps)}


def same(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    return found == expected and math.copysign(1, found) == math.copysign(1, expected)


@settings(deadline=None, max_examples=60)
@given(blocks(near | odd))
def test_extremes_and_counts_are_those_of_going_through_the_series(block: Block) -> None:
    for text, better in (("max by (g) (x)", float.__gt__), ("min by (g) (x)", float.__lt__)):
        found = aggregated(text, block)
        for labels, steps in by_hand(block).items():
            for step, values in enumerate(steps):
                best = None
                for value in values:
                    if best is None or better(value, best) or math.isnan(best):
                        best = value
                assert same(found[labels][step], best), (text, values)
    counts = {labels: [float(len(v)) or None for v in steps] for labels, steps in by_hand(block).items()}
    assert aggregated("count by (g) (x)", block) == counts


@settings(deadline=None, max_examples=150)
@given(blocks(near) | blocks(near | large) | blocks(integers) | blocks(near | odd))
def test_sums_and_means_are_those_of_the_lanes(block: Block) -> None:
    groups = Groups(block, group_rows(block.labels, lambda labels: keep_labels(labels, frozenset({"g"}))))
    sizes = np.zeros(groups.shape)
    for rows, present, values in groups.lanes():
        with np.errstate(over="ignore"):
            sizes[rows] += np.where(present & np.isfinite(values), np.abs(values), 0.0)
    for text, lanes in (("sum by (g) (x)", sum_by_lanes), ("avg by (g) (x)", mean_by_lanes)):
        with np.errstate(all="ignore"):
            expected, present = lanes(groups)
        found = aggregated(text, block)
        for row, labels in enumerate(groups.labels):
            for step in range(STEPS):
                mine = found.get(labels, [None] * STEPS)[step]
                assert (mine is None) == (not present[row, step])
                if mine is None:
                    continue
                other = float(expected[row, step])
                # Two units in the last place, and what either way of compensating lets go of large numbers that cancel.
                slack = 2.0**-51 * abs(other) + 2.0**-96 * float(sizes[row, step])
                assert same(mine, other) or abs(mine - other) <= slack, (text, mine, other)


@settings(deadline=None)
@given(st.lists(st.sampled_from([1e16, -1e16, 1.0, 0.1, -3e-5]), min_size=1, max_size=40))
def test_what_rounding_loses_is_kept(values: list[float]) -> None:
    labels: list[Labels] = [(("n", f"{n:02}"),) for n in range(len(values))]
    block = Block(labels, np.array(values)[:, None], np.ones((len(values), 1), dtype=np.bool_))
    assert aggregated("sum(x)", block) == {(): [pytest.approx(math.fsum(values), rel=1e-15, abs=1e-14)]}


@settings(deadline=None)
@given(blocks(integers))
def test_sums_of_integers_are_exact(block: Block) -> None:
    found = aggregated("sum by (g) (x)", block)
    for labels, steps in by_hand(block).items():
        assert found[labels] == [sum(values) if values else None for values in steps]


@settings(deadline=None, max_examples=60)
@given(blocks(near | odd | st.sampled_from([1.0, 2.0])), st.integers(1, 5))
def test_the_best_of_all_steps_are_those_of_each_alone(block: Block, count: int) -> None:
    for op in ("topk", "bottomk"):
        found = aggregated(f"{op} by (g) ({count}, x)", block)
        for step in range(STEPS):
            alone = Block(block.labels, block.values[:, [step]], block.present[:, [step]])
            expr = parse(f"{op} by (g) ({count}, x)")
            assert isinstance(expr, ast.Aggregate)
            single = aggregation.aggregate(expr, Given(alone))
            kept = {labels for labels, values in found.items() if values[step] is not None}
            assert kept == set(single.labels)
