"""Runs the queries of tests/corpus/logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.server.logs.conftest import CORPUS, NOW, Find

from accelerapp.server.logs import LogQueryError, compile_query, parse
from accelerapp.server.logs.parse import MAX_DEPTH


def cases(file: str) -> Iterator[tuple[str, str]]:
    """Give each query with what is said of it, which stands indented below."""
    lines = (CORPUS / file).read_text().splitlines()
    asked = ""
    for line in lines:
        if line.startswith("  "):
            yield asked, line.strip()
        elif line and not line.startswith("# "):
            asked = line


@pytest.mark.parametrize(("query", "want"), list(cases("queries.txt")))
def test_a_query_finds_these_lines(find: Find, lines: list[dict[str, Any]], query: str, want: str) -> None:
    every = [line["name"] for line in lines]
    kind, _, others = want.partition(" ")
    named = {"*": every, "∅": [], "not:": [one for one in every if one not in others.split()]}
    assert find("" if query == "␠" else query) == named.get(kind, want.split())


def test_groups_side_by_side_are_not_nested(find: Find) -> None:
    assert find(" or ".join(["(connection)"] * (MAX_DEPTH + 1))) == ["refused", "accepted"]


@pytest.mark.parametrize(("query", "want"), list(cases("refused.txt")))
def test_a_query_that_cannot_be_asked_is_refused_with_its_place(query: str, want: str) -> None:
    repeated = re.fullmatch(r"(\d+)×(.+)", query)
    text = int(repeated[1]) * repeated[2].replace("·", " ") if repeated else query
    with pytest.raises(LogQueryError) as refused:
        compile_query(parse(text), NOW)
    assert str(refused.value) == want
