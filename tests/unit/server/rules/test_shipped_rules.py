"""What must hold of the shipped rules, whatever they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accelerapp.server.promql import MatrixSelector, VectorSelector, parse, walk
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
        for rule in (rule for rule in group.rules if rule.alerting):
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


def test_the_playbook_of_a_service_that_is_down_has_every_section() -> None:
    text = (SHIPPED / "playbooks" / "service-down.md").read_text()
    assert re.findall(r"^###? (.*)$", text, re.MULTILINE) == [
        "Immediate actions (5 minutes)",
        "Common causes and solutions",
        "Pod CrashLoopBackOff",
        "ImagePullBackOff",
        "Resource exhaustion",
        "Health check failures",
        "Dependency unavailable or network",
        "Recovery procedures",
        "Monitoring during recovery",
        "Verification",
        "Escalation path",
    ]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_every_page_that_a_playbook_links_to_is_there(path: Path) -> None:
    for name in re.findall(r"\]\(([a-z-]+\.md)\)", path.read_text()):
        assert (path.parent / name).is_file(), name


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.name)
def test_every_own_metric_of_a_playbook_exists(path: Path) -> None:
    documented = (SHIPPED.parents[1] / "docs" / "reference" / "metrics.md").read_text()
    recorded = "".join(file.read_text() for file in RULE_FILES)
    for query in re.findall(r"```promql\n(.*?)```", path.read_text(), re.DOTALL):
        for node in walk(parse(query)):
            if isinstance(node, VectorSelector) and node.name and ":" in node.name:
                assert f"record: {node.name}\n" in recorded, node.name
            elif (
                isinstance(node, VectorSelector)
                and node.name
                and node.name.startswith(("accelerapp_", "gen_ai_"))
            ):
                base = re.sub(r"_(bucket|count|sum)$", "", node.name)
                assert f"`{node.name}`" in documented or f"`{base}`" in documented, node.name
