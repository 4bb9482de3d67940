"""The running command reads its files again: by its API and by a signal, right and wrong ones."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Wait = Callable[[Callable[[], Any], str], Any]

RULES = "groups: [{name: g, rules: [{alert: Always, expr: vector(1) > 0, for: 1h}]}]\n"
ROUTES = "route: {receiver: %s}\nreceivers: [{name: %s, webhook_configs: [{url: 'http://127.0.0.1:9/'}]}]\n"
DASHBOARD = {
    "uid": "mine",
    "title": "Mine",
    "schemaVersion": 39,
    "panels": [],
    "time": {"from": "now-1h", "to": "now"},
}


def rules_of(observatory: Any) -> list[str]:
    groups = observatory.get("/api/v1/rules")["data"]["groups"]
    return [rule["name"] for group in groups for rule in group["rules"]]


def metric(observatory: Any, name: str) -> float:
    found = re.search(
        rf"^{name} (\S+)$", observatory.http.get(f"{observatory.url}/metrics").text, re.MULTILINE
    )
    assert found, name
    return float(found[1])


@pytest.fixture
def observatory(start: Callable[..., Any], files: Path) -> Any:
    (files / "dashboards").mkdir()
    (files / "rules.yml").write_text(RULES)
    return start(ACCELERAPP_DASHBOARDS_DIR=str(files / "dashboards"))


def test_every_file_is_read_again_and_what_stays_goes_on(
    observatory: Any, files: Path, wait_until: Wait
) -> None:
    def pending() -> list[str]:
        return [alert["activeAt"] for alert in observatory.get("/api/v1/alerts")["data"]["alerts"]]

    since = wait_until(pending, "an alert waits")
    scrape = (files / "prometheus.yml").read_text()
    job = "{job_name: itself, basic_auth: {password: hidden}, static_configs: [{targets: ['localhost:9']}]}"
    (files / "prometheus.yml").write_text(f"{scrape}scrape_configs: [{job}]\n")
    (files / "rules.yml").write_text(RULES.replace("}]}]", "}, {record: new, expr: vector(7)}]}]"))
    (files / "alertmanager.yml").write_text(ROUTES % ("other", "other"))
    (files / "dashboards" / "mine.json").write_text(json.dumps(DASHBOARD))

    answer = observatory.http.post(f"{observatory.url}/-/reload")
    assert (answer.status_code, answer.text) == (200, "")

    assert rules_of(observatory) == ["Always", "new"]
    assert pending() == since
    wait_until(
        lambda: observatory.get("/api/v1/query", query="new")["data"]["result"], "the new rule is evaluated"
    )
    assert "itself" in observatory.get("/api/v1/scrape_pools")["data"]["scrapePools"]
    wait_until(
        lambda: observatory.get("/api/v1/query", query="up{job='itself'} == 0")["data"]["result"],
        "the new target is scraped",
    )
    status = observatory.get("/api/accelerapp/v1/status")
    assert [receiver["name"] for receiver in status["receivers"]] == ["other"]
    assert [one["uid"] for one in observatory.get("/api/accelerapp/v1/dashboards")] == ["mine"]
    shown = observatory.get("/api/v1/status/config")["data"]["yaml"]
    assert "password: <secret>" in shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("file", "wrong", "message"),
    [
        ("prometheus.yml", "scrape_configs: [{job_name: a, nonsense: 1}]\n", "prometheus.yml:1"),
        ("rules.yml", "groups: [{name: g, rules: [{alert: A, expr: '1 +'}]}]\n", "rules.yml:1"),
        ("alertmanager.yml", "route: {receiver: nobody}\nreceivers: []\n", "alertmanager.yml"),
        ("dashboards/mine.json", "{", "mine.json"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_what_runs_goes_on(
    observatory: Any, files: Path, wait_until: Wait, file: str, wrong: str, message: str
) -> None:
    path = files / file
    right = path.read_text() if path.exists() else json.dumps(DASHBOARD)
    path.write_text(wrong)
    answer = observatory.http.put(f"{observatory.url}/-/reload")
    assert answer.status_code == 500
    assert answer.text.startswith("failed to reload config: ")
    assert message in answer.text
    assert rules_of(observatory) == ["Always"]
    assert observatory.get("/api/v1/status/runtimeinfo")["data"]["reloadConfigSuccess"] is False
    (told,) = observatory.get("/api/v1/notifications")["data"]
    assert message in told["text"]
    assert metric(observatory, "prometheus_config_last_reload_successful") == 0
    read_well = metric(observatory, "alertmanager_config_last_reload_success_timestamp_seconds")

    path.write_text(right)
    observatory.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: metric(observatory, "alertmanager_config_last_reload_successful") == 1,
        "the signal makes it read the right file",
    )
    assert metric(observatory, "prometheus_config_last_reload_success_timestamp_seconds") > read_well
    assert observatory.get("/api/v1/notifications")["data"] == []


def test_a_page_from_elsewhere_may_not_reload(observatory: Any, files: Path) -> None:
    (files / "rules.yml").write_text("groups: []\n")
    url = f"{observatory.url}/-/reload"
    foreign = observatory.http.post(url, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, rules_of(observatory)) == (403, ["Always"])
    assert observatory.http.get(url).status_code == 405
    own = observatory.http.post(url, headers={"origin": observatory.url})
    assert (own.status_code, rules_of(observatory)) == (200, [])
