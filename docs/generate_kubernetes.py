"""Renders the chart into the manifests that `kubectl apply -f` takes one by one; `--check` only compares.

Helm itself renders: HELM names its program, or tests/stack/servers/build.py builds it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deployment" / "observability"
CHART = FOLDER / "helm" / "accelerapp-observability"
NAMESPACE = "observability"

#: Each manifest, and the templates that make it, by folder or file. In the order in which they are applied.
MANIFESTS = {
    "prometheus/kubernetes-deployment.yaml": [
        "namespaces.yaml",
        "network.yaml",
        "prometheus",
        "alertmanager",
        "node-exporter",
        "blackbox-exporter",
    ],
    "grafana/kubernetes-deployment.yaml": ["grafana"],
    "elk/elasticsearch.yaml": ["elasticsearch", "setup"],
    "elk/logstash.yaml": ["logstash"],
    "elk/kibana.yaml": ["kibana"],
    "jaeger/kubernetes-deployment.yaml": ["jaeger"],
    "otel/kubernetes-deployment.yaml": ["otel-collector"],
}
_HEAD = """\
# Rendered from helm/accelerapp-observability by `make generate`: change the chart instead. Needs the Secret
# "observability" with one key for each file of secrets/laptop/, made from your own:
#   kubectl -n observability create secret generic observability --from-file=my-secrets/
"""


def helm() -> str:
    """Return Helm's program."""
    if "HELM" in os.environ:
        return os.environ["HELM"]
    build = ROOT / "tests" / "stack" / "servers" / "build.py"
    done = subprocess.run([sys.executable, build, "helm"], check=True, stdout=subprocess.PIPE, text=True)
    return str(Path(done.stdout.strip()) / "helm")


def render(*options: str) -> str:
    """Return the chart's objects as YAML, with further options of `helm template`.

    Raises CalledProcessError, whose stderr says what Helm refused.
    """
    command = [helm(), "template", NAMESPACE, str(CHART), "--namespace", NAMESPACE, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def manifests() -> dict[str, str]:
    """Return the text of each manifest, by its path in the deployment folder."""
    objects: dict[str, list[str]] = {name: [] for name in MANIFESTS}
    of_template = {template: name for name, templates in MANIFESTS.items() for template in templates}
    for text in re.split(
        r"^---\n", render("--values", str(FOLDER / "helm" / "rendering-values.yaml")), flags=re.MULTILINE
    ):
        found = re.match(r"# Source: [^/]+/templates/([^/\n]+).*\n", text)
        if found is None:
            continue
        body = text[found.end() :].strip("\n")
        if re.search(r"^kind:", body, flags=re.MULTILINE):
            objects[of_template[found[1]]].append(body)
    return {name: _HEAD + "".join(f"---\n{body}\n" for body in bodies) for name, bodies in objects.items()}


def main() -> int:
    for name, text in manifests().items():
        path = FOLDER / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            sys.exit(f"deployment/observability/{name} is behind the chart; run `make generate`")
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    main()
