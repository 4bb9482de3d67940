"""The chart's NetworkPolicies, evaluated against the table of what they let through."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML
from tests.stack.chart.policies import End, may_open
from tests.stack.chart.rendered import FOLDER, Render, pods
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack


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
