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
    *(SHIPPED.parents[1] / "docs" / "howto" / f"{name}-the-stack.md" for name in ("harden", "size")),
]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(SHIPPED / "docker-compose.yml")
MANIFESTS = [
    *SHIPPED.glob("*/kubernetes-deployment.yaml"),
    *SHIPPED.glob("elk/*.yaml"),
    SHIPPED.parents[1] / "examples" / "kubernetes" / "accelerapp.yaml",
]
#: (namespace, kind, name) of every object in a cluster. Ollama is the operator's own.
IN_CLUSTER = {
    (item["metadata"].get("namespace"), item["kind"].lower(), item["metadata"]["name"])
    for path in MANIFESTS
    for item in YAML(typ="safe").load_all(path)
} | {("accelerapp", "deployment", "ollama")}
SHORT = {"deploy": "deployment", "svc": "service", "sts": "statefulset", "ds": "daemonset"}
VERBS = ("ps", "pull", "logs", "restart", "stop", "start", "up", "cp")


def named(page: Path) -> str:
    return "-".join(page.parts[-2:])


@pytest.mark.parametrize("page", PAGES, ids=named)
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


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_kubectl_commands_name_objects_of_the_manifests(page: Path) -> None:
    text = page.read_text()
    variables = {"NAMESPACE": "accelerapp", "DEPLOYMENT": "accelerapp"}
    for name, value in re.findall(r"^(?:export )?(NAMESPACE|DEPLOYMENT)=(\S+)", text, flags=re.MULTILINE):
        assert value == variables[name]
    for command in re.findall(r"kubectl ([^`\n|]+)", text):
        plain = re.sub(r'"?\$\{?(\w+)(?::-\w+)?\}?"?', lambda found: variables.get(found[1], "?"), command)
        namespace = re.search(r"(?:-n|--namespace)[ =](\S+)", plain)
        objects = re.findall(
            r"\b([a-z]+)/([a-z][a-z0-9-]*)", re.sub(r"\S*\.(?:yaml|md)\S*|--\S+|-l \S+", "", plain)
        )
        for kind, name in objects:
            assert namespace is not None, command
            wanted = namespace[1].strip('"'), SHORT.get(kind, kind), name
            assert wanted in IN_CLUSTER, command


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_manifests_that_are_applied_are_there(page: Path) -> None:
    for name in re.findall(r"kubectl (?:-n \S+ )?apply (?:-n \S+ )?-f (\S+)", page.read_text()):
        assert name == "-" or (page.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(
        r"`((?:prometheus|otel|jaeger|elk|tests|secrets|targets)/[\w./-]+)`", page.read_text()
    ):
        found = (SHIPPED / name).exists() or (SHIPPED / "prometheus" / name).exists() or "NAME" in name
        assert found, name


def test_every_file_that_compose_mounts_is_there() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", ()):
            for backend in ("templates", "ollama"):
                filled = re.sub(r"\$\{ACCELERAPP_CODEGEN_BACKEND:-templates\}", backend, str(volume))
                source = filled.partition(":")[0]
                if source.startswith("./"):
                    assert (SHIPPED / source).exists(), f"{name}: {source}"
