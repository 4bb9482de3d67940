"""What patterns lines are of, and that the condition of a pattern finds its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
import re2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.server.logs.conftest import CORPUS

from accelerapp.server.logs import compile_pattern, mine
from accelerapp.server.logs.drain import Drain, masked
from accelerapp.server.signals import LogRecord


def record(body: str, at: int = 0, level: str = "INFO") -> LogRecord:
    return LogRecord(time_ns=at, level=level, severity_number=9, service="shop", body=body, id=at)


def never() -> bool:
    return False


def cases(file: Path) -> list[tuple[list[str], list[str]]]:
    """Read blocks of bodies and the patterns below them; only these are indented by two spaces and a number."""
    found: list[tuple[list[str], list[str]]] = []
    bodies: list[str] = []
    patterns: list[str] = []
    for line in [*file.read_text().splitlines(), ""]:
        if line.startswith("# "):
            continue
        if line[:2] == "  " and line[2:3].isdigit():
            patterns.append(line.strip())
        elif line:
            bodies.append(line.replace("↵", "\n"))
        elif bodies:
            found.append((bodies, patterns))
            bodies, patterns = [], []
    return found


@pytest.mark.parametrize(("bodies", "want"), cases(CORPUS / "patterns.txt"), ids=lambda one: one[0])
def test_lines_are_of_these_patterns(bodies: list[str], want: list[str]) -> None:
    mined = mine([record(body) for body in bodies], [], (0, 10), never)
    assert [f"{one.lines} {one.text}" for one in mined.patterns] == want


def matches(pattern: str, body: str) -> bool:
    """Tell what the condition of a pattern says of a body; its last parameter is the expression."""
    *words, expression = compile_pattern(pattern).parameters
    return all(word in body.lower() for word in words) and (re2.fullmatch(expression, body) is not None)


words = st.sampled_from(
    [
        "a",
        "GET",
        "/x",
        "1",
        "-2.5",
        "7ms",
        "c3",
        "10.0.0.1",
        "<num>",
        "<*>",
        "<rest>",
        "a.b",
        "(",
        "\\d",
        "é",
        "\u00a0",
        "deadbeef01",
        "0x1f",
        "2026-11-26",
        "10:00:00",
        "2026-11-26T10:00:00Z",
        "x=1,y=2",
        "",
        "1.2.3.4.5",
        "%",
    ]
)
bodies = st.lists(words, max_size=8).flatmap(
    lambda found: st.sampled_from([" ", "\t", "  ", "\n"]).map(lambda space: space.join(found))
)


@given(st.lists(bodies, max_size=12))
def test_every_line_meets_the_condition_of_its_pattern(found: list[str]) -> None:
    drain = Drain()
    groups = [drain.add(masked(body)) for body in found]
    for body, group in zip(found, groups, strict=True):
        assert matches(str(group), body), (str(group), body)


@given(bodies, st.integers(0, 600))
def test_a_line_that_is_cut_meets_the_condition_of_its_pattern(body: str, repeated: int) -> None:
    long = f"{body} " * repeated
    assert matches(str(Drain().add(masked(long))), long)


def test_a_condition_does_not_find_other_lines() -> None:
    assert matches("took <num> ms", "took 5 ms")
    for other in ("took five ms", "took 5 ms more", "it took 5 ms", "took 5 ms\nmore", "took5ms"):
        assert not matches("took <num> ms", other)


def test_lines_are_counted_by_level_service_and_time() -> None:
    lines = [record(f"took {at} ms", at, "ERROR" if at == 29 else "INFO") for at in range(0, 30, 1)]
    (pattern,) = mine(lines, [], (0, 29), never).patterns
    assert (pattern.levels, pattern.services) == ({"INFO": 29, "ERROR": 1}, {"shop": 30})
    assert pattern.counts == [1] * 30


def test_what_lines_of_the_time_before_have_is_known() -> None:
    lines = [record("disk full"), record("took 5 ms to read")]
    mined = mine(lines, [record("took 6 ms to read"), record("other")], (0, 1), never)
    assert {one.text: one.known for one in mined.patterns} == {
        "disk full": False,
        "took <num> ms to read": True,
    }
    assert mined.earlier == 2


def test_no_more_lines_are_looked_at_once_the_time_is_over() -> None:
    mined = mine([record("x")] * 1000, [record("x")] * 1000, (0, 1), lambda: True)
    assert (mined.lines, mined.earlier, mined.patterns[0].lines) == (256, 256, 256)


def test_many_lines_without_a_word_in_common_make_a_bounded_number_of_groups() -> None:
    mined = mine([record(f"w{chr(97 + n % 26)}x{n}q same{n}y") for n in range(2000)], [], (0, 1), never)
    assert mined.lines == sum(one.lines for one in mined.patterns) == 2000
    assert len(mined.patterns) <= 101
