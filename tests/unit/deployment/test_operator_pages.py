"""Commands of playbooks and of the operator's README name what exists, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

SHIPPED = Path(__file__).parents[3] / "deployment" / "observability"
PAGES = [
    SHIPPED / "README.md",
    SHIPPED / "secrets" / "laptop" / "README.md",
    *sorted((SHIPPED / "playbooks").glob("*.md")),
]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(SHIPPED / "docker-compose.yml")
VERBS = ("ps", "logs", "restart", "stop", "start", "up", "cp")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SHIPPED)))
def test_compose_commands_name_services_of_the_file(page: Path) -> None:
    text = page.read_text()
    for verb, rest in re.findall(r"docker compose(?: --env-file \S+)* (\w+)([^`\n#]*)", text):
        assert verb in {*VERBS, "down"}, verb
        if verb in VERBS:
            words = [
                word.partition(":")[0]
                for word in rest.split()
                if not word.startswith(("-", '"', "$", "./", "|"))
            ]
            assert set(words) <= set(COMPOSE["services"]), rest


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SHIPPED)))
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SHIPPED)))
def test_files_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(
        r"`((?:prometheus|otel|jaeger|elk|tests|secrets|targets)/[\w./-]+)`", page.read_text()
    ):
        found = (SHIPPED / name).exists() or (SHIPPED / "prometheus" / name).exists() or "NAME" in name
        assert found, name


def test_every_file_that_compose_mounts_is_there() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", ()):
            source = str(volume).partition(":")[0]
            if source.startswith("./"):
                assert (SHIPPED / source).exists(), f"{name}: {source}"
