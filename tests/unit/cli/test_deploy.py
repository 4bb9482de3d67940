"""`accelerapp deploy` writes out a folder that stands by itself, and writes over nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from accelerapp.cli.command import app

COMMITTED = Path(__file__).parents[3] / "deployment" / "observability"


def deploy(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["deploy", *map(str, arguments)])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_compose_has_every_file_that_its_services_mount_and_build_from(tmp_path: Path) -> None:
    assert deploy("compose", tmp_path).exit_code == 0
    compose = YAML(typ="safe").load(tmp_path / "docker-compose.yml")
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            for backend in ("templates", "ollama"):
                filled = volume.replace("${ACCELERAPP_CODEGEN_BACKEND:-templates}", backend)
                source = filled.partition(":")[0]
                assert not source.startswith("./") or (tmp_path / source).exists(), source
    for secret in compose["secrets"]:
        assert (tmp_path / "secrets" / "laptop" / secret).is_file()
    # The build's context is the folder itself, and the target is in its Dockerfile.
    assert "\nACCELERAPP_SOURCE=.\n" in (tmp_path / ".env").read_text()
    assert " AS application\n" in (tmp_path / "Dockerfile").read_text()
    assert os.access(tmp_path / "elk" / "setup", os.X_OK)


def test_what_is_written_is_what_is_committed(tmp_path: Path) -> None:
    assert deploy("compose", tmp_path).exit_code == 0
    beside = {name for name in files(tmp_path) if name.startswith(("docs/", "examples/"))}
    for name in files(tmp_path) - {".env", "Dockerfile", "README.md"} - beside:
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes(), name
    # Pages are it but for their links, of which some are their text alone.
    for name in {"README.md"} | {name for name in beside if name.endswith(".md")}:
        committed = (COMMITTED if name == "README.md" else COMMITTED.parents[1]) / name
        assert without_links(tmp_path / name) == without_links(committed), name


def without_links(page: Path) -> str:
    return re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", page.read_text(encoding="utf-8"))


def linked(page: Path) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for inner in token.children or ():
            target = inner.attrs.get("href", inner.attrs.get("src"))
            if target and not re.match(r"[a-z]+:", str(target)):
                yield unquote(str(target))


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings as they are made where Markdown is shown."""
    listed = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    named = [body.content for opening, body in pairwise(listed) if opening.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in named}


@pytest.mark.parametrize("home", ["compose", "kubernetes", "helm"])
def test_every_link_of_every_page_leads_to_what_is_written(tmp_path: Path, home: str) -> None:
    assert deploy(home, tmp_path).exit_code == 0
    pages = sorted(tmp_path.rglob("*.md"))
    dead = []
    for page in pages:
        for target in linked(page):
            name, _, heading = target.partition("#")
            led = (page.parent / name).resolve() if name else page
            within = led.is_relative_to(tmp_path.resolve())
            if not (within and led.exists()) or (heading and heading not in headings(led)):
                dead.append(f"{page.relative_to(tmp_path)}: {target}")
    assert dead == []
    # What an operator reads beside the README is there, and leads back.
    assert "docs/howto/harden-the-stack.md" in linked(tmp_path / "README.md")
    assert "examples/kubernetes/accelerapp.yaml" in linked(tmp_path / "README.md")
    assert "../../README.md#kubernetes" in linked(tmp_path / "docs/howto/harden-the-stack.md")
    assert "../../playbooks/watchdog.md" in linked(tmp_path / "docs/reference/alerts.md")
    assert {"README.md", "playbooks/watchdog.md"} <= {page.relative_to(tmp_path).as_posix() for page in pages}


def test_kubernetes_has_the_manifests_and_names_them_in_their_order(tmp_path: Path) -> None:
    told = deploy("kubernetes", tmp_path).output
    applied = [line.split()[-1] for line in told.splitlines() if "kubectl apply -f" in line]
    assert [name for name in applied if (tmp_path / name).is_file()] == applied
    assert applied[0] == "prometheus/kubernetes-deployment.yaml"
    written = {
        name for name in files(tmp_path) if name.endswith(".yaml") and not name.startswith("examples/")
    }
    assert written == set(applied)
    assert told.index("create secret") < told.index("apply -f")


@pytest.mark.parametrize("home", ["compose", "kubernetes", "helm"])
def test_playbooks_and_the_operator_s_page_go_along(tmp_path: Path, home: str) -> None:
    assert deploy(home, tmp_path).exit_code == 0
    assert {"README.md", "playbooks/service-down.md"} <= files(tmp_path)


def test_twice_is_as_good_as_once(tmp_path: Path) -> None:
    assert deploy("kubernetes", tmp_path).exit_code == 0
    assert deploy("kubernetes", tmp_path).exit_code == 0


def test_a_file_of_the_operator_s_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    mine = tmp_path / "prometheus" / "prometheus.yml"
    mine.parent.mkdir()
    mine.write_text("mine\n")
    refused = deploy("compose", tmp_path)
    assert refused.exit_code == 1
    assert "prometheus/prometheus.yml" in refused.output
    assert files(tmp_path) == {"prometheus/prometheus.yml"}
    assert deploy("compose", tmp_path, "--force").exit_code == 0
    assert mine.read_bytes() == (COMMITTED / "prometheus" / "prometheus.yml").read_bytes()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = deploy("helm", tmp_path / "file" / "folder")
    assert refused.exit_code == 1
    assert str(tmp_path / "file") in refused.output
