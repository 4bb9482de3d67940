"""Runs the cases of tests/corpus/promql/*.test.

load 15s                            series in the notation of rule tests, one sample every 15 s from time 0
  up{job="api"} 1x20
clear                               forget all samples
eval instant at 5m EXPR             the series expected, in any order; a number alone for a scalar
  {job="api"} 1
eval_ordered instant at 5m EXPR     the same, in this order
eval range from 0 to 5m step 1m EXPR
  {job="api"} 1 1 _ 1x2             values of the steps, `_` where there is none
eval_fail instant at 5m EXPR        the query is refused with exactly this message
  the message
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from accelerapp.server.promql import (
    Engine,
    Matrix,
    MemoryReader,
    PromQLError,
    Scalar,
    String,
    Vector,
    parse_series,
    parse_values,
)
from accelerapp.server.signals import Labels
from accelerapp.server.times import parse_duration

CORPUS = Path(__file__).parents[3] / "corpus" / "promql"
_EVAL = re.compile(
    r"(?P<kind>eval|eval_ordered|eval_fail) (?:instant at (?P<at>\S+)"
    r"|range from (?P<start>\S+) to (?P<end>\S+) step (?P<step>\S+)) (?P<expr>.+)"
)
TOLERANCE = 1e-9

Row = tuple[Labels, list[float | None]]


@dataclass
class Case:
    """One evaluation and what it is to give, over everything loaded before it."""

    file: str
    line: int
    command: re.Match[str]
    reader: MemoryReader
    expected: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.command['expr']}"


def read_cases(path: Path) -> Iterator[Case]:
    reader, case, step_ms = MemoryReader(), None, 0
    loads: list[tuple[int, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if line[0].isspace():
            if case is None:
                load(reader, step_ms, text)
                loads.append((step_ms, text))
            else:
                case.expected.append(text)
            continue
        if case is not None:
            yield case
            case = None
        if text == "clear":
            loads.clear()
            reader = MemoryReader()
        elif text.startswith("load "):
            reader = MemoryReader()
            for earlier_ms, series in loads:  # a new reader, since cases before this line keep theirs
                load(reader, earlier_ms, series)
            step_ms = round(parse_duration(text.removeprefix("load ")) * 1000)
        else:
            command = _EVAL.fullmatch(text)
            assert command is not None, f"{path.name}:{number}: not a command: {text}"
            case = Case(path.name, number, command, reader)
    if case is not None:
        yield case


def load(reader: MemoryReader, step_ms: int, text: str) -> None:
    labels, values = parse_series(text)
    points = [(k * step_ms, value) for k, value in enumerate(values) if value is not None]
    reader.add(labels, [stamp for stamp, _ in points], [value for _, value in points])


CASES = [case for path in sorted(CORPUS.glob("*.test")) for case in read_cases(path)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case) -> None:
    engine, command = Engine(case.reader), case.command
    if command["kind"] == "eval_fail":
        with pytest.raises(PromQLError) as caught:
            evaluate(engine, command)
        assert caught.value.message == " ".join(case.expected)
        return
    value = evaluate(engine, command)
    match value:
        case String():
            assert [value.value] == case.expected
        case Scalar():
            assert_close([value.value], parse_values(case.expected[0]))
        case Vector():
            found = [
                (labels, [number]) for labels, number in zip(value.labels, value.values.tolist(), strict=True)
            ]
            assert_series(found, case.expected, ordered=command["kind"] == "eval_ordered")
        case Matrix():
            assert_series(spread(value, command), case.expected, ordered=False)


def evaluate(engine: Engine, command: re.Match[str]) -> Scalar | String | Vector | Matrix:
    if command["at"]:
        return engine.instant(command["expr"], parse_duration(command["at"]))
    return engine.range(
        command["expr"], *(parse_duration(command[name]) for name in ("start", "end", "step"))
    )


def spread(matrix: Matrix, command: re.Match[str]) -> list[Row]:
    """Put each series' samples on the query's steps, None where there is none."""
    if command["at"]:
        return [(series.labels, list(series.values.tolist())) for series in matrix.series]
    start, end, step = (round(parse_duration(command[name]) * 1000) for name in ("start", "end", "step"))
    rows: list[Row] = []
    for series in matrix.series:
        points = dict(zip(series.timestamps.tolist(), series.values.tolist(), strict=True))
        rows.append((series.labels, [points.pop(at, None) for at in range(start, end + 1, step)]))
        assert not points, f"samples between the steps: {points}"
    return rows


def assert_series(found: list[Row], expected: list[str], *, ordered: bool) -> None:
    wanted: list[Row] = [parse_series(line) for line in expected]
    if not ordered:
        found, wanted = sorted(found, key=lambda row: row[0]), sorted(wanted, key=lambda row: row[0])
    assert [labels for labels, _ in found] == [labels for labels, _ in wanted]
    for (_, values), (_, numbers) in zip(found, wanted, strict=True):
        assert_close(values, numbers)


def assert_close(found: list[float | None], expected: list[float | None]) -> None:
    # Trailing gaps need not be written.
    padded = expected + [None] * (len(found) - len(expected))
    assert [value is None for value in found] == [value is None for value in padded]
    actual, desired = (
        np.array([math.nan if value is None else value for value in row]) for row in (found, padded)
    )
    np.testing.assert_allclose(actual, desired, rtol=TOLERANCE, atol=0)
