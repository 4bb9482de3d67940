"""docker-compose.yml itself, started without Docker: what can be had of it runs, measures, alerts and tells."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.stack.compose.conftest import ALL, FOLDER, ROOT, Running
from tests.stack.compose.surroundings import RECEIVING
from tests.stack.programs import until


def test_what_can_be_had_runs_and_the_rest_says_why_not(running: Running, run: set[str]) -> None:
    assert set(running.stack.services) == run
    assert running.stack.not_run.keys() == ALL - run
    assert running.stack.not_run["setup"] == running.stack.not_run["elasticsearch"]
    print("\n".join(f"not run: {name}: {why}" for name, why in running.stack.not_run.items()))


def test_a_service_has_its_user_and_nothing_that_the_file_takes_away(running: Running) -> None:
    for name, user in {"accelerapp": "10001", "prometheus": "65534", "blackbox-exporter": "0"}.items():
        status = Path(f"/proc/{running.stack.services[name].pid}/status").read_text(encoding="ascii")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert told["Uid"].split() == [user] * 4
        assert int(told["CapBnd"], 16) == int(told["CapEff"], 16) == 0
        assert told["NoNewPrivs"] == "1"
        assert running.stack.inside(name, "touch", "/anywhere").returncode != 0
        assert running.stack.inside(name, "touch", "/tmp/there").returncode == 0
        assert running.stack.inside(name, "touch", "/etc/hosts").returncode != 0


def test_services_are_found_by_name_and_secrets_where_they_are_mounted(running: Running) -> None:
    asked = running.stack.inside(
        "blackbox-exporter", "wget", "-q", "-O", "-", "http://prometheus:9090/-/ready"
    )
    assert "Ready" in asked.stdout
    secret = running.stack.inside("alertmanager", "cat", "/etc/alertmanager/secrets/slack-webhook-url").stdout
    assert secret == f"{RECEIVING.web}/slack"
    assert running.stack.inside("prometheus", "cat", "/run/secrets/elastic-password").returncode != 0


def test_requests_are_counted_once_with_their_values(running: Running) -> None:
    specification = json.loads((ROOT / "examples" / "specs" / "greenhouse.json").read_text(encoding="utf-8"))
    with running.application() as client:
        for _ in range(4):
            assert client.post("/v1/generate", json=specification).status_code == 200
        for _ in range(3):
            assert client.post("/v1/generate", json={"name": "nothing"}).status_code == 422
        for _ in range(2):
            assert client.get("/nowhere").status_code == 404

    def counted() -> dict[tuple[str, str], list[float]]:
        found: dict[tuple[str, str], list[float]] = {}
        for series in running.query('accelerapp_requests_total{service="codegen"} > 0'):
            labels = series["metric"]
            assert (labels["job"], labels["instance"]) == ("accelerapp", "accelerapp:8080")
            found.setdefault((labels["route"], labels["code"]), []).append(float(series["value"][1]))
        return found

    expected = {("/v1/generate", "200"): [4.0], ("/v1/generate", "422"): [3.0], ("unmatched", "404"): [2.0]}
    until(lambda: counted() == expected, "the requests, each once")
    generated = running.query("sum(accelerapp_code_generation_total)")
    assert [float(series["value"][1]) for series in generated] == [4.0]


def test_prometheus_scrapes_all_that_runs_and_evaluates_every_rule(running: Running, run: set[str]) -> None:
    written = {
        rule.get("alert") or rule.get("record")
        for file in (FOLDER / "prometheus").glob("*-rules.yml")
        for group in YAML(typ="safe").load(file)["groups"]
        for rule in group["rules"]
    }

    def rules() -> list[dict[str, Any]]:
        groups = running.get("prometheus", 9090, "/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    until(lambda: {rule["health"] for rule in rules()} == {"ok"}, "an evaluation of every rule")
    assert {rule["name"] for rule in rules()} == written

    def targets() -> dict[str, str]:
        answer = running.get("prometheus", 9090, "/api/v1/targets", state="active").json()
        return {target["labels"]["job"]: target["health"] for target in answer["data"]["activeTargets"]}

    until(lambda: set(targets().values()) == {"up"}, "every target up")
    assert targets().keys() == run | ({"otel-exported"} if "otel-collector" in run else set())
    assert running.get("prometheus", 9090, "/api/v1/alertmanagers").json()["data"]["activeAlertmanagers"]
    assert running.query('node_filesystem_size_bytes{mountpoint="/"} > 0')


def test_an_idle_stack_fires_nothing_but_watchdog(running: Running) -> None:
    # Prometheus may evaluate it before it has found Alertmanager, and sends it again after a minute.
    watchdog = until(lambda: running.recorded.alerts("heartbeat", "firing"), "Watchdog", 100)[0]
    assert watchdog["labels"]["alertname"] == "Watchdog"
    # Longer than the longest `for`, which is five minutes divided by the factor.
    for _ in range(7):
        time.sleep(1)
        firing = running.query('ALERTS{alertstate="firing"}')
        # What the machine's own processors, memory and disks are up to is not of this stack.
        assert {s["metric"]["alertname"] for s in firing if s["metric"]["service"] != "node-exporter"} == {
            "Watchdog"
        }
    status = running.get("alertmanager", 9093, "/api/v2/status").json()
    assert status["versionInfo"]["version"]
    failed = running.query("sum(alertmanager_notifications_failed_total)")
    assert float(failed[0]["value"][1]) == 0
