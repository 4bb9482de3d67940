"""`accelerapp stats`: what an observatory holds, whether it runs or not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from accelerapp.cli.folder import DataDir, FolderError, existing, held

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_OFFENDERS = 5
_WIDTH = 110  # of the table, which is of no use with its figures cut


def stats(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Show what is held of each signal, how much it takes, what may stay, which limits bite, and what is damaged.

    Asks the observatory where one runs on the folder, and opens the folder otherwise. Counters are since the start.
    """
    try:
        content = held(existing(data_dir))
    except FolderError as error:
        typer.echo(f"accelerapp stats: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(content, indent=2))
    else:
        show(content)


def show(content: Mapping[str, Any]) -> None:
    """Print what a folder holds as a table, and what else is to be known in lines below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if console.width < _WIDTH:
        console = Console(highlight=False, width=_WIDTH)
    table = Table(title=content["folder"], title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("Signal", no_wrap=True)
    for heading in ("Items", "Unsealed", "Segments", "Size", "Bytes/item", "Oldest", "Newest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in content["signals"]:
        sealed = one["items"] - one["unsealed"]
        table.add_row(
            one["signal"],
            f"{one['items']:,}",
            f"{one['unsealed']:,}",
            f"{one['segments']:,}",
            _size(one["bytes"]),
            f"{one['bytes'] / sealed:.1f}" if sealed else "",
            _time(one["oldest_ms"]),
            _time(one["newest_ms"]),
        )
    console.print(table)
    for line in _lines(content):
        console.print(line, markup=False, soft_wrap=True)


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    counters = content["counters"]
    used = (
        content["journal_bytes"] + content["damaged_bytes"] + sum(one["bytes"] for one in content["signals"])
    )
    age, most = content["retention_seconds"], content["retention_bytes"]
    kept = " and ".join(
        part for part in (f"{age / 86400:g} days" if age else "", _size(most) if most else "") if part
    )
    yield f"Kept: {_size(used)}, of it {_size(content['journal_bytes'])} journal."
    if kept:
        yield f"Retention: {kept}."
    yield f"Series: {counters['series']:,} of at most {counters['series_limit']:,}."
    refused = counters["series_limit_offenders"]
    for name, count in sorted(refused.items(), key=lambda one: -one[1])[:_OFFENDERS]:
        yield f"  {name}: {count:,} samples of new series refused at that limit"
    if counters["requests_refused"]:
        yield f"Requests refused because a queue or the disk was full: {counters['requests_refused']:,}."
    damaged = {
        "files set aside": content["damaged_files"],
        "journal records": counters["damaged_journal_records"],
        "spans": counters["damaged_spans"],
        "log records": counters["damaged_logs"],
        "samples": counters["damaged_samples"],
    }
    found = ", ".join(f"{what} {count:,}" for what, count in damaged.items() if count)
    yield f"Damaged: {found or 'nothing'}."


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def _time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms"
