"""The chart, its manifests and the application's example on the real API server of Kubernetes: taken without a warning.

No controller, scheduler or node runs beside it, so nothing starts: what is asserted is what a cluster takes, admits and
lets be changed, and what the service accounts may do.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.stack.chart.controllers import example, read, running
from tests.stack.chart.kubernetes import ADMINISTRATOR, Kubernetes, RefusedError, start_kubernetes
from tests.stack.chart.rendered import CHART, Object, Render, named
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
#: What kubelets serve, and API servers know by its name alone.
OF_KUBELETS = ("nodes/metrics", "nodes/stats", "nodes/log", "nodes/configz", "nodes/healthz", "nodes/pods")


@pytest.fixture(scope="module")
def kubernetes(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, render: Render
) -> Iterator[Kubernetes]:
    """Return a cluster with what an operator has in it beforehand: cert-manager's kinds and a priority."""
    etcd, apiserver, definitions = map(server_programs, ("etcd", "kube-apiserver", "cert-manager"))
    with start_kubernetes(
        etcd / "etcd", apiserver / "kube-apiserver", tmp_path_factory.mktemp("kubernetes")
    ) as running_one:
        definition = definitions / "cert-manager.io_certificates.yaml"
        running_one.define(YAML(typ="safe").load(definition))
        running_one.put(
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": "high"},
                "value": 1000,
            }
        )
        for item in [*render(), *example()]:
            if item["kind"] == "Namespace":
                running_one.put(item)
        yield running_one


def tried(kubernetes: Kubernetes, items: list[Object]) -> list[str]:
    """Return what the server says against the objects, none of which it keeps."""
    said = []
    for item in items:
        try:
            said += kubernetes.apply(item, dry_run=True).warnings
        except RefusedError as refused:
            said.append(str(refused))
    return said


def accounts(items: list[Object]) -> list[Object]:
    return [item for item in items if item["kind"] == "ServiceAccount"]


def test_every_manifest_is_taken_in_the_order_of_the_page(kubernetes: Kubernetes, generator: Any) -> None:
    for name in generator.MANIFESTS:
        assert tried(kubernetes, read(name)) == [], name


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_the_chart_and_all_its_pods_are_taken(
    kubernetes: Kubernetes, render: Render, variant: str
) -> None:
    objects = render(*VARIANTS[variant])
    assert tried(kubernetes, objects) == []
    # Pods are asked for by name of an account, and admitted by the labels of their namespace.
    with kubernetes.applied(accounts(objects)):
        assert tried(kubernetes, running(objects)) == []


def test_the_example_of_the_application_and_its_pods_are_taken(kubernetes: Kubernetes) -> None:
    assert tried(kubernetes, example()) == []
    assert tried(kubernetes, running(example())) == []


def test_what_is_wrong_is_told(kubernetes: Kubernetes, render: Render) -> None:
    """So that nothing told, above, says something."""
    service = named(render(), "Service", "prometheus")
    (unknown,) = tried(kubernetes, [{**service, "spec": {**service["spec"], "prots": []}}])
    assert ".spec.prots: field not declared in schema" in unknown
    metadata = {"name": "old", "namespace": "observability"}
    (old,) = tried(kubernetes, [{"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}])
    assert "v1 Endpoints is deprecated" in old
    deployment = json.loads(json.dumps(named(render(), "Deployment", "kibana")))
    deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    (violates,) = tried(kubernetes, [deployment])
    assert 'would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)' in violates


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hostNetwork": True}, "host namespaces"),
        ({"securityContext": {}}, "runAsNonRoot != true"),
        ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "restricted volume types"),
    ],
)
@pytest.mark.parametrize("name", ["kibana", "accelerapp"])
def test_a_pod_that_is_not_restricted_is_refused_in_both_namespaces(
    kubernetes: Kubernetes, render: Render, name: str, change: dict[str, Any], why: str
) -> None:
    (pod, *_) = [
        item for item in running([*render(), *example()]) if item["metadata"]["name"].startswith(f"{name}-")
    ]
    with kubernetes.applied(accounts(render())):
        assert tried(kubernetes, [pod]) == []
        spec = {**pod["spec"], **change}
        spec["volumes"] = pod["spec"]["volumes"] + change.get("volumes", [])
        (refused,) = tried(kubernetes, [{**pod, "spec": spec}])
        assert 'violates PodSecurity "restricted:latest"' in refused
        assert why in refused


def test_only_who_asks_the_api_server_has_a_token_in_its_pod(kubernetes: Kubernetes, render: Render) -> None:
    objects = render("otelCollector.replicas=2")
    with kubernetes.applied(accounts(objects)):
        admitted = [kubernetes.apply(pod, dry_run=True).item for pod in running([*objects, *example()])]
    with_token = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for pod in admitted
        for volume in pod["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    }
    assert with_token == {"prometheus", "otel-gateway"}


def allowed(kubernetes: Kubernetes, account: str) -> set[tuple[str, str]]:
    """Return every verb and resource of the cluster that a service account of the stack has, in all namespaces."""
    groups = kubernetes.client.get("/apis").raise_for_status().json()["groups"]
    versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]
    resources = {("", name) for name in OF_KUBELETS}
    for version in versions:
        found = kubernetes.client.get(f"/apis/{version}" if "/" in version else f"/api/{version}")
        group = version.rpartition("/")[0]
        resources |= {(group, item["name"]) for item in found.raise_for_status().json()["resources"]}
    assert ("", "nodes/proxy") in resources
    may = set()
    for (group, name), verb in itertools.product(sorted(resources), VERBS):
        resource, _, part = name.partition("/")
        asked = {"group": group, "resource": resource, "subresource": part, "verb": verb}
        answer = kubernetes.client.post(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            json={
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": f"system:serviceaccount:observability:{account}",
                    "groups": [
                        "system:serviceaccounts",
                        "system:serviceaccounts:observability",
                        "system:authenticated",
                    ],
                    "resourceAttributes": asked,
                },
            },
        )
        if answer.raise_for_status().json()["status"]["allowed"]:
            may.add((verb, f"{group}/{name}".lstrip("/")))
    return may


def test_prometheus_and_the_collector_may_do_what_they_must_and_no_more(
    kubernetes: Kubernetes, render: Render
) -> None:
    roles = [item for item in render() if item["kind"] in ("ClusterRole", "ClusterRoleBinding")]
    discovered = [
        "nodes",
        "pods",
        "services",
        "discovery.k8s.io/endpointslices",
        "networking.k8s.io/ingresses",
    ]
    with kubernetes.applied(roles):
        anyone = allowed(kubernetes, "grafana")
        # What every service account may: ask who it is and what it may, and read who is to be trusted.
        assert {name.partition("/")[2] for _, name in anyone} == {
            "clustertrustbundles",
            "selfsubjectaccessreviews",
            "selfsubjectreviews",
            "selfsubjectrulesreviews",
        }
        assert allowed(kubernetes, "prometheus") - anyone == {
            *itertools.product(("get", "list", "watch"), discovered),
            ("get", "nodes/metrics"),
        }
        assert allowed(kubernetes, "otel-collector") - anyone == set(
            itertools.product(("get", "list", "watch"), ["pods"])
        )


def versions(kubernetes: Kubernetes, items: list[Object]) -> dict[str, str]:
    """Return what changes with every change of an object, by its path."""
    found = {}
    for item in items:
        stored = kubernetes.client.get(kubernetes.path(item)).raise_for_status().json()
        found[kubernetes.path(item)] = stored["metadata"]["resourceVersion"]
    return found


def test_the_manifests_applied_twice_change_nothing(kubernetes: Kubernetes, generator: Any) -> None:
    objects = [item for name in generator.MANIFESTS for item in read(name)] + example()
    with kubernetes.applied(objects):
        before = versions(kubernetes, objects)
        for item in objects:
            kubernetes.apply(item)
        assert versions(kubernetes, objects) == before


def test_each_variant_becomes_the_shipped_one_and_the_other_way_round(
    kubernetes: Kubernetes, render: Render
) -> None:
    # The class of a claim stays as it was made, as its size does: a test below is about that.
    variants = [
        render(*(setting for setting in settings if not setting.startswith("storageClass=")))
        for settings in VARIANTS.values()
    ]
    shipped = render()
    with kubernetes.applied(shipped):
        for objects in variants:
            assert tried(kubernetes, objects) == []
    for objects in variants:
        with kubernetes.applied(objects):
            assert tried(kubernetes, shipped) == []


@dataclass(frozen=True)
class Helm:
    """The release of the page's command, in the namespace that is there."""

    program: str
    kubernetes: Kubernetes
    home: Path

    def __call__(self, *arguments: str, refused: str = "") -> str:
        """Run a command of Helm; it has to be refused with that message, or to have nothing to say against it."""
        done = subprocess.run(
            [
                *(self.program, *arguments, "--namespace=observability"),
                f"--kube-apiserver=https://127.0.0.1:{self.kubernetes.port}",
                *(f"--kube-ca-file={self.kubernetes.ca}", f"--kube-token={ADMINISTRATOR}"),
            ],
            env=os.environ | {"HOME": str(self.home), "KUBECONFIG": str(self.home / "none")},
            capture_output=True,
            text=True,
            check=False,
        )
        # In the checkout the chart's files are links, of which Helm tells.
        said = "".join(line for line in done.stderr.splitlines() if not line.startswith("walk.go:"))
        if refused:
            assert done.returncode != 0
            assert refused in said
        else:
            assert (done.returncode, said) == (0, "")
        return done.stdout

    def upgrade(self, *settings: str, dry_run: str = "none", refused: str = "") -> None:
        options = [f"--set={setting}" for setting in settings]
        self(
            *("upgrade", "observability", str(CHART), "--reuse-values", f"--dry-run={dry_run}", *options),
            refused=refused,
        )

    def replicas(self, name: str) -> int:
        path = f"/apis/apps/v1/namespaces/observability/statefulsets/{name}"
        return int(self.kubernetes.client.get(path).raise_for_status().json()["spec"]["replicas"])


@pytest.fixture
def helm(kubernetes: Kubernetes, generator: Any, tmp_path: Path) -> Iterator[Helm]:
    called = Helm(generator.helm(), kubernetes, tmp_path)
    # The other namespace of the other tests is there as well, and is not Helm's.
    options = ("--set=secrets.existingSecret=observability", "--set=nodeNamespace.create=false")
    called("install", "observability", str(CHART), *options)
    yield called
    called("uninstall", "observability")


def test_helm_installs_upgrades_and_goes_back(helm: Helm) -> None:
    more = [setting for setting in VARIANTS["replicas"] if not setting.startswith("elasticsearch.")]
    assert helm.replicas("prometheus") == 1
    helm.upgrade(*more, dry_run="server")
    assert helm.replicas("prometheus") == 1
    helm.upgrade(*more)
    assert helm.replicas("prometheus") == 2
    helm("rollback", "observability", "1")
    assert helm.replicas("prometheus") == 1
    history = json.loads(helm("history", "observability", "--output=json"))
    assert [revision["status"] for revision in history] == ["superseded", "superseded", "deployed"]


def test_a_larger_claim_is_refused_until_its_statefulset_is_left_away(helm: Helm) -> None:
    larger = "prometheus.storage.size=100Gi"
    helm.upgrade(larger, refused="field is immutable")
    name = {"name": "prometheus", "namespace": "observability"}
    helm.kubernetes.delete({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": name})
    helm.upgrade(larger)
    assert helm.replicas("prometheus") == 1


def test_one_node_of_elasticsearch_has_its_certificate_before_there_are_more(helm: Helm) -> None:
    certificates = ("certificates.enabled=true", "certificates.issuerRef.name=internal")
    helm.upgrade(*certificates, "elasticsearch.replicas=3", refused="has no certificate yet")
    helm.upgrade(*certificates)
    helm.upgrade("elasticsearch.replicas=3")
    assert helm.replicas("elasticsearch") == 3
    helm.upgrade("elasticsearch.bootstrap=false")
