"""What matchers say and where label sets go, by tables that a real amtool is held against as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from accelerapp.server.alerting import load_alertmanager
from accelerapp.server.alerting.matchers import Matchers, parse_matchers
from accelerapp.server.quoting import quote, unquote
from accelerapp.server.signals import Matcher, MatchType

TABLES = Path(__file__).parents[3] / "corpus" / "routing" / "tables"
MATCHERS: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(TABLES / "matchers.yml")
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(TABLES / "receivers.yml")


@pytest.mark.parametrize("row", MATCHERS, ids=[repr(row["text"]) for row in MATCHERS])
def test_what_a_text_says(row: dict[str, Any]) -> None:
    if row["says"] is None:
        with pytest.raises(ValueError, match=r"matcher|brace|separate|escape|quotes|UTF-8|RE2|line break"):
            parse_matchers(row["text"])
    else:
        assert str(Matchers.of(parse_matchers(row["text"]))) == row["says"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_where_label_sets_go(case: dict[str, Any], tmp_path: Path) -> None:
    names = sorted({"default", *(name for row in case["goes"] for name in row["to"]), "never", "five"})
    path = tmp_path / "alertmanager.yml"
    config = {"route": case["route"], "receivers": [{"name": name} for name in names]}
    path.write_text(json.dumps(config), encoding="utf-8")
    route = load_alertmanager(path).route
    for row in case["goes"]:
        assert [taken.receiver for taken in route.match(row["labels"])] == row["to"], row["labels"]


@given(st.text())
def test_what_is_quoted_reads_back(text: str) -> None:
    assert unquote(quote(text)) == text


@given(
    st.lists(
        st.builds(
            Matcher,
            st.text(alphabet=st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=1),
            st.sampled_from([MatchType.EQUAL, MatchType.NOT_EQUAL]),
            st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        )
    )
)
def test_matchers_with_quoted_names_read_back_as_they_are_written(matchers: list[Matcher]) -> None:
    # With one name that needs UTF-8, all are read by its rules.
    reserved = [Matcher(f"{m.name} x", m.type, m.value) for m in matchers]
    written = Matchers.of(reserved)
    assert Matchers.of(parse_matchers(str(written))) == written
