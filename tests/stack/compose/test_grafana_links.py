"""What Grafana asks of Prometheus, Jaeger and Alertmanager, and where its links lead, on the running stack.

Grafana cannot be had here. The requests are those of its data sources as their source has them; names and queries are
those of the shipped datasource.yml and dashboards.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.stack.compose.conftest import FOLDER, ROOT, Observed
from tests.stack.programs import until

WINDOWS = 1
SPECIFICATION = json.loads((ROOT / "examples" / "specs" / "greenhouse.json").read_text(encoding="utf-8"))
SOURCES = {
    source["uid"]: source["jsonData"]
    for source in YAML(typ="safe").load(FOLDER / "grafana" / "datasource.yml")["datasources"]
}


def dashboard(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / "grafana" / "dashboards" / f"{name}.json").read_text())
    return content


@pytest.fixture(scope="module")
def failed(observed: Observed, run: set[str]) -> set[str]:
    """The traces of generations that failed, all of which Jaeger has."""
    if not {"jaeger", "otel-collector"} <= run:
        pytest.skip("Jaeger or the collector is not built; make test-stack builds them")
    observed.faults(error_rate=1)
    with observed.application() as client:
        ids = {client.post("/v1/generate", json=SPECIFICATION).json()["trace_id"] for _ in range(5)}
    observed.faults()
    until(lambda: ids <= searched(observed, service="codegen"), "every failed trace in Jaeger")
    return ids


def searched(observed: Observed, **asked: str) -> set[str]:
    """Return the ids of the traces that Jaeger's search finds within the last hour."""
    now = time.time_ns() // 1000
    times = {"start": str(now - 3_600_000_000), "end": str(now), "limit": "100", "lookback": "custom"}
    answer = observed.get("jaeger", 16686, "/api/traces", **asked, **times).json()
    return {trace["traceID"] for trace in answer["data"]}


def trace(observed: Observed, trace_id: str) -> dict[str, Any]:
    (found,) = observed.get("jaeger", 16686, f"/api/traces/{trace_id}").json()["data"]
    assert isinstance(found, dict)
    return found


def test_a_point_opens_its_trace(observed: Observed, failed: set[str]) -> None:
    (destination,) = SOURCES["prometheus"]["exemplarTraceIdDestinations"]
    assert destination["datasourceUid"] == "jaeger"
    panels = [
        panel
        for panel in dashboard("services-red")["panels"]
        if any(target.get("exemplar") for target in panel["targets"])
    ]
    assert [panel["title"] for panel in panels] == ["Duration, 95th percentile"]
    (target,) = panels[0]["targets"]

    def points() -> set[str]:
        now = time.time()
        asked = {"query": target["expr"], "start": str(now - 300), "end": str(now)}
        found = observed.get("prometheus", 9090, "/api/v1/query_exemplars", **asked).json()["data"]
        return {each["labels"][destination["name"]] for series in found for each in series["exemplars"]}

    until(lambda: points() & failed, "the point of a failed generation")
    for trace_id in points() & failed:
        operations = {span["operationName"] for span in trace(observed, trace_id)["spans"]}
        assert {"POST /v1/generate", "generate", "chat qwen2.5-coder:7b"} <= operations


def test_a_span_opens_the_metrics_of_its_service(observed: Observed, failed: set[str]) -> None:
    found = trace(observed, min(failed))
    process = found["processes"][found["spans"][0]["processID"]]
    told = {tag["key"]: tag["value"] for tag in process["tags"]} | {"service.name": process["serviceName"]}
    asked = SOURCES["jaeger"]["tracesToMetrics"]
    tags = ", ".join(f'{tag["value"]}="{told[tag["key"]]}"' for tag in asked["tags"])
    operations = {span["operationName"] for span in found["spans"]}

    def named(expression: str, names: set[str]) -> bool:
        return names <= {series["metric"].get("span_name") for series in observed.query(expression)}

    for query in asked["queries"]:
        expression = query["query"].replace("$$__tags", tags)
        until(partial(named, expression, operations), f"{query['name']} of {operations}")


def test_the_traces_of_a_notification_are_those_that_failed(observed: Observed, failed: set[str]) -> None:
    # The link's own query: the service, and spans with an error.
    assert searched(observed, service="codegen", tags='{"error":"true"}') >= failed
    assert not searched(observed, service="codegen", tags='{"error":"nothing"}')


def test_jaeger_tells_its_services_and_their_operations(observed: Observed, failed: set[str]) -> None:
    del failed
    assert "codegen" in observed.get("jaeger", 16686, "/api/services").json()["data"]
    operations = observed.get("jaeger", 16686, "/api/services/codegen/operations").json()["data"]
    assert "POST /v1/generate" in operations


def test_every_dashboard_marks_a_start_of_another_version(observed: Observed) -> None:
    paths = [FOLDER / "grafana" / "dashboard-system-overview.json", *FOLDER.glob("grafana/dashboards/*.json")]
    assert len(paths) == 6
    expressions = {
        annotation["expr"]
        for path in paths
        for annotation in json.loads(path.read_text())["annotations"]["list"]
        if annotation["name"] == "Deployments"
    }
    (expression,) = expressions

    def marks() -> list[dict[str, Any]]:
        now = time.time()
        asked = {"query": expression, "start": str(now - 600), "end": str(now), "step": "15"}
        found = observed.get("prometheus", 9090, "/api/v1/query_range", **asked).json()
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    (mark,) = until(marks, "the mark of the start")
    assert mark["metric"]["service"] == "codegen"
    assert {"version", "revision"} <= mark["metric"].keys()


def test_alertmanager_tells_its_groups_and_silences(observed: Observed) -> None:
    assert SOURCES["alertmanager"]["implementation"] == "prometheus"
    until(
        lambda: (
            [
                alert["labels"]["alertname"]
                for group in observed.get("alertmanager", 9093, "/api/v2/alerts/groups").json()
                for alert in group["alerts"]
            ]
            == ["Watchdog"]
        ),
        "the group of Watchdog",
        100,
    )
    assert observed.get("alertmanager", 9093, "/api/v2/silences").json() == []
    assert observed.get("alertmanager", 9093, "/api/v2/status").json()["config"]["original"]
