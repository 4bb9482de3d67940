"""What must hold of the shipped rules, whatever they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accelerapp.server.promql import MatrixSelector, parse, walk
from accelerapp.server.rules import load_rule_files

SHIPPED = Path(__file__).parents[4] / "deployment" / "observability"
RULE_FILES = sorted((SHIPPED / "prometheus").glob("*rules.yml"))
PLAYBOOKS = sorted((SHIPPED / "playbooks").glob("*.md"))
SCRAPE_INTERVAL = 15.0


@pytest.mark.parametrize("factor", [1, 20])
def test_every_range_window_holds_at_least_four_scrapes(factor: float) -> None:
    windows = [
        node.range_ms / 1000
        for group in load_rule_files(RULE_FILES, default_interval_seconds=15, time_factor=factor)
        for rule in group.rules
        for node in walk(rule.expr)
        if isinstance(node, MatrixSelector)
    ]
    assert windows
    assert min(windows) / (SCRAPE_INTERVAL / factor) >= 4


def test_compressed_time_shows_in_the_query_and_not_in_the_text() -> None:
    rule = load_rule_files(RULE_FILES, default_interval_seconds=15, time_factor=20)[0].rules[0]
    assert "[5m]" in rule.expr_text
    assert "[15s]" in rule.query
    assert (rule.for_seconds, rule.for_seconds_as_written) == (15, 300)


def test_every_alert_has_what_the_one_on_call_needs() -> None:
    for group in load_rule_files(RULE_FILES, default_interval_seconds=15):
        for rule in group.rules:
            assert {"severity", "service"} <= set(rule.labels), rule.name
            assert {"summary", "description", "runbook_url"} <= set(rule.annotations), rule.name
            name = rule.annotations["runbook_url"].text.rpartition("/")[2]
            assert (SHIPPED / "playbooks" / name).is_file(), f"{rule.name}: no playbook {name}"


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_every_query_of_a_playbook_parses(path: Path) -> None:
    queries = re.findall(r"```promql\n(.*?)```", path.read_text(), re.DOTALL)
    assert queries
    for query in queries:
        parse(query)


def test_the_full_playbook_has_every_section() -> None:
    text = (SHIPPED / "playbooks" / "high-error-rate.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Alert details and thresholds",
        "Immediate actions (1-2 minutes)",
        "Impact assessment (2-3 minutes)",
        "System health checks (2-3 minutes)",
        "Root cause investigation (5-10 minutes)",
        "Resolution procedures",
        "Rollback instructions",
        "Communication templates",
        "Post-incident actions",
    ]
