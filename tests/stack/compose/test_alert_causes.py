"""Each of the eleven alerts is made to fire by its cause, is told to whom it concerns, and resolves with the cause.

What it links to is opened, and every query of its playbook has data meanwhile. Nothing writes samples: the model
refuses, is slow or away, the machine is full, a part of the stack or the application stops.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import pytest
from tests.stack.compose.conftest import ROOT, Observed
from tests.stack.compose.runner import GATEWAY
from tests.stack.compose.surroundings import TOLD_BY
from tests.stack.programs import until

#: A range of five minutes of scrapes at 15 s becomes one of twenty seconds at 1 s.
WINDOWS = 15
CATALOGUE_PORT = 9200
SPECIFICATION = json.loads((ROOT / "examples" / "specs" / "greenhouse.json").read_text(encoding="utf-8"))
SEVERITIES = {
    "HighErrorRate": "critical",
    "ServiceDown": "critical",
    "HealthCheckFailing": "critical",
    "LLMServiceUnavailable": "high",
    "CodeGenerationFailures": "high",
    "TelemetryPipelineDown": "high",
    "HighMemoryUsage": "warning",
    "HighCPUUsage": "warning",
    "SlowResponseTime": "warning",
    "DiskSpaceLow": "warning",
    "HighRequestRate": "info",
}
#: How often a notification was due of what another alert muted.
SUPPRESSED = 'sum(alertmanager_notifications_suppressed_total{reason="inhibition"})'
#: Queries of playbooks without an answer here, and why.
ELSEWHERE = {
    "kubelet_volume_stats_available_bytes": "only a cluster's kubelet has it",
    "offset 1h": "this stack is minutes old",
    "offset 1d": "this stack is minutes old",
}


@pytest.fixture(scope="module")
def catalogue(observed: Observed) -> Iterator[Popen[bytes]]:
    """A further service, which is a further entry of targets/."""
    program = Path(__file__).parent / "catalogue.py"
    with observed.stack.network():
        process = Popen([sys.executable, program, GATEWAY, str(CATALOGUE_PORT), "1500"])
    targets = observed.folder / "prometheus" / "targets" / "compose" / "accelerapp.yml"
    entry = f"- targets: ['{GATEWAY}:{CATALOGUE_PORT}']\n  labels: {{service: catalogue}}\n"
    targets.write_text(targets.read_text(encoding="utf-8") + entry, encoding="utf-8")
    try:
        until(lambda: observed.query('up{service="catalogue"} == 1'), "a scrape of the catalogue")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def generating(observed: Observed, *, at_once: int = 1, apart: float = 0.0) -> Iterator[None]:
    """Ask for generations, one after the other in each of some threads that begin some seconds apart."""
    ended = threading.Event()

    def ask(number: int) -> None:
        ended.wait(number * apart)
        with observed.application() as client:
            while not ended.is_set():
                with contextlib.suppress(httpx.TransportError):
                    client.post("/v1/generate", json=SPECIFICATION)
                ended.wait(0.1)

    threads = [threading.Thread(target=ask, args=[number], daemon=True) for number in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()


def firing(observed: Observed) -> dict[str, dict[str, Any]]:
    """Return what Alertmanager has that fires, by name, but for Watchdog."""
    alerts = observed.get("alertmanager", 9093, "/api/v2/alerts").json()
    return {
        alert["labels"]["alertname"]: alert for alert in alerts if alert["labels"]["alertname"] != "Watchdog"
    }


def told(observed: Observed, name: str, *, resolved: bool = False) -> bool:
    """Whether the receivers of an alert's severity were all told of it, by every medium that they have."""
    severity = SEVERITIES[name]
    webhook = observed.recorded.alerts(f"{severity}-alerts", "resolved" if resolved else "firing")
    return (
        any(alert["labels"]["alertname"] == name for alert in webhook)
        and observed.recorded.told_by(name, resolved=resolved) == TOLD_BY[severity]
    )


def assert_told(observed: Observed, *names: str) -> None:
    """Wait until each of these is told; then its link leads to its playbook, whose queries all have data."""
    for name in names:
        until(partial(told, observed, name), f"{name}, told by {', '.join(TOLD_BY[SEVERITIES[name]])}")
    for name in names:
        alert = next(
            alert
            for alert in observed.recorded.alerts(f"{SEVERITIES[name]}-alerts", "firing")
            if alert["labels"]["alertname"] == name
        )
        assert alert["labels"]["severity"] == SEVERITIES[name]
        assert (alert["labels"]["cluster"], alert["labels"]["environment"]) == ("laptop", "development")
        assert alert["labels"]["service"]
        link = alert["annotations"]["runbook_url"]
        base = "http://localhost:9090"
        assert link.startswith(f"{base}/user/")
        playbook = observed.get("prometheus", 9090, link.removeprefix(base)).text
        for query in re.findall(r"^```promql\n(.*?)^```", playbook, re.MULTILINE | re.DOTALL):
            if not any(part in query for part in ELSEWHERE):
                until(partial(observed.query, query), f"{name}: an answer to {query}", 30)


def assert_resolved(observed: Observed, *names: str) -> None:
    for name in names:
        until(partial(told, observed, name, resolved=True), f"{name} has resolved")


def test_the_healthy_stack_is_quiet(observed: Observed, catalogue: Popen[bytes]) -> None:
    assert catalogue.poll() is None
    with generating(observed):
        until(lambda: observed.recorded.alerts("heartbeat", "firing"), "Watchdog", 100)
        until(lambda: observed.query('probe_success{job="ollama"} == 1'), "the probe of the model")
        # Longer than the longest `for`.
        for _ in range(7):
            time.sleep(1)
            alerts = observed.query('ALERTS{alertstate="firing"}')
            assert {alert["metric"]["alertname"] for alert in alerts} == {"Watchdog"}


def test_a_model_that_refuses_and_a_machine_that_is_full(observed: Observed) -> None:
    by_the_fault = ("HighErrorRate", "CodeGenerationFailures", "HealthCheckFailing")
    by_the_machine = ("HighMemoryUsage", "HighCPUUsage", "DiskSpaceLow")
    with generating(observed):
        observed.faults(backend_down=True)
        observed.machine.memory_used = 0.92
        observed.machine.busy = 0.95
        observed.machine.fill(0.95)
        assert_told(observed, *by_the_fault, *by_the_machine)
        (low,) = (
            alert
            for alert in observed.recorded.alerts("warning-alerts", "firing")
            if alert["labels"]["alertname"] == "DiskSpaceLow"
        )
        assert low["labels"]["mountpoint"] == "/full"
        observed.faults()
        observed.machine.memory_used = 0.4
        observed.machine.busy = 0.2
        observed.machine.empty()
        assert_resolved(observed, *by_the_fault, *by_the_machine)


def test_a_slow_model_a_busy_service_and_a_part_that_stops(
    observed: Observed, catalogue: Popen[bytes]
) -> None:
    # The model itself is slow: the fault switch would make the health check late as well, which mutes a warning.
    observed.model.stop()
    observed.model.start(seconds=32)
    catalogue.send_signal(signal.SIGUSR1)
    # Ten and more of them end within each twenty seconds.
    with generating(observed, at_once=40, apart=0.8):
        observed.stack.stop("node-exporter")
        assert_told(observed, "TelemetryPipelineDown", "HighRequestRate")
        observed.stack.start("node-exporter")
        catalogue.send_signal(signal.SIGUSR2)
        assert_told(observed, "SlowResponseTime")
        observed.model.stop()
        observed.model.start()
    assert_resolved(observed, "TelemetryPipelineDown", "HighRequestRate", "SlowResponseTime")


def test_a_model_that_is_away_mutes_the_failures_that_follow(observed: Observed) -> None:
    until(lambda: not firing(observed), "a quiet stack")
    earlier = len(observed.recorded.alerts("high-alerts", "firing"))
    muted = sum(float(each["value"][1]) for each in observed.query(SUPPRESSED))
    observed.model.stop()
    # First the cause is known: of two that come at once either may be told.
    assert_told(observed, "LLMServiceUnavailable")
    with generating(observed):
        until(lambda: "CodeGenerationFailures" in firing(observed), "failed generations")
        status = firing(observed)["CodeGenerationFailures"]["status"]
        source = firing(observed)["LLMServiceUnavailable"]["fingerprint"]
        assert (status["state"], status["inhibitedBy"]) == ("suppressed", [source])
        until(
            lambda: observed.query(f"{SUPPRESSED} > {muted}"), "a notification that was due and was not sent"
        )
        names = {
            alert["labels"]["alertname"]
            for alert in observed.recorded.alerts("high-alerts", "firing")[earlier:]
        }
        # What still fails when the model is back may be told.
        assert names == {"LLMServiceUnavailable"}
        observed.model.start()
        assert_resolved(observed, "LLMServiceUnavailable")


def test_a_service_that_is_down_mutes_what_follows_and_no_machine(observed: Observed) -> None:
    until(lambda: not firing(observed), "a quiet stack")
    observed.faults(error_rate=1)
    with generating(observed):
        until(lambda: "HighErrorRate" in firing(observed), "errors")
        observed.machine.memory_used = 0.92
        observed.stack.stop("accelerapp")
        until(lambda: "ServiceDown" in firing(observed), "the service is down")
        source = firing(observed)["ServiceDown"]["fingerprint"]
        muted = until(
            lambda: [a for a in firing(observed).values() if a["status"]["inhibitedBy"] == [source]],
            "a muted alert",
        )
        assert "HighErrorRate" in {alert["labels"]["alertname"] for alert in muted}
        assert_told(observed, "ServiceDown")
        machine = until(lambda: firing(observed).get("HighMemoryUsage"), "the machine's alert")
        assert machine["status"]["state"] == "active"
        observed.machine.memory_used = 0.4
        observed.stack.start("accelerapp")
        assert_resolved(observed, "ServiceDown")


def test_every_alert_was_made_to_fire(observed: Observed) -> None:
    answer = observed.get("prometheus", 9090, "/api/v1/rules", type="alert").json()
    names = {rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]}
    assert names == {*SEVERITIES, "Watchdog"}
    assert all(told(observed, name) for name in SEVERITIES)
    assert not [name for name in SEVERITIES if not told(observed, name, resolved=True)]
