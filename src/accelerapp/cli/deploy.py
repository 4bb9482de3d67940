"""`accelerapp deploy`: write out the files of the stack, for who has the wheel and not the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accelerapp import __version__
from accelerapp.shipped import shipped


class Home(StrEnum):
    """Where the stack is to run."""

    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    HELM = "helm"


#: In the order in which they are applied.
MANIFESTS = (
    "prometheus/kubernetes-deployment.yaml",
    "grafana/kubernetes-deployment.yaml",
    "elk/elasticsearch.yaml",
    "elk/logstash.yaml",
    "elk/kibana.yaml",
    "jaeger/kubernetes-deployment.yaml",
    "otel/kubernetes-deployment.yaml",
)
_CHART = "helm/accelerapp-observability"
_ELSEWHERE = (
    "helm",
    "embedded",
    "tests",
    "prometheus/targets/kubernetes",
    "otel/otel-collector-kubernetes.yaml",
)
#: Builds the application's image of the release, where there is no source to build it from.
_DOCKERFILE = f"""\
FROM python:3.13-slim AS application
RUN pip install --no-cache-dir 'accelerapp[codegen,grpc]=={__version__}'
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin accelerapp
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ACCELERAPP_CODEGEN_HOST=0.0.0.0 ACCELERAPP_CODEGEN_PORT=8080
EXPOSE 8080
USER 10001
ENTRYPOINT ["accelerapp"]
CMD ["codegen", "serve"]
"""
_SOURCE = "\n# The application's image is built by the Dockerfile beside this file.\nACCELERAPP_SOURCE=.\n"
_SECRET = (
    "kubectl create namespace observability",
    "kubectl -n observability create secret generic observability --from-file=my-secrets/",
)
_SECRETS_TOLD = (
    "my-secrets/ is a folder of yours, with one file for each of secrets/laptop/: what is in those is public."
)


def deploy(
    home: Annotated[Home, typer.Argument(help="Where the stack is to run.")],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write into; made if it is not there.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there with other content.")
    ] = False,
) -> None:
    """Write out the files of the stack: for Docker Compose, for kubectl, or as a Helm chart.

    Writes all of them or, where a file with other content is in the way, none.
    """
    files = dict(contents(home))
    try:
        differing = [name for name, (content, _) in files.items() if _differs(folder / name, content)]
        if differing and not force:
            typer.echo(
                f"accelerapp deploy: {folder} has other files of these names; nothing was written:", err=True
            )
            for name in sorted(differing):
                typer.echo(f"  {name}", err=True)
            typer.echo("Name another folder, or replace them with --force.", err=True)
            raise typer.Exit(1)
        for name, (content, mode) in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
    except OSError as error:
        typer.echo(f"accelerapp deploy: {error.filename or folder}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{len(files)} files are in {folder}. Next:\n")
    for line in next_steps(home, folder):
        typer.echo(f"  {line}".rstrip())
    typer.echo("\nREADME.md there has the rest.")


def contents(home: Home) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Yield what a home consists of: the path in its folder, the content and the file's mode."""
    root = shipped("observability")
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        if not _belongs(home, name):
            continue
        content = path.read_bytes()
        if home is Home.COMPOSE and name == ".env":
            content += _SOURCE.encode()
        yield name, (content, 0o755 if content.startswith(b"#!") else 0o644)
    if home is Home.COMPOSE:
        yield "Dockerfile", (_DOCKERFILE.encode(), 0o644)


def next_steps(home: Home, folder: Path) -> Iterator[str]:
    """Yield the commands that start the stack."""
    yield f"cd {folder}"
    if home is Home.COMPOSE:
        yield "docker compose up -d"
        yield ""
        yield "The passwords of secrets/laptop/ are public and good for this machine alone."
        return
    yield from _SECRET
    if home is Home.KUBERNETES:
        for name in MANIFESTS:
            yield f"kubectl apply -f {name}"
    else:
        yield (
            f"helm install observability {_CHART} -n observability --set secrets.existingSecret=observability"
        )
    yield ""
    yield _SECRETS_TOLD


def _belongs(home: Home, name: str) -> bool:
    if name == "README.md" or name.startswith(("playbooks/", "secrets/laptop/")):
        return True
    if home is Home.KUBERNETES:
        return name in MANIFESTS
    if home is Home.HELM:
        return name.startswith(f"{_CHART}/")
    return name not in MANIFESTS and not any(
        name == part or name.startswith(f"{part}/") for part in _ELSEWHERE
    )


def _files(root: Path) -> Iterator[Path]:
    # In a checkout the chart's files are links to their neighbours.
    for folder, _, names in os.walk(root, followlinks=True):
        for name in sorted(names):
            yield Path(folder, name)


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != content)
