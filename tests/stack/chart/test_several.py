"""Several of a part: Alertmanagers that are all told, collectors behind a layer that keeps traces whole."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML
from tests.stack.chart.rendered import FOLDER, Render, containers, named, pods
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack


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
