"""What the collector of a cluster adds to telemetry: the pod it came from, as the real API server tells it.

The receivers and processors are the shipped ones; what they make goes to a file, in the place of the stores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.controllers import example, read, running
from tests.stack.chart.kubernetes import Kubernetes, start_kubernetes
from tests.stack.chart.pod import as_pod
from tests.stack.chart.rendered import FOLDER, Object
from tests.stack.programs import Program, Redirected, until

pytestmark = pytest.mark.stack

COLLECTOR = "system:serviceaccount:observability:otel-collector"
PROMETHEUS = "prometheus/kubernetes-deployment.yaml"
SIGNALS = {"traces", "metrics", "logs"}


@dataclass(frozen=True)
class Stack:
    """A collector in a pod of a cluster that has the application's pods."""

    kubernetes: Kubernetes
    pods: list[Object]
    port: int
    written: Path

    def added(self, **resource: str) -> dict[str, str]:
        """Return what a line has of Kubernetes when it has been sent, whose resource is said to be this."""
        self.written.write_text("", encoding="utf-8")
        attributes = [
            {"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in resource.items()
        ]
        record = {"body": {"stringValue": "a line"}}
        logs = {"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": [record]}]}
        url = f"http://127.0.0.1:{self.port}/v1/logs"
        httpx.post(url, json={"resourceLogs": [logs]}).raise_for_status()
        until(lambda: self.written.read_text(encoding="utf-8").endswith("\n"), "the line")
        (written,) = json.loads(self.written.read_text(encoding="utf-8"))["resourceLogs"]
        found = written["resource"].get("attributes", [])
        return {item["key"]: item["value"]["stringValue"] for item in found}


def owned(pod: Object) -> Object:
    """Return a pod as the controllers of its Deployment make it."""
    metadata = pod["metadata"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "accelerapp-5d9c7b", "uid": "replicas"}
    return {
        **pod,
        "metadata": {
            **metadata,
            "labels": {**metadata["labels"], "pod-template-hash": "5d9c7b"},
            "ownerReferences": [{**owner, "controller": True}],
        },
    }


@pytest.fixture(scope="module")
def stack(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    etcd, apiserver, collector = map(server_programs, ("etcd", "kube-apiserver", "otelcol"))
    home = tmp_path_factory.mktemp("attributes")
    (home / "api").mkdir()
    with start_kubernetes(etcd / "etcd", apiserver / "kube-apiserver", home / "api") as kubernetes:
        kinds = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
        for item in [*read(PROMETHEUS), *example(), *read("otel/kubernetes-deployment.yaml")]:
            if item["kind"] in kinds:
                kubernetes.put(item)
        pods = [owned(pod) for pod in running(example())]
        # The first has the address that a line comes from which the test sends.
        pods[0] = {**pods[0], "status": {**pods[0]["status"], "podIP": "127.0.0.1"}}
        for pod in pods:
            kubernetes.put(pod)
        token = kubernetes.token("observability", "otel-collector")
        shipped = Redirected(FOLDER / "otel" / "otel-collector-config.yaml")
        written = home / "written"
        configure(home / "config.yaml", shipped.text, written)
        command: list[str | Path] = [
            as_pod(collector / "otelcol", home, kubernetes.port, kubernetes.ca, token),
            f"--config={home / 'config.yaml'}",
        ]
        program = Program(command, home / "log", f"http://127.0.0.1:{shipped.ports[13133]}/")
        program.start()
        try:
            yield Stack(kubernetes, pods, shipped.ports[4318], written)
        finally:
            program.stop()


def configure(target: Path, shipped: str, written: Path) -> None:
    """Write the shipped file with that of a cluster over it, as the collector merges them, and a file as its store."""
    yaml = YAML(typ="safe")
    base = yaml.load(shipped)
    cluster = yaml.load(FOLDER / "otel" / "otel-collector-kubernetes.yaml")
    pipelines = {
        signal: {"receivers": ["otlp"], "exporters": ["file"], **cluster["service"]["pipelines"][signal]}
        for signal in SIGNALS
    }
    configuration = {
        "extensions": {"health_check": base["extensions"]["health_check"]},
        "receivers": {"otlp": base["receivers"]["otlp"]},
        "processors": base["processors"] | cluster["processors"],
        "exporters": {"file": {"path": str(written), "append": True}},
        "service": {**base["service"], "extensions": ["health_check"], "pipelines": pipelines},
    }
    target.write_text(json.dumps(configuration), encoding="utf-8")


def test_a_line_has_the_pod_that_its_connection_came_from(stack: Stack) -> None:
    pod = stack.kubernetes.client.get(stack.kubernetes.path(stack.pods[0])).raise_for_status().json()
    expected = {
        "k8s.namespace.name": "accelerapp",
        "k8s.pod.name": "accelerapp-0",
        "k8s.pod.uid": pod["metadata"]["uid"],
        "k8s.deployment.name": "accelerapp",
        "k8s.node.name": "node-a",
    }
    until(lambda: stack.added() == expected, "the pod")


def test_the_sender_s_own_word_comes_first(stack: Stack) -> None:
    address = stack.pods[1]["status"]["podIP"]
    until(lambda: stack.added(k8s_pod_ip=address).get("k8s.pod.name") == "accelerapp-1", "the other pod")


def test_the_chart_s_role_is_all_that_the_collector_asks_for(stack: Stack) -> None:
    asked = stack.kubernetes.asked_by(COLLECTOR)
    assert {event["objectRef"]["resource"] for event in asked} == {"pods"}
    assert stack.kubernetes.refused(COLLECTOR, "system:anonymous", "") == []
