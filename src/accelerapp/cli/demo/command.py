"""The command: set the stage, play the story, end everything."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Annotated, NoReturn

import httpx
import typer
from rich.console import Console
from rich.live import Live

from accelerapp.cli.demo import screen
from accelerapp.cli.demo.observer import Observer
from accelerapp.cli.demo.ports import TakenPortError
from accelerapp.cli.demo.stage import Ports, Stage, StageError, set_up
from accelerapp.cli.demo.story import ALERTS, Outcome, play, story

_PAUSE_SECONDS = 60.0


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story once, print the table, end.")] = False,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = Ports.page,
    otlp_http_port: Annotated[
        int, typer.Option(help="Port that receives OTLP; 0 takes a free one.")
    ] = Ports.otlp_http,
    codegen_port: Annotated[
        int, typer.Option(help="Port of the code-generation service; 0 takes a free one.")
    ] = Ports.codegen,
    time_factor: Annotated[
        float,
        typer.Option(min=5, max=40, help="How much faster than written rules, routes and scraping run."),
    ] = 20.0,
) -> None:
    """Play a fault from healthy traffic to recovery on real telemetry, and check every step.

    Without a terminal, or with --once, the story is played once and the exit code tells whether all was seen.
    """
    interactive = sys.stdout.isatty() and not once
    # What is not a terminal has no width; rich's 80 columns would fold the table for nobody.
    console = Console() if sys.stdout.isatty() else Console(width=130)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)

    @contextlib.contextmanager
    def starting(what: str) -> Iterator[None]:
        with console.status(f"starting {what} …"):
            yield
        console.print(f"started {what}")

    try:
        with set_up(Ports(port, otlp_http_port, codegen_port), time_factor, starting) as stage:
            console.print(
                f"Open {stage.url} : Overview shows the traffic, Alerts the story, Traces each request."
            )
            if interactive:
                _play_on(console, stage)
            passed = _play_once(console, stage)
    except (StageError, TakenPortError) as error:
        console.print(f"accelerapp demo: {error}", markup=False, style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("Ended; everything that was started has stopped.")
        raise typer.Exit(0 if interactive else 130) from None
    raise typer.Exit(0 if passed else 1)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _play_once(console: Console, stage: Stage) -> bool:
    told: set[str] = set()
    outcomes: list[Outcome] = []
    for outcomes in play(story(stage.observer, stage.window), stage.check_programs):
        screen.progress(console, outcomes, told)
    console.print(screen.result_table(outcomes))
    failed = next((o for o in outcomes if not o.passed), None)
    if failed is not None:
        console.print(f"The first step that was not seen: {failed.step.name}", style="red", markup=False)
    return failed is None


def _play_on(console: Console, stage: Stage) -> NoReturn:
    while True:
        outcomes: list[Outcome] = []
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            for outcomes in play(story(stage.observer, stage.window), stage.check_programs):
                live.update(screen.live_view(stage.url, outcomes, *_now(stage.observer, stage.window)))
        console.print(screen.result_table(outcomes))
        if any(o.passed is False for o in outcomes):
            with contextlib.suppress(httpx.HTTPError):
                stage.observer.switch_fault(False)
        console.print(
            f"Traffic goes on at {stage.url}; the story starts again in a minute. Ctrl-C ends everything."
        )
        deadline = time.monotonic() + _PAUSE_SECONDS
        while time.monotonic() < deadline:
            stage.check_programs()
            time.sleep(0.5)


def _now(observer: Observer, window: float) -> tuple[dict[str, str], str]:
    """Return the alerts' states and a line of figures for the terminal; empty where they cannot be had now."""
    try:
        traffic, states = observer.traffic(window), observer.alert_states()
    except httpx.HTTPError:
        return {}, ""
    # Those of the story, and what else is not as it should be; Watchdog fires always.
    shown = {
        name: state
        for name, state in states.items()
        if name in ALERTS or (state != "inactive" and name != "Watchdog")
    }
    return shown, f"traffic  {traffic.rate:.1f} requests/s, {traffic.failing:.0%} errors" if traffic else ""
