"""The command's root: its version, and one module a command, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core

from accelerapp import __version__

#: Where each command is: its module below `accelerapp.cli`, and the function or group in it.
_COMMANDS = {
    "up": ("up", "up"),
    "stats": ("stats", "stats"),
    "backup": ("backup", "backup"),
    "restore": ("restore", "restore"),
    "demo": ("demo", "demo"),
    "deploy": ("deploy", "deploy"),
    "doctor": ("doctor", "doctor"),
    "test-rules": ("test_rules", "run_tests"),
    "codegen": ("codegen", "app"),
}


class _Commands(Mapping[str, Any]):
    """The commands by name: one does not wait for what another imports."""

    def __getitem__(self, name: str) -> Any:
        module, member = _COMMANDS[name]
        found = getattr(import_module(f"accelerapp.cli.{module}"), member)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command(name)(found)
            found = alone
        made = typer.main.get_command(found)
        made.name = name
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Group(typer.core.TyperGroup):
    """Finds its commands in `_COMMANDS`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands = _Commands()  # type: ignore[assignment]


app = typer.Typer(
    name="accelerapp",
    cls=_Group,
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
