"""The command's root: its version, and one module a command."""

from __future__ import annotations

from typing import Annotated

import typer

from accelerapp import __version__
from accelerapp.cli import backup, codegen, demo, deploy, doctor, restore, stats, test_rules, up

app = typer.Typer(
    name="accelerapp",
    help="Firmware from hardware specifications, and the observatory that shows what happens.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"accelerapp {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version_wanted: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Firmware from hardware specifications, and the observatory that shows what happens."""


app.command("up")(up.up)
app.command("stats")(stats.stats)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("demo")(demo.demo)
app.command("deploy")(deploy.deploy)
app.command("doctor")(doctor.doctor)
app.command("test-rules")(test_rules.run_tests)
app.add_typer(codegen.app, name="codegen")
