"""`accelerapp test-rules`: what it says of a file is what the file's name says, and promtool says the same of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from accelerapp.cli.command import app

VERDICTS = Path(__file__).parents[2] / "corpus" / "rules" / "verdicts"


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["test-rules", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("path", sorted(VERDICTS.glob("*.*.yml")), ids=lambda path: path.name)
def test_verdict(path: Path) -> None:
    code, said, errors = run(path)
    passes = path.name.endswith(".passes.yml")
    assert code == (0 if passes else 1), said + errors
    assert ("SUCCESS" if passes else "FAILED: ") in said


def test_what_was_expected_and_what_was_found_stand_side_by_side() -> None:
    _, _, errors = run(VERDICTS / "alert-annotation.fails.yml")
    assert "name: unnamed#0\n    alertname: Large, time: 3m\n" in errors
    assert '- {a="1", alertname="Large"} annotations {text="is 8"}' in errors
    assert '+ {a="1", alertname="Large"} annotations {text="is 9"}' in errors


def test_a_rule_that_fails_is_named_with_the_time() -> None:
    _, _, errors = run(VERDICTS / "rule-error.fails.yml")
    assert "name: many to many\n    rule: joined, time: 0s\n      " in errors
    assert "many-to-many" in errors


def test_a_rule_file_that_is_not_there_is_warned_of() -> None:
    assert "WARNING: no file matches" in run(VERDICTS / "nothing.passes.yml")[2]


def test_tests_are_chosen_by_their_names() -> None:
    path = VERDICTS / "alert-missing.fails.yml"
    assert run("--run", "something else", path)[0] == 0
    assert run("--run", "fires", "--run", "x", path)[0] == 1
    assert run("--run", "(", path)[0] == 2


def test_an_evaluation_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.yml"
    path.write_text(
        "evaluation_interval: 1ms\n"
        "tests: [{promql_expr_test: [{expr: vector(1), eval_time: 1y, exp_samples: []}]}]\n"
    )
    assert "more than 1000000 evaluations" in run(path)[2]
