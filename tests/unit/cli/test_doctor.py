"""`accelerapp doctor` on a stack of written answers: whole, and with each thing broken once."""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from typer.testing import CliRunner, Result

from accelerapp.cli.command import app
from accelerapp.cli.doctor import command
from accelerapp.cli.doctor.check import On, Symptom, checks
from accelerapp.cli.doctor.stack import JOBS

README = Path(__file__).parents[3] / "deployment" / "observability" / "README.md"
PASSWORD = "not-to-be-shown"
HOSTS = {
    9090: "prometheus",
    9093: "alertmanager",
    3000: "grafana",
    5601: "kibana",
    16686: "jaeger",
    4318: "collector",
    8088: "application",
    9200: "elasticsearch",
    9600: "logstash",
}
Labels = dict[str, str]


class Fake:
    """Answers by host and path, and of PromQL by what an expression contains."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.broken: dict[tuple[str, str], Callable[[], httpx.Response]] = {}
        self.vectors: dict[str, list[tuple[Labels, float]]] = {
            "_last_reload_successful": [({}, 1)],
            "probe_success": [({"job": "probe-kibana", "instance": "http://kibana:5601"}, 1)],
            "count(accelerapp_uptime_seconds)": [({}, 1)],
            "count(alertmanager_notifications_failed_total)": [({}, 9)],
            "otelcol_process_uptime.*": [({}, 1)],
            "count(prometheus_tsdb_head_series)": [({}, 1)],
            "count(prometheus_tsdb_storage_blocks_bytes)": [({}, 1)],
            "max(prometheus_tsdb_head_series)": [({}, 12345)],
            "count(node_filesystem_size_bytes)": [({}, 3)],
            "count(accelerapp_requests_total)": [({}, 3)],
            "service_route:": [({}, 3)],
        }
        self.target_list = [target(job) for jobs in JOBS.values() for job in jobs]
        self.rule_list = [rule("Watchdog"), rule("ServiceDown")]
        self.alerts = [alert("Watchdog")]
        self.at_alertmanager = [{**alert("Watchdog"), "receivers": [{"name": "heartbeat"}]}]
        self.silenced: list[dict[str, Any]] = []
        self.skew = 0.0
        self.observatory: dict[str, Any] | None = None
        now = datetime.datetime.now(datetime.UTC).isoformat()
        self.answers: dict[tuple[str, str], Any] = {
            ("prometheus", "/api/v1/alertmanagers"): {
                "data": {"activeAlertmanagers": [{"url": "http://alertmanager:9093/api/v2/alerts"}]}
            },
            ("prometheus", "/api/v1/status/tsdb"): {
                "data": {"seriesCountByMetricName": [{"name": "too_many", "value": 900_000}]}
            },
            ("prometheus", "/api/accelerapp/v1/services"): {"services": [{"name": "codegen"}]},
            ("prometheus", "/api/accelerapp/v1/dashboards"): [{"uid": "o", "title": "System overview"}],
            ("collector", "/v1/traces"): {},
            ("jaeger", "/api/services"): {"data": ["jaeger", "codegen"]},
            ("logstash", "/"): {"status": "green"},
            ("logstash", "/_node/stats/pipelines"): pipelines(),
            ("elasticsearch", "/_cluster/health"): health("green"),
            ("elasticsearch", "/_ilm/policy/accelerapp-logs"): {},
            ("elasticsearch", "/_ingest/pipeline/accelerapp-logs"): {},
            ("elasticsearch", "/_index_template/accelerapp-logs"): {},
            ("elasticsearch", "/accelerapp-logs-*/_search"): {
                "hits": {"hits": [{"_source": {"@timestamp": now}}]}
            },
            ("elasticsearch", "/accelerapp-logs-unparsed-*/_count"): {"count": 0},
            ("elasticsearch", "/accelerapp-logs-*/_settings/index.blocks.*"): {},
            ("prometheus", "/api/accelerapp/v1/storage"): {"folder": "/data", "read_by_others": False},
            ("kibana", "/api/status"): {"status": {"overall": {"level": "available"}}},
            ("grafana", "/api/health"): {"database": "ok"},
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        host, path = HOSTS[request.url.port or 0], request.url.path
        for (at, beginning), answer in self.broken.items():
            if host == at and path.startswith(beginning):
                return answer()
        if path == "/-/ready":
            return httpx.Response(200, text="Ready.")
        if path == "/metrics":
            return httpx.Response(200, text="accelerapp_uptime_seconds 3\n")
        if host == "prometheus":
            found = self.of_prometheus(path, parse_qs(request.url.query.decode()))
        elif host == "alertmanager":
            found = self.silenced if "active=false" in str(request.url) else self.at_alertmanager
        elif host == "grafana" and path != "/api/health":
            found = {"status": "OK"}
        else:
            found = self.answers.get((host, path))
        return httpx.Response(404) if found is None else httpx.Response(200, json=found)

    def of_prometheus(self, path: str, parameters: dict[str, list[str]]) -> Any:
        if path == "/api/v1/query":
            return {"data": self.query(parameters["query"][0])}
        if path == "/api/v1/targets":
            return {"data": {"activeTargets": self.target_list}}
        if path == "/api/v1/rules":
            return {"data": {"groups": [{"name": "service", "rules": self.rule_list}]}}
        if path == "/api/v1/alerts":
            return {"data": {"alerts": self.alerts}}
        if path == "/api/accelerapp/v1/status":
            return self.observatory
        if path.startswith("/api/accelerapp/") and self.observatory is None:
            return None
        return self.answers.get(("prometheus", path))

    def query(self, expression: str) -> dict[str, Any]:
        now = time.time() + self.skew
        if expression == "time()":
            return {"resultType": "scalar", "result": [now, str(now)]}
        # The longest key that fits, so that what is broken may be named more closely.
        fitting = sorted((key for key in self.vectors if key in expression), key=len)
        vector = self.vectors[fitting[-1]] if fitting else []
        return {"resultType": "vector", "result": [{"metric": m, "value": [now, str(v)]} for m, v in vector]}


def target(job: str, health: str = "up", error: str = "", **labels: str) -> dict[str, Any]:
    return {
        "labels": {"job": job, "instance": f"{job}:1", **labels},
        "health": health,
        "lastError": error,
    }


def rule(name: str, health: str = "ok", error: str = "") -> dict[str, Any]:
    return {"name": name, "health": health, "lastError": error}


def alert(name: str, state: str = "firing") -> dict[str, Any]:
    return {"labels": {"alertname": name, "service": "codegen"}, "state": state}


def health(status: str) -> dict[str, Any]:
    return {"status": status, "number_of_nodes": 1, "unassigned_shards": 3}


def pipelines(queued: int = 1, lost: int = 0) -> dict[str, Any]:
    queue = {"type": "persisted", "queue_size_in_bytes": queued, "max_queue_size_in_bytes": 100}
    outputs = [{"name": "elasticsearch", "documents": {"non_retryable_failures": lost}}]
    return {"pipelines": {"main": {"queue": queue, "plugins": {"outputs": outputs}}}}


def status(**storage: int) -> dict[str, Any]:
    counts = {
        "requests_refused": 0,
        "samples_refused_series_limit": 0,
        "seal_failures": 0,
        "damaged_segments": 0,
        "damaged_logs": 0,
        "logs_accepted": 5,
        "series": 2,
        "series_limit": 100,
    }
    integration = {"type": "webhook", "status": "ready", "last_error": ""}
    return {
        "version": "1",
        "ports": {"otlp_http": 4318},
        "storage": {**counts, **storage},
        "receivers": [{"name": "heartbeat", "integrations": [integration]}],
    }


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of the environment that the tests run in are not theirs."""
    for name in [name for name in os.environ if name.startswith("ACCELERAPP_DOCTOR_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(command, "_client", lambda _: httpx.Client(transport=httpx.MockTransport(made)))
    monkeypatch.setenv("ACCELERAPP_DOCTOR_ELASTICSEARCH_URL", "http://localhost:9200")
    monkeypatch.setenv("ACCELERAPP_DOCTOR_LOGSTASH_URL", "http://localhost:9600")
    monkeypatch.setenv("ACCELERAPP_DOCTOR_ELASTICSEARCH_PASSWORD", PASSWORD)
    monkeypatch.setenv("ACCELERAPP_DOCTOR_GRAFANA_PASSWORD", PASSWORD)
    return made


def doctor(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


def told(*arguments: object) -> dict[str, dict[str, str]]:
    """Return the findings by the check's title."""
    done = doctor("--json", *arguments)
    assert done.exit_code in {0, 1}, done.output
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.exit_code == 0)
    return {each["check"]: each for each in answer["checks"]}


def titles(on: On) -> list[str]:
    return [each.title for each in checks() if each.on in {On.BOTH, on}]


def test_a_healthy_stack_passes_every_check(fake: Fake) -> None:
    found = told()
    assert {title: each["finding"] for title, each in found.items() if each["verdict"] != "ok"} == {}
    assert list(found) == titles(On.STACK)
    assert all(each["mend"] == "" for each in found.values())


def test_a_healthy_observatory_passes_every_check(fake: Fake) -> None:
    fake.observatory = status()
    found = told("--observatory-url", "http://localhost:9090")
    rest = {title: each["finding"] for title, each in found.items() if each["verdict"] != "ok"}
    assert list(rest) == ["The application answers"]
    assert rest["The application answers"].endswith("the observatory does not scrape it now")
    assert list(found) == titles(On.OBSERVATORY)


def test_the_order_is_the_chapter_s() -> None:
    text = README.read_text(encoding="utf-8")
    chapter = text[text.index("\n## Troubleshooting\n") : text.index("\n## Older versions")]
    assert re.findall(r"^### (.+)$", chapter, flags=re.MULTILINE) == [str(symptom) for symptom in Symptom]
    assert {each.symptom for each in checks()} == set(Symptom)


Break = Callable[[Fake], None]


def refuses(host: str, path: str = "/") -> Break:
    def raise_error() -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    def broken(fake: Fake) -> None:
        fake.broken[host, path] = raise_error

    return broken


def http(host: str, path: str, code: int, body: Any = None) -> Break:
    def broken(fake: Fake) -> None:
        fake.broken[host, path] = lambda: httpx.Response(code, json=body)

    return broken


def vector(key: str, *samples: tuple[Labels, float]) -> Break:
    def broken(fake: Fake) -> None:
        fake.vectors[key] = list(samples)

    return broken


def has(**attributes: Any) -> Break:
    def broken(fake: Fake) -> None:
        for name, value in attributes.items():
            setattr(fake, name, value)

    return broken


def both(*breaks: Break) -> Break:
    def broken(fake: Fake) -> None:
        for each in breaks:
            each(fake)

    return broken


COLLECTOR = {"exporter": "otlp_grpc/jaeger", "receiver": "otlp", "item": "spans"}
OLD = {"hits": {"hits": [{"_source": {"@timestamp": "2020-01-01T10:00:00.000Z"}}]}}
UP = [target(job) for jobs in JOBS.values() for job in jobs]

#: What is broken, the check, how it ends, and parts of what it finds and of what mends it.
CASES: list[tuple[Break, str, str, str, str]] = [
    (refuses("prometheus"), "Prometheus is ready", "failed", "connection refused", "--prometheus-url"),
    (http("prometheus", "/-/ready", 503), "Prometheus is ready", "failed", "HTTP 503", "journal"),
    (has(skew=-7), "Clocks agree", "warning", "7.0 s behind", "NTP"),
    (has(skew=90), "Clocks agree", "failed", "s ahead of", "NTP"),
    (
        vector("min(prometheus_config_last_reload_successful)", ({}, 0)),
        "Prometheus runs its present configuration",
        "failed",
        "refused",
        "promtool check config",
    ),
    (
        has(target_list=[each for each in UP if each["labels"]["job"] != "jaeger"]),
        "Every job has a target",
        "failed",
        "no target: jaeger",
        "--without",
    ),
    (
        both(
            has(target_list=[each for each in UP if each["labels"]["job"] != "ollama"]),
            vector('{backend!="templates"}', ({"backend": "ollama"}, 0)),
        ),
        "Every job has a target",
        "warning",
        "ollama has no target",
        "ACCELERAPP_CODEGEN_BACKEND=ollama",
    ),
    (
        has(target_list=[*UP, target("mine", "down", "no such host")]),
        "Every target is up",
        "failed",
        "mine at mine:1: no such host",
        "Status → Targets",
    ),
    (
        has(target_list=[*UP, target("mine", "down", "no such host", optional="true")]),
        "Every target is up",
        "warning",
        "optional",
        "start it",
    ),
    (has(target_list=[*UP, target("mine", "unknown")]), "Every target is up", "warning", "mine", "again"),
    (
        vector("probe_success", ({"job": "probe-kibana", "instance": "http://kibana"}, 0)),
        "What has no metrics of its own answers its probe",
        "failed",
        "probe-kibana http://kibana",
        "debug=true",
    ),
    (
        vector("probe_success", ({"job": "ollama", "instance": "http://o"}, 0)),
        "What has no metrics of its own answers its probe",
        "warning",
        "Ollama does not answer",
        "ollama serve",
    ),
    (refuses("application"), "The application answers", "failed", "refused", "docker compose ps accelerapp"),
    (http("application", "/metrics", 404), "The application answers", "failed", "HTTP 404", "/docs"),
    (vector("count(accelerapp_uptime_seconds)"), "Its metrics are stored", "failed", "no series", "OTEL_"),
    (
        vector("increase(accelerapp_telemetry_dropped_total", ({"service": "codegen", "signal": "logs"}, 4)),
        "It drops nothing that it should send",
        "failed",
        "codegen logs: 4",
        "LOGSTASH_HOST",
    ),
    (
        vector("(accelerapp_telemetry_dropped_total) > 0", ({"service": "codegen", "signal": "logs"}, 4)),
        "It drops nothing that it should send",
        "warning",
        "since its start",
        "LOGSTASH_HOST",
    ),
    (
        has(rule_list=[rule("Watchdog"), rule("Broken", "err", "found duplicate series")]),
        "Rules are loaded and can be evaluated",
        "failed",
        "Broken in service: found duplicate series",
        "promtool test rules",
    ),
    (
        has(rule_list=[rule("Watchdog"), rule("New", "unknown")]),
        "Rules are loaded and can be evaluated",
        "warning",
        "1 of 2",
        "again",
    ),
    (
        vector("prometheus_rule_evaluation_failures_total", ({"rule_group": "service"}, 2)),
        "Rules are evaluated in time",
        "failed",
        "service: 2",
        "Rule health",
    ),
    (
        vector("prometheus_rule_group_iterations_missed_total", ({"rule_group": "service"}, 2)),
        "Rules are evaluated in time",
        "warning",
        "service: 2",
        "interval",
    ),
    (has(alerts=[]), "Watchdog fires", "failed", "does not fire", "log of Prometheus"),
    (
        has(alerts=[], rule_list=[rule("ServiceDown")]),
        "Watchdog fires",
        "failed",
        "not loaded",
        "meta-rules.yml",
    ),
    (
        http("prometheus", "/api/v1/alertmanagers", 200, {"data": {"activeAlertmanagers": []}}),
        "Prometheus knows an Alertmanager",
        "failed",
        "none",
        "alerting.alertmanagers",
    ),
    (
        vector("prometheus_notifications_errors_total", ({"alertmanager": "http://a"}, 3)),
        "Prometheus reaches it",
        "failed",
        "http://a: 3",
        "docker compose ps alertmanager",
    ),
    (refuses("alertmanager"), "Alertmanager is ready", "failed", "refused", "--alertmanager-url"),
    (http("alertmanager", "/-/ready", 503), "Alertmanager is ready", "failed", "HTTP 503", "its log"),
    (
        vector("min(alertmanager_config_last_reload_successful)", ({}, 0)),
        "Alertmanager runs its present configuration",
        "failed",
        "refused",
        "amtool check-config",
    ),
    (
        has(at_alertmanager=[]),
        "Watchdog arrives at Alertmanager",
        "failed",
        "no alert of that name",
        "alerting.alertmanagers",
    ),
    (
        has(at_alertmanager=[{**alert("Watchdog"), "receivers": [{"name": "default"}]}]),
        "Watchdog arrives at Alertmanager",
        "warning",
        "no heartbeat",
        "receiver heartbeat",
    ),
    (
        vector(
            "increase(alertmanager_notifications_failed_total",
            ({"integration": "slack", "reason": "clientError"}, 2),
        ),
        "Notifications are delivered",
        "failed",
        "slack clientError: 2",
        "secret",
    ),
    (
        has(silenced=[alert("HighErrorRate")]),
        "Nothing that fires is silenced",
        "warning",
        "HighErrorRate",
        "amtool",
    ),
    (refuses("collector"), "OTLP is taken", "failed", "refused", "--collector-url"),
    (http("collector", "/v1/traces", 503), "OTLP is taken", "failed", "refuses with HTTP 503", "GOMEMLIMIT"),
    (http("collector", "/v1/traces", 415), "OTLP is taken", "failed", "HTTP 415", "4318"),
    (
        vector("otelcol_receiver_refused", (COLLECTOR, 5)),
        "The collector refuses nothing",
        "failed",
        "otlp spans: 5",
        "GOMEMLIMIT",
    ),
    (
        vector("otelcol_exporter_enqueue_failed", (COLLECTOR, 5)),
        "The collector sends on what it took",
        "failed",
        "otlp_grpc/jaeger spans: 5",
        "queue_size",
    ),
    (
        vector("otelcol_exporter_send_failed", (COLLECTOR, 5)),
        "The collector sends on what it took",
        "failed",
        "otlp_grpc/jaeger spans: 5",
        "docker compose logs otel-collector",
    ),
    (
        vector("otelcol_exporter_queue_size", (COLLECTOR, 0.93)),
        "The collector sends on what it took",
        "failed",
        "otlp_grpc/jaeger: 0.93",
        "slow or away",
    ),
    (
        vector("trace_dropped_too_early", ({}, 8)),
        "Tail sampling decides on whole traces",
        "failed",
        "8 traces",
        "num_traces",
    ),
    (refuses("jaeger"), "Jaeger has traces", "failed", "refused", "--jaeger-url"),
    (
        http("jaeger", "/api/services", 200, {"data": None}),
        "Jaeger has traces",
        "warning",
        "no service",
        "of ten is kept",
    ),
    (refuses("logstash"), "Logstash runs", "failed", "refused", "--logstash-url"),
    (
        http("logstash", "/_node", 200, pipelines(queued=90)),
        "Elasticsearch takes what Logstash sends",
        "failed",
        "90% full",
        "read-only",
    ),
    (
        http("logstash", "/_node", 200, pipelines(lost=7)),
        "Elasticsearch takes what Logstash sends",
        "failed",
        "7 documents",
        "another type",
    ),
    (refuses("elasticsearch"), "Elasticsearch is healthy", "failed", "refused", "--elasticsearch-url"),
    (
        http("elasticsearch", "/", 401, {"error": PASSWORD}),
        "Elasticsearch is healthy",
        "failed",
        "refuses the user elastic",
        "in the volume",
    ),
    (
        http("elasticsearch", "/_cluster", 200, health("red")),
        "Elasticsearch is healthy",
        "failed",
        "red",
        "allocation/explain",
    ),
    (
        http("elasticsearch", "/_cluster", 200, health("yellow")),
        "Elasticsearch is healthy",
        "warning",
        "3 replicas",
        "auto_expand_replicas",
    ),
    (
        http("elasticsearch", "/_ingest", 404),
        "What setup makes is there",
        "failed",
        "the ingest pipeline accelerapp-logs",
        "docker compose up setup",
    ),
    (
        http("elasticsearch", "/_ilm", 403),
        "What setup makes is there",
        "skipped",
        "may not see the lifecycle",
        "",
    ),
    (
        http("elasticsearch", "/accelerapp-logs-*/_search", 200, {"hits": {"hits": []}}),
        "Lines arrive",
        "warning",
        "no index has a line",
        "docker compose logs setup logstash",
    ),
    (
        http("elasticsearch", "/accelerapp-logs-*/_search", 200, OLD),
        "Lines arrive",
        "warning",
        "2020-01-01 10:00 UTC",
        "LOGSTASH_HOST",
    ),
    (
        http("elasticsearch", "/accelerapp-logs-unparsed", 200, {"count": 3}),
        "Lines are taken apart",
        "warning",
        "3 lines",
        "ingest-pipeline.json",
    ),
    (refuses("kibana"), "Kibana is available", "failed", "refused", "setup"),
    (
        http("kibana", "/api/status", 503, {"status": {"overall": {"level": "unavailable"}}}),
        "Kibana is available",
        "failed",
        "unavailable",
        "its log",
    ),
    (refuses("grafana"), "Grafana is healthy", "failed", "refused", "--grafana-url"),
    (
        http("grafana", "/api/health", 503, {"database": "failing"}),
        "Grafana is healthy",
        "failed",
        "failing",
        "volume",
    ),
    (
        http("grafana", "/api/datasources/uid/jaeger/health", 500, {"status": "ERROR", "message": "no host"}),
        "Its data sources answer",
        "failed",
        "jaeger: no host",
        "datasource.yml",
    ),
    (
        http("grafana", "/api/datasources/uid/elasticsearch", 404),
        "Its data sources answer",
        "failed",
        "missing: elasticsearch",
        "docker compose logs grafana",
    ),
    (
        http("grafana", "/api/datasources", 401),
        "Its data sources answer",
        "failed",
        "refuses the user admin",
        "first start",
    ),
    (
        http("grafana", "/api/dashboards/uid/slos", 404),
        "Its dashboards are there",
        "failed",
        "missing: slos",
        "docker compose logs grafana",
    ),
    (
        vector("service_route:"),
        "Recorded series are there",
        "warning",
        "nothing is recorded",
        "recording-rules.yml",
    ),
    (
        vector("node_filesystem_avail_bytes", ({"instance": "n:1", "mountpoint": "/var"}, 0.07)),
        "Disks have room",
        "warning",
        "10 % is left: n:1 /var",
        "disk-space-low.md",
    ),
    (
        vector("node_filesystem_avail_bytes", ({"instance": "n:1", "mountpoint": "/var"}, 0.02)),
        "Disks have room",
        "failed",
        "5 % is left: n:1 /var",
        "disk-space-low.md",
    ),
    (
        http(
            "elasticsearch",
            "/accelerapp-logs-*/_settings",
            200,
            {"a": {"settings": {"index.blocks.read_only_allow_delete": "true"}}},
        ),
        "Elasticsearch may be written to",
        "failed",
        "read_only_allow_delete",
        "make room",
    ),
    (
        vector("prometheus_tsdb_wal_corruptions_total", ({}, 1)),
        "Prometheus' data is whole",
        "failed",
        "damaged journals: 1",
        "restart",
    ),
    (
        vector("prometheus_tsdb_retention_limit_bytes", ({}, 0.97)),
        "Prometheus keeps what its retention says",
        "warning",
        "before their time",
        "PROMETHEUS_RETENTION_SIZE",
    ),
    (
        vector("max(prometheus_tsdb_head_series)", ({}, 1_500_000)),
        "Series are few enough",
        "warning",
        "too_many (900000)",
        "label without bound",
    ),
    (
        vector("accelerapp_metric_series_overflow_total", ({"service": "codegen", "metric": "m"}, 2)),
        "No metric of the application overflows",
        "failed",
        "codegen m: 2",
        "without bound",
    ),
    (
        vector("sample_out_of_order_total", ({}, 11)),
        "Samples come in order and once",
        "warning",
        "out of order: 11",
        "same labels",
    ),
    (
        vector("changes(process_start_time_seconds", ({"job": "grafana", "instance": "grafana:3000"}, 5)),
        "Processes keep running",
        "failed",
        "grafana grafana:3000: 5",
        "OOMKilled",
    ),
    (
        vector("service:telemetry_problem:current", ({"service": "jaeger", "problem": "not_scraped"}, 1)),
        "No part reports a problem",
        "failed",
        "jaeger not_scraped",
        "telemetry-pipeline-down.md",
    ),
    (
        has(alerts=[alert("Watchdog"), alert("HighErrorRate"), alert("SlowResponseTime", "pending")]),
        "Nothing else fires",
        "warning",
        "HighErrorRate (codegen)",
        "runbook_url",
    ),
]


def test_each_check_is_broken_once() -> None:
    assert {title for _, title, *_ in CASES} == set(titles(On.STACK))


@pytest.mark.parametrize(
    ("broken", "title", "verdict", "finding", "mend"), CASES, ids=[f"{c[1]} - {c[3]}" for c in CASES]
)
def test_what_is_broken_is_named_with_what_mends_it(
    fake: Fake, broken: Break, title: str, verdict: str, finding: str, mend: str
) -> None:
    broken(fake)
    found = told()
    assert found[title]["verdict"] == verdict, found[title]
    assert finding in found[title]["finding"]
    assert mend in found[title]["mend"]
    # Everything else is right, or is not checked for a reason that is told.
    others = [each for name, each in found.items() if name != title and each["verdict"] != "ok"]
    assert [each for each in others if each["verdict"] != "skipped"] == []
    assert all(each["finding"].startswith("not checked, because ") for each in others)
    if verdict == "warning":
        assert doctor().exit_code == 0


OBSERVATORY: list[tuple[Break, str, str, str]] = [
    (
        has(
            observatory={
                **status(),
                "receivers": [
                    {
                        "name": "high-alerts",
                        "integrations": [{"type": "slack", "status": "not configured", "last_error": ""}],
                    }
                ],
            }
        ),
        "Receivers can deliver",
        "warning",
        "high-alerts by slack",
    ),
    (
        has(
            observatory={
                **status(),
                "receivers": [
                    {
                        "name": "heartbeat",
                        "integrations": [{"type": "webhook", "status": "ready", "last_error": "HTTP 500"}],
                    }
                ],
            }
        ),
        "Receivers can deliver",
        "failed",
        "heartbeat by webhook: HTTP 500",
    ),
    (
        http("prometheus", "/api/accelerapp/v1/services", 200, {"services": []}),
        "The observatory has traces",
        "warning",
        "no service",
    ),
    (has(observatory=status(damaged_logs=2)), "The observatory stores lines", "failed", "2 lines"),
    (has(observatory=status(logs_accepted=0)), "The observatory stores lines", "warning", "none came"),
    (
        http("prometheus", "/api/accelerapp/v1/dashboards", 200, []),
        "The page has dashboards",
        "failed",
        "none",
    ),
    (
        has(observatory=status(requests_refused=4)),
        "The observatory stores what comes",
        "failed",
        "4 requests were refused",
    ),
    (
        http("prometheus", "/api/accelerapp/v1/storage", 200, {"folder": "/my data", "read_by_others": True}),
        "The data folder is its owner's alone",
        "warning",
        "other users of its machine can read /my data",
    ),
    (has(observatory=status(series=90)), "Series are few enough", "warning", "90 of 100"),
    (has(observatory=status(series=100)), "Series are few enough", "failed", "100 of 100"),
]


def test_each_check_of_the_observatory_is_broken_once() -> None:
    only = {each.title for each in checks() if each.on is On.OBSERVATORY}
    assert {title for _, title, *_ in OBSERVATORY} == only


@pytest.mark.parametrize(
    ("broken", "title", "verdict", "finding"), OBSERVATORY, ids=[f"{c[1]} - {c[3]}" for c in OBSERVATORY]
)
def test_what_is_broken_in_an_observatory_is_named(
    fake: Fake, broken: Break, title: str, verdict: str, finding: str
) -> None:
    fake.observatory = status()
    broken(fake)
    found = told()
    assert (found[title]["verdict"], finding in found[title]["finding"]) == (verdict, True), found[title]
    assert found[title]["mend"]


def test_a_dead_prometheus_is_one_failure_and_asked_once(fake: Fake) -> None:
    refuses("prometheus")(fake)
    found = told()
    assert [name for name, each in found.items() if each["verdict"] == "failed"] == ["Prometheus is ready"]
    assert found["Watchdog fires"]["finding"] == "not checked, because prometheus does not answer"
    assert found["Elasticsearch is healthy"]["verdict"] == "ok"
    assert len([request for request in fake.asked if request.url.port == 9090]) == 1


def test_strange_answers_stop_no_other_check(fake: Fake) -> None:
    http("prometheus", "/api/v1/rules", 200, {"data": {"groups": "none"}})(fake)
    http("jaeger", "/api/services", 200, ["unexpected"])(fake)
    fake.broken["grafana", "/api/health"] = lambda: httpx.Response(200, text="<html>log in</html>")
    found = told()
    strange = {name for name, each in found.items() if "another form than expected" in each["finding"]}
    assert strange == {"Rules are loaded and can be evaluated", "Jaeger has traces", "Grafana is healthy"}
    assert found["Nothing else fires"]["verdict"] == "ok"


def test_what_is_without_an_address_is_looked_at_through_prometheus(fake: Fake) -> None:
    fake.vectors['up{job=~"jaeger"}'] = [({"instance": "jaeger:8888"}, 1)]
    fake.vectors['up{job=~"grafana"}'] = [({"instance": "grafana:3000"}, 0)]
    found = told("--jaeger-url", "", "--grafana-url", "")
    assert found["Jaeger has traces"]["finding"] == "no address is given; Prometheus reaches it"
    assert found["Grafana is healthy"]["verdict"] == "failed"
    assert "grafana:3000" in found["Grafana is healthy"]["finding"]
    assert not any(request.url.port in {16686, 3000} for request in fake.asked)


def test_a_prometheus_elsewhere_takes_the_ports_of_this_machine_out(fake: Fake) -> None:
    told("--prometheus-url", "http://prometheus.example.com:9090")
    # Elasticsearch and Logstash are given in the environment.
    assert {request.url.port for request in fake.asked} == {9090, 9200, 9600}


def test_a_part_that_is_left_out_is_no_fault(fake: Fake) -> None:
    fake.target_list = [each for each in fake.target_list if not each["labels"]["job"].startswith("otel")]
    fake.target_list.append(target("jaeger", "down", "no such host"))
    fake.vectors["service:telemetry_problem:current"] = [({"service": "jaeger", "problem": "not_scraped"}, 1)]
    refuses("jaeger")(fake)
    refuses("collector")(fake)
    assert not doctor("--json").output.startswith('{\n  "ok": true')
    found = told("--without", "jaeger", "--without", "otel-collector")
    assert {each["verdict"] for each in found.values()} == {"ok", "skipped"}
    assert found["Jaeger has traces"]["finding"].endswith("--without jaeger says that there is none")


def test_without_a_model_none_is_probed_and_that_is_no_fault(fake: Fake) -> None:
    fake.target_list = [each for each in fake.target_list if each["labels"]["job"] != "ollama"]
    assert told()["Every job has a target"]["verdict"] == "ok"


def test_the_table_has_headings_verdicts_and_mends(fake: Fake) -> None:
    fake.alerts = []
    done = doctor()
    assert done.exit_code == 1
    assert "\nAn alert does not fire\n  ok      Rules are loaded" in done.output
    assert (
        "  failed  Watchdog fires: its rule is loaded and does not fire\n          mend: rules are"
        in done.output
    )
    assert "1 failed" in done.output.splitlines()[-1]


def test_secrets_are_sent_and_never_shown(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("of-the-file\n")
    http("grafana", "/api/datasources", 500, {"message": "bad password of-the-file \x1b[31m\n"})(fake)
    http("elasticsearch", "/_cluster", 500, {"error": f"no {PASSWORD}"})(fake)
    for form in ((), ("--json",)):
        done = doctor("--grafana-password-file", file, *form)
        assert done.exit_code == 1
        assert "of-the-file" not in done.output
        assert PASSWORD not in done.output
        assert "\x1b" not in done.output
        assert "bad password …" in done.output
    sent = {
        request.url.port: httpx.Request("GET", "http://x", headers=request.headers).headers.get(
            "Authorization"
        )
        for request in fake.asked
    }
    assert sent[3000] == basic("admin", "of-the-file")
    assert sent[9200] == basic("elastic", PASSWORD)
    assert all(sent[port] is None for port in sent if port not in {3000, 9200})


def basic(user: str, password: str) -> str:
    return next(httpx.BasicAuth(user, password).auth_flow(httpx.Request("GET", "http://x"))).headers[
        "Authorization"
    ]


def test_without_a_password_grafana_s_inside_is_not_checked(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACCELERAPP_DOCTOR_GRAFANA_PASSWORD")
    found = told()
    assert found["Its data sources answer"]["verdict"] == "skipped"
    assert "--grafana-password-file" in found["Its data sources answer"]["finding"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prometheus-url", "localhost:9090"], "must be http://HOST:PORT"),
        (["--prometheus-url", "ftp://localhost"], "must be http://HOST:PORT"),
        (["--prometheus-url", "http://localhost:none"], "is no URL"),
        (["--jaeger-url", "http://user:secret@localhost"], "credentials go into a file"),
        (["--observatory-url", "http://a", "--prometheus-url", "http://b"], "give one of them"),
        (["--grafana-password-file", "/nowhere/password"], "No such file"),
        (["--ca-file", "/nowhere/ca.crt"], "No such file"),
        (["--without", "everything"], "everything"),
        (["--timeout", "0"], "0.1"),
    ],
)
def test_wrong_usage_ends_with_2_and_shows_no_secret(arguments: list[str], said: str) -> None:
    done = doctor(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert "secret" not in done.output.replace("secrets", "")


def test_an_empty_password_and_a_wrong_certificate_are_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is empty" in doctor("--grafana-password-file", tmp_path / "file").output
    (tmp_path / "file").write_text("no certificate")
    done = doctor("--ca-file", tmp_path / "file")
    assert (done.exit_code, str(tmp_path / "file") in done.output) == (2, True)


@pytest.fixture
def dribbling() -> Iterator[str]:
    """A server that goes on with its answer for ever, one byte at a time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_answer_without_end_ends(dribbling: str) -> None:
    parts = ["alertmanager", "grafana", "kibana", "jaeger", "otel-collector", "accelerapp"]
    left_out = [word for part in parts for word in ("--without", part)]
    found = told("--prometheus-url", dribbling, "--timeout", "0.5", *left_out)
    assert "the answer did not end in time" in found["Prometheus is ready"]["finding"]


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with command._client(None) as client:
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert client._transport_for_url(httpx.URL(f"http://{host}:9090/")) is client._transport
        assert client._transport_for_url(httpx.URL("http://example.com/")) is not client._transport
