"""Jaeger's indices have a copy where Elasticsearch has several nodes: by what the chart tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
from tests.stack.chart.rendered import FOLDER, Render, pods
from tests.stack.outages.parts import Jaeger, running
from tests.stack.programs import Redirected, opensearch

pytestmark = pytest.mark.stack

NODES = ("certificates.enabled=true", "elasticsearch.replicas=3")
ELSEWHERE = ("elasticsearch.enabled=false", "elasticsearch.externalUrl=https://logs.example.com")


def told(render: Render, *settings: str) -> Mapping[str, str]:
    """Return what Jaeger is told of its indices."""
    (container,) = pods(render(*settings))["jaeger"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container["env"] if "INDEX" in item["name"]}


def test_the_chart_asks_for_a_copy_from_two_nodes_of_its_own_on(render: Render) -> None:
    assert told(render, *NODES) == {"JAEGER_INDEX_REPLICAS": "1"}
    # Of how many nodes another's Elasticsearch is, nobody here knows: `setup` gives copies by their number there.
    for settings in ((), (*NODES, *ELSEWHERE), (*NODES, "jaeger.storage=badger")):
        assert told(render, *settings) == {}


@pytest.mark.parametrize("settings", [(), NODES], ids=["one node", "three nodes"])
def test_jaeger_s_templates_have_the_copies_that_it_is_told_of(
    render: Render, server_programs: Callable[[str], Path], tmp_path: Path, settings: tuple[str, ...]
) -> None:
    engine = opensearch(server_programs("opensearch"), tmp_path / "opensearch")
    url = engine.ready.removesuffix("/_cluster/health")
    file = Redirected(FOLDER / "jaeger" / "jaeger-elasticsearch.yaml")
    # This engine asks for no password.
    file.text, count = re.subn(r" +auth:\n +basic:\n( +username: .*\n +password_file: .*\n)", "", file.text)
    assert count == 1
    environment = {"ELASTICSEARCH_URL": url, **told(render, *settings)}
    jaeger = Jaeger(server_programs("jaeger") / "jaeger", tmp_path / "jaeger", file, **environment)
    with running(engine), running(jaeger.program):
        found = httpx.get(f"{url}/_template/accelerapp-jaeger-*?flat_settings=true", timeout=60).json()
        made = httpx.get(f"{url}/_index_template/accelerapp-jaeger-*?flat_settings=true", timeout=60)
        found |= {
            one["name"]: one["index_template"]["template"] for one in made.json().get("index_templates", ())
        }
    copies = {name: template["settings"]["index.number_of_replicas"] for name, template in found.items()}
    wanted = "1" if settings else "0"
    assert copies == {
        "accelerapp-jaeger-span": wanted,
        "accelerapp-jaeger-service": wanted,
    }
