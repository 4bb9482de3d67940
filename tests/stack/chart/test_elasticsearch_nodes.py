"""Elasticsearch grows from one node to several, and loses one: real nodes, by the discovery that the chart gives."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.chart.rendered import CHART, FOLDER, Object, Render, containers, named, pods, refusal
from tests.stack.conftest import built
from tests.stack.programs import LocalServer, Program, free_port, until

pytestmark = pytest.mark.stack

CERTIFICATES = ("certificates.enabled=true", "certificates.issuerRef.name=internal")
SERVICE = "elasticsearch-nodes"
DOCUMENT = {"message": "written while there was one node"}
DAY = "accelerapp-logs-2026.11.24"
#: The shipped one. Its lifecycle and the processors of its pipeline are not in what is built here.
TEMPLATE = json.loads((FOLDER / "elk" / "index-template.json").read_text(encoding="utf-8"))
for absent in ("lifecycle", "default_pipeline"):
    del TEMPLATE["template"]["settings"]["index"][absent]
SKIPPED = (
    "skipping cluster bootstrapping as local node does not match bootstrap requirements: [elasticsearch-0]"
)


def discovery(render: Render, *settings: str) -> Mapping[str, str]:
    """Return the settings of one's cluster that the chart gives a node."""
    (container,) = containers(pods(render(*settings))["elasticsearch"])
    return {
        item["name"]: item["value"]
        for item in container["env"]
        if item["name"].startswith(("cluster.", "discovery.", "node.store."))
    }


def test_every_number_of_nodes_has_the_same_discovery_and_only_the_first_founds_a_cluster(
    render: Render,
) -> None:
    one, three, five = (
        discovery(render, *CERTIFICATES, f"elasticsearch.replicas={number}") for number in (1, 3, 5)
    )
    assert one == three == five
    assert one["cluster.initial_master_nodes"] == "elasticsearch-0"
    assert one["discovery.seed_hosts"] == SERVICE
    assert "discovery.type" not in one
    # More nodes leave the pod of the one that has the data as it is.
    pod = pods(render(*CERTIFICATES))["elasticsearch"]
    spread = [name for name in pod["spec"] if name != "topologySpreadConstraints"]
    grown = pods(render(*CERTIFICATES, "elasticsearch.replicas=3"))["elasticsearch"]
    assert [grown["spec"][name] for name in spread] == [pod["spec"][name] for name in spread]
    assert grown["metadata"] == pod["metadata"]


def test_a_secret_of_one_s_own_serves_as_well_and_no_certificate_is_asked_for_then(render: Render) -> None:
    objects = render(*CERTIFICATES, "elasticsearch.transportSecret=mine")
    assert not [item for item in objects if item["kind"] == "Certificate"]
    volumes = {volume["name"]: volume for volume in pods(objects)["elasticsearch"]["spec"]["volumes"]}
    assert volumes["transport"]["secret"]["secretName"] == "mine"
    assert discovery(render, "elasticsearch.transportSecret=mine") == discovery(render, *CERTIFICATES)


def test_one_node_without_certificates_is_a_cluster_by_itself(render: Render) -> None:
    alone = discovery(render)
    assert alone["discovery.type"] == "single-node"
    # Elasticsearch refuses the two together.
    assert not {"cluster.initial_master_nodes", "discovery.seed_hosts"} & set(alone)


def test_what_could_not_form_one_cluster_is_refused(generator: Any) -> None:
    assert "name a Secret with tls.crt, tls.key and ca.crt" in refusal(generator, "elasticsearch.replicas=3")
    assert "always founds its own cluster" in refusal(generator, "elasticsearch.bootstrap=false")
    assert "got string, want boolean" in refusal(generator, "elasticsearch.bootstrap=once")


def test_helm_waits_with_more_nodes_until_the_one_that_runs_has_its_certificate(
    render: Render, tmp_path: Path
) -> None:
    """Where Helm speaks to a cluster: here to a stand-in that knows the one StatefulSet that is installed."""
    installed: list[Object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found: Object | None = None
            path = self.path.partition("?")[0]
            if path == "/apis/apps/v1":
                kind = {"name": "statefulsets", "kind": "StatefulSet", "namespaced": True, "verbs": ["get"]}
                found = {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [kind]}
            elif path == "/apis/apps/v1/namespaces/observability/statefulsets/elasticsearch":
                found = installed[-1]
            body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "code": 404}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = LocalServer(Handler)
    cluster = {"server": server.url}
    file = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": ""}}],
        "current-context": "test",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(file), encoding="utf-8")
    wanted = (*CERTIFICATES, "elasticsearch.replicas=3", "secrets.existingSecret=observability")
    command: list[str | Path] = [
        *(built("helm") / "helm", "template", "observability", CHART, "--namespace", "observability"),
        *("--dry-run=server", "--kubeconfig", tmp_path / "kubeconfig", "--set", ",".join(wanted)),
    ]
    try:
        for settings, refused in (((), True), (CERTIFICATES, False)):
            installed.append(named(render(*settings), "StatefulSet", "elasticsearch"))
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode != 0) is refused, done.stderr
            assert (
                "upgrade with the certificates and elasticsearch.replicas=1 first" in done.stderr
            ) is refused
    finally:
        server.close()


class Nodes:
    """Nodes of the StatefulSet, each at an address of the loopback; the headless Service names all of them."""

    def __init__(self, programs: Path, home: Path, render: Render) -> None:
        self._programs, self._home, self._render = programs, home, render
        self._http, self._transport = free_port(), free_port()
        self._running: dict[int, Program] = {}
        self._hosts = home / "hosts"
        names = [f"127.0.0.1 localhost {socket.gethostname()}"]
        names += [f"{self._address(index)} {SERVICE}" for index in range(3)]
        self._hosts.write_text("\n".join(names) + "\n", encoding="utf-8")

    @staticmethod
    def _address(index: int) -> str:
        return f"127.0.0.{index + 2}"

    def url(self, index: int) -> str:
        return f"http://{self._address(index)}:{self._http}"

    def program(self, index: int, *values: str) -> Program:
        """Return elasticsearch-<index>, with what the chart gives it by these values."""
        home = self._home / f"elasticsearch-{index}"
        if not home.is_dir():
            (home / "config").mkdir(parents=True)
            shutil.copytree(self._programs / "modules", home / "modules")
        settings = {
            **discovery(self._render, *values),
            "node.name": f"elasticsearch-{index}",
            "network.host": self._address(index),
            "http.port": str(self._http),
            "transport.port": str(self._transport),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        command = [
            *("java", "-Xmx512m", f"-Djdk.net.hosts.file={self._hosts}"),
            f"-Dlog4j2.configurationFile={self._programs / 'log4j2.properties'}",
            *("-cp", f"{self._programs / 'classes'}:{self._programs / 'lib'}/*"),
            *("Launch", str(home)),
            *(f"{name}={value}" for name, value in settings.items()),
        ]
        ready = f"{self.url(index)}/_cluster/health?master_timeout=3s"
        self._running[index] = Program(command, home / "log", ready)
        return self._running[index]

    def leaves_founding(self, index: int) -> bool:
        return SKIPPED in (self._home / f"elasticsearch-{index}" / "log").read_text(encoding="utf-8")

    def lose_volume(self, index: int) -> None:
        shutil.rmtree(self._home / f"elasticsearch-{index}" / "data")

    def health(self, index: int, nodes: int) -> dict[str, Any]:
        """Return the health as this node tells it, when it is green and of so many nodes."""
        query = f"wait_for_nodes={nodes}&wait_for_status=green&timeout=60s"
        answer = httpx.get(f"{self.url(index)}/_cluster/health?{query}", timeout=90)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def cluster(self, index: int) -> str:
        """Return the id of the cluster that this node is in."""
        state = httpx.get(f"{self.url(index)}/_cluster/state/metadata?filter_path=metadata.cluster_uuid")
        found: str = state.json()["metadata"]["cluster_uuid"]
        return found

    def copies(self) -> str:
        """Return how many copies of each shard the day's index is to have."""
        settings = httpx.get(f"{self.url(0)}/{DAY}/_settings?flat_settings=true", timeout=60).json()
        found: str = settings[DAY]["settings"]["index.number_of_replicas"]
        return found

    def documents(self, index: int) -> list[dict[str, Any]]:
        """Return what a search by this node finds; nothing where the index is not there."""
        query = "ignore_unavailable=true&allow_partial_search_results=false"
        answer = httpx.post(f"{self.url(index)}/{DAY}/_search?{query}", json={}, timeout=60)
        assert answer.is_success, answer.text
        return [hit["_source"] for hit in answer.json()["hits"]["hits"]]

    def stop(self) -> None:
        for program in self._running.values():
            program.stop()


@pytest.fixture
def nodes(server_programs: Callable[[str], Path], tmp_path: Path, render: Render) -> Iterator[Nodes]:
    cluster = Nodes(server_programs("elasticsearch"), tmp_path, render)
    yield cluster
    cluster.stop()


def test_one_node_becomes_three_with_its_documents_and_the_first_may_lose_its_volume(nodes: Nodes) -> None:
    # As shipped: one node, without certificates.
    alone = nodes.program(0)
    alone.start()
    httpx.put(f"{nodes.url(0)}/_index_template/lines", json=TEMPLATE, timeout=60).raise_for_status()
    httpx.put(f"{nodes.url(0)}/{DAY}/_doc/1?refresh=true", json=DOCUMENT, timeout=60).raise_for_status()
    assert nodes.copies() == "0"
    founded = nodes.cluster(0)
    alone.stop()

    # The new ones find no cluster, and found none between them, however many they are.
    several = (*CERTIFICATES, "elasticsearch.replicas=3")
    for number in (1, 2):
        nodes.program(number, *several).launch()
        until(partial(nodes.leaves_founding, number), f"node {number} leaves founding to the first")

    # With certificates, on the volume that it has.
    first = nodes.program(0, *CERTIFICATES)
    first.start()
    for number in range(3):
        assert nodes.health(number, 3)["status"] == "green"
        assert nodes.cluster(number) == founded
        assert nodes.documents(number) == [DOCUMENT]
    assert nodes.copies() == "1"
    # A copy is made anew at once, where Elasticsearch waits a minute for the node to come back.
    soon = {"index.unassigned.node_left.delayed_timeout": "0"}
    httpx.put(f"{nodes.url(0)}/{DAY}/_settings", json=soon, timeout=60).raise_for_status()

    # It is lost with its volume; what comes back in its place joins the others, which have the document.
    first.kill()
    nodes.lose_volume(0)
    nodes.program(0, *several, "elasticsearch.bootstrap=false").start()
    assert nodes.health(0, 3)["status"] == "green"
    assert nodes.cluster(0) == founded
    assert nodes.documents(0) == [DOCUMENT]
