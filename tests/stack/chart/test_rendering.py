"""The Helm chart as the real Helm renders it: valid, in agreement with the committed manifests and the shared files."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.policies import End, may_open
from tests.stack.chart.rendered import CHART, FOLDER, Object, Render, containers, pods
from tests.stack.chart.variants import VARIANTS
from tests.stack.conftest import built
from typer.testing import CliRunner

from accelerapp.cli.command import app

pytestmark = pytest.mark.stack


def test_the_committed_manifests_are_the_chart_rendered(generator: Any) -> None:
    behind = [
        name
        for name, text in generator.manifests().items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert behind == [], "run `make generate`"


def test_no_object_stands_in_two_manifests_and_none_is_left_out(generator: Any, render: Render) -> None:
    def identity(item: Object) -> tuple[str, str | None, str]:
        return item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]

    found = [
        identity(item)
        for name in generator.MANIFESTS
        for item in YAML(typ="safe").load_all((FOLDER / name).read_text(encoding="utf-8"))
        if item
    ]
    assert sorted(map(str, found)) == sorted(str(identity(item)) for item in render())


@pytest.mark.parametrize("version", ["1.27.0", "1.37.0"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_of_the_schemas_of_kubernetes(render: Render, variant: str, version: str) -> None:
    for item in render(*VARIANTS[variant]):
        # cert-manager's own kind is no part of Kubernetes.
        if item["apiVersion"].startswith("cert-manager.io/"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kubernetes_validate.validate(item, version, strict=True)


def test_the_example_of_the_application_is_of_the_schemas_and_restricted() -> None:
    example = FOLDER.parents[1] / "examples" / "kubernetes" / "accelerapp.yaml"
    objects = list(YAML(typ="safe").load_all(example.read_text(encoding="utf-8")))
    for item in objects:
        kubernetes_validate.validate(item, "1.37.0", strict=True)
    (pod,) = pods(objects).values()
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "8080"
    # What it sends to is in the chart, and the chart lets it.
    (container,) = containers(pod)
    sent = {item["name"]: item["value"] for item in container["env"]}
    assert sent["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector.observability:4317"
    assert (sent["LOGSTASH_HOST"], sent["LOGSTASH_PORT"]) == ("logstash.observability", "5000")


def test_the_chart_that_the_command_writes_out_needs_nothing_beside_it(
    generator: Any, tmp_path: Path
) -> None:
    deployed = CliRunner().invoke(app, ["deploy", "helm", str(tmp_path)])
    assert deployed.exit_code == 0, deployed.output
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink()]
    options = ["-n", "observability", "--set", "secrets.existingSecret=observability"]
    command: list[str | Path] = [
        built("helm") / "helm",
        "template",
        "observability",
        tmp_path / "helm/accelerapp-observability",
        *options,
    ]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert rendered == generator.render("--set", "secrets.existingSecret=observability")


def test_helm_finds_nothing_to_say_against_the_chart() -> None:
    linted = subprocess.run(
        [
            built("helm") / "helm",
            "lint",
            "--strict",
            CHART,
            "--values",
            FOLDER / "helm" / "rendering-values.yaml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_every_shared_file_is_in_the_cluster_as_it_is(render: Render) -> None:
    held = {
        (item["metadata"]["name"], name): text
        for item in render()
        if item["kind"] == "ConfigMap"
        for name, text in item["data"].items()
    }
    shared = {
        ("prometheus", name): f"prometheus/{name}"
        for name in ("prometheus.yml", "alert-rules.yml", "recording-rules.yml", "meta-rules.yml")
    }
    shared |= {
        ("prometheus-targets", path.name): f"prometheus/targets/kubernetes/{path.name}"
        for path in (FOLDER / "prometheus" / "targets" / "kubernetes").iterdir()
    }
    shared |= {
        ("playbooks", path.name): f"playbooks/{path.name}"
        for path in (FOLDER / "playbooks").iterdir()
        if path.name != "TEMPLATE.md"
    }
    shared |= {
        ("alertmanager", path.name): f"prometheus/templates/{path.name}"
        for path in (FOLDER / "prometheus" / "templates").iterdir()
        if path.name != "addresses.tmpl"
    }
    shared |= {
        (f"grafana-{path.stem}", path.name): str(path.relative_to(FOLDER))
        for path in [
            FOLDER / "grafana" / "dashboard-system-overview.json",
            *(FOLDER / "grafana").glob("dashboards/*.json"),
        ]
    }
    shared |= {
        ("alertmanager", "alertmanager.yml"): "prometheus/alertmanager.yml",
        ("blackbox-exporter", "blackbox.yml"): "blackbox/blackbox.yml",
        ("grafana", "datasource.yml"): "grafana/datasource.yml",
        ("grafana", "dashboards.yml"): "grafana/dashboards.yml",
        ("logstash", "logstash.conf"): "elk/logstash-config.conf",
        ("setup", "setup"): "elk/setup",
        ("setup", "ilm-policy.json"): "elk/ilm-policy.json",
        ("setup", "ilm-policy-traces.json"): "elk/ilm-policy-traces.json",
        ("setup", "ingest-pipeline.json"): "elk/ingest-pipeline.json",
        ("setup", "index-template.json"): "elk/index-template.json",
        ("setup", "slm-policy.json"): "elk/slm-policy.json",
        ("setup", "kibana-saved-objects.ndjson"): "elk/kibana-saved-objects.ndjson",
        ("jaeger", "jaeger.yaml"): "jaeger/jaeger-elasticsearch.yaml",
        ("otel-collector", "config.yaml"): "otel/otel-collector-config.yaml",
        ("otel-collector", "kubernetes.yaml"): "otel/otel-collector-kubernetes.yaml",
    }
    for place, source in shared.items():
        # A block scalar ends with one newline, however many the file ends with.
        assert held.pop(place).rstrip("\n") == (FOLDER / source).read_text(encoding="utf-8").rstrip("\n"), (
            place
        )
    assert set(held) == {("alertmanager", "addresses.tmpl")}
    for item in render():
        if item["kind"] == "ConfigMap":
            assert sum(map(len, item["data"].values())) < 200 * 1024, item["metadata"]["name"]


def test_a_changed_file_rolls_its_pods(render: Render) -> None:
    def annotations(*settings: str) -> Mapping[str, str]:
        found: Mapping[str, str] = pods(render(*settings))["alertmanager"]["metadata"]["annotations"]
        return found

    changed = annotations("alertmanager.config=route: {receiver: none}")
    assert changed["checksum/configuration"] != annotations()["checksum/configuration"]
    for name, pod in pods(render()).items():
        if any("configMap" in str(volume) for volume in pod["spec"].get("volumes", [])) and (
            "restartPolicy" not in pod["spec"]
        ):
            assert "checksum/configuration" in pod["metadata"]["annotations"], name


def test_elsewhere_means_that_it_is_asked_there_and_nothing_is_installed(render: Render) -> None:
    objects = render(*VARIANTS["external"])
    assert not {"prometheus", "alertmanager", "elasticsearch"} & set(pods(objects))
    environment = {
        (name, variable["name"]): variable["value"]
        for name, pod in pods(objects).items()
        for container in pod["spec"]["containers"]
        for variable in container.get("env", [])
        if "value" in variable
    }
    assert environment["grafana", "PROMETHEUS_URL"] == "https://metrics.example.com"
    for name in ("grafana", "logstash", "otel-collector", "jaeger", "setup"):
        assert environment[name, "ELASTICSEARCH_URL"] == "https://logs.example.com:9243"
    assert environment["kibana", "ELASTICSEARCH_HOSTS"] == "https://logs.example.com:9243"
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    logstash = pods(objects)["logstash"]
    source = End("observability", logstash["metadata"]["labels"])
    assert may_open(policies, source, End(address="203.0.113.9"), 9243)
    assert not may_open(policies, source, End(address="203.0.113.9"), 443)
