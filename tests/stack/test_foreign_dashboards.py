"""Dashboards that others wrote, out of the modules that ship them, are read: each panel is drawn or named."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from accelerapp.server.dashboards import Dashboard, read_dashboard
from accelerapp.server.dashboards.options import TYPES
from accelerapp.server.promql import parse

#: Files by the Go module and version that has them: of Grafana 5 to 11, made by hand and by generators.
FILES = {
    "github.com/jaegertracing/jaeger@v1.76.0": ["monitoring/jaeger-mixin/dashboard-for-grafana.json"],
    "github.com/thanos-io/thanos@v0.39.2": [
        f"examples/dashboards/{name}.json"
        for name in (
            "bucket-replicate",
            "compact",
            "overview",
            "query",
            "receive",
            "rule",
            "sidecar",
            "store",
        )
    ],
    "github.com/VictoriaMetrics/VictoriaMetrics@v1.151.0": [
        f"dashboards/{name}.json"
        for name in (
            "alert-statistics",
            "backupmanager",
            "clusterbytenant",
            "metrics-explorer",
            "operator",
            "victoriametrics",
            "victoriametrics-cluster",
            "vmagent",
            "vmalert",
            "vmauth",
        )
    ],
}
CASES = [(module, path) for module, paths in FILES.items() for path in paths]
#: VictoriaMetrics' own language has more than Prometheus'.
PROMQL = [(module, path) for module, path in CASES if "VictoriaMetrics" not in module]


@cache
def module_folder(module: str) -> Path:
    """Return where a module's files are, fetched first; skips where that cannot be."""
    if shutil.which("go") is None:
        reason = (
            "foreign dashboards are fetched with Go, which is not installed (Debian: apt-get install golang)"
        )
    else:
        command = ["go", "mod", "download", "-json", module]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "GOFLAGS": "-mod=mod"},
        )
        if done.returncode == 0:
            return Path(json.loads(done.stdout)["Dir"])
        reason = f"{module} could not be fetched: {(done.stderr or done.stdout).strip()[-500:]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def opened(module: str, path: str) -> tuple[Dashboard, bytes]:
    data = (module_folder(module) / path).read_bytes()
    return read_dashboard(data, path), data


@pytest.mark.parametrize(("module", "path"), CASES, ids=[path for _, path in CASES])
def test_each_panel_of_a_foreign_dashboard_is_drawn_or_named(module: str, path: str) -> None:
    dashboard, data = opened(module, path)
    written = json.loads(data)
    titles = [one.get("title", "") for one in _panels(written) if one.get("repeatPanelId") is None]
    assert sorted(p.title for p in dashboard.panels) == sorted(titles)
    for panel in dashboard.panels:
        if panel.type not in TYPES:
            assert f"panel type {panel.type!r}" in panel.unsupported
        elif panel.type != "text":
            assert panel.targets or panel.unsupported or not _visible(written, panel.title)
        for target in panel.targets:
            named = [note for note in panel.unsupported if note.startswith(f"target {target.ref_id}: ")]
            assert target.source or named
    for name in _names(written):
        known = [one.name for one in dashboard.variables]
        assert name in known or any(note.startswith(f"variable ${name}") for note in dashboard.unsupported)


@pytest.mark.parametrize(("module", "path"), PROMQL, ids=[path for _, path in PROMQL])
def test_queries_of_a_foreign_dashboard_parse_once_their_variables_have_values(
    module: str, path: str
) -> None:
    dashboard, _ = opened(module, path)
    targets = [t for p in dashboard.panels for t in p.targets if t.source == "prometheus"]
    assert targets
    for target in targets:
        assert parse(_filled(target.expr))


def _panels(written: dict) -> list[dict]:  # type: ignore[type-arg]
    """Return the panels of a file, of rows of both kinds, without the rows themselves."""
    found = [panel for row in written.get("rows") or [] for panel in row.get("panels") or []]
    for one in written.get("panels") or []:
        found += one.get("panels") or [] if one["type"] == "row" else [one]
    return found


def _visible(written: dict, title: str) -> bool:  # type: ignore[type-arg]
    """Tell whether a panel has a query that is not hidden."""
    return any(
        not target.get("hide")
        for panel in _panels(written)
        if panel.get("title") == title
        for target in panel.get("targets") or []
    )


def _names(written: dict) -> list[str]:  # type: ignore[type-arg]
    return [one["name"] for one in (written.get("templating") or {}).get("list") or []]


def _filled(expr: str) -> str:
    """Put something in place of the variables that parses where such a one may stand."""
    text = re.sub(r"\[\s*(\$\w+|\$\{\w+\}|\[\[\w+\]\])", "[5m", expr)
    text = re.sub(r":\s*(\$\w+|\$\{\w+\})\s*\]", ":1m]", text)
    return re.sub(r"\$\{?\w+(:\w+)?\}?|\[\[\w+\]\]", "x", text)
