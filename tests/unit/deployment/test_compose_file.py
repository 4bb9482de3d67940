"""docker-compose.yml says what an operator may rely on, and the files that it is made of agree."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from ruamel.yaml import YAML

import accelerapp

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deployment" / "observability"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(FOLDER / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENVIRONMENT = dotenv_values(FOLDER / ".env")
SEED = dotenv_values(FOLDER / "versions.seed.env")
PROGRAMS: dict[str, list[str]] = YAML(typ="safe").load(Path(__file__).parent / "image_programs.yml")
TEN = {
    "accelerapp",
    "prometheus",
    "alertmanager",
    "grafana",
    "elasticsearch",
    "logstash",
    "kibana",
    "jaeger",
    "otel-collector",
    "node-exporter",
}
HELPERS = {"blackbox-exporter", "setup"}
#: Cores asked for and at most, memory asked for and at most.
LIMITS = {
    "prometheus": ("0.5", "2.0", "2G", "4G"),
    "grafana": ("0.25", "1.0", "512M", "1G"),
    "elasticsearch": ("1.0", "2.0", "3G", "4G"),
    "logstash": ("0.5", "2.0", "2G", "4G"),
    "jaeger": ("0.5", "2.0", "1G", "2G"),
    "otel-collector": ("0.5", "2.0", "1G", "2G"),
}
#: Elastic's images write into their configuration when they start.
WRITABLE = {"elasticsearch", "logstash", "kibana"}


def test_the_services_are_the_ten_and_two_helpers_each_named_as_its_container() -> None:
    assert set(SERVICES) == TEN | HELPERS
    assert {name: service["container_name"] for name, service in SERVICES.items()} == {n: n for n in SERVICES}


def test_only_what_a_person_opens_and_otlp_is_published_and_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "accelerapp": ["127.0.0.1:8088:8080"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "alertmanager": ["127.0.0.1:9093:9093"],
        "grafana": ["127.0.0.1:3000:3000"],
        "kibana": ["127.0.0.1:5601:5601"],
        "jaeger": ["127.0.0.1:16686:16686"],
        "otel-collector": ["127.0.0.1:4317:4317", "127.0.0.1:4318:4318"],
    }


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_those_of_the_table(name: str) -> None:
    resources = SERVICES[name]["deploy"]["resources"]
    asked, limits = resources["reservations"], resources["limits"]
    assert (asked["cpus"], limits["cpus"], asked["memory"], limits["memory"]) == LIMITS[name]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded_and_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (name not in WRITABLE)
    assert service["networks"] == ["observability"]


def test_every_profile_is_one_of_the_four_and_full_has_everything() -> None:
    profiles = {name: set(service["profiles"]) for name, service in SERVICES.items()}
    assert set().union(*profiles.values()) == {"core", "logs", "traces", "full"}
    assert [name for name, named in profiles.items() if "full" not in named] == []
    assert ENVIRONMENT["COMPOSE_PROFILES"] == "full"


def test_a_dependency_on_another_profile_is_not_required() -> None:
    crossing = {
        (name, other): how.get("required", True)
        for name, service in SERVICES.items()
        for other, how in service.get("depends_on", {}).items()
        if not set(service["profiles"]) <= set(SERVICES[other]["profiles"])
    }
    assert crossing
    assert set(crossing.values()) == {False}


def test_what_is_waited_for_can_be_known() -> None:
    """`service_healthy` needs a health check, and only what ends can complete."""
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            elif how["condition"] == "service_completed_successfully":
                assert other == "setup"
            else:
                assert "healthcheck" not in SERVICES[other]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"setup"}))
def test_a_health_check_names_a_program_of_its_image(name: str) -> None:
    service = SERVICES[name]
    image = service["image"].replace("${JAEGER_IMAGE}", str(ENVIRONMENT["JAEGER_IMAGE"])).split(":$")[0]
    if not PROGRAMS[image]:
        assert "healthcheck" not in service
        return
    kind, *command = service["healthcheck"]["test"]
    if kind == "CMD-SHELL":
        assert "sh" in PROGRAMS[image]
        inner = re.findall(r"\$\$\((\w+)", command[0])
        assert {shlex.split(command[0].replace("$$", "$"))[0], *inner} <= set(PROGRAMS[image])
    else:
        assert kind == "CMD"
        assert command[0] in PROGRAMS[image]


def test_every_variable_has_a_default_or_a_value_in_the_environment_file() -> None:
    text = (FOLDER / "docker-compose.yml").read_text(encoding="utf-8")
    bare = set(re.findall(r"(?<!\$)\$\{(\w+)\}", text))
    assert bare
    assert bare - ENVIRONMENT.keys() == set()


def test_versions_agree() -> None:
    assert ENVIRONMENT["ACCELERAPP_VERSION"] == accelerapp.__version__
    assert SEED.keys() <= ENVIRONMENT.keys()
    assert {
        name: SEED[f"{name}_VERSION"]
        for name in ("PROMETHEUS", "ALERTMANAGER", "GRAFANA", "ELASTIC", "JAEGER", "OTELCOL")
    } == {
        "PROMETHEUS": "v2.47.0",
        "ALERTMANAGER": "v0.26.0",
        "GRAFANA": "10.1.0",
        "ELASTIC": "8.10.0",
        "JAEGER": "1.50",
        "OTELCOL": "0.88.0",
    }


def test_the_environment_file_is_current() -> None:
    path = ROOT / "docs" / "generate_compose_environment.py"
    spec = importlib.util.spec_from_file_location("generate_compose_environment", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (FOLDER / ".env").read_text(encoding="utf-8") == module.environment(), "run `make generate`"


def test_every_secret_is_a_file_is_used_and_is_told() -> None:
    folder = FOLDER / "secrets" / "laptop"
    files = {path.name for path in folder.iterdir()} - {"README.md"}
    told = set(re.findall(r"`([a-z-]+)`", (folder / "README.md").read_text(encoding="utf-8")))
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in SERVICES.values()
        for secret in service.get("secrets", [])
    }
    assert {name: entry["file"] for name, entry in COMPOSE["secrets"].items()} == {
        name: f"${{SECRETS:-./secrets/laptop}}/{name}" for name in files
    }
    assert used == files
    assert files <= told
    # A newline would be part of a password where a program reads the file as it is.
    assert [
        name for name in sorted(files) if (folder / name).read_text(encoding="utf-8").endswith("\n")
    ] == []
    assert [
        name
        for name in sorted(files)
        if name.endswith("-key")
        and name.startswith("kibana")
        and len((folder / name).read_text(encoding="utf-8")) < 32
    ] == []


def test_every_volume_is_declared_and_used() -> None:
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith((".", "/"))
    }
    assert named == set(COMPOSE["volumes"])
