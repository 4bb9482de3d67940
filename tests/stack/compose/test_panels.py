"""Every panel of every dashboard answers with what the traffic was, within 5 %.

What is expected is computed here from what the parts themselves tell at /metrics before and after known traffic,
without Prometheus; of the traffic itself the counts are known, of the machine everything.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.stack.compose.conftest import FOLDER, ROOT, Observed
from tests.stack.compose.surroundings import Machine
from tests.stack.programs import until

#: The rules' ranges stay, as those of the panels do.
WINDOWS = 1
#: The range of the panels and rules that have a rate, in seconds.
RANGE = 300.0
GRAFANA = FOLDER / "grafana"
SPECIFICATIONS = {
    name: json.loads((ROOT / "examples" / "specs" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("greenhouse", "desk-air-quality")
}
GENERATE, UNMATCHED = "/v1/generate", "unmatched"
FULL = 0.25

Labels = tuple[tuple[str, str], ...]
Values = dict[Labels, float]
#: What a panel shows at least and at most: a counter that runs on is read before and after.
Bounds = Mapping[Labels, tuple[float, float]]


def labelled(**labels: str) -> Labels:
    return tuple(sorted(labels.items()))


class Told:
    """What a part tells at /metrics, at one moment."""

    def __init__(self, text: str = "") -> None:
        self.samples: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                # The parser gives every counter a suffix, which those of the collector do without.
                bare = sample.name.removesuffix("_total")
                name = sample.name if re.search(rf"^{sample.name}\b", text, re.MULTILINE) else bare
                self.samples[name, labelled(**sample.labels)] = float(sample.value)

    def sum(self, name: str, by: Iterable[str] = (), **match: str) -> Values:
        """Sum what has these labels, by others."""
        return _sum(self.samples, name, by, match)


def _sum(
    samples: Mapping[tuple[str, Labels], float], name: str, by: Iterable[str], match: Mapping[str, str]
) -> Values:
    found: Values = {}
    for (own, labels), value in samples.items():
        given = dict(labels)
        if own == name and all(given.get(label) == wanted for label, wanted in match.items()):
            key = labelled(**{label: given[label] for label in by if given.get(label)})
            found[key] = found.get(key, 0.0) + value
    return found


@dataclass
class Increase:
    """How much each of a part's counters grew while Prometheus looked.

    A counter that a request makes is there from the first scrape after it on, so its first value is no growth.
    """

    before: Told
    primed: Told
    after: Told

    def sum(self, name: str, by: Iterable[str] = (), **match: str) -> Values:
        grown = {
            key: value - self.before.samples.get(key, self.primed.samples.get(key, 0.0))
            for key, value in self.after.samples.items()
        }
        return _sum(grown, name, by, match)

    def total(self, name: str, **match: str) -> float:
        return self.sum(name, **match).get((), 0.0)

    def quantile(self, wanted: float, name: str, by: Iterable[str], **match: str) -> Bounds:
        """Return a quantile of a histogram, as its buckets know it: linear within the one that it falls into.

        Where it falls between two with empty ones between them, it is at the end of one or at the begin of the other:
        Prometheus, whose rates are not whole numbers, may find either.
        """
        buckets: dict[Labels, list[tuple[float, float]]] = {}
        for labels, value in self.sum(f"{name}_bucket", [*by, "le"], **match).items():
            rest = {key: text for key, text in labels if key != "le"}
            buckets.setdefault(labelled(**rest), []).append((float(dict(labels)["le"]), value))
        return {
            labels: (low, high)
            for labels, each in buckets.items()
            if (low := _quantile(wanted * (1 - 1e-6), sorted(each))) is not None
            and (high := _quantile(min(1.0, wanted * (1 + 1e-6)), sorted(each))) is not None
        }


def _quantile(wanted: float, buckets: list[tuple[float, float]]) -> float | None:
    rank, lower, below = wanted * buckets[-1][1], 0.0, 0.0
    if not rank:
        return None
    for upper, count in buckets:
        if count >= rank:
            return (
                lower if upper == float("inf") else lower + (upper - lower) * (rank - below) / (count - below)
            )
        lower, below = upper, count
    raise AssertionError(buckets)


@dataclass
class Seen:
    """Everything that the panels should show."""

    application: Increase
    collector: Increase | None
    #: What runs on while it is asked for: up to before it was asked, and after.
    prometheus: tuple[Increase, Increase]
    alertmanager: tuple[Increase, Increase]
    node: tuple[Increase, Increase]
    targets: list[dict[str, str]]
    #: Part of the file system that is the folder's own.
    root_in_use: float
    answers: dict[str, list[dict[str, Any]]]


def traffic(observed: Observed, times: int) -> None:
    """Ask for what succeeds, what fails by the model, what is refused and what is not there."""
    with observed.application() as client:
        for _ in range(times):
            for specification in SPECIFICATIONS.values():
                assert client.post(GENERATE, json=specification).status_code == 200
            assert client.post(GENERATE, json={"name": "nothing"}).status_code == 422
            assert client.get("/nowhere").status_code == 404
    observed.faults(error_rate=1)
    with observed.application() as client:
        for _ in range(times):
            assert client.post(GENERATE, json=SPECIFICATIONS["greenhouse"]).status_code == 502
    observed.faults()


def queries() -> list[tuple[str, str, str, str]]:
    """Return the dashboard, title, legend and expression of every query of every panel."""
    paths = [GRAFANA / "dashboard-system-overview.json", *sorted(GRAFANA.glob("dashboards/*.json"))]
    return [
        (path.stem, panel["title"], target.get("legendFormat", ""), target["expr"])
        for path in paths
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    ]


def settled(observed: Observed, name: str) -> bool:
    """Whether Prometheus has what the collector tells, and had the same five seconds ago."""
    text = observed.get("otel-collector", 8888, "/metrics").text
    now = Told(text).sum(name)[()]
    return all(float(observed.query(f"sum({name}{at})")[0]["value"][1]) == now for at in ("", " offset 5s"))


TIMES = 8


@pytest.fixture(scope="module")
def seen(observed: Observed, run: set[str]) -> Seen:
    """Send the traffic; then ask every panel's query once all of it is scraped."""
    ports = {"accelerapp": 8080, "prometheus": 9090, "alertmanager": 9093, "node-exporter": 9100}
    if "otel-collector" in run:
        ports["otel-collector"] = 8888

    def tell() -> dict[str, Told]:
        return {name: Told(observed.get(name, port, "/metrics").text) for name, port in ports.items()}

    def scraped() -> None:
        """Wait until Prometheus has what the application tells now."""
        now = tell()["accelerapp"].sum("accelerapp_requests_total")[()]
        until(
            lambda: float(observed.query("sum(accelerapp_requests_total)")[0]["value"][1]) == now,
            "a scrape of all requests",
        )

    observed.machine.fill(FULL)
    until(lambda: observed.query('sum(accelerapp_requests_total{job="accelerapp"}) == 0'), "the first scrape")
    before = tell()
    traffic(observed, 1)
    scraped()
    primed = tell()
    began = time.monotonic()
    traffic(observed, TIMES)
    scraped()
    # A rate is drawn out by half a scrape on both sides, which must not matter.
    until(lambda: time.monotonic() - began > 45, "time for half a scrape to be little", 60)
    if "otel-collector" in run:
        # Until every trace is decided and sent on.
        for name in ("otelcol_receiver_accepted_spans", "otelcol_exporter_sent_spans"):
            until(partial(settled, observed, name), f"a scrape of all {name}")
    first = tell()
    answers = {expression: observed.query(expression) for _, _, _, expression in queries()}
    last = tell()
    active = observed.get("prometheus", 9090, "/api/v1/targets", state="active").json()["data"][
        "activeTargets"
    ]
    root = os.statvfs(observed.folder)

    # Spans come in batches, so that only Prometheus knows at which of them a counter was first scraped.
    spans = Told()
    for series in observed.query('{job="otel-collector"}[10m]'):
        # A dot within a label's name is told to Prometheus alone, who asks for it.
        own = {k: v for k, v in series["metric"].items() if k not in {"__name__", *COLLECTOR}}
        labels = {k.replace(".", "_"): v for k, v in own.items()}
        spans.samples[series["metric"]["__name__"], labelled(**labels)] = float(series["values"][0][1])

    def increase(name: str, after: dict[str, Told]) -> Increase:
        return Increase(before[name], primed[name], after[name])

    return Seen(
        increase("accelerapp", last),
        Increase(Told(), spans, last["otel-collector"]) if "otel-collector" in run else None,
        (increase("prometheus", first), increase("prometheus", last)),
        (increase("alertmanager", first), increase("alertmanager", last)),
        (increase("node-exporter", first), increase("node-exporter", last)),
        [target["labels"] for target in active],
        1 - root.f_bavail / root.f_blocks,
        answers,
    )


def exact(values: Values) -> Bounds:
    return {labels: (value, value) for labels, value in values.items()}


def rates(values: Values) -> Bounds:
    return exact({labels: value / RANGE for labels, value in values.items()})


def between(name: str, seen: tuple[Increase, Increase], by: Iterable[str], **added: str) -> Bounds:
    """Return the rate of what went on growing while it was asked for."""
    low, high = (increase.sum(name, by) for increase in seen)
    return {
        tuple(sorted([*labels, *added.items()])): (value / RANGE, high[labels] / RANGE)
        for labels, value in low.items()
    }


def one(value: float, **labels: str) -> Bounds:
    return {labelled(**labels): (value, value)}


SERVICE = {"service": "codegen"}
NODE = {"instance": "node-exporter:9100"}
EXPORTER = {**NODE, "job": "node-exporter", "service": "node-exporter"}
PROMETHEUS = {"instance": "prometheus:9090", "job": "prometheus", "service": "prometheus"}
COLLECTOR = {"instance": "otel-collector:8888", "job": "otel-collector", "service": "otel-collector"}
REQUESTS, ERRORS = "accelerapp_requests_total", "accelerapp_errors_total"
GENERATIONS, FAILURES = "accelerapp_code_generation_total", "accelerapp_code_generation_failures_total"
DURATION = "accelerapp_request_duration_seconds"
MODEL = ("gen_ai_provider_name", "gen_ai_request_model")


def with_service(bounds: Bounds) -> Bounds:
    return {tuple(sorted([*labels, *SERVICE.items()])): value for labels, value in bounds.items()}


def failing(seen: Seen) -> float:
    return seen.application.total(ERRORS) / seen.application.total(REQUESTS)


def succeeding(seen: Seen) -> float:
    return 1 - seen.application.total(FAILURES) / seen.application.total(GENERATIONS)


def missed(seen: Seen) -> dict[str, float]:
    """Return the part of requests that missed each objective."""
    app = seen.application
    others = app.total(f"{DURATION}_count") - app.total(f"{DURATION}_count", route=GENERATE)
    quick = app.total(f"{DURATION}_bucket", le="1.0") - app.total(
        f"{DURATION}_bucket", le="1.0", route=GENERATE
    )
    within = app.total(f"{DURATION}_bucket", le="30.0", route=GENERATE)
    return {
        "availability": failing(seen),
        "latency": 1 - quick / others,
        "generation-latency": 1 - within / app.total(f"{DURATION}_count", route=GENERATE),
    }


BUDGETS = {"availability": 0.005, "latency": 0.05, "generation-latency": 0.05}


def burning(seen: Seen) -> Bounds:
    return {labelled(**SERVICE, slo=name): (part / BUDGETS[name],) * 2 for name, part in missed(seen).items()}


def missing(seen: Seen) -> Bounds:
    return {labelled(**SERVICE, slo=name): (part, part) for name, part in missed(seen).items()}


def left(name: str) -> Callable[[Seen], Bounds]:
    return lambda seen: one(1 - missed(seen)[name] / BUDGETS[name], **SERVICE, slo=name)


def spans(name: str) -> Callable[[Seen], Bounds]:
    def expected(seen: Seen) -> Bounds:
        return {} if seen.collector is None else rates(seen.collector.sum(name))

    return expected


def queues(seen: Seen) -> Bounds:
    """Return that nothing waits, for each queue that the collector tells of."""
    if seen.collector is None:
        return {}
    told = seen.collector.after.sum("otelcol_exporter_queue_capacity", ["exporter", "data_type"])
    return {tuple(sorted([*labels, *labelled(**COLLECTOR)])): (0, 0) for labels in told}


def quantiles(wanted: float, name: str, by: tuple[str, ...]) -> Callable[[Seen], Bounds]:
    return lambda seen: seen.application.quantile(wanted, name, by)


def nothing(_: Seen) -> Bounds:
    return {}


#: What each query of each panel should answer, by dashboard, title and legend.
EXPECTED: dict[tuple[str, str, str], Callable[[Seen], Bounds]] = {
    ("dashboard-system-overview", "Service status", "__auto"): lambda _: one(1),
    ("dashboard-system-overview", "Requests in 5 minutes", "__auto"): lambda seen: exact(
        seen.application.sum(REQUESTS)
    ),
    ("dashboard-system-overview", "Errors now", "__auto"): lambda seen: one(failing(seen)),
    ("dashboard-system-overview", "Generation success", "__auto"): lambda seen: one(succeeding(seen)),
    ("dashboard-system-overview", "Request rate", "{{route}}"): lambda seen: rates(
        seen.application.sum(REQUESTS, ["route"])
    ),
    ("dashboard-system-overview", "Error rate", "all routes"): lambda seen: one(failing(seen)),
    ("dashboard-system-overview", "Response time (p95)", "{{route}}"): quantiles(0.95, DURATION, ("route",)),
    ("dashboard-system-overview", "Generation rate", "{{platform}} · {{backend}}"): lambda seen: rates(
        seen.application.sum(GENERATIONS, ["platform", "backend"])
    ),
    ("dashboard-system-overview", "CPU usage", "{{instance}}"): lambda _: one(0.2, **NODE),
    ("dashboard-system-overview", "Memory usage", "{{instance}}"): lambda _: one(0.4, **EXPORTER),
    ("codegen-llm", "Generations", "__auto"): lambda seen: rates(seen.application.sum(GENERATIONS)),
    ("codegen-llm", "Success", "__auto"): lambda seen: one(succeeding(seen)),
    ("codegen-llm", "Model answers", "__auto"): lambda _: one(1),
    ("codegen-llm", "Generations by platform and backend", "{{platform}} · {{backend}}"): lambda seen: rates(
        seen.application.sum(GENERATIONS, ["platform", "backend"])
    ),
    ("codegen-llm", "Failed generations", "{{reason}}"): lambda seen: rates(
        seen.application.sum(FAILURES, ["reason"])
    ),
    ("codegen-llm", "Duration of calls, 95th percentile", "{{gen_ai_request_model}}"): quantiles(
        0.95, "gen_ai_client_operation_duration_seconds", MODEL
    ),
    ("codegen-llm", "Time to first token, 95th percentile", "{{gen_ai_request_model}}"): quantiles(
        0.95, "gen_ai_client_operation_time_to_first_chunk_seconds", MODEL
    ),
    ("codegen-llm", "Tokens", "{{gen_ai_request_model}} {{gen_ai_token_type}}"): lambda seen: rates(
        seen.application.sum("gen_ai_client_token_usage_sum", [*MODEL, "gen_ai_token_type"])
    ),
    ("resource-use", "Processors in use", "{{instance}}"): lambda _: one(0.2, **NODE),
    ("resource-use", "Memory in use", "{{instance}}"): lambda _: one(0.4, **EXPORTER),
    ("resource-use", "File systems in use", "{{instance}} {{mountpoint}}"): lambda seen: {
        **one(seen.root_in_use, **EXPORTER, device="/dev/sda1", fstype="ext4", mountpoint="/"),
        **one(FULL, **EXPORTER, device="/dev/sdb1", fstype="ext4", mountpoint="/full"),
    },
    ("resource-use", "Disks busy", "{{instance}} {{device}}"): lambda seen: between(
        "node_disk_io_time_seconds_total", seen.node, ["device"], **EXPORTER
    ),
    ("resource-use", "Load by processor", "{{instance}}"): lambda _: one(
        Machine.load1 / Machine.processors, **NODE, job="node-exporter"
    ),
    # Compose's Node Exporter is in a network of its own, whose traffic is nobody's business.
    ("resource-use", "Network", "{{instance}} in"): nothing,
    ("resource-use", "Network", "{{instance}} out"): nothing,
    ("services-red", "Requests by service", "{{service}}"): lambda seen: with_service(
        rates(seen.application.sum(REQUESTS))
    ),
    ("services-red", "Failing requests by service", "{{service}}"): lambda seen: one(
        failing(seen), **SERVICE
    ),
    ("services-red", "Requests by route", "{{service}} {{route}}"): lambda seen: with_service(
        rates(seen.application.sum(REQUESTS, ["route"]))
    ),
    ("services-red", "Errors by route", "{{service}} {{route}}"): lambda seen: with_service(
        rates(seen.application.sum(ERRORS, ["route"]))
    ),
    ("services-red", "Duration, 95th percentile", "{{service}} {{route}}"): lambda seen: with_service(
        seen.application.quantile(0.95, DURATION, ["route"])
    ),
    ("services-red", "Duration, median", "{{service}} {{route}}"): lambda seen: with_service(
        seen.application.quantile(0.5, DURATION, ["route"])
    ),
    ("slos", "Availability: budget left", "__auto"): left("availability"),
    ("slos", "Latency: budget left", "__auto"): left("latency"),
    ("slos", "Generation: budget left", "__auto"): left("generation-latency"),
    ("slos", "Burn rate over an hour", "{{service}} {{slo}}"): burning,
    ("slos", "Burn rate over six hours", "{{service}} {{slo}}"): burning,
    ("slos", "Failing, over five minutes", "{{service}} {{slo}}"): missing,
    ("slos", "Failing, over three days", "{{service}} {{slo}}"): missing,
    ("stack", "Parts that are not scraped", "__auto"): nothing,
    ("stack", "Probes that fail", "__auto"): nothing,
    ("stack", "Telemetry problems", "__auto"): nothing,
    ("stack", "Scraped", "{{job}} {{instance}}"): lambda seen: {
        labelled(**labels): (1, 1) for labels in seen.targets
    },
    ("stack", "Series", "{{instance}}"): lambda seen: {
        labelled(**PROMETHEUS): (
            seen.prometheus[0].primed.samples["prometheus_tsdb_head_series", ()],
            seen.prometheus[1].after.samples["prometheus_tsdb_head_series", ()],
        )
    },
    ("stack", "Samples", "{{instance}}"): lambda seen: between(
        "prometheus_tsdb_head_samples_appended_total", seen.prometheus, ["type"], **PROMETHEUS
    ),
    ("stack", "Notifications", "{{integration}} sent"): lambda seen: between(
        "alertmanager_notifications_total", seen.alertmanager, ["integration"]
    ),
    ("stack", "Notifications", "{{integration}} failed"): lambda seen: between(
        "alertmanager_notifications_failed_total", seen.alertmanager, ["integration"]
    ),
    ("stack", "Collector: spans", "accepted"): spans("otelcol_receiver_accepted_spans"),
    ("stack", "Collector: spans", "refused"): spans("otelcol_receiver_refused_spans"),
    ("stack", "Collector: spans", "sent"): spans("otelcol_exporter_sent_spans"),
    ("stack", "Collector: spans", "failed"): spans("otelcol_exporter_send_failed_spans"),
    ("stack", "Collector: queues", "{{exporter}}"): queues,
    ("stack", "Dropped by applications", "{{service}} {{signal}}"): lambda seen: with_service(
        rates(seen.application.sum("accelerapp_telemetry_dropped_total", ["signal"]))
    ),
    # How long an evaluation takes is the machine's business; none takes a second.
    ("stack", "Rule evaluation", "{{rule_group}}"): lambda seen: {
        tuple(sorted([*labels, *labelled(**PROMETHEUS)])): (0, 1)
        for labels in seen.prometheus[1].after.sum(
            "prometheus_rule_group_last_duration_seconds", ["rule_group"]
        )
    },
}


def test_the_traffic_is_what_was_sent(seen: Seen) -> None:
    """Every request is counted once; those that made their counter are not seen to grow it."""
    app = seen.application
    by_code = app.sum(REQUESTS, ["route", "code"])
    assert by_code == {
        labelled(route=GENERATE, code="200"): (TIMES + 1) * len(SPECIFICATIONS),
        labelled(route=GENERATE, code="422"): TIMES + 1,
        **dict.fromkeys((labelled(route=GENERATE, code=code) for code in ("429", "503")), 0),
        labelled(route=GENERATE, code="502"): TIMES + 1,
        labelled(route=GENERATE, code="500"): 0,
        labelled(route=UNMATCHED, code="404"): TIMES,
        # The fault switch's own: on and off, each time.
        labelled(route="/v1/faults", code="200"): 2 * TIMES / TIMES,
    }
    assert app.total(FAILURES) == TIMES + 1
    assert app.total(GENERATIONS) == (TIMES + 1) * (len(SPECIFICATIONS) + 1)


@pytest.mark.parametrize(("board", "title", "legend", "expression"), queries())
def test_a_panel_shows_what_was(
    seen: Seen, run: set[str], board: str, title: str, legend: str, expression: str
) -> None:
    found = {
        labelled(**{k: v for k, v in series["metric"].items() if k != "__name__"}): float(series["value"][1])
        for series in seen.answers[expression]
    }
    expected = EXPECTED[board, title, legend](seen)
    assert found.keys() == expected.keys()
    for labels, value in found.items():
        low, high = expected[labels]
        assert low - 0.05 * abs(low) - 1e-9 <= value <= high + 0.05 * abs(high) + 1e-9, labels
