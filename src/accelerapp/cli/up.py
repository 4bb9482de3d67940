"""`accelerapp up`: run the observatory."""

from __future__ import annotations

import asyncio
import difflib
import gc
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from accelerapp.server.config import ENVIRONMENT_PREFIX, Settings


def _receiver(what: str, port: int) -> Any:
    return typer.Option(
        help=f"Port that receives {what}; 0 takes a free one, off opens none.", show_default=str(port)
    )


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the page and the query APIs; 0 takes a free one.", show_default="9090"),
    ] = None,
    otlp_http_port: Annotated[str | None, _receiver("OTLP over HTTP", 4318)] = None,
    otlp_grpc_port: Annotated[str | None, _receiver("OTLP over gRPC", 4317)] = None,
    zipkin_port: Annotated[str | None, _receiver("Zipkin's spans", 9411)] = None,
    jaeger_port: Annotated[str | None, _receiver("Jaeger's spans, Thrift over HTTP", 14268)] = None,
    logstash_tcp_port: Annotated[str | None, _receiver("JSON log lines over TCP", 5000)] = None,
    logstash_http_port: Annotated[str | None, _receiver("JSON log lines over HTTP", 8080)] = None,
    beats_port: Annotated[str | None, _receiver("log lines of Beats", 5044)] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder for everything stored.", show_default="~/.local/share/accelerapp/observatory"
        ),
    ] = None,
    prometheus_file: Annotated[
        Path | None, typer.Option(help="What to scrape and which rules to evaluate, in Prometheus' form.")
    ] = None,
    alertmanager_file: Annotated[
        Path | None, typer.Option(help="Routes and receivers, in Alertmanager's form.")
    ] = None,
    overlay_file: Annotated[
        Path | None, typer.Option(help="Scrape jobs, receivers and routes merged into the two files above.")
    ] = None,
    targets_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of your own targets.", show_default="~/.config/accelerapp/targets.d"),
    ] = None,
    ollama_url: Annotated[
        str | None, typer.Option(help="URL of Ollama, to be probed.", show_default="none is")
    ] = None,
    time_factor: Annotated[
        float | None, typer.Option(help="Divide every time in rules, routes and scraping.", show_default="1")
    ] = None,
) -> None:
    """Receive, store, query, alert on and show metrics, traces and logs: one process, one folder.

    Every other setting is an environment variable, ACCELERAPP_<NAME>: docs/reference/settings.md lists them.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    # What is made until it is ready stays for good: looking for garbage among it only takes time, now and later.
    gc.disable()
    # Imported here: the other commands need neither wait for the server nor have it installed.
    from accelerapp.server.app import StartError

    try:
        settings = Settings(**given)
    except ValidationError as error:
        for problem in error.errors():
            typer.echo(f"accelerapp up: {_problem(problem)}", err=True)
        raise typer.Exit(2) from None
    for warning in _mistyped():
        typer.echo(f"warning: {warning}", err=True)
    try:
        asyncio.run(_run(settings))
    except StartError as error:
        typer.echo(f"accelerapp up: {error}", err=True)
        raise typer.Exit(1) from None


async def _run(settings: Settings) -> None:
    from accelerapp.server.app import Observatory

    observatory = Observatory(settings)
    await observatory.start()
    gc.freeze()
    gc.enable()
    receivers = [receiver for receiver in observatory.receivers() if receiver.address]
    what = "receives:" if receivers else "receives nothing: every receiver is off"
    typer.echo(f"The observatory shows {observatory.url} and {what}")
    for receiver in receivers:
        typer.echo(f"  {receiver.title} at {receiver.address}")
    for warning in observatory.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"Everything is kept in {settings.data_dir}. Ctrl-C stops it.")
    sys.stdout.flush()
    await observatory.run_until_signalled()
    await observatory.stop()


def _problem(problem: Any) -> str:
    """Say which setting is wrong, by its option where it has one, what it was given and what it takes."""
    field = str(problem["loc"][0])
    name = f"{ENVIRONMENT_PREFIX}{field.upper()}"
    if field in inspect.signature(up).parameters:
        name = f"--{field.replace('_', '-')} ({name})"
    extra = Settings.model_fields[field].json_schema_extra
    if isinstance(extra, dict):
        name += f", in {extra['unit']}"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}, not {str(problem['input'])!r}"


def _mistyped() -> Iterator[str]:
    """Give a warning for each variable that is no setting, but is named almost like one."""
    known = [f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known:
            for near in difflib.get_close_matches(name, known, n=1, cutoff=0.9):
                yield f"the environment variable {name} is no setting; did you mean {near}?"
