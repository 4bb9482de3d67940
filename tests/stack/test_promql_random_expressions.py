"""Random expressions mean the same to our engine and to a real Prometheus, whatever they combine.

Left out, since there the two differ on purpose: calendar functions and logarithms of numbers that overflow or are
denormal (Prometheus gives what its processor makes of them), and `@` within an aggregation's parameter (which
Prometheus 3.16 takes for an offset).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pytest

from accelerapp.server.promql import Engine, Matrix, MemoryReader, PromQLError, parse
from accelerapp.server.signals import STALE_NAN, Labels, make_labels

SEED = 3
EXPRESSIONS = 800
START = 1_700_000_040
SCRAPE_MS = 15_000
TOLERANCE = 1e-12

WINDOW_FUNCTIONS = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
]
SELECTORS = [
    "hits_total", 'hits_total{job="a"}', 'hits_total{code=~"5.."}', "level", 'level{job!="a"}', "info", "moved", "gone",
    "took_bucket", '{job="b"}',
]  # fmt: skip


AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
FUNCTIONS = [
    "abs", "ceil", "floor", "round", "sqrt", "sgn", "timestamp", "absent", "atan", "tanh", "asinh", "deg", "rad",
    "sort", "vector(1) + +",
]  # fmt: skip


class Prometheus(Protocol):
    """The running server, as conftest.py gives it."""

    def write(self, series: Mapping[Labels, Sequence[tuple[int, float]]]) -> None: ...

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, object]: ...


def samples(dice: random.Random) -> dict[Labels, list[tuple[int, float]]]:
    """Make counters that restart, gauges with gaps and odd values, buckets, and series that follow each other."""
    data: dict[Labels, list[tuple[int, float]]] = {}
    stamps = [START * 1000 + k * SCRAPE_MS for k in range(200)]
    for job in "abc":
        for code in ("200", "404", "500"):
            total = 0.0
            points = data[make_labels({"__name__": "hits_total", "job": job, "code": code})] = []
            for stamp in stamps:
                total = 0.0 if dice.random() < 0.02 else total + dice.randrange(4)
                if dice.random() < 0.95:
                    points.append((stamp + dice.randrange(9000), total))
        odd = [20.0, 21.5, -3.25, 0.0, float("nan"), float("inf")]
        data[make_labels({"__name__": "level", "job": job})] = [
            (stamp, dice.choice(odd) if dice.random() < 0.1 else dice.gauss(20, 5)) for stamp in stamps
        ]
        data[make_labels({"__name__": "info", "job": job, "version": f"1.{job}"})] = [
            (s, 1.0) for s in stamps
        ]
        count = [0.0, 0.0, 0.0]
        for stamp in stamps:
            count[dice.randrange(3)] += 1
            for bound, number in (("0.1", count[0]), ("1", sum(count[:2])), ("+Inf", sum(count))):
                labels = make_labels({"__name__": "took_bucket", "job": job, "le": bound})
                data.setdefault(labels, []).append((stamp, number))
    first = [(stamp, 1.0 + k) for k, stamp in enumerate(stamps[:90])]
    data[make_labels({"__name__": "moved", "job": "a", "pod": "1"})] = [*first, (stamps[90], STALE_NAN)]
    data[make_labels({"__name__": "moved", "job": "a", "pod": "2"})] = [(stamp, 5.0) for stamp in stamps[92:]]
    data[make_labels({"__name__": "gone", "job": "b"})] = [(stamp, 2.0) for stamp in stamps[:40]]
    return dict(sorted(data.items()))


class Grammar:
    """Writes random expressions."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def vector(self, depth: int) -> str:
        forms = [
            lambda: self._pick(SELECTORS) + self._offset(),
            lambda: f"{self._pick(WINDOW_FUNCTIONS)}({self._window(depth - 1)})",
            lambda: f"quantile_over_time({self._scalar()}, {self._window(depth - 1)})",
            lambda: f"{self._pick(AGGREGATIONS)}{self._grouping()}({self.vector(depth - 1)})",
            lambda: (
                f"quantile{self._grouping()}({self._pick(['0', '1', '2', '0.4'])}, {self.vector(depth - 1)})"
            ),
            # Among equal values of a computed vector, the order of Go's maps decides in Prometheus.
            lambda: (
                f"{self._pick(['topk', 'bottomk'])}{self._grouping()}(2, {self._pick(SELECTORS)}{self._offset()})"
            ),
            lambda: f"({self.vector(depth - 1)} {self._operator()} {self._scalar()})",
            lambda: f"({self._scalar()} {self._operator()} {self.vector(depth - 1)})",
            lambda: self._matched(depth),
            lambda: self._matched(depth),
            lambda: f"{self._pick(FUNCTIONS)}({self.vector(depth - 1)})",
            lambda: f"clamp({self.vector(depth - 1)}, {self._scalar()}, {self._scalar()})",
            lambda: f"histogram_quantile({self._scalar()}, {self.vector(depth - 1)})",
            lambda: f'label_replace({self.vector(depth - 1)}, "job", "$1", "code", "(.).*")',
            lambda: f'label_join({self.vector(depth - 1)}, "both", "-", "job", "code")',
            lambda: f"predict_linear({self._window(depth - 1)}, {self._scalar()})",
            lambda: f"clamp_{self._pick(['min', 'max'])}({self.vector(depth - 1)}, {self._scalar()})",
            lambda: f"round({self.vector(depth - 1)}, {self._pick(['0.5', '3', '-2'])})",
            lambda: f'count_values{self._grouping()}("n", {self._pick(SELECTORS)} > 18)',
            lambda: (
                f"{self._pick(['rate', 'increase', 'delta'])}({self._pick(SELECTORS[:-2])}"
                f"[{self._pick(['20s', '1m', '5m'])}] {self._pick(['anchored', 'smoothed'])}{self._offset()})"
            ),
            lambda: f"{self._pick(SELECTORS[:-2])} smoothed{self._offset()}",
            lambda: f"vector(scalar({self.vector(depth - 1)}))",
            lambda: f"{self._pick(['-', '+'])}{self.vector(depth - 1)}",
        ]
        return forms[0]() if depth <= 0 else self._dice.choice(forms)()

    def _matched(self, depth: int) -> str:
        operator = self._pick(["+", "/", "%", "==", "!=", ">", "> bool", "atan2", "and", "or", "unless"])
        matching = self._pick(
            ["", " on (job)", " on ()", " ignoring (code)", " ignoring (code, version, pod)"]
        )
        if matching and operator not in ("and", "or", "unless"):
            matching += self._pick(
                ["", " group_left ()", " group_right ()", " group_left (version)", " group_right (pod)"]
            )
        return f"({self.vector(depth - 1)} {operator}{matching} {self.vector(depth - 1)})"

    def _window(self, depth: int) -> str:
        if depth > 0 and self._dice.random() < 0.3:
            return (
                f"({self.vector(depth)})[{self._pick(['2m', '95s'])}:{self._pick(['', '30s', '7s'])}]"
                + self._offset()
            )
        length = self._pick(["20s", "1m", "5m", "10m", "74s * 2", "max_of(range() / 50, step() * 3)"])
        return f"{self._pick(SELECTORS)}[{length}]" + self._offset()

    def _scalar(self) -> str:
        return self._pick(
            ["0", "1", "2.5", "-1", "NaN", "Inf", "0.5", "time()", "scalar(gone)", "(1 - 2 ^ 3)"]
        )

    def _operator(self) -> str:
        return self._pick(["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<=", "< bool", "atan2"])

    def _grouping(self) -> str:
        return self._pick(
            ["", " by (job)", " by (code, le)", " without (job)", " without ()", " by (__name__)"]
        )

    def _offset(self) -> str:
        if self._dice.random() > 0.15:
            return ""
        return self._pick(
            [
                " offset 1m",
                " offset -40s",
                " offset step()",
                " @ start()",
                " @ end()",
                f" @ {START + 900}.25 offset 10s",
            ]
        )

    def _pick(self, choices: Sequence[str]) -> str:
        return self._dice.choice(choices)


@pytest.mark.stack
def test_random_expressions_agree(running_prometheus: Prometheus) -> None:
    dice = random.Random(SEED)
    data, reader = samples(dice), MemoryReader()
    running_prometheus.write(data)
    for labels, points in data.items():
        reader.add(labels, [stamp for stamp, _ in points], [value for _, value in points])
    engine, grammar = Engine(reader), Grammar(dice)
    answered = 0
    for _ in range(EXPRESSIONS):
        expression = grammar.vector(dice.randrange(1, 4))
        answered += agree(engine, running_prometheus, expression)
    assert answered > EXPRESSIONS / 3, "too few of the expressions had an answer to compare"


def agree(engine: Engine, peer: Prometheus, expression: str) -> bool:
    """Compare one range query; tells whether both answered with series."""
    start, end, step = START + 700, START + 2000, 37
    answer = peer.get(
        "/api/v1/query_range", {"query": expression, "start": f"{start}", "end": f"{end}", "step": f"{step}"}
    )
    try:
        value: Matrix | PromQLError = engine.range(expression, start, end, step)
    except PromQLError as error:
        value = error
    if isinstance(value, PromQLError):
        assert answer["status"] == "error", f"{expression}: we refuse it ({value}), Prometheus does not"
        # Which of several duplicates is named depends on the order of Go's maps.
        refusal, _, _ = str(answer["error"]).partition(" for the match group")
        assert answer["errorType"] == "bad_data" or value.message.startswith(refusal), expression
        return False
    assert parse(str(parse(expression))) == parse(expression)
    data = answer.get("data")
    assert isinstance(data, dict), f"{expression}: Prometheus refuses it: {answer}"
    theirs = {make_labels(row["metric"]): row["values"] for row in data["result"]}
    ours = {series.labels: series for series in value.series}
    assert ours.keys() == theirs.keys(), expression
    # The variance of large numbers depends on the order of a computed vector, which is that of Go's maps.
    tolerance = 1e-5 if "stdvar" in expression or "stddev" in expression else TOLERANCE
    for labels, points in theirs.items():
        assert ours[labels].timestamps.tolist() == [round(stamp * 1000) for stamp, _ in points], expression
        expected = np.array([float(number) for _, number in points])
        np.testing.assert_allclose(
            ours[labels].values, expected, rtol=tolerance, atol=0, err_msg=f"{expression}: {labels}"
        )
    return bool(theirs)
