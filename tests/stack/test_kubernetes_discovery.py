"""What the shipped prometheus.yml discovers in a cluster: the real Prometheus 3, by the real API server and by a fake.

The file runs unchanged, with a service account's token and CA where a pod has them (in a mount namespace of the test's
own), and the pods are those of the committed manifests and of the application's example. No address answers: what is
asserted is who is found, by which labels and at which address.

The real API server takes long to be built, so where it is not, the fake alone is asked: it is held to the same answers.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.stack.chart.apiserver import PATHS, ApiServer, Object
from tests.stack.chart.controllers import NODE, example, read, running
from tests.stack.chart.kubernetes import Kubernetes, certify, start_kubernetes
from tests.stack.chart.pod import as_pod
from tests.stack.conftest import RunningPrometheus, start_prometheus
from tests.stack.programs import until

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
#: Endpoints may not be of the loopback; these addresses are nobody's, as documents need them.
DATABASES = ("192.0.2.1", "192.0.2.2")
TOKEN = "token-of-the-service-account"
PROMETHEUS = "system:serviceaccount:observability:prometheus"

pytestmark = pytest.mark.stack

#: The job and service of each pod that is scraped in its namespace, and its port.
SCRAPED = {
    ("observability", "prometheus", "prometheus"): 9090,
    ("observability", "alertmanager", "alertmanager"): 9093,
    ("observability", "grafana", "grafana"): 3000,
    ("observability", "jaeger", "jaeger"): 8888,
    ("observability", "otel-collector", "otel-collector"): 8888,
    ("observability", "blackbox-exporter", "blackbox-exporter"): 9115,
    ("observability-node", "node-exporter", "node-exporter"): 9100,
    ("accelerapp", "accelerapp", "codegen"): 8080,
}


#: What the namespace of the example demands of every pod.
RESTRICTED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


class Api(Protocol):
    """An API server to which a test gives objects, and which tells what Prometheus has asked of it."""

    @property
    def port(self) -> int: ...

    @property
    def watched(self) -> set[str]: ...

    @property
    def refused(self) -> list[str]: ...

    def put(self, item: Object) -> None: ...

    def delete(self, item: Object) -> None: ...


@dataclass
class RealApi:
    """The real one, of which Prometheus asks as the service account of its pods."""

    kubernetes: Kubernetes

    @property
    def port(self) -> int:
        return self.kubernetes.port

    @property
    def watched(self) -> set[str]:
        kinds = {resource: kind for _, resource, kind in PATHS.values()}
        asked = self.kubernetes.asked_by(PROMETHEUS)
        return {kinds[event["objectRef"]["resource"]] for event in asked if event["verb"] == "watch"}

    @property
    def refused(self) -> list[str]:
        # By whom the token was known, and by whom not.
        return self.kubernetes.refused(PROMETHEUS, "system:anonymous", "")

    def put(self, item: Object) -> None:
        self.kubernetes.put(item)

    def delete(self, item: Object) -> None:
        self.kubernetes.delete(item)


@dataclass
class Cluster:
    """The API server, and the Prometheus that asks it what to scrape."""

    api: Api
    server: RunningPrometheus
    pods: list[Object]

    def targets(self) -> list[dict[str, Any]]:
        answer = self.server.client.get("/api/v1/targets", params={"state": "active"}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["activeTargets"]
        return found

    def discovered(self, pool: str) -> dict[str, dict[str, str]]:
        """Return the labels of what a scrape job has found, by the address that it scrapes."""
        return {item["scrapeUrl"]: item["labels"] for item in self.targets() if item["scrapePool"] == pool}


def manifests() -> list[Object]:
    files = [file.relative_to(SHIPPED) for file in SHIPPED.glob("*/kubernetes-deployment.yaml")]
    files += [file.relative_to(SHIPPED) for file in (SHIPPED / "elk").glob("*.yaml")]
    objects = [*(item for file in files for item in read(str(file))), *example()]
    return sorted(objects, key=lambda item: item["kind"] != "Namespace")


def a_pod(
    name: str,
    address: str,
    *ports: int,
    phase: str = "Running",
    labels: dict[str, str] | None = None,
    **annotations: str,
) -> Object:
    container = {
        "name": "main",
        "image": "main",
        "ports": [{"containerPort": port} for port in ports],
        "securityContext": RESTRICTED,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "accelerapp",
            "labels": labels or {},
            "annotations": {f"prometheus.io/{key}": value for key, value in annotations.items()},
        },
        "spec": {"nodeName": "node-a", "containers": [container]},
        "status": {"phase": phase, "podIP": address, "hostIP": NODE},
    }


def a_service(name: str, port: int, annotations: dict[str, str], labels: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "accelerapp", "labels": labels, "annotations": annotations},
        "spec": {"type": "ClusterIP", "ports": [{"port": port, "protocol": "TCP"}]},
    }


def slices(service: str, port: int, *addresses: str) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-1",
            "namespace": "accelerapp",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
    }


def an_ingress(name: str, host: str, path: str, **annotations: str) -> Object:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": "accelerapp",
            "annotations": {f"prometheus.io/{key}": value for key, value in annotations.items()},
        },
        "spec": {
            "tls": [{"hosts": [host]}],
            "rules": [
                {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
            ],
        },
    }


def around() -> Iterator[Object]:
    """Yield what a cluster has beside the stack: what discovery is to find, and its like that it is not."""
    yield {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}},
        "status": {
            "addresses": [{"type": "InternalIP", "address": NODE}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        },
    }
    yield a_pod("silent", "127.0.21.1", 8080)
    yield a_pod("refused", "127.0.21.2", 8080, scrape="false", port="8080")
    yield a_pod("ended", "127.0.21.3", 8080, phase="Succeeded", scrape="true", port="8080")
    yield a_pod("nameless", "127.0.21.4", 8080, 9000, scrape="true", port="9000")
    yield a_pod(
        "elsewhere",
        "::1",
        8443,
        scrape="true",
        port="8443",
        scheme="https",
        path="/internal/metrics",
        labels={"app.kubernetes.io/name": "shop"},
    )
    probe = {
        "prometheus.io/probe": "true",
        "prometheus.io/path": "/api/version",
        "accelerapp/service": "codegen",
    }
    yield a_service("ollama", 11434, probe, {"app.kubernetes.io/name": "ollama"})
    yield a_service("site", 80, {"prometheus.io/probe": "true"}, {})
    yield a_service("unasked", 80, {}, {})
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": "9187"}
    yield a_service("database", 5432, scrape, {"app.kubernetes.io/name": "postgres"})
    yield slices("database", 5432, *DATABASES)
    yield slices("unasked", 80, "192.0.2.3")
    yield an_ingress("shop", "shop.example.com", "/orders", probe="true")
    yield an_ingress("hidden", "hidden.example.com", "/")


@contextlib.contextmanager
def fake(home: Path, objects: list[Object]) -> Iterator[tuple[Api, Path, str]]:
    certify(home / "ca.crt", home / "key")
    (role,) = [
        item
        for item in objects
        if item["kind"] == "ClusterRole" and item["metadata"]["name"].endswith("-prometheus")
    ]
    with contextlib.closing(ApiServer(home / "ca.crt", home / "key", TOKEN, role["rules"])) as api:
        for item in objects:
            if item["kind"] in {kind for _, _, kind in PATHS.values()}:
                api.put(item)
        yield api, home / "ca.crt", TOKEN


@contextlib.contextmanager
def real(etcd: Path, apiserver: Path, home: Path, objects: list[Object]) -> Iterator[tuple[Api, Path, str]]:
    with start_kubernetes(etcd / "etcd", apiserver / "kube-apiserver", home) as kubernetes:
        for item in objects:
            kubernetes.put(item)
        yield RealApi(kubernetes), kubernetes.ca, kubernetes.token("observability", "prometheus")


@pytest.fixture(scope="module", params=["real", "fake"])
def cluster(
    request: pytest.FixtureRequest,
    server_programs: Callable[[str], Path],
    prometheus: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("discovery")
    objects = manifests()
    (home / "api").mkdir()
    with contextlib.ExitStack() as ends:
        if request.param == "real":
            etcd, apiserver = map(server_programs, ("etcd", "kube-apiserver"))
            server = real(etcd, apiserver, home / "api", objects)
        else:
            server = fake(home / "api", objects)
        api, ca, token = ends.enter_context(server)
        pods = running(objects)
        for item in (*around(), *pods):
            api.put(item)
        yield Cluster(api, ends.enter_context(discovering(prometheus, home, api.port, ca, token)), pods)


@contextlib.contextmanager
def discovering(program: Path, home: Path, port: int, ca: Path, token: str) -> Iterator[RunningPrometheus]:
    """Start Prometheus on the shipped file, in what its pod has around it."""
    for name in ("prometheus.yml", "recording-rules.yml", "meta-rules.yml", "alert-rules.yml"):
        shutil.copyfile(SHIPPED / "prometheus" / name, home / name)
    shutil.copytree(SHIPPED / "prometheus" / "targets" / "kubernetes", home / "targets")
    # Names of the stack's own services: nobody is asked for them, and nobody is there.
    pod = as_pod(
        program, home, port, ca, token, names=("alertmanager", "blackbox-exporter", "otel-collector")
    )
    environment = {"CLUSTER": "tests", "ENVIRONMENT": "test"}
    with start_prometheus(pod, home, environment=environment) as server:
        yield server


def test_every_annotated_pod_is_scraped_once_by_the_job_that_rules_name(cluster: Cluster) -> None:
    expected = {}
    for pod in cluster.pods:
        labels, namespace = pod["metadata"]["labels"], pod["metadata"]["namespace"]
        key = namespace, labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"]
        if key not in SCRAPED:
            continue
        at = f"{pod['status']['podIP']}:{SCRAPED[key]}"
        expected[f"http://{at}/metrics"] = {
            "job": key[1],
            "service": key[2],
            "namespace": namespace,
            "pod": pod["metadata"]["name"],
            "instance": "node-a" if key[1] == "node-exporter" else at,
        }
    # Two of the application; of the stack what the table above says, and nothing without an annotation.
    assert len(expected) == len(SCRAPED) + 1
    expected["http://127.0.21.4:9000/metrics"] = {
        "job": "kubernetes-pods",
        "service": "nameless",
        "namespace": "accelerapp",
        "pod": "nameless",
        "instance": "127.0.21.4:9000",
    }
    expected["https://[::1]:8443/internal/metrics"] = {
        "job": "shop",
        "service": "shop",
        "namespace": "accelerapp",
        "pod": "elsewhere",
        "instance": "[::1]:8443",
    }
    until(lambda: len(cluster.discovered("kubernetes-pods")) >= len(expected), "the pods")
    assert cluster.discovered("kubernetes-pods") == expected
    found = [item["scrapeUrl"] for item in cluster.targets() if item["scrapePool"] == "kubernetes-pods"]
    assert len(found) == len(set(found))


def test_the_kubelet_of_each_node_is_scraped_by_its_name(cluster: Cluster) -> None:
    until(lambda: cluster.discovered("kubelet"), "the node")
    assert cluster.discovered("kubelet") == {
        f"https://{NODE}:10250/metrics": {"job": "kubelet", "service": "kubelet", "instance": "node-a"}
    }


def test_endpoints_of_an_annotated_service_are_scraped_at_its_port(cluster: Cluster) -> None:
    until(lambda: cluster.discovered("kubernetes-endpoints"), "the endpoints")
    assert cluster.discovered("kubernetes-endpoints") == {
        f"http://{address}:9187/metrics": {
            "job": "postgres",
            "service": "database",
            "namespace": "accelerapp",
            "instance": f"{address}:9187",
        }
        for address in DATABASES
    }


def test_annotated_services_and_ingresses_are_probed_and_the_model_s_is_the_job_of_its_alert(
    cluster: Cluster,
) -> None:
    def probed(pool: str) -> set[tuple[str, str, str, str]]:
        return {
            (labels["job"], labels["service"], labels["namespace"], labels["instance"])
            for labels in cluster.discovered(pool).values()
        }

    until(
        lambda: len(probed("kubernetes-services")) >= 2 and probed("kubernetes-ingresses"),
        "services and ingresses",
    )
    assert probed("kubernetes-services") == {
        ("ollama", "codegen", "accelerapp", "http://ollama.accelerapp.svc:11434/api/version"),
        ("kubernetes-services", "site", "accelerapp", "http://site.accelerapp.svc:80"),
    }
    assert probed("kubernetes-ingresses") == {
        ("kubernetes-ingresses", "shop", "accelerapp", "https://shop.example.com/orders")
    }
    addresses = [*cluster.discovered("kubernetes-services"), *cluster.discovered("kubernetes-ingresses")]
    assert all(address.startswith("http://blackbox-exporter:9115/probe?") for address in addresses)
    (model,) = [address for address in addresses if "11434" in address]
    assert "module=ollama" in model


def test_a_pod_that_comes_is_scraped_and_one_that_goes_is_not(cluster: Cluster) -> None:
    labels = {"app.kubernetes.io/name": "late", "app.kubernetes.io/component": "shop"}
    late = a_pod("late", "127.0.21.9", 8080, scrape="true", port="8080", labels=labels)
    address = "http://127.0.21.9:8080/metrics"
    cluster.api.put(late)
    until(lambda: address in cluster.discovered("kubernetes-pods"), "the pod that came")
    assert cluster.discovered("kubernetes-pods")[address]["service"] == "shop"
    cluster.api.delete(late)
    until(lambda: address not in cluster.discovered("kubernetes-pods"), "the end of the pod that went")


def test_the_chart_s_role_is_all_that_discovery_asks_for(cluster: Cluster) -> None:
    until(
        lambda: cluster.api.watched == {"Node", "Pod", "Service", "EndpointSlice", "Ingress"}, "every watch"
    )
    assert cluster.api.refused == []
