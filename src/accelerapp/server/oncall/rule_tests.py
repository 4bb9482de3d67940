"""Tests of rules in promtool's form, run by the observatory's own engine and rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accelerapp.server.configfile import ConfigError, expand_globs, load
from accelerapp.server.oncall.rule_test_file import AlertTest, ExprTest, TestFile, TestGroup
from accelerapp.server.promql import (
    Engine,
    MemoryReader,
    PromQLError,
    Scalar,
    Vector,
    format_value,
    parse_metric,
    parse_series,
)
from accelerapp.server.rules import Group, RuleManager, load_rule_files
from accelerapp.server.signals import METRIC_NAME, Labels, make_labels
from accelerapp.server.storage.state import MEMORY, State
from accelerapp.server.times import format_duration

#: Evaluations that one test may ask for.
MAX_EVALUATIONS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not as it should be: where, what was expected and what was found, one line each."""

    test: str
    where: str
    expected: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    error: str = ""


def run_rule_tests(
    path: Path,
    wanted: Callable[[str], object] = lambda _: True,
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[Failure]:
    """Run the tests of a file whose names `wanted` accepts, and yield what fails.

    `warn` is told of rule files that are not there, which promtool passes over too. Raises ConfigError where the file
    or one of its rule files cannot be read.
    """
    file = load(path, TestFile)
    if len(set(file.group_eval_order)) < len(file.group_eval_order):
        yield Failure("", "group_eval_order", error="a group is named twice; remove one")
        return
    found = []
    for pattern in file.rule_files:
        matching = [each for each in expand_globs([pattern]) if each.exists()]
        found += matching
        if not matching:
            warn(f"no file matches {pattern}")
    groups = load_rule_files(found, default_interval_seconds=file.evaluation_interval)
    places = {name: place for place, name in enumerate(file.group_eval_order)}
    # As in promtool, groups that are not named come before those that are not first.
    groups.sort(key=lambda group: places.get(group.name, 0))
    for number, test in enumerate(file.tests):
        name = test.name or f"unnamed#{number}"
        if wanted(name):
            yield from _Run(name, test, file, groups).failures()


class _Run:
    """One test: its series in memory, its rules evaluated at every interval, and its expectations."""

    def __init__(self, name: str, test: TestGroup, file: TestFile, groups: Sequence[Group]) -> None:
        self._name = name
        self._test = test
        self._interval = file.evaluation_interval
        self._fuzzy = file.fuzzy_compare
        self._groups = groups
        self._start = test.start_timestamp
        self._reader = MemoryReader()
        self._engine = Engine(self._reader, subquery_step_seconds=self._interval)

    def failures(self) -> Iterator[Failure]:
        try:
            self._load()
        except PromQLError as error:
            yield Failure(self._name, "input_series", error=error.message)
            return
        state = State(Path(MEMORY))
        try:
            rules = RuleManager(
                self._groups,
                self._engine,
                self._write,
                lambda alerts: None,
                state,
                lambda: self._start,
                external_url=self._test.external_url,
                external_labels=self._test.external_labels,
            )
            broken = False
            for failure in self._evaluate(rules):
                broken = broken or bool(failure.error)
                yield failure
        finally:
            state.close()
        if not broken:
            for test in self._test.promql_expr_test:
                yield from self._compare_samples(test)

    def _load(self) -> None:
        step = self._test.interval or self._interval
        for series in self._test.input_series:
            labels, values = parse_series(f"{series.series} {series.values}")
            given = [
                (round((self._start + index * step) * 1000), value)
                for index, value in enumerate(values)
                if value is not None
            ]
            self._reader.add(labels, [at for at, _ in given], [value for _, value in given])

    def _write(self, samples: Sequence[tuple[Labels, int, float]]) -> None:
        for labels, at, value in samples:
            self._reader.add(labels, [at], [value])

    def _evaluate(self, rules: RuleManager) -> Iterator[Failure]:
        """Evaluate from the start to the last expectation, and compare alerts on the way."""
        tests = sorted(self._test.alert_rule_test, key=lambda test: test.eval_time)
        times = [test.eval_time for test in tests] + [test.eval_time for test in self._test.promql_expr_test]
        ends = max(times, default=0.0)
        count = math.floor(ends / self._interval + 1e-9) + 1 if self._interval > 0 else MAX_EVALUATIONS + 1
        if count > MAX_EVALUATIONS:
            error = (
                f"more than {MAX_EVALUATIONS} evaluations; lengthen evaluation_interval or shorten eval_time"
            )
            yield Failure(self._name, "eval_time", error=error)
            return
        for number in range(count):
            elapsed = number * self._interval
            for group in self._groups:
                rules.evaluate(group, self._start + elapsed)
            errors = [rule for group in rules.groups() for rule in group.rules if rule.last_error]
            for rule in errors:
                where = f"rule: {rule.rule.name}, time: {format_duration(elapsed)}"
                yield Failure(self._name, where, error=rule.last_error)
            if errors:
                return
            while tests and tests[0].eval_time < elapsed + self._interval:
                yield from self._compare_alerts(rules, tests.pop(0))

    def _compare_alerts(self, rules: RuleManager, test: AlertTest) -> Iterator[Failure]:
        found = [
            _alert_line(alert.labels, alert.annotations)
            for group in rules.groups()
            for rule in group.rules
            if rule.rule.alerting and rule.rule.name == test.alertname
            for alert in rule.alerts
            if alert.state == "firing"
        ]
        expected = [
            _alert_line(
                make_labels({**alert.exp_labels, "alertname": test.alertname}),
                make_labels(alert.exp_annotations),
            )
            for alert in test.exp_alerts
        ]
        if sorted(found) != sorted(expected):
            where = f"alertname: {test.alertname}, time: {format_duration(test.eval_time)}"
            yield Failure(self._name, where, tuple(sorted(expected)), tuple(sorted(found)))

    def _compare_samples(self, test: ExprTest) -> Iterator[Failure]:
        where = f"expr: {test.expr.strip()}, time: {format_duration(test.eval_time)}"
        try:
            result = self._engine.instant(test.expr, self._start + test.eval_time)
            expected = sorted((parse_metric(sample.labels), sample.value) for sample in test.exp_samples)
        except PromQLError as error:
            yield Failure(self._name, where, error=error.message)
            return
        found: list[tuple[Labels, float]]
        if isinstance(result, Scalar):
            found = [((), result.value)]
        elif isinstance(result, Vector) and not result.histograms:
            found = sorted(zip(result.labels, map(float, result.values), strict=True))
        else:
            kind = "native histograms" if isinstance(result, Vector) else "neither a vector nor a scalar"
            yield Failure(
                self._name, where, error=f"the expression gives {kind}, which are not compared here"
            )
            return
        same = [labels for labels, _ in found] == [labels for labels, _ in expected] and all(
            self._equal(one, other) for (_, one), (_, other) in zip(found, expected, strict=True)
        )
        if not same:
            lines = [tuple(_sample_line(*sample) for sample in side) for side in (expected, found)]
            yield Failure(self._name, where, lines[0], lines[1])

    def _equal(self, one: float, other: float) -> bool:
        if one == other:
            return True
        return self._fuzzy and other in (math.nextafter(one, math.inf), math.nextafter(one, -math.inf))


def _alert_line(labels: Labels, annotations: Labels) -> str:
    shown = tuple((name, value) for name, value in annotations if value)
    return f"{_braces(labels)} annotations {_braces(shown)}"


def _sample_line(labels: Labels, value: float) -> str:
    name = dict(labels).get(METRIC_NAME, "")
    rest = tuple(pair for pair in labels if pair[0] != METRIC_NAME)
    return f"{name}{_braces(rest) if rest or not name else ''} {format_value(value)}"


def _braces(labels: Labels) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels)
    return "{" + ", ".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


__all__ = ["ConfigError", "Failure", "run_rule_tests"]
