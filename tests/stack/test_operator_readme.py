"""What the operator's pages give to be pasted is valid: rules and queries for promtool and us, routes for amtool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from accelerapp.server.promql import parse
from accelerapp.server.rules import load_rule_files

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
HOWTO = Path(__file__).parents[2] / "docs" / "howto"
PAGES = [SHIPPED / "README.md", HOWTO / "harden-the-stack.md", HOWTO / "size-the-stack.md"]

pytestmark = pytest.mark.stack


def fences(*languages: str) -> Iterator[str]:
    for page in PAGES:
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            if token.type == "fence" and token.info in languages:
                yield token.content


RULES = [text for text in fences("yaml") if "groups" in YAML(typ="safe").load(text)]
ROUTES = [text for text in fences("yaml") if "route" in YAML(typ="safe").load(text)]


def name_of(text: str) -> str:
    return str(YAML(typ="safe").load(text)["groups"][0]["name"])


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_there_is_a_template_of_each_kind() -> None:
    assert len(RULES) == 5
    expressions = [
        rule["expr"] for text in RULES for rule in YAML(typ="safe").load(text)["groups"][0]["rules"]
    ]
    for kind in ("_total[5m]", "histogram_quantile(", "absent(", "predict_linear(", "slo:burn_rate:"):
        assert [expression for expression in expressions if kind in expression], kind


@pytest.mark.parametrize("text", RULES, ids=name_of)
def test_a_template_is_valid_for_promtool_and_for_us(promtool: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(text, encoding="utf-8")
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", file)
    assert done.returncode == 0, done.stdout + done.stderr
    groups = load_rule_files([file], default_interval_seconds=15.0)
    assert [group.name for group in groups] == [name_of(text)]


@pytest.mark.parametrize("text", RULES, ids=name_of)
def test_a_template_keeps_what_every_shipped_alert_keeps(text: str) -> None:
    for rule in YAML(typ="safe").load(text)["groups"][0]["rules"]:
        assert {"severity", "service"} <= rule["labels"].keys()
        assert rule["labels"]["severity"] in {"critical", "high", "warning", "info"}
        assert {"summary", "description", "runbook_url"} <= rule["annotations"].keys()
        assert "$value" in rule["annotations"]["description"]
        assert re.match(r"\{\{ \$externalURL \}\}/user/[a-z-]+\.md$", rule["annotations"]["runbook_url"])


#: What each template is to fire on, as promtool's series: two minutes and more of trouble, after what leads to it.
FIRES = {
    "OrdersFail": {
        'orders_total{service="shop"}': "0+10x60",
        'orders_failed_total{service="shop"}': "0+1x60",
    },
    "OrdersSlow": {
        'orders_duration_seconds_bucket{service="shop",le="1"}': "0+1x60",
        'orders_duration_seconds_bucket{service="shop",le="5"}': "0+10x60",
        'orders_duration_seconds_bucket{service="shop",le="+Inf"}': "0+10x60",
        'orders_duration_seconds_count{service="shop"}': "0+10x60",
    },
    "OrdersNotExported": {'something_else{service="shop"}': "1x60"},
    "DiskFullTomorrow": {
        f'{name}{{service="node-exporter",instance="a",mountpoint="/",fstype="ext4"}}': values
        for name, values in (
            ("node_filesystem_avail_bytes", "300-1x200"),
            ("node_filesystem_size_bytes", "1000x200"),
            ("node_filesystem_readonly", "0x200"),
        )
    },
    "ErrorBudgetBurnsFast": {
        f'slo:burn_rate:ratio_rate{window}{{service="shop",slo="availability"}}': "20x60"
        for window in ("5m", "1h")
    },
    "ErrorBudgetBurns": {
        f'slo:burn_rate:ratio_rate{window}{{service="shop",slo="availability"}}': "7x60"
        for window in ("30m", "6h")
    },
}
ALERTS = [rule["alert"] for text in RULES for rule in YAML(typ="safe").load(text)["groups"][0]["rules"]]


@pytest.mark.parametrize("alert", ALERTS)
def test_a_template_fires_on_its_cause_and_not_on_nothing(promtool: Path, tmp_path: Path, alert: str) -> None:
    (text,) = [text for text in RULES if f"alert: {alert}\n" in text]
    (tmp_path / "rules.yml").write_text(text, encoding="utf-8")
    firing = {"eval_time": "150m" if alert == "DiskFullTomorrow" else "50m", "alertname": alert}

    def tested(series: dict[str, str], **expected: Any) -> subprocess.CompletedProcess[str]:
        case = {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": [firing | expected],
        }
        with (tmp_path / "case.test.yml").open("w", encoding="utf-8") as output:
            YAML().dump({"rule_files": ["rules.yml"], "tests": [case]}, output)
        return run(promtool, "test", "rules", tmp_path / "case.test.yml")

    # Told to expect none, promtool shows what fires.
    told = tested(FIRES[alert], exp_alerts=[])
    assert told.returncode == 1
    assert f'alertname="{alert}"' in told.stdout + told.stderr
    quiet = {"orders_last_export_timestamp_seconds": "0+60x200"}
    silent = tested(quiet, exp_alerts=[])
    assert silent.returncode == 0, silent.stdout + silent.stderr


@pytest.mark.parametrize("query", list(fences("promql")))
def test_a_query_is_valid_for_promtool_and_for_us(promtool: Path, query: str) -> None:
    parse(query)
    done = run(promtool, "promql", "--experimental", "format", query)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ROUTES)
def test_a_route_is_valid_within_the_shipped_file(amtool: Path, tmp_path: Path, text: str) -> None:
    yaml = YAML()
    shipped = yaml.load(SHIPPED / "prometheus" / "alertmanager.yml")
    more = YAML(typ="safe").load(text)
    shipped["route"]["routes"][1:1] = more["route"]["routes"]
    shipped["time_intervals"] += more["time_intervals"]
    del shipped["templates"]
    with (tmp_path / "alertmanager.yml").open("w", encoding="utf-8") as output:
        yaml.dump(shipped, output)
    done = run(amtool, "check-config", tmp_path / "alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    labels = ("severity=high", "service=orders")
    routed = run(
        amtool, "config", "routes", "test", f"--config.file={tmp_path / 'alertmanager.yml'}", *labels
    )
    assert routed.stdout.split() == ["high-alerts,high-alerts"]
