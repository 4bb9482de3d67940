"""`accelerapp deploy`: write out the files of the stack, for who has the wheel and not the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accelerapp import __version__
from accelerapp.cli.links import relinked, targets
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
#: Where the files are in the repository, by which their links are.
_HERE = "deployment/observability/"
#: What of the rest of the repository is written too, where a page that is written links to it.
_BESIDE = ("docs/howto", "docs/reference", "examples/kubernetes")
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

    The pages that its README.md links to are in docs/ and examples/ there; what is not written is no link.
    Writes all of it or, where a file with other content is in the way, none.
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
    sources = {_HERE + path.relative_to(root).as_posix(): path for path in _files(root)}
    sources = {name: path for name, path in sources.items() if _belongs(home, name.removeprefix(_HERE))}
    sources |= _linked(sources)
    places = {name: name.removeprefix(_HERE) for name in sources}
    for source, path in sources.items():
        name, content = places[source], path.read_bytes()
        if name.endswith(".md"):
            content = relinked(content.decode(), source, places).encode()
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


def _linked(written: Mapping[str, Path]) -> dict[str, Path]:
    """Return which of the files beside are linked to by what is written, or by one another; all by their paths."""
    beside = {
        f"{folder}/{path.name}": path
        for folder in _BESIDE
        for path in sorted(shipped(folder.partition("/")[0]).joinpath(folder.partition("/")[2]).iterdir())
    }
    found: dict[str, Path] = {}
    pages = [name for name in written if name.endswith(".md")]
    while pages:
        page = pages.pop()
        text = {**written, **found}[page].read_text(encoding="utf-8")
        new = {name: beside[name] for name in targets(text, page) if name in beside and name not in found}
        found |= new
        pages += [name for name in new if name.endswith(".md")]
    return found


def _files(root: Path) -> Iterator[Path]:
    # In a checkout the chart's files are links to their neighbours.
    for folder, _, names in os.walk(root, followlinks=True):
        for name in sorted(names):
            yield Path(folder, name)


def _differs(path: Path, content: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != content)
