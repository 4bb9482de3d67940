"""How the story looks in a terminal, and the one table at its end."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from accelerapp.cli.demo.story import Outcome

_ALERT_STYLE = {"inactive": "green", "pending": "yellow", "firing": "bold red"}


def result_table(outcomes: Sequence[Outcome]) -> Table:
    """Return the table that the demo ends with: step, expected, seen, seconds."""
    table = Table(
        "", "step", "expected", "seen", title="What was expected and what was seen", title_justify="left"
    )
    table.add_column("seconds", justify="right")
    for outcome in outcomes:
        mark = {True: Text("✓", "green"), False: Text("✗", "bold red"), None: Text("–", "dim")}[
            outcome.passed
        ]
        seconds = "" if outcome.passed is None else f"{outcome.seconds:.1f}"
        table.add_row(
            mark, outcome.step.name, outcome.step.expected, Text(outcome.seen or "not reached"), seconds
        )
    return table


def live_view(
    url: str, outcomes: Sequence[Outcome], states: Mapping[str, str], figures: str
) -> RenderableType:
    """Return what the terminal shows while the story plays."""
    current = next((o for o in outcomes if o.passed is None), None)
    steps = Table.grid(padding=(0, 2))
    for outcome in outcomes:
        seen = textwrap.shorten(outcome.seen, 70, placeholder=" …")
        steps.add_row(_mark(outcome, current), Text(outcome.step.name), Text(seen, "dim"))
    alerts = Text("alerts   ")
    for name, state in sorted(states.items()):
        alerts.append(f"{name} ").append(f"{state}   ", _ALERT_STYLE.get(state, ""))
    head = Text.assemble("Open ", (url, "bold cyan"), " and watch: ", _advice(current))
    return Panel(Group(head, Text(), steps, Text(), alerts, Text(figures, "dim")), title="accelerapp demo")


def _mark(outcome: Outcome, current: Outcome | None) -> RenderableType:
    if outcome is current:
        return Spinner("dots", style="cyan")
    return {True: Text("✓", "green"), False: Text("✗", "bold red"), None: Text("·", "dim")}[outcome.passed]


def _advice(current: Outcome | None) -> str:
    """Say what is worth looking at on the page now."""
    name = current.step.name if current else ""
    if "fire" in name or "notified" in name or "pending" in name or "resolve" in name:
        return "Alerts, where the graph crosses its threshold"
    if name in {"traces arrive", "logs arrive", "cause visible"}:
        return "Traces, where one request and its lines lie open"
    return "Overview, where the rates move"


def progress(console: Console, outcomes: Iterable[Outcome], told: set[str]) -> None:
    """Print a line for each step decided since the last call; for output that is not a terminal."""
    for outcome in outcomes:
        if outcome.passed is not None and outcome.step.name not in told:
            told.add(outcome.step.name)
            verdict = "ok" if outcome.passed else "NOT SEEN"
            console.print(
                f"{verdict:>8}  {outcome.step.name}: {outcome.seen} ({outcome.seconds:.1f} s)", markup=False
            )
