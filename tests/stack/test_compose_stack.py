"""docker-compose.yml itself, started without Docker: what can be had of it runs, measures, alerts and tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from dotenv import dotenv_values
from ruamel.yaml import YAML
from tests.stack.compose.runner import (
    DONE,
    GATEWAY,
    Image,
    Stack,
    UnsupportedError,
    check_keys,
    loaded,
    why_not,
    words,
)
from tests.stack.compose.shortened import shortened
from tests.stack.conftest import BUILD, built

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deployment" / "observability"
NOBODY = "65534:65534"
FACTOR = 60
WEBHOOK_PORT = 9099
OLLAMA_PORT = 11434
NOT_HAD = {
    "grafana/grafana": "Grafana is not to be had from the registries that builds use",
    "docker.elastic.co/elasticsearch/elasticsearch": "its jars can be had, its security module cannot",
    "docker.elastic.co/logstash/logstash": "Logstash is not to be had",
    "docker.elastic.co/kibana/kibana": "Kibana is not to be had",
}
#: Builds of many minutes, which run where they are there.
LONG_BUILDS = {
    "jaeger": ("jaegertracing/jaeger", "jaeger"),
}
COLLECTOR = {"otel/opentelemetry-collector-contrib": "its own tests run it, with the shipped file"}


def cached(name: str) -> Path | None:
    """Return a server's programs where they are built; with all servers asked for they are built first."""
    if os.environ.get("ACCELERAPP_STACK") == "all":
        return built(name)
    done = subprocess.run(
        [sys.executable, str(BUILD), "--cached", name], capture_output=True, text=True, check=False
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


@pytest.fixture(scope="module")
def run(images: dict[str, Image | str]) -> set[str]:
    """The services that run here."""
    long = {name for name, (repository, _) in LONG_BUILDS.items() if isinstance(images[repository], Image)}
    return {"accelerapp", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter"} | long


ALL = {
    *("accelerapp", "prometheus", "alertmanager", "grafana", "node-exporter", "blackbox-exporter"),
    *("elasticsearch", "setup", "logstash", "kibana", "jaeger", "otel-collector"),
}
#: What is not run is not sent to, as .env says.
ENVIRONMENT = {"ACCELERAPP_OTLP_ENDPOINT": "", "ACCELERAPP_LOGSTASH_HOST": ""}


@dataclass
class Recorded:
    """Notifications as they came: the receiver's name and the message."""

    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def alerts(self, receiver: str, status: str) -> list[dict[str, Any]]:
        return [
            alert
            for name, message in self.messages
            if name == receiver
            for alert in message["alerts"]
            if alert["status"] == status
        ]

    def names(self) -> set[str]:
        return {alert["labels"]["alertname"] for _, message in self.messages for alert in message["alerts"]}


def capability() -> None:
    """Skip where namespaces cannot be had; in CI that is a failure."""
    reason = why_not()
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def application() -> Image:
    """The service of this checkout, with what the Dockerfile gives it."""
    environment = Path(sys.prefix)
    return Image(
        environment / "bin" / "accelerapp",
        "/opt/accelerapp/bin/accelerapp",
        "10001:10001",
        ("codegen", "serve"),
        {
            "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ACCELERAPP_CODEGEN_HOST": "0.0.0.0",
            "ACCELERAPP_CODEGEN_PORT": "8080",
        },
        (environment, Path(sys.base_prefix), ROOT / "src", ROOT / "examples"),
    )


@pytest.fixture(scope="module")
def loader() -> Path:
    return built("compose") / "compose-spec"


@pytest.fixture(scope="module")
def images() -> dict[str, Image | str]:
    capability()

    def server(name: str, program: str, user: str) -> Image:
        return Image(built(name) / program, f"/image/{program}", user)

    return {
        "accelerapp": application(),
        "prom/prometheus": server("prometheus", "prometheus", NOBODY),
        "prom/alertmanager": server("alertmanager", "alertmanager", NOBODY),
        "prom/node-exporter": server("node-exporter", "node_exporter", NOBODY),
        "prom/blackbox-exporter": server("blackbox-exporter", "blackbox_exporter", "0:0"),
        **NOT_HAD,
        **COLLECTOR,
        **long_builds(),
    }


def long_builds() -> dict[str, Image | str]:
    found: dict[str, Image | str] = {}
    for name, (repository, program) in LONG_BUILDS.items():
        folder = cached(name)
        found[repository] = (
            Image(folder / program, f"/image/{program}", "10001:10001")
            if folder
            else f"{name} is not built; make test-stack builds it"
        )
    return found


def listen(port: int, record: Callable[[str, bytes], None]) -> ThreadingHTTPServer:
    """Answer GET as Ollama's version does, and record what is posted."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(b'{"version":"0.0.0"}')

        def do_POST(self) -> None:
            record(self.path.strip("/"), self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(b"")

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((GATEWAY, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture(scope="module")
def stack(
    images: dict[str, Image | str],
    loader: Path,
    recorded: Recorded,
    run: set[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose") / "observability"
    webhook = f"http://{GATEWAY}:{WEBHOOK_PORT}"
    shortened(FOLDER, folder, factor=FACTOR, webhook=webhook, without=ALL - run)
    # A folder that pytest makes is its user's alone, and the programs are other users.
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)

    def record(name: str, body: bytes) -> None:
        recorded.messages.append((name, json.loads(body)))

    with Stack(folder, loader, images, ENVIRONMENT) as running:
        with running.network():
            servers = [listen(WEBHOOK_PORT, record), listen(OLLAMA_PORT, record)]
        try:
            running.up()
            yield running
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()


def get(stack: Stack, service: str, port: int, path: str, **parameters: str) -> Any:
    with stack.network():
        return (
            httpx.get(stack.address(service, port) + path, params=parameters, timeout=10)
            .raise_for_status()
            .json()
        )


def query(stack: Stack, expression: str) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = get(stack, "prometheus", 9090, "/api/v1/query", query=expression)["data"][
        "result"
    ]
    return result


def eventually(what: Callable[[], Any], seconds: float = 40.0) -> Any:
    """Return what is found once it is true; fails with the last that was found."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what}: {found}"
        time.sleep(0.2)
    return found


def test_what_can_be_had_runs_and_the_rest_says_why_not(stack: Stack, run: set[str]) -> None:
    assert set(stack.services) == run
    assert stack.not_run.keys() == ALL - run
    assert stack.not_run["setup"] == stack.not_run["elasticsearch"]
    print("\n".join(f"not run: {name}: {why}" for name, why in stack.not_run.items()))


def test_a_service_has_its_user_and_nothing_that_the_file_takes_away(stack: Stack) -> None:
    for name, user in {"accelerapp": "10001", "prometheus": "65534", "blackbox-exporter": "0"}.items():
        status = Path(f"/proc/{stack.services[name].pid}/status").read_text(encoding="ascii")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert told["Uid"].split() == [user] * 4
        assert int(told["CapBnd"], 16) == int(told["CapEff"], 16) == 0
        assert told["NoNewPrivs"] == "1"
        assert stack.inside(name, "touch", "/anywhere").returncode != 0
        assert stack.inside(name, "touch", "/tmp/there").returncode == 0
        assert stack.inside(name, "touch", "/etc/hosts").returncode != 0


def test_services_are_found_by_name_and_secrets_where_they_are_mounted(stack: Stack) -> None:
    asked = stack.inside("blackbox-exporter", "wget", "-q", "-O", "-", "http://prometheus:9090/-/ready")
    assert "Ready" in asked.stdout
    secret = stack.inside("alertmanager", "cat", "/etc/alertmanager/secrets/slack-webhook-url").stdout
    assert secret == (FOLDER / "secrets" / "laptop" / "slack-webhook-url").read_text(encoding="utf-8")
    assert stack.inside("prometheus", "cat", "/run/secrets/elastic-password").returncode != 0


def test_requests_are_counted_once_with_their_values(stack: Stack) -> None:
    specification = json.loads((ROOT / "examples" / "specs" / "greenhouse.json").read_text(encoding="utf-8"))
    with stack.network(), httpx.Client(base_url=stack.address("accelerapp", 8080), timeout=30) as client:
        for _ in range(4):
            assert client.post("/v1/generate", json=specification).status_code == 200
        for _ in range(3):
            assert client.post("/v1/generate", json={"name": "nothing"}).status_code == 422
        for _ in range(2):
            assert client.get("/nowhere").status_code == 404

    def counted() -> dict[tuple[str, str], list[float]]:
        found: dict[tuple[str, str], list[float]] = {}
        for series in query(stack, 'accelerapp_requests_total{service="codegen"} > 0'):
            labels = series["metric"]
            assert (labels["job"], labels["instance"]) == ("accelerapp", "accelerapp:8080")
            found.setdefault((labels["route"], labels["code"]), []).append(float(series["value"][1]))
        return found

    expected = {("/v1/generate", "200"): [4.0], ("/v1/generate", "422"): [3.0], ("unmatched", "404"): [2.0]}
    eventually(lambda: counted() == expected, 15)
    generated = query(stack, "sum(accelerapp_code_generation_total)")
    assert [float(series["value"][1]) for series in generated] == [4.0]


def test_prometheus_scrapes_all_that_runs_and_evaluates_every_rule(stack: Stack, run: set[str]) -> None:
    written = {
        rule.get("alert") or rule.get("record")
        for file in (FOLDER / "prometheus").glob("*-rules.yml")
        for group in YAML(typ="safe").load(file)["groups"]
        for rule in group["rules"]
    }

    def rules() -> list[dict[str, Any]]:
        groups = get(stack, "prometheus", 9090, "/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    eventually(lambda: {rule["health"] for rule in rules()} == {"ok"})
    assert {rule["name"] for rule in rules()} == written

    def targets() -> dict[str, str]:
        active = get(stack, "prometheus", 9090, "/api/v1/targets", state="active")["data"]["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    eventually(lambda: set(targets().values()) == {"up"})
    assert targets().keys() == run
    assert get(stack, "prometheus", 9090, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert query(stack, 'node_filesystem_size_bytes{mountpoint="/"} > 0')


#: Panels without an answer on this stack, which is healthy, calls no model and runs what can be had; and why.
SILENT = {
    "Parts that are not scraped": "all are",
    "Model answers": "code is made by templates: no model is probed",
    "Probes that fail": "none does",
    "Telemetry problems": "there is none",
    "Dropped by applications": "nothing is sent, hence nothing dropped",
    "Duration of calls, 95th percentile": "no model is called",
    "Time to first token, 95th percentile": "no model is called",
    "Tokens": "no model is called",
    "Collector: spans": "the collector is not run here",
    "Collector: queues": "the collector is not run here",
    "Disks busy": "a virtual machine may have none",
}


def test_every_panel_of_every_dashboard_has_an_answer(stack: Stack) -> None:
    grafana = FOLDER / "grafana"
    queries = [
        (panel["title"], target["expr"])
        for path in [grafana / "dashboard-system-overview.json", *sorted(grafana.glob("dashboards/*.json"))]
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]
    assert set(SILENT) <= {title for title, _ in queries}
    # A series that a request begins has no rate yet: the same again, once it has been scraped.
    specification = json.loads((ROOT / "examples" / "specs" / "greenhouse.json").read_text(encoding="utf-8"))
    for _ in range(2):
        before = eventually(partial(query, stack, "sum(accelerapp_code_generation_total)"))[0]["value"][1]
        with stack.network(), httpx.Client(base_url=stack.address("accelerapp", 8080), timeout=30) as client:
            assert client.post("/v1/generate", json=specification).status_code == 200
        assert eventually(partial(query, stack, f"sum(accelerapp_code_generation_total) > {before}"))
    for title, expression in queries:
        if title in SILENT:
            # Prometheus refuses what is no query.
            query(stack, expression)
        else:
            # A rate wants two scrapes, and a rule an evaluation after those.
            assert eventually(partial(query, stack, expression), 60), title


def test_an_idle_stack_fires_nothing_but_watchdog(stack: Stack, recorded: Recorded) -> None:
    # Prometheus may evaluate it before it has found Alertmanager, and sends it again after a minute.
    watchdog = eventually(lambda: recorded.alerts("heartbeat", "firing"), 100)[0]
    assert watchdog["labels"]["alertname"] == "Watchdog"
    # Longer than the longest `for`, which is five minutes divided by the factor.
    for _ in range(7):
        time.sleep(1)
        firing = query(stack, 'ALERTS{alertstate="firing"}')
        # What the machine's own processors, memory and disks are up to is not of this stack.
        assert {s["metric"]["alertname"] for s in firing if s["metric"]["service"] != "node-exporter"} == {
            "Watchdog"
        }
    status = get(stack, "alertmanager", 9093, "/api/v2/status")
    assert status["versionInfo"]["version"]
    failed = query(stack, "sum(alertmanager_notifications_failed_total)")
    assert float(failed[0]["value"][1]) == 0


def test_a_stopped_application_is_told_as_down_and_as_back(stack: Stack, recorded: Recorded) -> None:
    def told(status: str) -> list[dict[str, Any]]:
        return [
            alert
            for alert in recorded.alerts("critical-alerts", status)
            if alert["labels"]["alertname"] == "ServiceDown"
        ]

    assert not told("firing")
    stack.stop("accelerapp")
    alert = eventually(lambda: told("firing"))[0]
    assert alert["labels"]["service"] == "codegen"
    assert alert["labels"]["severity"] == "critical"
    assert alert["labels"]["cluster"] == "laptop"
    assert alert["labels"]["environment"] == "development"
    assert alert["annotations"]["runbook_url"].endswith("/service-down.md")
    assert "accelerapp:8080" in alert["annotations"]["description"]
    assert not told("resolved")
    stack.start("accelerapp")
    assert eventually(lambda: told("resolved"))[0]["labels"]["service"] == "codegen"


def test_what_the_runner_does_not_do_is_an_error(loader: Path) -> None:
    model = loaded(FOLDER, loader, {})
    check_keys(model)
    assert "privileged" not in DONE
    model["services"]["prometheus"]["privileged"] = True
    with pytest.raises(UnsupportedError, match="prometheus: privileged"):
        check_keys(model)


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        (
            "core",
            {"accelerapp", "prometheus", "alertmanager", "grafana", "node-exporter", "blackbox-exporter"},
        ),
        ("logs", {"elasticsearch", "setup", "logstash", "kibana"}),
        ("traces", {"jaeger", "otel-collector"}),
        ("full", ALL),
    ],
)
def test_compose_accepts_the_file_in_each_profile(loader: Path, profile: str, services: set[str]) -> None:
    assert loaded(FOLDER, loader, {"COMPOSE_PROFILES": profile})["services"].keys() == services


def test_compose_accepts_the_file_with_the_seed_versions(loader: Path) -> None:
    seed = {name: value or "" for name, value in dotenv_values(FOLDER / "versions.seed.env").items()}
    services = loaded(FOLDER, loader, seed)["services"]
    assert services["jaeger"]["image"] == "jaegertracing/all-in-one:1.50"
    assert words(services["jaeger"]["command"]) == [
        "--collector.otlp.enabled=true",
        "--memory.max-traces=50000",
    ]
    assert services["prometheus"]["image"] == "prom/prometheus:v2.47.0"


@pytest.fixture(scope="module")
def seed_images(images: dict[str, Image | str]) -> dict[str, Image | str]:
    older = {
        "prom/prometheus": ("prometheus-2.47", "prometheus"),
        "prom/alertmanager": ("alertmanager-0.26", "alertmanager"),
    }
    return images | {
        repository: Image(built(name, only_cached=True) / program, f"/image/{program}", NOBODY)
        for repository, (name, program) in older.items()
    }


def test_the_shipped_files_start_with_the_seed_versions(
    seed_images: dict[str, Image | str], loader: Path, run: set[str]
) -> None:
    """As they are in the folder, nothing shortened, and without the services of logs and traces."""
    seed = {name: value or "" for name, value in dotenv_values(FOLDER / "versions.seed.env").items()}
    with Stack(FOLDER, loader, seed_images, {**seed, **ENVIRONMENT, "COMPOSE_PROFILES": "core"}) as running:
        running.up()
        assert set(running.services) == run - {"jaeger"}
        assert running.not_run.keys() == {"grafana"}
        assert get(running, "prometheus", 9090, "/api/v1/status/buildinfo")["data"]["version"] == "2.47.0"
        assert get(running, "alertmanager", 9093, "/api/v2/status")["versionInfo"]["version"] == "0.26.0"
        # A variable in external_labels is put in by a feature that the versions file turns on.
        config = YAML(typ="safe").load(
            get(running, "prometheus", 9090, "/api/v1/status/config")["data"]["yaml"]
        )
        assert config["global"]["external_labels"] == {"cluster": "laptop", "environment": "development"}
        flags = get(running, "prometheus", 9090, "/api/v1/status/flags")["data"]
        assert flags["storage.tsdb.retention.time"] == "30d"
        assert flags["storage.tsdb.retention.size"] == "45GiB"  # as 2.47 writes 45GB


def test_compose_refuses_a_file_with_a_word_that_it_does_not_know(tmp_path: Path, loader: Path) -> None:
    for name in ("docker-compose.yml", ".env"):
        (tmp_path / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    loaded(tmp_path, loader, {})
    text = (FOLDER / "docker-compose.yml").read_text(encoding="utf-8")
    (tmp_path / "docker-compose.yml").write_text(
        text.replace("    pid: host", "    pids: host"), encoding="utf-8"
    )
    with pytest.raises(UnsupportedError, match="pids"):
        loaded(tmp_path, loader, {})
    (tmp_path / "docker-compose.yml").write_text(
        text.replace("${GRAFANA_VERSION}", "${UNHEARD_OF}"), encoding="utf-8"
    )
    with pytest.raises(UnsupportedError, match="UNHEARD_OF"):
        loaded(tmp_path, loader, {})


def test_the_build_script_knows_the_loader() -> None:
    listed = subprocess.run([sys.executable, str(BUILD)], capture_output=True, text=True, check=False)
    assert "compose" in listed.stderr
