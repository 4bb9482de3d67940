"""`accelerapp restore`: make a data folder of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelerapp.cli.folder import DataDir, FolderError, chosen, held
from accelerapp.cli.stats import show


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="File that `accelerapp backup` wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Make a data folder of a backup, compare every file with its checksum, open it, and show what it holds.

    The folder must be empty or not there; where the backup is damaged, nothing is left in it.
    """
    from accelerapp.server.storage import BackupError
    from accelerapp.server.storage.backup import restore as write

    folder = chosen(data_dir)
    try:
        with source.open("rb") as file:
            write(file, folder)
        content = held(folder)
    except (BackupError, FolderError, OSError) as error:
        wrong = (
            f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        )
        typer.echo(f"accelerapp restore: {wrong}", err=True)
        raise typer.Exit(1) from None
    show(content)
