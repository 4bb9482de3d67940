"""The chart's objects as tests look at them: found by name, and by what runs in their pods."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "deployment" / "observability"
CHART = FOLDER / "helm" / "accelerapp-observability"
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}

Object = Mapping[str, Any]
Render = Callable[..., list[Object]]


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


def containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def refusal(generator: Any, *settings: str) -> str:
    """Return what Helm says when it refuses the settings; fails where it renders them."""
    options = [part for setting in settings for part in ("--set", setting)]
    try:
        generator.render("--values", str(FOLDER / "helm" / "rendering-values.yaml"), *options)
    except subprocess.CalledProcessError as refused:
        return str(refused.stderr)
    raise AssertionError(f"rendered with {settings}")
