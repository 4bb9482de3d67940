"""The operator's chapter on killed servers has the figures of the shipped files and of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from accelerapp.observability.shipping import QueueLimits

SHIPPED = Path(__file__).parents[3] / "deployment" / "observability"
[CHAPTER] = re.findall(
    r"^## What a killed server loses\n(.*?)^## ",
    (SHIPPED / "README.md").read_text(),
    re.DOTALL | re.MULTILINE,
)
ROWS = {cells[1].strip(): row for row in CHAPTER.splitlines() if len(cells := row.split("|")) > 4}
COMPOSE = YAML(typ="safe").load(SHIPPED / "docker-compose.yml")["services"]
COLLECTOR = YAML(typ="safe").load(SHIPPED / "otel" / "otel-collector-config.yaml")


def spaced(duration: str) -> str:
    """Return a duration of a file as it stands in prose."""
    found = re.fullmatch(r"(\d+)(s|m)", duration)
    assert found is not None
    return f"{found[1]} {'min' if found[2] == 'm' else 's'}"


def flag(service: str, name: str) -> str:
    [value] = [
        flag.partition("=")[2] for flag in COMPOSE[service]["command"] if flag.startswith(f"--{name}=")
    ]
    return str(value)


def test_the_application() -> None:
    limits = QueueLimits()
    row = ROWS["the application"]
    assert f"the last {limits.delay:g} s" in row
    assert f"{limits.queue_size} of each" in row
    assert f"{limits.batch_size} at most, is tried for {limits.patience:g} s" in CHAPTER


def test_prometheus_and_what_it_scrapes() -> None:
    interval = YAML(typ="safe").load(SHIPPED / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]
    assert f"the last scrape, {spaced(interval)} at most" in ROWS["the application"]
    missed = 30 // int(interval.removesuffix("s"))
    assert missed == 2
    for name in ("Prometheus", "Node Exporter, Blackbox Exporter"):
        assert "not made, two in 30 s" in ROWS[name]
    grace = flag("prometheus", "rules.alert.for-grace-period")
    assert f"`--rules.alert.for-grace-period`, {spaced(grace)}," in ROWS["Prometheus"]


def test_no_alert_waits_for_less_than_the_grace_period() -> None:
    grace = flag("prometheus", "rules.alert.for-grace-period")
    assert grace == "1m"
    waits = [
        rule["for"]
        for path in (SHIPPED / "prometheus").glob("*-rules.yml")
        for group in YAML(typ="safe").load(path)["groups"]
        for rule in group["rules"]
        if "for" in rule
    ]
    assert len(waits) > 5
    assert all(re.fullmatch(r"[1-9]\d*m", wait) for wait in waits), waits


def test_alertmanager() -> None:
    interval = flag("alertmanager", "data.maintenance-interval")
    assert f"the last {spaced(interval)} (`--data.maintenance-interval`)" in ROWS["Alertmanager"]


def test_the_collector() -> None:
    row = ROWS["Collector"]
    sampling: dict[str, Any] = COLLECTOR["processors"]["tail_sampling"]
    assert f"{spaced(sampling['decision_wait_after_root_received'])} from the end of the root" in row
    assert f"{spaced(sampling['decision_wait'])} where it has none" in row
    flushed = {
        COLLECTOR["connectors"][name]["metrics_flush_interval"] for name in ("span_metrics", "service_graph")
    }
    # And once more as long until Prometheus scrapes them.
    assert flushed == {"15s"}
    assert "30 s at most" in row
    queues = [COLLECTOR["exporters"][name]["sending_queue"] for name in ("otlp_grpc/jaeger", "elasticsearch")]
    assert {queue["storage"] for queue in queues} == {"file_storage"}
    assert {f"{queue['queue_size']} requests" for queue in queues} == {"5000 requests"}
    assert "5000 requests" in ROWS["Jaeger with Badger"]


def test_elasticsearch_and_logstash() -> None:
    template = (SHIPPED / "elk" / "index-template.json").read_text()
    assert "translog" not in template
    assert COMPOSE["logstash"]["environment"]["QUEUE_MAX_BYTES"] == "1gb"
    values = YAML(typ="safe").load(SHIPPED / "helm" / "accelerapp-observability" / "values.yaml")
    assert values["logstash"]["queue"] == "4gb"
    assert "1 GB on disk, in the chart 4" in ROWS["Elasticsearch"]
    assert COMPOSE["logstash"]["environment"]["QUEUE_TYPE"] == "persisted"
    assert COMPOSE["logstash"]["environment"]["QUEUE_CHECKPOINT_WRITES"] == "1"


def test_jaeger_has_its_defaults_where_the_chapter_tells_them() -> None:
    elasticsearch = (SHIPPED / "jaeger" / "jaeger-elasticsearch.yaml").read_text()
    assert "bulk_processing" not in elasticsearch
    assert "consistency" not in (SHIPPED / "jaeger" / "jaeger.yaml").read_text()
    assert "fsync" not in COLLECTOR["extensions"]["file_storage"]
