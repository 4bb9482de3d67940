"""Our query API and a real Prometheus answer the same requests over the same samples in the same form."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import httpx
import pytest

from accelerapp.server.api import Configuration
from accelerapp.server.ingest import Scraper
from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager
from accelerapp.server.signals import Labels, make_labels
from accelerapp.server.storage import MetricMetadata
from accelerapp.server.storage.exemplars import StoredExemplars
from accelerapp.server.storage.state import State

START = 1_600_000_000

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Case = tuple[str, Mapping[str, str | list[str]]]

SUCCESSES: list[Case] = [
    ("query", {"query": "api_form_up", "time": str(START + 30)}),
    ("query", {"query": "api_form_up", "time": "2020-09-13T12:27:10.5Z"}),
    ("query", {"query": "scalar(api_form_up{job='a'}) + 0.5", "time": str(START + 30)}),
    ("query", {"query": "'text'", "time": str(START + 30)}),
    ("query", {"query": "api_form_up[1m]", "time": str(START + 30)}),
    ("query", {"query": "api_form_up{job='none'}", "time": str(START + 30)}),
    ("query", {"query": "api_form_up / 0", "time": str(START + 30)}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60), "step": "15"}),
    (
        "query_range",
        {"query": "sum(api_form_up)", "start": f"{START}.5", "end": str(START + 60), "step": "15s"},
    ),
    ("query_range", {"query": "vector(1)", "start": str(START), "end": str(START), "step": "1m"}),
    ("series", {"match[]": ["api_form_up"], "start": str(START), "end": str(START + 60)}),
    ("series", {"match[]": ['api_form_up{job="a"}', 'api_form_other{job=~".+"}'], "start": str(START)}),
    ("labels", {"match[]": ["api_form_up"]}),
    ("label/job/values", {"match[]": ["api_form_up"]}),
    ("label/nothing/values", {"match[]": ["api_form_up"]}),
    ("label/U__api_2e_form/values", {"match[]": ["api_form_up"]}),
    ("label/U__job_zz_/values", {"match[]": ["api_form_up"]}),
    ("labels", {"match[]": ["api_form_up"], "limit": "2"}),
    ("labels", {"match[]": ["api_form_up"], "limit": "3"}),
    ("label/job/values", {"match[]": ['{__name__=~"api_form_.+"}'], "limit": "1"}),
    ("series", {"match[]": ["api_form_up"], "limit": "2"}),
    ("query", {"query": "sort(api_form_up)", "time": str(START + 30), "limit": "1"}),
    ("query", {"query": "api_form_up", "time": str(START + 30), "limit": "2", "timeout": "10s"}),
    ("query", {"query": "scalar(api_form_up{job='a'})", "time": str(START + 30), "limit": "1"}),
    ("query", {"query": "api_form_up", "time": str(START + 400), "lookback_delta": "10m"}),
    ("query", {"query": "api_form_up", "time": str(START + 62), "lookback_delta": "1"}),
    ("query", {"query": "api_form_up", "time": str(START + 61), "lookback_delta": "0"}),
    ("query", {"query": "api_form_up", "time": str(START + 30), "stats": "all"}),
    ("query", {"query": "1", "time": str(START), "stats": "yes"}),
    (
        "query_range",
        {
            "query": "api_form_other",
            "start": str(START),
            "end": str(START + 60),
            "step": "15",
            "limit": "1",
            "stats": "true",
            "lookback_delta": "5",
        },
    ),
    ("format_query", {"query": "sum by(job)(rate(api_form_up{job=~'a|b'}[5m]offset 1m))>bool 0"}),
    ("format_query", {"query": "api_form_up and on (job, instance, another_label) " * 3 + "api_form_up"}),
    ("parse_query", {"query": "histogram_quantile(0.9, sum by (le) (rate(api_form_up[5m] @ 12))) > 1"}),
    ("parse_query", {"query": "-api_form_up{job!='a'} * on (job) group_left (x) api_form_other"}),
    ("query_exemplars", {"query": "api_form_up"}),
    ("metadata", {}),
    ("targets/metadata", {}),
    ("targets", {"state": "dropped"}),
    ("rules", {}),
    ("rules", {"type": "record", "group_limit": "3"}),
    ("alerts", {}),
    ("notifications", {}),
    ("status/walreplay", {}),
]
FAILURES: list[Case] = [
    ("query", {"query": ""}),
    ("query", {"query": "api_form_up{"}),
    ("query", {"query": "api_form_up", "time": "yesterday"}),
    ("query", {"query": "api_form_up + on (job) api_form_many", "time": str(START + 30)}),
    ("query", {"query": "rate(api_form_up)"}),
    ("query", {"query": "nonsense(api_form_up)"}),
    ("query", {"query": "rate(api_form_up[step()])", "time": str(START + 30)}),
    ("query_range", {"query": "api_form_up", "end": str(START), "step": "15"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START - 1), "step": "15"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60), "step": "0"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60), "step": "often"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60000), "step": "1"}),
    ("query_range", {"query": "api_form_up[1m]", "start": str(START), "end": str(START + 60), "step": "15"}),
    ("series", {}),
    ("series", {"match[]": ["{"]}),
    ("labels", {"match[]": ["1 + 1"]}),
    *(
        (path, {"match[]": [text]})
        for path in ("labels", "series", "label/job/values", "rules")
        for text in (
            "",
            "a b",
            "sum(a)",
            "a[5m]",
            "a offset 1m",
            "{}",
            '{job=""}',
            '{a=~".*"}',
            "by{",
            "# a",
            '"a"',
        )
    ),
    ("labels", {"match[]": ["api_form_up"], "start": "x"}),
    ("label/job/values", {"match[]": ["{"]}),
    ("series", {"match[]": ['{job=~".*"}']}),
    *(
        (path, {"match[]": ["a"], "limit": limit})
        for path in ("labels", "series")
        for limit in ("x", "-1", "1.5")
    ),
    ("query", {"query": "1", "limit": "x"}),
    ("query", {"query": "1", "timeout": "soon"}),
    ("query", {"query": "1", "timeout": "-1"}),
    ("query", {"query": "1", "timeout": "0"}),
    ("query", {"query": "1", "lookback_delta": "long"}),
    ("query_range", {"query": "1", "start": "1", "end": "2", "step": "1", "limit": "-2"}),
    ("format_query", {"query": "1 +"}),
    ("parse_query", {"query": ""}),
    ("query_exemplars", {"query": "("}),
    ("query_exemplars", {"query": "a", "start": "x"}),
    ("query_exemplars", {"query": "a", "start": "2", "end": "1"}),
    ("metadata", {"limit": "x"}),
    ("metadata", {"limit_per_metric": "x"}),
    ("targets/metadata", {"limit": "x"}),
    ("targets/metadata", {"match_target": "x{"}),
    ("rules", {"type": "x"}),
    ("rules", {"exclude_alerts": "x"}),
    ("rules", {"group_limit": "x"}),
    ("rules", {"group_limit": "0"}),
    ("rules", {"group_next_token": "x"}),
    ("rules", {"group_limit": "1", "group_next_token": "x"}),
    ("rules", {"match[]": ["{"]}),
    ("status/tsdb", {"limit": "x"}),
    ("status/tsdb", {"limit": "0"}),
    ("status/tsdb", {"limit": "10001"}),
]
#: Methods and addresses that are nobody's, or not for this method.
REFUSED = [
    ("GET", "/api/v1/none"),
    ("POST", "/api/v1/none"),
    ("GET", "/api/v1/"),
    ("GET", "/-/none"),
    ("POST", "/-/none"),
    ("DELETE", "/api/v1/query"),
    ("PUT", "/api/v1/query_range"),
    ("POST", "/api/v1/targets"),
    ("POST", "/api/v1/label/job/values"),
    ("GET", "/-/reload"),
]


class Peer(Protocol):
    """The running server, as conftest.py gives it."""

    client: httpx.Client

    def write(self, series: Mapping[Labels, Sequence[tuple[int, float]]]) -> None: ...


@pytest.fixture(scope="module")
def peer(running_prometheus: Peer) -> Peer:
    running_prometheus.write(SAMPLES)
    return running_prometheus


def _samples() -> dict[Labels, list[tuple[int, float]]]:
    names = [
        {"__name__": "api_form_up", "job": "a", "instance": "x"},
        {"__name__": "api_form_up", "job": "b", "instance": 'quote " and \\'},
        {"__name__": "api_form_other", "job": "b"},
        {"__name__": "api_form_many", "job": "a", "n": "1"},
        {"__name__": "api_form_many", "job": "a", "n": "2"},
    ]
    values = [1.0, 0.1, 1e-7, float("inf"), 1e21]
    return {
        make_labels(labels): [((START + 15 * k) * 1000 + k, values[(i + k) % 5]) for k in range(5)]
        for i, labels in enumerate(names)
    }


SAMPLES = _samples()


@pytest.fixture
async def ours(api: Open, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    reader = MemoryReader()
    for labels, samples in SAMPLES.items():
        reader.add(labels, [at for at, _ in samples], [value for _, value in samples])
    state = State(tmp_path / "state.sqlite")
    rules = RuleManager([], Engine(reader), lambda _: None, lambda _: None, state, time.time)
    configuration = Configuration("", {}, "", 0.0, 0.0)
    parts = {
        "metrics": reader,
        "engine": Engine(reader),
        "clock": time.time,
        "metadata": MetricMetadata(),
        "exemplars": StoredExemplars(10),
        "scraper": Scraper([], cast("Any", None)),
        "rules": rules,
        "configuration": lambda: configuration,
    }
    async with api(**parts) as client:
        yield client
    state.close()


def _name(case: Case) -> str:
    return f"{case[0]}?{'&'.join(f'{key}={value}' for key, value in case[1].items())}"


@pytest.mark.stack
@pytest.mark.parametrize("case", SUCCESSES, ids=_name)
async def test_answers_are_the_same(ours: httpx.AsyncClient, peer: Peer, case: Case) -> None:
    path, parameters = case
    mine = await ours.get(f"/api/v1/{path}", params=cast(Any, parameters))
    theirs = peer.client.get(f"/api/v1/{path}", params=cast(Any, parameters))
    assert (mine.status_code, _comparable(mine.json())) == (theirs.status_code, _comparable(theirs.json()))
    assert mine.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.stack
@pytest.mark.parametrize("case", FAILURES, ids=_name)
async def test_errors_have_the_same_status_and_type(ours: httpx.AsyncClient, peer: Peer, case: Case) -> None:
    path, parameters = case
    mine = await ours.get(f"/api/v1/{path}", params=cast(Any, parameters))
    theirs = peer.client.get(f"/api/v1/{path}", params=cast(Any, parameters))
    wanted = {key: value for key, value in theirs.json().items() if key != "error"}
    assert mine.status_code == theirs.status_code
    assert {key: value for key, value in mine.json().items() if key != "error"} == wanted
    assert mine.json()["error"] == theirs.json()["error"]


#: What is another matter of course here.
OTHER_FEATURES = {
    ("api", "lifecycle"),
    ("api", "remote_write_receiver"),  # of which the peer has the samples
    ("tsdb", "exemplar_storage"),
}


@pytest.mark.stack
async def test_the_features_of_the_query_language_are_the_same(ours: httpx.AsyncClient, peer: Peer) -> None:
    mine = (await ours.get("/api/v1/features")).json()["data"]
    theirs = peer.client.get("/api/v1/features").json()["data"]
    assert mine["promql_functions"] == theirs["promql_functions"]
    for group in mine:
        assert mine[group].keys() <= theirs[group].keys(), group
        differing = {(group, name) for name, there in mine[group].items() if there != theirs[group][name]}
        assert differing <= OTHER_FEATURES
    assert mine["promql_operators"].keys() == theirs["promql_operators"].keys()


@pytest.mark.stack
@pytest.mark.parametrize(("method", "path"), REFUSED)
async def test_what_no_route_takes_is_answered_the_same(
    ours: httpx.AsyncClient, peer: Peer, method: str, path: str
) -> None:
    mine, theirs = await ours.request(method, path), peer.client.request(method, path)
    assert (mine.status_code, mine.text) == (theirs.status_code, theirs.text)
    assert mine.headers["content-type"] == theirs.headers["content-type"]


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the order of series, which Prometheus does not promise, times, and counts that depend on the engine."""
    kept = dict(answer)
    data = kept["data"]
    if isinstance(data, dict) and "stats" in data:
        stats = data["stats"]
        touched = stats["samples"]["seriesTouched"]
        data["stats"] = {"timings": sorted(stats["timings"]), "seriesTouched": touched}
    if isinstance(data, dict) and "resultType" not in data:
        return kept
    if isinstance(data, str):
        return kept
    if isinstance(data, list):
        kept["data"] = sorted(data, key=str)
    elif data["resultType"] in {"vector", "matrix"}:
        kept["data"] = {**data, "result": sorted(data["result"], key=str)}
    return kept
