"""`accelerapp deploy` writes out a folder that stands by itself, and writes over nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
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
    for name in files(tmp_path) - {".env", "Dockerfile"}:
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes(), name


def test_kubernetes_has_the_manifests_and_names_them_in_their_order(tmp_path: Path) -> None:
    told = deploy("kubernetes", tmp_path).output
    applied = [line.split()[-1] for line in told.splitlines() if "kubectl apply -f" in line]
    assert [name for name in applied if (tmp_path / name).is_file()] == applied
    assert applied[0] == "prometheus/kubernetes-deployment.yaml"
    written = {name for name in files(tmp_path) if name.endswith(".yaml")}
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
