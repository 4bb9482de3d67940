"""`accelerapp doctor` on the real Prometheus and Alertmanager with the shipped files, and on a running observatory.

One copy of the shipped files differs in addresses, in the intervals of scraping and evaluating, and in that receivers
have nothing to send by.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.programs import free_port, until

from accelerapp.cli.doctor.stack import Part

pytestmark = pytest.mark.stack

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
SOURCES = Path(__file__).parents[2] / "src" / "accelerapp" / "cli" / "doctor"
#: What is not run here.
WITHOUT = (
    Part.GRAFANA,
    Part.JAEGER,
    Part.COLLECTOR,
    Part.ELASTICSEARCH,
    Part.LOGSTASH,
    Part.KIBANA,
    Part.NODE_EXPORTER,
    Part.BLACKBOX_EXPORTER,
    Part.OLLAMA,
)


def doctor(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Run the command as a person does; return its exit code and the findings by the check's title."""
    done = subprocess.run(
        [sys.executable, "-m", "accelerapp.cli", "doctor", "--json", "--timeout", "30", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.returncode == 0)
    return done.returncode, {each["check"]: each for each in answer["checks"]}


def failures(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: each["finding"] for name, each in found.items() if each["verdict"] == "failed"}


@dataclass
class Stack:
    """Programs of a stack, each on a port of its own."""

    home: Path
    programs: dict[str, list[str]]
    ports: dict[str, int]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name: str) -> None:
        with (self.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(self.programs[name], stdout=log, stderr=subprocess.STDOUT)
        path = "/ready" if name == "accelerapp" else "/-/ready"
        until(lambda: httpx.get(self.url(name) + path).is_success, f"{name} is ready")

    def stop(self, name: str) -> None:
        process = self.running.pop(name)
        process.terminate()
        process.wait(timeout=60)

    def forget(self) -> None:
        """Start Prometheus anew without data: what failed is counted for 15 minutes."""
        self.stop("prometheus")
        shutil.rmtree(self.home / "data")
        self.start("prometheus")

    def reload(self, name: str) -> httpx.Response:
        return httpx.post(f"{self.url(name)}/-/reload", timeout=60)

    @contextlib.contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        self.stop(name)
        try:
            yield
        finally:
            self.start(name)

    @contextlib.contextmanager
    def changed(self, path: str, old: str, new: str) -> Iterator[None]:
        """Replace a text of Prometheus' files for a block, and let it read them."""
        file = self.home / path
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))
        self.reload("prometheus")
        try:
            yield
        finally:
            file.write_text(before)
            assert self.reload("prometheus").is_success

    def doctor(self) -> tuple[int, dict[str, dict[str, str]]]:
        addresses = [
            *("--prometheus-url", self.url("prometheus")),
            *("--alertmanager-url", self.url("alertmanager")),
            *("--application-url", self.url("accelerapp")),
        ]
        return doctor(*addresses, *(word for part in WITHOUT for word in ("--without", part)))

    def healthy(self, *checked: str) -> dict[str, dict[str, str]]:
        """Wait until nothing is left of what a test before this one broke, and return the findings.

        The checks named must have been made: one is skipped while what it asks for was not scraped yet.
        """

        def passed() -> dict[str, dict[str, str]] | None:
            code, self.last = self.doctor()
            made = all(self.last[title]["verdict"] == "ok" for title in checked)
            return self.last if code == 0 and made else None

        try:
            found: dict[str, dict[str, str]] = until(passed, "a healthy stack")
        except AssertionError:
            raise AssertionError(failures(self.last)) from None
        return found


def copied(home: Path, ports: dict[str, int]) -> None:
    shutil.copytree(SHIPPED / "prometheus", home, dirs_exist_ok=True)
    shutil.rmtree(home / "targets")
    (home / "targets").mkdir()
    yaml = YAML(typ="safe")
    for name, service in (
        ("prometheus", "prometheus"),
        ("alertmanager", "alertmanager"),
        ("accelerapp", "codegen"),
    ):
        with (home / "targets" / f"{name}.yml").open("w") as target:
            yaml.dump([{"targets": [f"127.0.0.1:{ports[name]}"], "labels": {"service": service}}], target)
    text = (home / "prometheus.yml").read_text()
    for old, new in (
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("scrape_timeout: 10s", "scrape_timeout: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ("alertmanager:9093", f"127.0.0.1:{ports['alertmanager']}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (home / "prometheus.yml").write_text(text)
    for rules in home.glob("*-rules.yml"):
        rules.write_text(re.sub(r"^(\s+interval: )\w+$", r"\g<1>1s", rules.read_text(), flags=re.MULTILINE))
    routing = yaml.load(home / "alertmanager.yml")
    routing["receivers"] = [{"name": receiver["name"]} for receiver in routing["receivers"]]
    with (home / "alertmanager.yml").open("w") as file:
        yaml.dump(routing, file)


@pytest.fixture(scope="module")
def stack(prometheus: Path, alertmanager: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("doctor")
    ports = {name: free_port() for name in ("prometheus", "alertmanager", "accelerapp")}
    copied(home, ports)
    programs: dict[str, list[str]] = {
        "accelerapp": [
            *(sys.executable, "-m", "accelerapp.cli", "codegen", "serve"),
            *("--port", str(ports["accelerapp"])),
        ],
        "alertmanager": [
            str(alertmanager),
            f"--config.file={home / 'alertmanager.yml'}",
            f"--storage.path={home / 'alertmanager-data'}",
            f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
            "--cluster.listen-address=",
        ],
        "prometheus": [
            str(prometheus),
            f"--config.file={home / 'prometheus.yml'}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
            "--web.enable-lifecycle",
            # An Alertmanager that starts anew knows no alert until it is sent again.
            "--rules.alert.resend-delay=1s",
        ],
    }
    running = Stack(home, programs, ports)
    try:
        for name in programs:
            running.start(name)
        yield running
    finally:
        for name in list(running.running):
            running.stop(name)


def test_a_healthy_stack_ends_with_0(stack: Stack) -> None:
    titles = (
        "Prometheus is ready",
        "Clocks agree",
        "Prometheus runs its present configuration",
        "Every job has a target",
        "The application answers",
        "Its metrics are stored",
        "It drops nothing that it should send",
        "Rules are evaluated in time",
        "Watchdog fires",
        "Prometheus knows an Alertmanager",
        "Prometheus reaches it",
        "Alertmanager is ready",
        "Alertmanager runs its present configuration",
        "Watchdog arrives at Alertmanager",
        "Nothing that fires is silenced",
        "Prometheus' data is whole",
        "Prometheus keeps what its retention says",
        "Series are few enough",
        "No metric of the application overflows",
        "Samples come in order and once",
        "Processes keep running",
    )
    found = stack.healthy(*titles)
    assert {found[title]["verdict"] for title in titles} == {"ok"}


def test_a_stopped_alertmanager_is_named(stack: Stack) -> None:
    stack.healthy()
    with stack.stopped("alertmanager"):
        code, found = stack.doctor()
        assert code == 1
        assert "alertmanager does not answer" in failures(found)["Alertmanager is ready"]
        assert "docker compose ps alertmanager" in found["Alertmanager is ready"]["mend"]
        assert found["Watchdog arrives at Alertmanager"]["verdict"] == "skipped"
        # What Prometheus has to say of it comes with its next scrape, and with its next attempts to send.
        down = until(lambda: failures(stack.doctor()[1]).get("Every target is up"), "the target is down")
        assert f"alertmanager at 127.0.0.1:{stack.ports['alertmanager']}" in down
        assert "connection refused" in down
        lost = until(lambda: failures(stack.doctor()[1]).get("Prometheus reaches it"), "lost alerts")
        assert str(stack.ports["alertmanager"]) in lost
    stack.forget()


def test_a_target_that_is_down_is_named_with_its_error(stack: Stack) -> None:
    stack.healthy()
    with stack.stopped("accelerapp"):
        down = until(lambda: failures(stack.doctor()[1]).get("Every target is up"), "the target is down")
        assert f"accelerapp at 127.0.0.1:{stack.ports['accelerapp']}" in down
        assert "connection refused" in down


def test_a_job_without_a_target_is_named(stack: Stack) -> None:
    stack.healthy()
    file = stack.home / "targets" / "accelerapp.yml"
    before = file.read_text()
    file.write_text("[]\n")
    try:
        assert until(
            lambda: failures(stack.doctor()[1]).get("Every job has a target") == "no target: accelerapp",
            "the job is missing",
        )
    finally:
        file.write_text(before)


def test_a_rule_that_cannot_be_evaluated_is_named_with_its_error(stack: Stack) -> None:
    stack.healthy()
    # One series on the right of a match for each of many on the left: an error of evaluating, not of syntax.
    with stack.changed("meta-rules.yml", "expr: vector(1)", "expr: up * on() group_right() up"):
        broken = until(
            lambda: failures(stack.doctor()[1]).get("Rules are loaded and can be evaluated"), "a broken rule"
        )
        assert broken.startswith("Watchdog in meta: ")
        assert "many-to-many" in broken or "duplicate series" in broken
    stack.forget()


def test_a_rule_file_that_is_not_read_is_told_by_the_watchdog(stack: Stack) -> None:
    stack.healthy()
    with stack.changed("prometheus.yml", "  - meta-rules.yml\n", ""):
        assert failures(stack.doctor()[1])["Watchdog fires"] == "its rule is not loaded"


def test_a_configuration_that_is_refused_is_told(stack: Stack) -> None:
    stack.healthy()
    with stack.changed("prometheus.yml", "rule_files:", "rules_of_mine:"):
        refused = until(
            lambda: failures(stack.doctor()[1]).get("Prometheus runs its present configuration"), "refused"
        )
        assert "refused" in refused
    stack.healthy()
    good = (stack.home / "alertmanager.yml").read_text()
    (stack.home / "alertmanager.yml").write_text("route: {}\n")
    stack.reload("alertmanager")
    try:
        refused = until(
            lambda: failures(stack.doctor()[1]).get("Alertmanager runs its present configuration"), "refused"
        )
    finally:
        (stack.home / "alertmanager.yml").write_text(good)
        assert stack.reload("alertmanager").is_success


def test_a_prometheus_that_knows_no_alertmanager_is_told(stack: Stack) -> None:
    stack.healthy()
    targets = f"- targets: [127.0.0.1:{stack.ports['alertmanager']}]"
    with stack.changed("prometheus.yml", targets, "- targets: []"):
        until(
            lambda: failures(stack.doctor()[1]).get("Prometheus knows an Alertmanager") == "it knows none",
            "no Alertmanager",
        )


def test_a_silence_is_told(stack: Stack) -> None:
    stack.healthy()
    alert = {"labels": {"alertname": "Muted", "service": "codegen", "severity": "warning"}}
    silence = {
        "matchers": [{"name": "alertname", "value": "Muted", "isRegex": False, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "test",
        "comment": "test",
    }
    with httpx.Client(base_url=stack.url("alertmanager")) as client:
        made = client.post("/api/v2/silences", json=silence).raise_for_status().json()["silenceID"]
        client.post("/api/v2/alerts", json=[alert]).raise_for_status()
        until(
            lambda: "Muted" in stack.doctor()[1]["Nothing that fires is silenced"]["finding"],
            "the silenced alert",
        )
        client.delete(f"/api/v2/silence/{made}").raise_for_status()


def test_a_receiver_that_refuses_is_named(stack: Stack) -> None:
    stack.healthy()
    file = stack.home / "alertmanager.yml"
    before = file.read_text()
    yaml = YAML(typ="safe")
    routing = yaml.load(before)
    for receiver in routing["receivers"]:
        if receiver["name"] == "heartbeat":
            # It answers 405 to what is posted there.
            receiver["webhook_configs"] = [{"url": f"{stack.url('accelerapp')}/health"}]
    with file.open("w") as written:
        yaml.dump(routing, written)
    try:
        assert stack.reload("alertmanager").is_success
        lost = until(lambda: failures(stack.doctor()[1]).get("Notifications are delivered"), "a lost one")
        assert "webhook clientError: " in lost
    finally:
        file.write_text(before)
        assert stack.reload("alertmanager").is_success
    stack.forget()


def test_every_metric_that_is_asked_for_is_one_of_the_servers(stack: Stack) -> None:
    stack.healthy()
    names = set()
    for source in SOURCES.rglob("*.py"):
        names |= set(re.findall(r"\b(?:prometheus|alertmanager)_[a-z_]+\b", source.read_text()))
    asked = {name for name in names if name.endswith(("_total", "_successful", "_bytes", "_series"))}
    assert len(asked) > 10
    served = "".join(httpx.get(f"{stack.url(name)}/metrics").text for name in ("prometheus", "alertmanager"))
    # Counters with labels appear with their first count, but for those that are declared at the start.
    assert {name for name in asked if f"# TYPE {name} " not in served} == set()


def test_a_running_observatory_ends_with_0(tmp_path: Path) -> None:
    files = {
        "prometheus.yml": "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n",
        "rules.yml": (SHIPPED / "prometheus" / "meta-rules.yml").read_text(),
        "alertmanager.yml": "route: {receiver: none}\nreceivers: [{name: none}]\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    command = [
        *(sys.executable, "-m", "accelerapp.cli", "up", "--port", "0", "--otlp-http-port", "0"),
        *("--prometheus-file", str(tmp_path / "prometheus.yml"), "--data-dir", str(tmp_path / "data")),
        *("--alertmanager-file", str(tmp_path / "alertmanager.yml")),
    ]
    with (tmp_path / "stderr").open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            found = re.search(r"shows (\S+) and receives", process.stdout.readline())
            assert found, (tmp_path / "stderr").read_text()
            url = found[1]

            titles = {
                *("Prometheus is ready", "Every target is up", "Watchdog fires", "OTLP is taken"),
                *(
                    "The page has dashboards",
                    "The observatory stores what comes",
                    "No part reports a problem",
                ),
            }

            def passed() -> dict[str, dict[str, str]] | None:
                code, told = doctor("--observatory-url", url)
                # A target that was not scraped yet is a warning, with which the command ends with 0 too.
                healthy = {title for title, each in told.items() if each["verdict"] == "ok"}
                return told if code == 0 and titles <= healthy else None

            told = until(passed, "a healthy observatory")
            # What only a Prometheus has is not asked for, and the parts that it stands for are not looked for.
            assert not {"Alertmanager is ready", "Grafana is healthy"} & told.keys()
        finally:
            process.terminate()
            assert process.wait(timeout=60) == 0
    code, told = doctor("--observatory-url", url)
    assert (code, next(iter(failures(told)))) == (1, "Prometheus is ready")


def test_a_prometheus_is_no_observatory(stack: Stack) -> None:
    code, found = doctor("--observatory-url", stack.url("prometheus"))
    assert code == 1
    assert "is no observatory" in failures(found)["Prometheus is ready"]
