"""Moving up: the same application and traffic, at home in the observatory and in the native stack.

Only environment variables of the application differ; the same PromQL, rules, alerts, dashboards and traces have the
same answers. What differs by home is dropped by name, each with its reason, and what the observatory cannot answer yet
is a list that must be exact.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.conftest import BUILD, built
from tests.stack.homes import FAULT_TOKEN, ROOT, SHIPPED, Home, Servers, running
from tests.stack.programs import until

pytestmark = pytest.mark.stack

Homes = dict[str, Home]

#: Labels of a home's own: a laptop need not run the application, and its target says so.
OF_THE_HOME = {"optional"}
#: The application's series. A native stack scrapes its own parts too, and the observatory itself.
APPLICATION = '{job="accelerapp"}'
#: Rules over the machine's own processors, memory and disks, whose state is of the moment.
MACHINE = "machine"
WATCHDOG = ("Watchdog", "monitoring")
#: What the traffic fires.
FIRED = {WATCHDOG, ("HighErrorRate", "codegen"), ("CodeGenerationFailures", "codegen")}


@pytest.fixture(scope="module")
def servers(prometheus: Path, alertmanager: Path) -> Servers:
    def cached(name: str, program: str) -> Path | None:
        command = [sys.executable, str(BUILD), "--cached", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return Path(done.stdout.strip()) / program if done.returncode == 0 else None

    return Servers(
        prometheus,
        alertmanager,
        built("node-exporter") / "node_exporter",
        built("blackbox-exporter") / "blackbox_exporter",
        cached("jaeger", "jaeger"),
        cached("otelcol", "otelcol"),
    )


@pytest.fixture(scope="module")
def homes(
    servers: Servers, server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homes]:
    with running(tmp_path_factory.mktemp("homes"), servers) as started:
        yield started


def without_home(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in OF_THE_HOME}


def answer(home: Home, expression: str) -> list[tuple[dict[str, str], str]]:
    return sorted(
        ((without_home(labels), value) for labels, value in home.query(expression)),
        key=str,
    )


def firing(home: Home, *, ever: bool = False) -> set[tuple[str, str]]:
    """Return name and service of what fires, or ever fired, but for the machine that the test runs on."""
    selector = 'ALERTS{alertstate="firing",service!="node-exporter"}'
    found = home.query(f"max_over_time({selector}[1h])" if ever else selector)
    return {(labels["alertname"], labels["service"]) for labels, _ in found}


@pytest.fixture(scope="module")
def idle(homes: Homes) -> dict[str, set[tuple[str, str]]]:
    """What fired by the time that all was scraped for longer than the longest `for`, before any request."""
    for name, home in homes.items():
        scraped = 'count_over_time(up{job="accelerapp"}[1h]) >= 8'
        until(partial(home.query, scraped), f"{name} has scraped the application for seven seconds")
    return {name: firing(home, ever=True) for name, home in homes.items()}


SPECIFICATIONS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "examples" / "specs").glob("*.json"))
]
ROUNDS = 4


@dataclass(frozen=True)
class Sent:
    """How the requests were answered, by method, route and status, and the traces of those that a collector keeps.

    A trace is named by the correlation id of its request.
    """

    answers: Counter[tuple[str, str, str]]
    traces: dict[str, str]


def send(home: Home) -> Sent:
    """Send the traffic of a round several times; at the end one generation that takes five seconds."""
    answers: Counter[tuple[str, str, str]] = Counter()
    traces: dict[str, str] = {}
    token = {"Authorization": f"Bearer {FAULT_TOKEN}"}
    with httpx.Client(base_url=home.url, timeout=30) as client:

        def ask(method: str, path: str, expected: int, *, route: str = "", **more: Any) -> None:
            correlation_id = f"moving-up-{answers.total()}"
            headers = more.pop("headers", {}) | {"X-Correlation-ID": correlation_id}
            got = client.request(method, path, headers=headers, **more)
            assert got.status_code == expected, got.text
            answers[method, route or path, str(expected)] += 1
            if expected >= 500 or got.elapsed.total_seconds() > 5:
                traces[correlation_id] = got.json()["trace_id"]

        def generate(expected: int, body: Any = SPECIFICATIONS[0]) -> None:
            ask("POST", "/v1/generate", expected, json=body)

        def fault(method: str, **faults: Any) -> None:
            more: dict[str, Any] = {"json": faults} if faults else {}
            ask(method, "/v1/faults", 200, headers=token, **more)

        for _ in range(ROUNDS):
            for specification in SPECIFICATIONS:
                generate(200, specification)
            for wrong in ({"name": "nothing"}, {**SPECIFICATIONS[0], "board": "abacus"}):
                generate(422, wrong)
            ask("GET", "/nowhere", 404, route="unmatched")
            ask("PUT", "/v1/faults", 401, json={"backend_down": True})
            fault("PUT", backend_down=True)
            generate(502)
            generate(502)
            fault("DELETE")
        # Slow enough for the collector to keep it: of what neither fails nor is slow it keeps one of ten.
        fault("PUT", latency_seconds=5.1)
        generate(200)
        fault("DELETE")
    return Sent(answers, traces)


def settled(home: Home, sent: Sent) -> bool:
    """Tell whether all requests are scraped, and what failed fires."""
    counted = Counter(
        {
            (labels["method"], labels["route"], labels["code"]): int(value)
            for labels, value in home.query("accelerapp_requests_total > 0")
        }
    )
    return counted == sent.answers and firing(home) == FIRED


@pytest.fixture(scope="module")
def sent(homes: Homes, idle: object) -> dict[str, Sent]:
    """The same traffic, sent to both at the same time, once all of it is scraped and what it fires has fired."""
    with ThreadPoolExecutor(len(homes)) as people:
        found = dict(zip(homes, people.map(send, homes.values()), strict=True))

    for name, home in homes.items():
        until(
            partial(settled, home, found[name]),
            f"{name} has counted all requests, and alerts of the failures",
        )
    return found


def test_only_environment_variables_of_the_application_differ(homes: Homes, servers: Servers) -> None:
    here, there = (home.application for home in homes.values())
    assert here.command == there.command
    assert list(here.command)[1:] == ["-m", "accelerapp.cli", "codegen", "serve"]
    variables = here.environment.keys() | there.environment.keys()
    differing = {name for name in variables if here.environment.get(name) != there.environment.get(name)}
    # Two processes of one machine cannot have one port.
    expected = {"OTEL_EXPORTER_OTLP_ENDPOINT", "ACCELERAPP_CODEGEN_PORT"}
    if servers.collector is None or servers.jaeger is None:
        expected.remove("OTEL_EXPORTER_OTLP_ENDPOINT")
    assert differing == expected


def test_an_idle_home_fires_nothing_but_watchdog(idle: dict[str, set[tuple[str, str]]]) -> None:
    assert idle == {"observatory": {WATCHDOG}, "native": {WATCHDOG}}


def test_the_same_traffic_is_answered_and_counted_alike(sent: dict[str, Sent]) -> None:
    observatory, native = sent.values()
    assert observatory.answers == native.answers
    assert observatory.traces.keys() == native.traces.keys()
    assert len(native.traces) == ROUNDS * 2 + 1
    assert native.answers["POST", "/v1/generate", "200"] == ROUNDS * len(SPECIFICATIONS) + 1
    assert native.answers["POST", "/v1/generate", "502"] == ROUNDS * 2


EXACT = [
    "accelerapp_requests_total",
    "accelerapp_errors_total",
    "accelerapp_code_generation_total",
    "accelerapp_code_generation_failures_total",
    "accelerapp_telemetry_dropped_total",
    "accelerapp_build_info" + APPLICATION,
    "accelerapp_health_check_status",
    "up" + APPLICATION,
    "scrape_samples_scraped" + APPLICATION,
    "scrape_samples_post_metric_relabeling" + APPLICATION,
    "accelerapp_request_duration_seconds_count",
    'accelerapp_request_duration_seconds_bucket{le=~"120.0|\\\\+Inf"}',
    "gen_ai_client_operation_duration_seconds_count",
    'gen_ai_client_operation_duration_seconds_bucket{le="81.92"}',
    "gen_ai_client_token_usage_count",
    # How many tokens an answer has is the model's chance; those of the question are the prompt's.
    'gen_ai_client_token_usage_sum{gen_ai_token_type="input"}',
    'gen_ai_client_token_usage_bucket{gen_ai_token_type="input"}',
    "sum(accelerapp_requests_total)",
    "sum by (code) (accelerapp_requests_total)",
    "sum by (route, method) (accelerapp_requests_total)",
    'sum without (instance, job) (accelerapp_requests_total{code=~"4..",code!="404"})',
    "sum(accelerapp_errors_total) / sum(accelerapp_requests_total)",
    "1 - sum(accelerapp_code_generation_failures_total) / sum(accelerapp_code_generation_total)",
    "sum by (reason) (accelerapp_code_generation_failures_total) > 0",
    "topk(1, accelerapp_requests_total)",
    "bottomk(1, sum by (backend) (accelerapp_code_generation_total) or sum(accelerapp_requests_total))",
    "quantile(0.9, accelerapp_requests_total)",
    "stddev by (method) (accelerapp_requests_total)",
    'count_values("requests", accelerapp_requests_total)',
    "count by (__name__) ({__name__=~'accelerapp_.+',job='accelerapp'})",
    "count by (route, le) (accelerapp_request_duration_seconds_bucket)",
    'histogram_quantile(0.5, sum by (le) (gen_ai_client_token_usage_bucket{gen_ai_token_type="input"}))',
    'histogram_quantile(0.99, gen_ai_client_token_usage_bucket{gen_ai_token_type="input"})',
    "accelerapp_requests_total * on (service) group_left (version) accelerapp_build_info",
    "accelerapp_errors_total / ignoring (code) group_left () sum without (code) (accelerapp_requests_total)",
    "accelerapp_requests_total unless on (route, method, code) accelerapp_errors_total",
    'label_replace(up{job="accelerapp"}, "who", "$1-$2", "job", "(acc)(.*)")',
    'label_join(up{job="accelerapp"}, "who", "/", "job", "service")',
    "absent(accelerapp_unheard_of_total{job='accelerapp'})",
    "max_over_time(accelerapp_code_generation_failures_total[10m])",
    "last_over_time(accelerapp_requests_total[10m])",
    "changes(accelerapp_build_info{job='accelerapp'}[10m])",
    "resets(accelerapp_requests_total[10m])",
    "max_over_time(sum(accelerapp_requests_total)[1m:1s])",
    "scalar(sum(accelerapp_code_generation_total))",
    'ALERTS{service="codegen"}',
    "slo:error_budget:ratio",
    "service_route:accelerapp_request_duration_seconds:slow_threshold",
    'slo:sli_error:ratio_rate5m{slo="generation-latency"}',
    "group by (__name__) ({__name__=~'slo:.+|service_route:.+|service:.+'})",
    # Both began before the first scrape, and are extrapolated by one factor, which the quotient has not.
    "sum(increase(accelerapp_code_generation_failures_total[5m])) / sum(increase(accelerapp_errors_total[5m]))",
    "sum(rate(accelerapp_errors_total{code='502'}[5m])) / sum(rate(accelerapp_code_generation_total[5m]))",
]


@pytest.mark.parametrize("expression", EXACT)
def test_an_answer_is_the_same(homes: Homes, sent: object, expression: str) -> None:
    observatory, native = (answer(home, expression) for home in homes.values())
    assert [labels for labels, _ in observatory] == [labels for labels, _ in native]
    assert native
    for (labels, ours), (_, theirs) in zip(observatory, native, strict=True):
        # Sums of many floats, and quotients of them, may differ in the last digits.
        same = math.isclose(float(ours), float(theirs), rel_tol=1e-12) or ours == theirs
        assert same, (labels, ours, theirs)


#: What takes time is never twice the same: as many series, of the same labels.
TIMED = [
    "accelerapp_uptime_seconds",
    "scrape_duration_seconds" + APPLICATION,
    "accelerapp_request_duration_seconds_sum",
    "accelerapp_request_duration_seconds_bucket",
    "gen_ai_client_operation_duration_seconds_bucket",
    "rate(accelerapp_requests_total[5m])",
    "increase(accelerapp_requests_total[1m])",
    "histogram_quantile(0.95, sum by (le, route) (rate(accelerapp_request_duration_seconds_bucket[5m])))",
    "deriv(accelerapp_uptime_seconds[1m])",
    "time() - accelerapp_uptime_seconds",
    "ALERTS_FOR_STATE{service='codegen'}",
    "{__name__=~'slo:.+'}",
    "{__name__=~'service_route:.+'}",
]


@pytest.mark.parametrize("expression", TIMED)
def test_an_answer_that_depends_on_time_has_the_same_labels(
    homes: Homes, sent: object, expression: str
) -> None:
    observatory, native = ([labels for labels, _ in answer(home, expression)] for home in homes.values())
    assert observatory == native != []


def test_a_range_has_the_same_steps(homes: Homes, sent: object) -> None:
    end = int(time.time())
    asked = {"query": "sum by (code) (accelerapp_requests_total)", "start": str(end - 1), "end": str(end)}
    observatory, native = (home.ask("query_range", **asked, step="500ms") for home in homes.values())
    assert observatory["resultType"] == native["resultType"] == "matrix"
    assert sorted(observatory["result"], key=str) == sorted(native["result"], key=str)
    assert [len(series["values"]) for series in native["result"]] == [3] * len(native["result"])


@pytest.mark.parametrize(
    "path",
    [
        "labels",
        *(
            f"label/{name}/values"
            for name in ("__name__", "route", "code", "le", "reason", "alertname", "slo")
        ),
        *(f"label/{name}/values" for name in ("gen_ai_request_model", "unheard_of", "job")),
    ],
)
@pytest.mark.parametrize("selector", [APPLICATION, '{__name__=~"slo:.+|service_route:.+|ALERTS"}'])
def test_label_names_and_values_are_the_same(homes: Homes, sent: object, path: str, selector: str) -> None:
    # On a busy machine a probe may fail while one of the homes starts, and an alert be pending for a moment.
    selector = selector.replace("}", ',service!="node-exporter",alertstate!="pending"}')
    observatory, native = (
        [each for each in home.ask(path, **{"match[]": selector}) if each not in OF_THE_HOME]
        for home in homes.values()
    )
    assert observatory == native


def test_series_are_the_same(homes: Homes, sent: object) -> None:
    observatory, native = (
        sorted((without_home(each) for each in home.ask("series", **{"match[]": APPLICATION})), key=str)
        for home in homes.values()
    )
    assert observatory == native
    assert len(native) > 100


def undated(alert: dict[str, Any]) -> dict[str, Any]:
    """Return an alert without its time and with no figures: ratios over a window move with every scrape."""
    texts = {name: re.sub(r"\d+(\.\d+)?", "#", text) for name, text in alert["annotations"].items()}
    return {"labels": alert["labels"], "state": alert["state"], "annotations": texts}


def rules_of(home: Home) -> list[dict[str, Any]]:
    """Return the groups with what does not depend on when and how fast they were evaluated."""
    timed = {"evaluationTime", "lastEvaluation"}
    groups = []
    for group in home.ask("rules")["groups"]:
        rules = []
        for rule in group["rules"]:
            kept = {key: value for key, value in rule.items() if key not in timed}
            if "alerts" in kept:
                kept["alerts"] = [undated(alert) for alert in rule["alerts"]]
            if group["name"] == MACHINE:
                del kept["alerts"], kept["state"]
            rules.append(kept)
        kept = {key: value for key, value in group.items() if key not in timed}
        groups.append({**kept, "rules": rules})
    return groups


def test_rules_and_their_states_are_the_same(homes: Homes, sent: object) -> None:
    observatory, native = (rules_of(home) for home in homes.values())
    assert observatory == native
    assert {rule["health"] for group in native for rule in group["rules"]} == {"ok"}
    states = {rule["name"]: rule.get("state") for group in native for rule in group["rules"]}
    assert {name for name, state in states.items() if state == "firing"} == {name for name, _ in FIRED}


def test_alerts_are_the_same(homes: Homes, sent: object) -> None:
    observatory, native = (
        sorted(
            (
                undated(alert)
                for alert in home.ask("alerts")["alerts"]
                if alert["labels"]["service"] != "node-exporter"
            ),
            key=str,
        )
        for home in homes.values()
    )
    assert observatory == native
    assert len(native) == 3


def panels() -> dict[str, list[str]]:
    """Return the queries of each panel; panels of one title are taken together."""
    grafana = SHIPPED / "grafana"
    found: dict[str, list[str]] = {}
    for path in [grafana / "dashboard-system-overview.json", *sorted(grafana.glob("dashboards/*.json"))]:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                assert target["datasource"]["type"] == "prometheus"
                found.setdefault(panel["title"], []).append(target["expr"])
    return found


_PARTS = "the stack's parts tell it of themselves, and the observatory is one process"
#: Panels that the native stack answers and the observatory does not, and why.
UNANSWERED = {
    "Samples": _PARTS,
    "Series": _PARTS,
    "Collector: spans": _PARTS,
    "Collector: queues": _PARTS,
}
#: Panels of which the observatory has a part, and why.
PARTLY = {
    "Notifications": "Alertmanager tells of every integration that it knows, the observatory of those in use",
    "Rule evaluation": "each tells it of itself",
}
#: Panels of the machine, which is told by its own name here and by its exporter's address there.
OF_THE_MACHINE = {
    "CPU usage",
    "Memory usage",
    "Processors in use",
    "Memory in use",
    "File systems in use",
    "Load by processor",
    "Network",
    "Disks busy",
}
#: Panels that neither answers, for nothing is wrong.
SILENT = {"Parts that are not scraped", "Probes that fail", "Telemetry problems"}


def test_every_panel_has_the_same_series(homes: Homes, servers: Servers, sent: object) -> None:
    observatory, native = homes.values()
    collector = servers.collector is not None and servers.jaeger is not None
    silent = SILENT if collector else SILENT | {"Collector: spans", "Collector: queues"}
    unanswered = UNANSWERED.keys() - silent
    assert UNANSWERED.keys() | silent | OF_THE_MACHINE <= panels().keys()
    for title, expressions in panels().items():
        apart = title in OF_THE_MACHINE or title in PARTLY
        dropped = {"instance"} if title in OF_THE_MACHINE else {"instance", "job", "service"}
        ours, theirs = (
            # Each home scrapes what it consists of; the application and its model are in both.
            [
                {name: value for name, value in labels.items() if not apart or name not in dropped}
                for expression in expressions
                for labels, _ in answer(home, expression)
                if title in unanswered or apart or labels.get("job", "accelerapp") in ("accelerapp", "ollama")
            ]
            for home in (observatory, native)
        )
        if title in unanswered:
            assert ours == [], f"{title} is answered: take it off the list"
            assert theirs, title
        elif title in PARTLY:
            assert ours
            assert all(labels in theirs for labels in ours), title
        else:
            assert ours == theirs, title
            # A virtual machine may have no disks.
            assert bool(theirs) != (title in silent) or title == "Disks busy", title


#: Attributes that are not twice the same, and why.
VARYING = {
    "service.instance.id": "each process draws its own",
    "gen_ai.response.time_to_first_chunk": "a time",
    "gen_ai.usage.output_tokens": "the model's chance",
    "accelerapp.pause_seconds": "drawn, so that not all try again at once",
}


@dataclass(frozen=True, order=True)
class Span:
    """What is the same of a span in both homes; `path` is the names from the root down to it, the rest JSON."""

    path: tuple[str, ...]
    kind: str
    status: str
    message: str
    attributes: str
    resource: str
    events: str


def comparable(home: Home, attributes: dict[str, Any]) -> str:
    port = int(home.url.rpartition(":")[2])
    kept = {
        # A list is JSON in Jaeger's answers.
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
        for name, value in attributes.items()
        if name not in VARYING
    }
    if kept.get("server.port") == port:
        kept["server.port"] = "<application>"
    return json.dumps(kept, sort_keys=True)


def path_of(span_id: str, names: dict[str, str], parents: dict[str, str]) -> tuple[str, ...]:
    above = path_of(parents[span_id], names, parents) if parents.get(span_id) else ()
    return (*above, names[span_id])


def spans_of(home: Home, trace_id: str) -> list[Span]:
    """Read Jaeger's form, in which kind, status and events are tags and logs beside the attributes."""
    answer = httpx.get(f"{home.traces}/api/traces/{trace_id}", timeout=30).json()
    traces = answer.get("data") or [{"spans": [], "processes": {}}]
    spans, processes = traces[0]["spans"], traces[0]["processes"]
    names = {span["spanID"]: span["operationName"] for span in spans}
    parents = {span["spanID"]: reference["spanID"] for span in spans for reference in span["references"]}
    found = []
    for span in spans:
        tags = {tag["key"]: tag["value"] for tag in span["tags"]}
        process = processes[span["processID"]]
        resource = {tag["key"]: tag["value"] for tag in process["tags"]}
        events = []
        for log in span["logs"]:
            fields = {field["key"]: field["value"] for field in log["fields"] if field["key"] not in VARYING}
            events.append([fields.pop("event"), fields])
        kind = tags.pop("span.kind")
        status = tags.pop("otel.status_code", "unset").lower()
        assert tags.pop("error", False) == (status == "error")
        message = tags.pop("otel.status_description", "")
        found.append(
            Span(
                path_of(span["spanID"], names, parents),
                kind,
                status,
                message,
                comparable(home, tags),
                comparable(home, {"service.name": process["serviceName"], **resource}),
                json.dumps(events, sort_keys=True),
            )
        )
    return sorted(found)


def found_by(home: Home, correlation_id: str) -> list[str]:
    """Return the ids of the traces that a search for an attribute finds."""
    asked = {"service": "codegen", "tags": json.dumps({"correlation_id": correlation_id})}
    answer = httpx.get(f"{home.traces}/api/traces", params=asked, timeout=30)
    return [trace["traceID"] for trace in answer.json()["data"]]


def test_the_traces_that_a_collector_keeps_are_the_same(
    homes: Homes, sent: dict[str, Sent], server_programs: Callable[[str], Path]
) -> None:
    for server in ("jaeger", "otelcol"):
        server_programs(server)
    observatory, native = homes.values()
    for correlation_id, trace_id in sent["native"].traces.items():
        # The collector decides five seconds after the root has ended.
        theirs = until(partial(spans_of, native, trace_id), f"Jaeger has {correlation_id}")
        ours = spans_of(observatory, sent["observatory"].traces[correlation_id])
        assert ours == theirs
        assert ("POST /v1/generate", "generate", "chat qwen2.5-coder:7b") in {span.path for span in theirs}
        assert len(theirs) in (4, 5, 8)  # with one attempt, or with three
    for home, name in ((observatory, "observatory"), (native, "native")):
        for correlation_id, trace_id in sent[name].traces.items():
            assert found_by(home, correlation_id) == [trace_id]
