"""The shipped alertmanager.yml, matchers and routes, as the real amtool reads them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accelerapp.server.alerting import load_alertmanager

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deployment" / "observability" / "prometheus" / "alertmanager.yml"
ROUTING = ROOT / "tests" / "corpus" / "routing"
CONFIGS = ROOT / "tests" / "corpus" / "configs" / "alertmanager"


def table(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(path)
    return rows


MATCHERS = table(ROUTING / "tables" / "matchers.yml")
ROUTES = table(ROUTING / "tables" / "receivers.yml")
PUSHED = [
    case for name in ("routes.yml", "grouping.yml", "timeintervals.yml") for case in table(ROUTING / name)
]
SHIPPED_CASES = table(SHIPPED.parents[1] / "tests" / "routes.yml")

pytestmark = pytest.mark.stack


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def receivers(amtool: Path, config: Path, texts: list[str]) -> list[str]:
    """Return where the real route tree sends an alert with labels `name=value`, in order."""
    done = run(amtool, "config", "routes", "test", f"--config.file={config}", "--", *texts)
    assert done.returncode == 0, done.stdout + done.stderr
    # What it warns of, such as a matcher that its two parsers read differently, stands before the answer.
    return done.stdout.splitlines()[-1].split(",")


def written(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    return path


def compare(amtool: Path, config: Path, labels: dict[str, str]) -> list[str]:
    texts = [f"{json.dumps(name, ensure_ascii=False)}={json.dumps(value)}" for name, value in labels.items()]
    theirs = receivers(amtool, config, texts)
    assert [route.receiver for route in load_alertmanager(config).route.match(labels)] == theirs, labels
    return theirs


def test_the_shipped_file_is_valid_in_each_release(alertmanager_release: Path) -> None:
    done = run(alertmanager_release / "amtool", "check-config", SHIPPED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout


@pytest.mark.parametrize("case", SHIPPED_CASES, ids=[case["name"] for case in SHIPPED_CASES])
def test_the_shipped_routes_choose_the_receivers_in_each_release(
    alertmanager_release: Path, case: dict[str, Any]
) -> None:
    for row in case["alerts"]:
        # 0.26 knows no quoted names.
        texts = [f"{name}={value}" for name, value in row["labels"].items()]
        assert receivers(alertmanager_release / "amtool", SHIPPED, texts) == row["to"], row["labels"]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yml")), ids=lambda path: path.name)
def test_amtool_accepts_and_refuses_the_files_that_we_do(amtool: Path, path: Path) -> None:
    done = run(amtool, "check-config", path)
    ours_only = "# ours only" in path.read_text(encoding="utf-8")
    refused = path.name.endswith(".bad.yml") and not ours_only
    assert (done.returncode != 0) == refused, done.stdout + done.stderr


@pytest.mark.parametrize("row", MATCHERS, ids=[repr(row["text"]) for row in MATCHERS])
def test_matchers_say_the_same(amtool: Path, tmp_path: Path, row: dict[str, Any]) -> None:
    route = {"receiver": "r", "routes": [{"matchers": [row["text"]]}]}
    path = written(tmp_path, {"route": route, "receivers": [{"name": "r"}]})
    done = run(amtool, "config", "routes", "show", f"--config.file={path}")
    if row["says"] is None:
        assert (done.returncode != 0) == (row.get("only") != "ours"), done.stdout + done.stderr
    else:
        assert done.returncode == 0, done.stderr
        shown = done.stdout.split("└── ")[-1].rsplit("  receiver: ", 1)[0]
        assert shown == {"{}": "default-route"}.get(row["says"], row["says"])


@pytest.mark.parametrize("case", ROUTES, ids=[case["name"] for case in ROUTES])
def test_label_sets_go_to_the_same_receivers(amtool: Path, tmp_path: Path, case: dict[str, Any]) -> None:
    names = sorted({"default", "never", "five", *(name for row in case["goes"] for name in row["to"])})
    path = written(tmp_path, {"route": case["route"], "receivers": [{"name": name} for name in names]})
    for row in case["goes"]:
        assert compare(amtool, path, row["labels"]) == row["to"], row["labels"]


@pytest.mark.parametrize("case", PUSHED, ids=[case["name"] for case in PUSHED])
def test_alerts_of_the_timed_cases_go_to_the_same_receivers(
    amtool: Path, tmp_path: Path, case: dict[str, Any]
) -> None:
    path = written(tmp_path, case["config"])
    for labels in {
        json.dumps(alert["labels"], sort_keys=True) for push in case["push"] for alert in push["alerts"]
    }:
        compare(amtool, path, json.loads(labels))
