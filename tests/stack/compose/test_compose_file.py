"""docker-compose.yml as Compose's own loader reads it, in every profile and with the older versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values
from ruamel.yaml import YAML
from tests.stack.compose.conftest import ALL, FOLDER, NOBODY, SERVERS
from tests.stack.compose.file import DONE, UnsupportedError, check_keys, loaded, words
from tests.stack.compose.runner import Image, Stack
from tests.stack.conftest import BUILD, built


def test_what_the_runner_does_not_do_is_an_error(loader: Path) -> None:
    model = loaded(FOLDER, loader, {})
    check_keys(model)
    assert "privileged" not in DONE
    model["services"]["prometheus"]["privileged"] = True
    with pytest.raises(UnsupportedError, match="prometheus: privileged"):
        check_keys(model)


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        (
            "core",
            {"accelerapp", "prometheus", "alertmanager", "grafana", "node-exporter", "blackbox-exporter"},
        ),
        ("logs", {"elasticsearch", "setup", "logstash", "kibana"}),
        ("traces", {"jaeger", "otel-collector"}),
        ("full", ALL),
    ],
)
def test_compose_accepts_the_file_in_each_profile(loader: Path, profile: str, services: set[str]) -> None:
    assert loaded(FOLDER, loader, {"COMPOSE_PROFILES": profile})["services"].keys() == services


def test_compose_accepts_the_file_with_the_seed_versions(loader: Path) -> None:
    seed = {name: value or "" for name, value in dotenv_values(FOLDER / "versions.seed.env").items()}
    services = loaded(FOLDER, loader, seed)["services"]
    assert services["jaeger"]["image"] == "jaegertracing/all-in-one:1.50"
    assert words(services["jaeger"]["command"]) == [
        "--collector.otlp.enabled=true",
        "--memory.max-traces=50000",
    ]
    assert services["prometheus"]["image"] == "prom/prometheus:v2.47.0"


@pytest.fixture(scope="module")
def seed_images(images: dict[str, Image | str]) -> dict[str, Image | str]:
    older = {
        "prom/prometheus": ("prometheus-2.47", "prometheus"),
        "prom/alertmanager": ("alertmanager-0.26", "alertmanager"),
    }
    return images | {
        repository: Image(built(name, only_cached=True) / program, f"/image/{program}", NOBODY)
        for repository, (name, program) in older.items()
    }


def test_the_shipped_files_start_with_the_seed_versions(
    seed_images: dict[str, Image | str], loader: Path
) -> None:
    """As they are in the folder, nothing shortened, and without the services of logs and traces."""
    seed = {name: value or "" for name, value in dotenv_values(FOLDER / "versions.seed.env").items()}
    without = {"ACCELERAPP_OTLP_ENDPOINT": "", "ACCELERAPP_LOGSTASH_HOST": "", "COMPOSE_PROFILES": "core"}
    with Stack(FOLDER, loader, seed_images, seed | without) as stack:
        stack.up()
        assert set(stack.services) == {"accelerapp", *SERVERS}
        assert stack.not_run.keys() == {"grafana"}
        with stack.network():
            prometheus = f"{stack.address('prometheus', 9090)}/api/v1/status"
            told = {name: httpx.get(f"{prometheus}/{name}").json()["data"] for name in ("buildinfo", "flags")}
            config = YAML(typ="safe").load(httpx.get(f"{prometheus}/config").json()["data"]["yaml"])
            alertmanager = httpx.get(f"{stack.address('alertmanager', 9093)}/api/v2/status").json()
            playbook = httpx.get(f"{stack.address('prometheus', 9090)}/user/service-down.md")
        assert told["buildinfo"]["version"] == "2.47.0"
        assert alertmanager["versionInfo"]["version"] == "0.26.0"
        # A variable in external_labels is put in by a feature that the versions file turns on.
        assert config["global"]["external_labels"] == {"cluster": "laptop", "environment": "development"}
        assert told["flags"]["storage.tsdb.retention.time"] == "30d"
        assert told["flags"]["storage.tsdb.retention.size"] == "45GiB"  # as 2.47 writes 45GB
        assert playbook.text.startswith("# Service down")


def test_compose_refuses_a_file_with_a_word_that_it_does_not_know(tmp_path: Path, loader: Path) -> None:
    for name in ("docker-compose.yml", ".env"):
        (tmp_path / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    loaded(tmp_path, loader, {})
    text = (FOLDER / "docker-compose.yml").read_text(encoding="utf-8")
    (tmp_path / "docker-compose.yml").write_text(
        text.replace("    pid: host", "    pids: host"), encoding="utf-8"
    )
    with pytest.raises(UnsupportedError, match="pids"):
        loaded(tmp_path, loader, {})
    (tmp_path / "docker-compose.yml").write_text(
        text.replace("${GRAFANA_VERSION}", "${UNHEARD_OF}"), encoding="utf-8"
    )
    with pytest.raises(UnsupportedError, match="UNHEARD_OF"):
        loaded(tmp_path, loader, {})


def test_the_build_script_knows_the_loader() -> None:
    listed = subprocess.run([sys.executable, str(BUILD)], capture_output=True, text=True, check=False)
    assert "compose" in listed.stderr
