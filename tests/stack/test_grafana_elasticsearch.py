"""What Grafana asks of Elasticsearch, by the shipped data source, on a real engine with what `setup` makes.

Grafana cannot be had here. The requests are those of its Elasticsearch data source as its source has them: `_msearch`
with the time range as a filter, a Lucene query, and either the lines or their counts by time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML
from tests.stack.programs import opensearch
from tests.stack.test_elk import set_up_once

pytestmark = pytest.mark.stack

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
SOURCES = {
    source["uid"]: source
    for source in YAML(typ="safe").load(SHIPPED / "grafana" / "datasource.yml")["datasources"]
}
ELASTICSEARCH = SOURCES["elasticsearch"]["jsonData"]
TRACE = "0af7651916cd43dd8448eb211c80319c"
DAY = "accelerapp-logs-2026.11.24"
BEGIN, END = 1795500000000, 1795600000000  # 2026-11-24T06:00:00Z and a day later


@pytest.fixture(scope="module")
def engine(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """An engine with the lines of two traces, in the shape that the application ships."""
    program = opensearch(server_programs("opensearch"), tmp_path_factory.mktemp("engine") / "opensearch")
    program.start()
    with httpx.Client(base_url=program.ready.removesuffix("/_cluster/health"), timeout=60) as client:
        set_up_once(client)
        for second, (trace, level) in enumerate([(TRACE, "INFO"), (TRACE, "ERROR"), ("f" * 32, "INFO")]):
            line = {
                "timestamp": f"2026-11-24T10:00:{second:02}Z",
                "level": level,
                "logger": "shop",
                "message": f"line {second}",
                "trace_id": trace,
                "service": "codegen",
            }
            client.post(f"/{DAY}/_doc", json=line).raise_for_status()
        client.post(f"/{DAY}/_refresh").raise_for_status()
        yield client
    program.stop()


def searched(engine: httpx.Client, query: str, **more: Any) -> dict[str, Any]:
    """Ask as the data source does and return the one response."""
    head = {
        "ignore_unavailable": True,
        "index": ELASTICSEARCH["index"],
        "search_type": "query_then_fetch",
    }
    field = ELASTICSEARCH["timeField"]
    within = {"range": {field: {"format": "epoch_millis", "gte": BEGIN, "lte": END}}}
    lucene = {"query_string": {"analyze_wildcard": True, "query": query}}
    body = {"query": {"bool": {"filter": [within, lucene]}}, **more}
    answer = engine.post(
        "/_msearch?max_concurrent_shard_requests=5",
        content=f"{json.dumps(head)}\n{json.dumps(body)}\n",
        headers={"Content-Type": "application/x-ndjson"},
    ).raise_for_status()
    (response,) = answer.json()["responses"]
    assert "error" not in response, response
    found: dict[str, Any] = response
    return found


def lines(engine: httpx.Client, query: str) -> list[dict[str, Any]]:
    field = ELASTICSEARCH["timeField"]
    asked = {
        "size": 500,
        "sort": [{field: {"order": "desc", "unmapped_type": "boolean"}}, {"_doc": {"order": "desc"}}],
        "docvalue_fields": [{"field": field, "format": "strict_date_optional_time_nanos"}],
        "highlight": {"fields": {"*": {}}, "pre_tags": ["@HIGHLIGHT@"], "post_tags": ["@/HIGHLIGHT@"]},
    }
    return [hit["_source"] for hit in searched(engine, query, **asked)["hits"]["hits"]]


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the fields by their dotted names, as the data source shows them."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def test_a_span_opens_the_lines_of_its_trace(engine: httpx.Client) -> None:
    asked = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]
    assert asked["datasourceUid"] == "elasticsearch"
    found = lines(engine, asked["query"].replace("$${__trace.traceId}", TRACE))
    assert [line["message"] for line in found] == ["line 1", "line 0"]


def test_a_line_has_the_fields_that_the_data_source_names_and_opens_its_trace(engine: httpx.Client) -> None:
    (link,) = ELASTICSEARCH["dataLinks"]
    for line in map(flat, lines(engine, "*")):
        assert line[ELASTICSEARCH["logMessageField"]].startswith("line ")
        assert line[ELASTICSEARCH["logLevelField"]] in {"info", "error"}
        assert len(line[link["field"]]) == 32
    assert link["datasourceUid"] == "jaeger"


def test_the_histogram_above_the_lines_counts_them_by_level(engine: httpx.Client) -> None:
    level = {"terms": {"field": ELASTICSEARCH["logLevelField"], "size": 10, "order": {"_key": "desc"}}}
    by_time = {
        "date_histogram": {
            "field": ELASTICSEARCH["timeField"],
            "fixed_interval": "1h",
            "min_doc_count": 0,
            "extended_bounds": {"min": BEGIN, "max": END},
            "format": "epoch_millis",
        }
    }
    answer = searched(engine, "*", size=0, aggs={"3": {**level, "aggs": {"2": by_time}}})
    counted = {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["3"]["buckets"]}
    assert counted == {"info": 2, "error": 1}
    hours = answer["aggregations"]["3"]["buckets"][0]["2"]["buckets"]
    assert len(hours) >= (END - BEGIN) // 3_600_000
    assert sum(hour["doc_count"] for hour in hours) == 2


def test_the_test_of_the_data_source_finds_its_time_field(engine: httpx.Client) -> None:
    field = ELASTICSEARCH["timeField"]
    answer = engine.get(f"/{ELASTICSEARCH['index']}/_field_caps", params={"fields": field}).json()
    assert list(answer["fields"][field]) == ["date"]
