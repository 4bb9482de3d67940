"""`accelerapp backup`: copy everything that an observatory holds, also while it runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from accelerapp.cli.folder import DataDir, FolderError, archived, existing


def backup(
    destination: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write, or a folder to write one into.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Copy metrics, traces, logs, alert state and silences to one file, also while the observatory runs.

    Everything that was acknowledged before the command began is in it. `accelerapp restore` reads it.
    """
    from accelerapp.server.storage import BackupError
    from accelerapp.server.storage.backup import save

    path = destination
    if destination.is_dir():
        path = destination / time.strftime("accelerapp-%Y%m%dT%H%M%SZ.tar", time.gmtime())
    try:
        if path.exists():
            raise FolderError(f"{path} is there already: name another file")
        with archived(existing(data_dir)) as parts:
            size = save(parts, path)
    except (FolderError, BackupError, OSError) as error:
        wrong = (
            f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        )
        typer.echo(f"accelerapp backup: {wrong}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{path} has it all, {size} bytes. `accelerapp restore {path} --data-dir DIR` brings it back.")
