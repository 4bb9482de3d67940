"""What is stored in a cluster is saved and ends: snapshots, the pod by which volumes are copied, Jaeger's lifecycle."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML
from tests.stack.chart.policies import End, may_open
from tests.stack.chart.rendered import FOLDER, Object, Render, containers, named, pods
from tests.stack.chart.variants import VARIANTS

pytestmark = pytest.mark.stack


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
