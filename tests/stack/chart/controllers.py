"""What the controllers and the nodes of a cluster would make of the chart's objects."""

from __future__ import annotations

import ipaddress
from typing import Any

from ruamel.yaml import YAML
from tests.stack.chart.rendered import FOLDER, Object

NODE = "127.0.10.1"
EXAMPLE = FOLDER.parents[1] / "examples" / "kubernetes" / "accelerapp.yaml"


def read(name: str) -> list[Object]:
    """Return the objects of a manifest, by its path in the deployment folder."""
    return [item for item in YAML(typ="safe").load_all(FOLDER / name) if item]


def example() -> list[Object]:
    """Return the objects of the application's example."""
    return [item for item in YAML(typ="safe").load_all(EXAMPLE) if item]


def running(objects: list[Object]) -> list[Object]:
    """Return the pods of each workload, all replicas and one of a node's or a job's, as they are once they run."""
    address = ipaddress.IPv4Address("127.0.20.1")
    found: list[Object] = []
    for item in objects:
        spec = item.get("spec", {}).get("jobTemplate", item).get("spec", {})
        if "template" not in spec:
            continue
        for index in range(item["spec"].get("replicas", 1)):
            template = spec["template"]
            name = f"{item['metadata']['name']}-{index}"
            host = template["spec"].get("hostNetwork", False)
            metadata = {
                "name": name,
                "namespace": item["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "annotations": template["metadata"].get("annotations", {}),
            }
            status = {
                "phase": "Succeeded" if item["kind"] in ("Job", "CronJob") else "Running",
                "podIP": NODE if host else str(address),
                "hostIP": NODE,
            }
            address += 1
            found.append(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": metadata,
                    "spec": {
                        **template["spec"],
                        "nodeName": "node-a",
                        "volumes": [*template["spec"].get("volumes", []), *_claimed(spec, name)],
                    },
                    "status": status,
                }
            )
    return found


def _claimed(spec: Object, pod: str) -> list[dict[str, Any]]:
    names = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])]
    return [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{pod}"}} for name in names]
