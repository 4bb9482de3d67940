"""`accelerapp codegen …`: the code-generation service."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import ValidationError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The code-generation service.")


@app.callback()
def codegen() -> None:
    """The code-generation service."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.", show_default="8088")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="What writes the code: templates or ollama.", show_default="templates")
    ] = None,
    ollama_url: Annotated[
        str | None, typer.Option(help="Base URL of Ollama's HTTP API.", show_default="http://127.0.0.1:11434")
    ] = None,
    ollama_model: Annotated[
        str | None,
        typer.Option(help="Name of the model, as `ollama list` shows it. [default: qwen2.5-coder:7b]"),
    ] = None,
    fallback_to_templates: Annotated[
        bool | None,
        typer.Option(
            help="Answer from the templates when the model fails, in place of a 502.", show_default="off"
        ),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.", show_default="INFO")
    ] = None,
) -> None:
    """Serve POST /v1/generate, /health, /ready, /metrics and /docs until Ctrl-C.

    Each option, and each setting that is none, is also an environment variable ACCELERAPP_CODEGEN_….
    Telemetry goes where OTEL_EXPORTER_OTLP_ENDPOINT points, and nowhere without it.
    """
    # Imported here: the other commands need not wait for FastAPI.
    from accelerapp.codegen import CodegenSettings, PortError
    from accelerapp.codegen import serve as run

    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "backend": backend,
        "ollama_url": ollama_url,
        "ollama_model": ollama_model,
        "fallback_to_templates": fallback_to_templates,
        "log_level": log_level.upper() if log_level else None,
    }
    try:
        run(CodegenSettings(**{name: value for name, value in given.items() if value is not None}))
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            name = "_".join(str(part) for part in error["loc"])
            option = "--" + name.replace("_", "-")
            source = option if given.get(name) is not None else f"ACCELERAPP_CODEGEN_{name.upper()}"
            typer.echo(f"error: {source}: {error['msg']}", err=True)
        raise typer.Exit(2) from exc
    except (PortError, ValueError) as exc:
        typer.echo(f"error: {exc.strerror if isinstance(exc, OSError) else exc}", err=True)
        raise typer.Exit(1) from exc
