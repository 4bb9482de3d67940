"""The chart's pods: restricted, bounded, probed, with the rights and secrets that they need and no more."""

from __future__ import annotations

import itertools

import pytest
from tests.stack.chart.rendered import FOLDER, Render, containers, named, pods
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack


SECRETS = {path.name for path in (FOLDER / "secrets" / "laptop").iterdir() if path.name != "README.md"}


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
        "observability-otel-collector": ["pods"],
    }
    assert may == {
        (role, resource, verb)
        for role, resources in watched.items()
        for resource in resources
        for verb in ("get", "list", "watch")
    } | {("observability-prometheus", "nodes/metrics", "get")}
    with_token = {name for name, pod in pods(render()).items() if pod["spec"]["automountServiceAccountToken"]}
    assert with_token == {"prometheus", "otel-collector"}


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
