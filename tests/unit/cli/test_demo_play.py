"""How the demo plays its steps."""

from __future__ import annotations

import httpx
import pytest
from rich.console import Console

from accelerapp.cli.demo.screen import result_table
from accelerapp.cli.demo.story import Outcome, Seen, Step, play


def nothing() -> None:
    pass


def played(*steps: Step) -> list[Outcome]:
    return list(play(steps, nothing))[-1]


def test_a_step_is_looked_at_until_it_is_as_expected() -> None:
    looks = iter([Seen("0", False), Seen("1", True)])
    (outcome,) = played(Step("s", "1", lambda: next(looks), within=30))
    assert (outcome.passed, outcome.seen) == (True, "1")


def test_the_story_ends_at_the_first_step_that_is_not_seen_in_time() -> None:
    first = Step("first", "1", lambda: Seen("0", False), within=0)
    second = Step("second", "1", lambda: Seen("1", True), within=30)
    assert [o.passed for o in played(first, second)] == [False, None]


def test_a_step_acts_once_before_it_is_looked_at() -> None:
    acts: list[str] = []
    played(Step("s", "done", lambda: Seen("done", acts == ["act"]), 30, lambda: acts.append("act")))
    assert acts == ["act"]


def test_an_api_that_does_not_answer_is_not_what_was_expected() -> None:
    def look() -> Seen:
        raise httpx.ConnectError("refused")

    (outcome,) = played(Step("s", "1", look, within=0))
    assert outcome.passed is False
    assert "refused" in outcome.seen


def test_a_program_that_has_ended_ends_the_story() -> None:
    def check() -> None:
        raise RuntimeError("the observatory ended")

    with pytest.raises(RuntimeError, match="ended"):
        next(play([Step("s", "1", lambda: Seen("1", True), 30)], check))


def test_the_table_shows_what_was_seen_as_text_and_not_as_markup() -> None:
    console = Console(width=120, record=True)
    console.print(
        result_table([Outcome(Step("s", "e", lambda: Seen("", True), 1), "[red]odd[/red]", 1.25, True)])
    )
    assert "[red]odd[/red]" in console.export_text()
