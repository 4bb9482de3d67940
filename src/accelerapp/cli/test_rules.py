"""`accelerapp test-rules`: tests of rules in promtool's form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from accelerapp.server.oncall.rule_tests import Failure

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Files of tests, as for promtool test rules.")
]
Run = Annotated[
    list[str] | None,
    typer.Option(
        "--run", metavar="PATTERN", help="Only tests whose name the pattern matches; may be repeated."
    ),
]


def run_tests(files: Files, run: Run = None) -> None:
    """Run tests of rules, and show what is not as expected; the exit code is 1 then, as promtool's is.

    The files and what they say are those of `promtool test rules`; both agree.
    """
    from accelerapp.server.configfile import ConfigError
    from accelerapp.server.oncall.rule_tests import run_rule_tests

    wanted = _wanted(run)
    failed = False
    for path in files:
        typer.echo(f"Processing test file: {path}")
        failures = 0
        try:
            for failure in run_rule_tests(
                path, wanted, lambda text: typer.echo(f"  WARNING: {text}", err=True)
            ):
                failures += 1
                _show(failure)
        except ConfigError as error:
            failures += 1
            typer.echo(f"  {error}", err=True)
        typer.echo("  SUCCESS\n" if not failures else f"  FAILED: {failures}\n")
        failed = failed or bool(failures)
    if failed:
        raise typer.Exit(1)


def _wanted(patterns: list[str] | None) -> Callable[[str], object]:
    if not patterns:
        return lambda _: True
    try:
        return re.compile("|".join(patterns)).search
    except re.error as error:
        raise typer.BadParameter(
            f"{'|'.join(patterns)!r} is no pattern: {error}", param_hint="--run"
        ) from error


def _show(failure: Failure) -> None:
    typer.echo(f"    name: {failure.test}\n    {failure.where}", err=True)
    if failure.error:
        typer.echo(f"      {failure.error}\n", err=True)
        return
    # Expected lines begin with a minus, found ones with a plus, those of both with neither.
    for line in difflib.ndiff(failure.expected, failure.found):
        if not line.startswith("?"):
            typer.echo(f"      {line}", err=True)
    typer.echo("", err=True)
