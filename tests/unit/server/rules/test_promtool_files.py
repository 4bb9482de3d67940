"""The test files that promtool runs, run by our engine and rules: both must agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accelerapp.server.oncall.rule_tests import Failure

ROOT = Path(__file__).parents[4]
FILES = [
    *sorted((ROOT / "deployment" / "observability" / "tests").glob("*.test.yml")),
    *sorted((ROOT / "tests" / "corpus" / "rules").glob("*.test.yml")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_passes(path: Path, promtool_file: Callable[[Path], list[Failure]]) -> None:
    assert promtool_file(path) == []


@pytest.mark.parametrize(
    ("part", "changed"),
    [("> 0.05", "> 0.03"), ("> 0.05", "> 0.6"), (">= 10", ">= 1"), ("for: 5m", "for: 1m"), ("[5m]", "[1m]")],
)
def test_the_shipped_tests_notice_a_changed_rule(
    part: str, changed: str, tmp_path: Path, promtool_file: Callable[[Path], list[Failure]]
) -> None:
    shipped = ROOT / "deployment" / "observability"
    rules = (shipped / "prometheus" / "alert-rules.yml").read_text()
    assert part in rules
    for folder in ("prometheus", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "prometheus" / "alert-rules.yml").write_text(rules.replace(part, changed))
    copy = tmp_path / "tests" / "high-error-rate.test.yml"
    copy.write_text((shipped / "tests" / copy.name).read_text())
    assert promtool_file(copy) != []
