"""The Helm chart as the real Helm renders it: valid, restricted, in agreement with the files that every home shares."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.policies import End, may_open
from tests.stack.conftest import built
from typer.testing import CliRunner

from accelerapp.cli.command import app

pytestmark = pytest.mark.stack

FOLDER = Path(__file__).parents[2] / "deployment" / "observability"
CHART = FOLDER / "helm" / "accelerapp-observability"
SECRETS = {path.name for path in (FOLDER / "secrets" / "laptop").iterdir() if path.name != "README.md"}
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}

Object = Mapping[str, Any]


@pytest.fixture(scope="module")
def generator(monkeypatch_module: pytest.MonkeyPatch) -> Any:
    """Return docs/generate_kubernetes.py, with the Helm that is built."""
    monkeypatch_module.setenv("HELM", str(built("helm") / "helm"))
    path = FOLDER.parents[1] / "docs" / "generate_kubernetes.py"
    spec = importlib.util.spec_from_file_location("generate_kubernetes", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


Render = Callable[..., list[Object]]


@pytest.fixture(scope="module")
def render(generator: Any) -> Render:
    """Return the call that renders the chart with `--set` options."""

    @cache
    def rendered(*settings: str) -> list[Object]:
        options = [part for setting in settings for part in ("--set", setting)]
        text = generator.render("--values", str(FOLDER / "helm" / "rendering-values.yaml"), *options)
        return [item for item in YAML(typ="safe").load_all(text) if item]

    return rendered


def named(objects: list[Object], kind: str, name: str) -> Object:
    """Return the one object of a kind and name."""
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pods(objects: list[Object]) -> dict[str, Object]:
    """Return the pod template of each workload, with its namespace, by app.kubernetes.io/name."""
    return {
        item["metadata"]["labels"]["app.kubernetes.io/name"]: {
            **item["spec"].get("jobTemplate", item)["spec"]["template"],
            "namespace": item["metadata"]["namespace"],
        }
        for item in objects
        if item["kind"] in WORKLOADS
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


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


#: Whatever is off by default is on in one of these.
VARIANTS: dict[str, tuple[str, ...]] = {
    "as shipped": (),
    "badger": ("jaeger.storage=badger",),
    "replicas": (
        "prometheus.replicas=2",
        "alertmanager.replicas=3",
        "blackboxExporter.replicas=2",
        "elasticsearch.replicas=3",
        "certificates.enabled=true",
        "certificates.issuerRef.name=internal",
        "logstash.replicas=2",
        "kibana.replicas=2",
        "jaeger.replicas=2",
        "otelCollector.replicas=3",
    ),
    "ingress": (
        "ingress.enabled=true",
        "ingress.domain=example.com",
        "ingress.className=nginx",
        "ingress.tlsSecret=wildcard",
        "ingress.expose={grafana,kibana,jaeger,prometheus,alertmanager}",
    ),
    "external": (
        "prometheus.enabled=false",
        "prometheus.externalUrl=https://metrics.example.com",
        "elasticsearch.enabled=false",
        "elasticsearch.externalUrl=https://logs.example.com:9243",
    ),
    "backup": (
        "prometheus.snapshots.claim=backup",
        "prometheus.replicas=2",
        "elasticsearch.snapshots.claim=logs-backup",
    ),
    "bucket": (
        "elasticsearch.snapshots.repository.type=s3",
        "elasticsearch.snapshots.repository.settings.bucket=my-logs",
        "elasticsearch.snapshots.keystoreSecret=s3",
    ),
    "tls": (
        "certificates.enabled=true",
        "certificates.issuerRef.name=internal",
        "certificates.components={elasticsearch,prometheus,alertmanager,grafana}",
        "alertmanager.replicas=2",
        "certificates.ingressAnnotations.nginx\\.ingress\\.kubernetes\\.io/backend-protocol=HTTPS",
    ),
    "remote write": (
        "prometheus.remoteWrite.url=https://metrics.example.com:8443/api/v1/write",
        "prometheus.remoteWrite.existingSecret=metrics",
        "prometheus.remoteWrite.queue.max_shards=10",
    ),
    "placed": (
        "storageClass=fast",
        "imageRegistry=registry.example.com/mirror",
        "imagePullSecrets[0].name=registry",
        "nodeSelector.pool=observability",
        "tolerations[0].operator=Exists",
        "priorityClassName=high",
        "secrets.elsewhere.elastic-password.name=elastic",
        "secrets.elsewhere.elastic-password.key=password",
    ),
}


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["secrets.existingSecret="], "secrets.existingSecret is empty: create a Secret"),
        (["prometheus.replica=2"], "additional properties 'replica' not allowed"),
        (["prometheus.replicas=many"], "/prometheus/replicas': got string, want integer"),
        (["prometheus.retention.time=30 days"], "/prometheus/retention/time': '30 days' does not match"),
        (["jaeger.storage=memory"], "/jaeger/storage': value must be one of"),
        (["jaeger.storage=badger", "jaeger.replicas=2"], "set jaeger.replicas to 1, or jaeger.storage"),
        (["elasticsearch.replicas=3"], "name a Secret with tls.crt, tls.key and ca.crt"),
        (["elasticsearch.enabled=false"], "name the one to use in elasticsearch.externalUrl"),
        (["prometheus.enabled=false"], "name the one to use in prometheus.externalUrl"),
        (["ingress.enabled=true"], "ingress.domain"),
        (["otelCollector.gateway.replicas=0"], "/otelCollector/gateway/replicas': minimum: got 0, want 1"),
        (["networkPolicies.applicationNamespaces={}"], "networkPolicies/applicationNamespaces"),
        (
            ["prometheus.snapshots.schedule=nightly"],
            "/prometheus/snapshots/schedule': 'nightly' does not match",
        ),
        (["prometheus.snapshots.keep=0"], "/prometheus/snapshots/keep': minimum: got 0, want 1"),
        (
            [
                "prometheus.snapshots.claim=backup",
                "prometheus.enabled=false",
                "prometheus.externalUrl=http://elsewhere",
            ],
            "the Prometheus that is elsewhere is saved there",
        ),
        (
            [
                "elasticsearch.snapshots.claim=backup",
                "elasticsearch.enabled=false",
                "elasticsearch.externalUrl=http://elsewhere",
            ],
            "the Elasticsearch that is elsewhere is saved there",
        ),
        (["elasticsearch.snapshots.claim=backup", "setup.enabled=false"], "setup.enabled is false"),
        (
            [
                "elasticsearch.snapshots.claim=backup",
                "elasticsearch.snapshots.repository.type=s3",
                "elasticsearch.snapshots.repository.settings.bucket=logs",
            ],
            "name one of them",
        ),
        (["elasticsearch.snapshots.repository.type=s3"], "/elasticsearch/snapshots/repository'"),
        (["certificates.components={grafana}"], "certificates.enabled is false"),
        (["certificates.components={kibana}"], "/certificates/components/0': value must be one of"),
        ([*VARIANTS["tls"], "prometheus.replicas=2"], "each scrapes itself by the name of the one Service"),
        ([*VARIANTS["tls"], "prometheus.snapshots.claim=backup"], "does so by HTTP"),
        (
            [
                "certificates.enabled=true",
                "certificates.components={grafana}",
                "ingress.enabled=true",
                "ingress.domain=example.com",
            ],
            "grafana serves TLS and is exposed: say in certificates.ingressAnnotations",
        ),
        (
            [
                "prometheus.snapshots.claim=backup",
                "ingress.enabled=true",
                "ingress.domain=example.com",
                "ingress.expose={prometheus}",
            ],
            "take prometheus out of ingress.expose",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(generator: Any, settings: list[str], message: str) -> None:
    options = [part for setting in settings for part in ("--set", setting)]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        generator.render("--values", str(FOLDER / "helm" / "rendering-values.yaml"), *options)
    assert message in refused.value.stderr


def test_every_value_does_something_and_every_one_is_in_the_schema() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*.*"))
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for block, value in values.items():
        assert f".Values.{block}" in templates
        for name in value if isinstance(value, dict) else ():
            # Handed on whole, or read by name.
            assert re.search(rf"\.Values\.{block}(\.{name}\b| )|\.{name}\b", templates), f"{block}.{name}"


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


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_of_the_stack_is_restricted(render: Render, variant: str) -> None:
    """By the Pod Security Standards; Node Exporter alone is not, in a namespace of its own."""
    for name, pod in pods(render(*VARIANTS[variant])).items():
        spec = pod["spec"]
        if name == "node-exporter":
            assert pod["namespace"] == "observability-node"
        else:
            assert pod["namespace"] == "observability"
            assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
            assert not any("hostPath" in volume for volume in spec.get("volumes", []))
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in context


def test_the_namespaces_demand_what_their_pods_are(render: Render) -> None:
    for name, level in {"observability": "restricted", "observability-node": "privileged"}.items():
        labels = named(render(), "Namespace", name)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == level


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_container_has_bounds_and_what_serves_is_asked_whether_it_does(
    render: Render, variant: str
) -> None:
    for pod in pods(render(*VARIANTS[variant])).values():
        for container in containers(pod):
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) == {"cpu", "memory"}
        # What runs to its end has no policy of being started again always, and serves nobody.
        if "restartPolicy" not in pod["spec"]:
            (container,) = pod["spec"]["containers"]
            assert {"readinessProbe", "livenessProbe"} <= set(container)


def test_volumes_and_memory_are_as_documented(render: Render) -> None:
    claims = {
        item["metadata"]["name"]: claim["spec"]["resources"]["requests"]["storage"]
        for item in render()
        if item["kind"] == "StatefulSet"
        for claim in item["spec"]["volumeClaimTemplates"]
    }
    assert claims["prometheus"] == "50Gi"
    assert claims["elasticsearch"] == "100Gi"
    assert claims["grafana"] == "10Gi"
    memory = {
        name: (bounds["requests"]["memory"], bounds["limits"]["memory"])
        for name, pod in pods(render()).items()
        for bounds in [pod["spec"]["containers"][0]["resources"]]
    }
    assert memory["prometheus"] == ("2Gi", "4Gi")
    assert memory["grafana"] == ("512Mi", "1Gi")
    assert memory["elasticsearch"] == ("3Gi", "4Gi")
    assert memory["logstash"] == ("2Gi", "4Gi")
    assert memory["jaeger"] == memory["otel-collector"] == ("1Gi", "2Gi")


def test_images_are_those_of_the_versions_file(render: Render) -> None:
    versions = dict(
        line.split("=", 1)
        for line in (FOLDER / "versions.env").read_text(encoding="utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    tags = {c["image"].rpartition(":")[2] for pod in pods(render()).values() for c in containers(pod)}
    assert tags == {
        versions[f"{name}_VERSION"]
        for name in (
            "PROMETHEUS",
            "ALERTMANAGER",
            "NODE_EXPORTER",
            "BLACKBOX_EXPORTER",
            "GRAFANA",
            "ELASTIC",
            "JAEGER",
            "OTELCOL",
        )
    }


def test_services_reach_a_port_that_their_pods_have(render: Render) -> None:
    objects = render()
    services = [item for item in objects if item["kind"] == "Service"]
    for service in services:
        (pod,) = [
            pod
            for pod in pods(objects).values()
            if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        ]
        ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            if "targetPort" in port:
                assert ports[port["targetPort"]] == port["port"], service["metadata"]["name"]
    reached = {
        item["metadata"]["name"]: {port["port"] for port in item["spec"]["ports"]} for item in services
    }
    assert reached["jaeger-query"] == {16686}
    assert {4317, 4318} <= reached["jaeger-collector"]
    assert reached["logstash"] == {5000, 5044, 8080}
    assert {4317, 4318, 8889} <= reached["otel-collector"]


def test_only_files_of_the_secrets_folder_are_asked_for_and_nothing_secret_is_rendered(
    render: Render,
) -> None:
    objects = render()
    assert not [item for item in objects if item["kind"] == "Secret"]
    asked: set[str] = set()
    for pod in pods(objects).values():
        for volume in pod["spec"].get("volumes", []):
            for source in volume.get("projected", {}).get("sources", []):
                asked |= {item["key"] for item in source.get("secret", {}).get("items", [])}
        for container in containers(pod):
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                asked |= {reference["key"]} if reference else set()
    assert asked == SECRETS


def test_a_key_may_be_in_another_secret(render: Render) -> None:
    objects = render(*VARIANTS["placed"])
    (container,) = pods(objects)["elasticsearch"]["spec"]["containers"]
    (variable,) = [item for item in container["env"] if item["name"] == "ELASTIC_PASSWORD"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "elastic", "key": "password"}


def test_prometheus_and_the_collector_may_read_what_they_need_and_no_more(render: Render) -> None:
    may = {
        (item["metadata"]["name"], resource, verb)
        for item in render()
        if item["kind"] == "ClusterRole"
        for rule in item["rules"]
        for resource, verb in itertools.product(rule["resources"], rule["verbs"])
    }
    watched = {
        "observability-prometheus": ["nodes", "pods", "services", "endpointslices", "ingresses"],
        "observability-otel-collector": ["pods", "namespaces", "replicasets"],
    }
    assert may == {
        (role, resource, verb)
        for role, resources in watched.items()
        for resource in resources
        for verb in ("get", "list", "watch")
    } | {("observability-prometheus", "nodes/metrics", "get")}
    with_token = {name for name, pod in pods(render()).items() if pod["spec"]["automountServiceAccountToken"]}
    assert with_token == {"prometheus", "otel-collector"}


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


def test_disruption_is_budgeted_from_two_replicas_on(render: Render) -> None:
    assert not [item for item in render() if item["kind"] == "PodDisruptionBudget"]
    budgets = {
        item["metadata"]["name"]
        for item in render(*VARIANTS["replicas"])
        if item["kind"] == "PodDisruptionBudget"
    }
    assert budgets == {
        "prometheus",
        "alertmanager",
        "blackbox-exporter",
        "elasticsearch",
        "logstash",
        "kibana",
        "jaeger",
        "otel-collector",
        "otel-gateway",
    }


def test_snapshots_are_of_the_first_prometheus_beside_its_volume_and_off_without_a_claim(
    render: Render,
) -> None:
    assert "prometheus-snapshot" not in str(render())
    (prometheus,) = containers(pods(render())["prometheus"])
    assert "--web.enable-admin-api" not in prometheus["args"]

    objects = render(*VARIANTS["backup"])
    (prometheus,) = containers(pods(objects)["prometheus"])
    assert "--web.enable-admin-api" in prometheus["args"]
    stateful = named(objects, "StatefulSet", "prometheus")
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    pod = pods(objects)["prometheus-snapshot"]
    (container,) = containers(pod)
    variables = {item["name"]: item["value"] for item in container["env"]}
    volumes = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    # What the script calls so is the folder of Prometheus' data in which it makes its snapshots.
    snapshots = mounts[variables["SNAPSHOTS"]]
    assert volumes[snapshots["name"]] == f"{claim['metadata']['name']}-prometheus-0"
    (data,) = [mount for mount in prometheus["volumeMounts"] if mount["name"] == claim["metadata"]["name"]]
    assert (
        f"--storage.tsdb.path={data['mountPath']}/{snapshots['subPath'].removesuffix('/snapshots')}"
        in prometheus["args"]
    )
    assert volumes[mounts[variables["BACKUP"]]["name"]] == "backup"
    assert variables["KEEP"] == "7"
    # It asks, and runs beside, the one whose volume that is.
    service = named(objects, "Service", "prometheus-0")
    assert variables["PROMETHEUS_URL"] == "http://prometheus-0:9090"
    (term,) = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    of_the_first = stateful["spec"]["selector"]["matchLabels"] | {
        "statefulset.kubernetes.io/pod-name": "prometheus-0"
    }
    assert service["spec"]["selector"] == term["labelSelector"]["matchLabels"] == of_the_first
    script = named(objects, "ConfigMap", "prometheus-snapshot")["data"]["snapshot"]
    assert script == (FOLDER / "prometheus" / "snapshot").read_text(encoding="utf-8")
    assert named(objects, "CronJob", "prometheus-snapshot")["spec"]["concurrencyPolicy"] == "Forbid"


def test_setup_is_told_of_the_place_of_elasticsearch_s_snapshots_which_its_nodes_have(render: Render) -> None:
    def told(*settings: str) -> Any:
        (container,) = pods(render(*settings))["setup"]["spec"]["containers"]
        found = [item["value"] for item in container["env"] if item["name"] == "SNAPSHOT_REPOSITORY"]
        return json.loads(found[0]) if found else None

    def node(*settings: str) -> tuple[Object, Object]:
        pod = pods(render(*settings))["elasticsearch"]
        (container,) = containers(pod)
        return pod, container

    assert told() is None
    assert "path.repo" not in str(node())

    claim = told(*VARIANTS["backup"])
    pod, container = node(*VARIANTS["backup"])
    (path,) = [item["value"] for item in container["env"] if item["name"] == "path.repo"]
    (mount,) = [item for item in container["volumeMounts"] if item["mountPath"] == path]
    assert claim == {"type": "fs", "settings": {"location": path}}
    (volume,) = [item for item in pod["spec"]["volumes"] if item["name"] == mount["name"]]
    assert volume["persistentVolumeClaim"] == {"claimName": "logs-backup"}

    assert told(*VARIANTS["bucket"]) == {"type": "s3", "settings": {"bucket": "my-logs"}}
    pod, container = node(*VARIANTS["bucket"])
    assert [item["secret"]["secretName"] for item in pod["spec"]["volumes"]] == ["s3"]
    assert "elasticsearch-keystore add" in container["command"][-1]
    policies = [item for item in render(*VARIANTS["bucket"]) if item["kind"] == "NetworkPolicy"]
    source = End("observability", pod["metadata"]["labels"])
    assert may_open(policies, source, End(address="203.0.113.9"), 443)
    jobs = {
        item["metadata"]["name"]
        for variant in ("as shipped", "backup", "bucket")
        for item in render(*VARIANTS[variant])
        if item["kind"] == "Job"
    }
    # A Job cannot be changed: each is another.
    assert len(jobs) == 3


def test_jaeger_s_indices_come_under_their_lifecycle_every_day_where_it_has_any(render: Render) -> None:
    (container,) = containers(pods(render())["jaeger-retention"])
    assert container["command"][1:] == ["/usr/share/setup/setup", "traces"]
    assert [mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "secrets"] == [
        "/run/secrets/elastic-password"
    ]
    for setting in ("jaeger.storage=badger", "jaeger.enabled=false", "setup.enabled=false"):
        assert "jaeger-retention" not in pods(render(setting))
    # The pattern is of the prefix that Jaeger's file names.
    file = YAML(typ="safe").load(
        (FOLDER / "jaeger" / "jaeger-elasticsearch.yaml").read_text(encoding="utf-8")
    )
    prefix = file["extensions"]["jaeger_storage"]["backends"]["traces"]["elasticsearch"]["indices"][
        "index_prefix"
    ]
    assert f"/{prefix}-jaeger-*/_settings" in (FOLDER / "elk" / "setup").read_text(encoding="utf-8")


def test_what_serves_tls_is_spoken_to_by_tls_by_all_and_trusted(render: Render) -> None:
    servers = {"elasticsearch", "prometheus", "alertmanager", "grafana"}
    objects = render(*VARIANTS["tls"])
    issued = {item["spec"]["secretName"]: item["spec"] for item in objects if item["kind"] == "Certificate"}
    assert set(issued) == {f"{name}-tls" for name in servers} | {"elasticsearch-transport"}
    assert {"alertmanager-0.alertmanager-peers", "alertmanager-1.alertmanager-peers"} <= set(
        issued["alertmanager-tls"]["dnsNames"]
    )
    # Nobody is left who speaks to one of them in plain text; what stands behind a variable is its default alone.
    plain = re.compile(rf"(?<!:-)(?<!URL:)http://(?:{'|'.join(servers)})\b[^ '\"]*")
    assert plain.findall(str(render()))
    assert plain.findall(str(objects)) == []
    told = {"SSL_CERT_DIR", "CURL_CA_BUNDLE", "ELASTICSEARCH_SSL_CERTIFICATEAUTHORITIES"}
    for name, pod in pods(objects).items():
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        for container in containers(pod):
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            environment = {item["name"]: item.get("value", "") for item in container.get("env", [])}
            speaks = (
                name in ("prometheus", "blackbox-exporter")
                or "https://elasticsearch:9200" in environment.values()
            )
            if speaks:
                assert "trust" in mounted, name
                assert volumes["trust"]["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
                assert told & set(environment) or container["name"] == "logstash", name
        (main,) = pod["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if "httpGet" in main.get(probe, {}):
                assert ("scheme" in main[probe]["httpGet"]) is (name in servers), name
        assert ("tls" in volumes) is (name in servers), name
        # Discovery has addresses, which no certificate names: these are scraped by their names.
        if name in servers:
            assert "prometheus.io/scrape" not in pod["metadata"].get("annotations", {})
    targets = named(objects, "ConfigMap", "prometheus-targets")["data"]
    for name in servers - {"elasticsearch"}:
        for group in YAML(typ="safe").load(targets[f"{name}.yml"]):
            assert group["labels"] == {"service": name, "__scheme__": "https"}
            assert {target.rpartition(":")[0] for target in group["targets"]} <= set(
                issued[f"{name}-tls"]["dnsNames"]
            )
    pipeline = named(objects, "ConfigMap", "logstash")["data"]["logstash.conf"]
    assert 'ssl_certificate_authorities => ["/etc/trust/ca.crt"]' in pipeline


def test_an_ingress_is_told_of_the_tls_behind_it(render: Render) -> None:
    objects = render(*VARIANTS["tls"], "ingress.enabled=true", "ingress.domain=example.com")
    told = {
        item["metadata"]["name"]: item["metadata"].get("annotations", {})
        for item in objects
        if item["kind"] == "Ingress"
    }
    assert told == {"grafana": {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}, "kibana": {}}


def test_prometheus_and_alertmanager_speak_tls_as_the_chart_has_them_do(
    render: Render, prometheus: Path, alertmanager: Path, tmp_path: Path
) -> None:
    """The real ones, by the rendered files: only addresses, paths and intervals are those of this machine."""
    objects = render(*VARIANTS["tls"], "alertmanager.replicas=1")
    trust = tmp_path / "trust"
    trust.mkdir()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"]
    files: list[str | Path] = ["-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt"]
    subprocess.run(
        [*request, "-addext", "subjectAltName=DNS:localhost", *files], check=True, capture_output=True
    )
    (trust / "ca.crt").write_bytes((tmp_path / "tls.crt").read_bytes())
    ports = {"prometheus": free_port(), "alertmanager": free_port()}

    def here(text: str) -> str:
        text = text.replace("/etc/tls/", f"{tmp_path}/").replace("15s", "1s").replace("10s", "1s")
        text = re.sub(
            r"alertmanager(-0\.alertmanager-peers)?:9093", f"localhost:{ports['alertmanager']}", text
        )
        return text.replace("prometheus:9090", f"localhost:{ports['prometheus']}")

    for folder, name in (
        ("", "prometheus"),
        ("targets", "prometheus-targets"),
        ("alertmanager", "alertmanager"),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        for key, text in named(objects, "ConfigMap", name)["data"].items():
            (tmp_path / folder / key).write_text(here(text), encoding="utf-8")
    # Receivers are another test's.
    (tmp_path / "alertmanager" / "alertmanager.yml").write_text(
        "{route: {receiver: none}, receivers: [{name: none}]}"
    )
    commands: list[list[str | Path]] = [
        [
            alertmanager,
            f"--config.file={tmp_path / 'alertmanager' / 'alertmanager.yml'}",
            f"--web.config.file={tmp_path / 'alertmanager' / 'web.yml'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            f"--storage.path={tmp_path / 'alerts'}",
            "--cluster.listen-address=",
        ],
        [
            prometheus,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--web.config.file={tmp_path / 'web.yml'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
        ],
    ]
    environment = os.environ | {"SSL_CERT_DIR": str(trust), "CLUSTER": "test", "ENVIRONMENT": "test"}
    with contextlib.ExitStack() as stack:
        for command in commands:
            log = stack.enter_context((tmp_path / f"{Path(command[0]).name}.log").open("wb"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        verified = ssl.create_default_context(cafile=str(trust / "ca.crt"))
        client = stack.enter_context(httpx.Client(verify=verified, timeout=10))

        def asked(name: str, path: str) -> Any:
            try:
                return client.get(f"https://localhost:{ports[name]}{path}").raise_for_status().json()
            except httpx.HTTPError:
                return None

        def healthy() -> bool:
            found = asked("prometheus", "/api/v1/targets?state=active")
            states = {
                target["labels"]["job"]: (target["health"], target["scrapeUrl"][:8])
                for target in (found or {}).get("data", {}).get("activeTargets", [])
            }
            return all(states.get(name) == ("up", "https://") for name in ports)

        def notified() -> bool:
            return "Watchdog" in {
                alert["labels"]["alertname"] for alert in asked("alertmanager", "/api/v2/alerts") or ()
            }

        deadline = time.monotonic() + 120
        while not (healthy() and notified()):
            assert time.monotonic() < deadline, (tmp_path / "prometheus.log").read_text()[-2000:]
            time.sleep(0.2)
        assert httpx.get(f"http://localhost:{ports['prometheus']}/-/ready").status_code == 400


def shell_of_the_readme(function: str, *arguments: str) -> str:
    """Return what a function of the chapter about backups hands to `kubectl create -f -`."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^{function}\(\) \{{\n.*?^\}}$", text, flags=re.DOTALL | re.MULTILINE)
    assert found is not None
    # Kubernetes is not asked here: of its commands `get` answers with an image, and `create` shows what it was given.
    stand_in = 'kubectl() { case "$*" in *" get "*) echo prom/prometheus:v0;; *" create "*) cat;; esac; }'
    command = ["bash", "-c", f'{stand_in}\n{found[0]}\n{function} "$@"', "bash", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_pod_by_which_volumes_are_saved_is_restricted_and_the_claims_exist(render: Render) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    objects = [*render("jaeger.storage=badger")]
    owners = {
        f"{claim['metadata']['name']}-{item['metadata']['name']}-0": item["spec"]["template"]["spec"]
        for item in objects
        if item["kind"] == "StatefulSet"
        for claim in item["spec"]["volumeClaimTemplates"]
    }
    rows = re.findall(r"^\| .* \| `(data-\S+)` \| (\d+) \|$", text, flags=re.MULTILINE)
    called = re.findall(r"^volume (\S+) (\d+)", text, flags=re.MULTILINE)
    assert {claim for claim, _ in rows} == {"data-alertmanager-0", "data-grafana-0", "data-jaeger-0"}
    for claim, user in {*rows, *called}:
        assert owners[claim]["securityContext"]["runAsUser"] == int(user)
    for arguments in (("data-grafana-0", "472"), ("data-prometheus-0", "65534", "backup")):
        pod = YAML(typ="safe").load(shell_of_the_readme("volume", *arguments))
        kubernetes_validate.validate(pod, "1.37.0", strict=True)
        spec = pod["spec"]
        claims = [
            volume["persistentVolumeClaim"]["claimName"]
            for volume in spec["volumes"]
            if "persistentVolumeClaim" in volume
        ]
        assert claims == [name for name in arguments if not name.isdigit()]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = containers(pod)
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_prometheus_tells_every_alertmanager(render: Render) -> None:
    objects = render(*VARIANTS["replicas"])
    scrape = YAML(typ="safe").load(named(objects, "ConfigMap", "prometheus")["data"]["prometheus.yml"])
    (told,) = scrape["alerting"]["alertmanagers"][0]["static_configs"]
    assert told["targets"] == [f"alertmanager-{index}.alertmanager-peers:9093" for index in range(3)]
    (container,) = pods(objects)["alertmanager"]["spec"]["containers"]
    assert [argument for argument in container["args"] if "peer=" in argument] == [
        f"--cluster.peer=alertmanager-{index}.alertmanager-peers:9094" for index in range(3)
    ]


def test_several_collectors_stand_behind_a_layer_that_keeps_traces_whole(render: Render) -> None:
    assert "otel-gateway" not in str(render())
    objects = render("otelCollector.replicas=3")
    gateway, second = (pods(objects)[name] for name in ("otel-gateway", "otel-collector"))
    # Who sends knows one name, and reaches the first layer by it.
    front = named(objects, "Service", "otel-collector")["spec"]
    assert front["selector"].items() <= gateway["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in containers(gateway)[0]["ports"]}
    assert {4317, 4318, 9411, 14250, 14268} == {ports[port["targetPort"]] for port in front["ports"]}
    # The layer finds every instance of the second by the name that its file says.
    file = YAML(typ="safe").load(named(objects, "ConfigMap", "otel-gateway")["data"]["config.yaml"])
    hostnames = {exporter["resolver"]["dns"]["hostname"] for exporter in file["exporters"].values()}
    assert hostnames == {"otel-collector-headless"}
    headless = named(objects, "Service", "otel-collector-headless")["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["selector"].items() <= second["metadata"]["labels"].items()
    # Kubernetes' attributes come of the connection: of the layer that applications are connected with.
    for pod, files in ((gateway, ["config", "kubernetes"]), (second, ["config"])):
        (container,) = pod["spec"]["containers"]
        assert container["args"] == [f"--config=/etc/otelcol/{name}.yaml" for name in files]
        assert pod["spec"]["automountServiceAccountToken"] is ("kubernetes" in files)
    binding = named(objects, "ClusterRoleBinding", "observability-otel-collector")
    assert [subject["name"] for subject in binding["subjects"]] == ["otel-gateway"]
    # Every instance is scraped, under the jobs that rules know.
    targets = named(objects, "ConfigMap", "prometheus-targets")["data"]
    exported, own = (
        YAML(typ="safe").load(targets[name]) for name in ("otel-exported.yml", "otel-collector.yml")
    )
    assert [(group["targets"], group["labels"]["collector"]) for group in exported] == [
        ([f"otel-collector-{index}.otel-collector-headless:8889"], f"otel-collector-{index}")
        for index in range(3)
    ]
    assert [group["targets"] for group in own] == [
        [f"otel-gateway-{index}.otel-gateway:8888"] for index in range(2)
    ]
    governed = {
        item["metadata"]["name"]: item["spec"]["serviceName"]
        for item in objects
        if item["kind"] == "StatefulSet"
    }
    assert governed["otel-collector"] == "otel-collector-headless"
    assert governed["otel-gateway"] == "otel-gateway"
    (mounted,) = (
        source["configMap"]["items"]
        for source in pods(objects)["prometheus"]["spec"]["volumes"][0]["projected"]["sources"]
        if source["configMap"]["name"] == "prometheus-targets"
    )
    assert {item["key"] for item in mounted} == set(targets)


def test_with_two_layers_nobody_reaches_the_second_but_by_the_first(render: Render) -> None:
    objects = render("otelCollector.replicas=2")
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    ends = AROUND | {
        name: End(pod["namespace"], pod["metadata"]["labels"])
        for name, pod in pods(objects).items()
        if name != "node-exporter"
    }

    def may(source: str, target: str, port: int) -> bool:
        return may_open(policies, ends[source], ends[target], port)

    for port in (4317, 4318, 9411, 14250, 14268):
        assert may("application", "otel-gateway", port)
        assert not may("application", "otel-collector", port)
        assert not may("other", "otel-gateway", port)
    assert may("otel-gateway", "otel-collector", 4317)
    assert may("otel-gateway", "apiserver", 443)
    assert not may("otel-collector", "apiserver", 443)
    assert not may("otel-gateway", "elasticsearch", 9200)
    assert not may("otel-gateway", "jaeger", 4317)
    assert may("prometheus", "otel-gateway", 8888)
    assert may("prometheus", "otel-collector", 8889)
    assert may("otel-collector", "jaeger", 4317)


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


def test_the_cluster_s_collector_does_all_that_every_collector_does() -> None:
    """The last file's lists of processors take the place of the others', so they must hold those, in their order."""
    shared, gateway, added = (
        YAML(typ="safe").load((FOLDER / "otel" / f"otel-collector-{name}.yaml").read_text(encoding="utf-8"))
        for name in ("config", "gateway", "kubernetes")
    )
    assert {**shared["processors"], **gateway["processors"]} == shared["processors"]
    shared, gateway, added = (file["service"]["pipelines"] for file in (shared, gateway, added))
    assert {name: settings["processors"] for name, settings in gateway.items()} == {
        name: shared[name]["processors"] for name in gateway
    }
    assert {name: settings["receivers"] for name, settings in gateway.items()} == {
        name: shared[name]["receivers"] for name in gateway
    }
    for pipeline, settings in added.items():
        assert set(settings) == {"processors"}
        assert [name for name in settings["processors"] if name != "k8s_attributes"] == shared[pipeline][
            "processors"
        ]
    assert set(added) == {name for name, settings in shared.items() if "otlp" in settings["receivers"]}


AROUND = {
    "application": End("accelerapp", {"app.kubernetes.io/name": "accelerapp"}),
    "other": End("somebody", {"app.kubernetes.io/name": "grafana"}),
    "ingress": End("ingress-nginx", {"app.kubernetes.io/name": "ingress-nginx"}),
    "dns": End("kube-system", {"k8s-app": "kube-dns"}),
    "node": End(address="192.0.2.11"),
    "apiserver": End(address="192.0.2.1"),
    "internet": End(address="203.0.113.9"),
}
ROWS = YAML(typ="safe").load((FOLDER / "tests" / "network.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("row", "allowed"),
    [(row, verdict == "allowed") for verdict in ("allowed", "denied") for row in ROWS[verdict]],
)
def test_the_network_s_policies_let_through_what_the_table_says(
    render: Render, row: str, allowed: bool
) -> None:
    settings = ("ingress.enabled=true", "ingress.domain=example.com", *VARIANTS["remote write"])
    objects = render(*settings, *VARIANTS["backup"])
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    ends = AROUND | {
        name: End(pod["namespace"], pod["metadata"]["labels"])
        for name, pod in pods(objects).items()
        if name != "node-exporter"
    }
    found = re.fullmatch(r"(\S+) -> (\S+):(\d+)(?:/(UDP))?", row)
    assert found is not None
    source, target, port, protocol = found.groups()
    assert may_open(policies, ends[source], ends[target], int(port), protocol or "TCP") is allowed


def test_every_port_of_a_service_is_reached_by_an_arrow_of_the_table(render: Render) -> None:
    reached = {tuple(re.split(r" -> |:|/", row)[1:3]) for row in ROWS["allowed"]}
    for service in (item for item in render() if item["kind"] == "Service"):
        name = service["spec"]["selector"]["app.kubernetes.io/name"]
        for port in service["spec"]["ports"]:
            # Jaeger takes OTLP by HTTP as well, which nobody in the cluster sends.
            if (name, port["port"]) != ("jaeger", 4318):
                assert (name, str(port["port"])) in reached, service["metadata"]["name"]


def test_what_is_scraped_says_so(render: Render) -> None:
    """The pods' annotations, names and components are what prometheus.yml makes job and service of."""
    scraped = {
        name: pod["metadata"]["annotations"]["prometheus.io/port"]
        for name, pod in pods(render()).items()
        if pod["metadata"].get("annotations", {}).get("prometheus.io/scrape") == "true"
    }
    assert scraped == {
        "prometheus": "9090",
        "alertmanager": "9093",
        "grafana": "3000",
        "jaeger": "8888",
        "otel-collector": "8888",
        "node-exporter": "9100",
        "blackbox-exporter": "9115",
    }
