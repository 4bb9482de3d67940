"""Our query API and a real Prometheus answer the same requests over the same samples in the same form."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, cast

import httpx
import pytest

from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.signals import Labels, make_labels

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
]
FAILURES: list[Case] = [
    ("query", {"query": ""}),
    ("query", {"query": "api_form_up{"}),
    ("query", {"query": "api_form_up", "time": "yesterday"}),
    ("query", {"query": "api_form_up + on (job) api_form_many", "time": str(START + 30)}),
    ("query", {"query": "rate(api_form_up)"}),
    ("query", {"query": "nonsense(api_form_up)"}),
    ("query_range", {"query": "api_form_up", "end": str(START), "step": "15"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START - 1), "step": "15"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60), "step": "0"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60), "step": "often"}),
    ("query_range", {"query": "api_form_up", "start": str(START), "end": str(START + 60000), "step": "1"}),
    ("query_range", {"query": "api_form_up[1m]", "start": str(START), "end": str(START + 60), "step": "15"}),
    ("series", {}),
    ("series", {"match[]": ["{"]}),
    ("labels", {"match[]": ["1 + 1"]}),
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
async def ours(api: Open) -> AsyncIterator[httpx.AsyncClient]:
    reader = MemoryReader()
    for labels, samples in SAMPLES.items():
        reader.add(labels, [at for at, _ in samples], [value for _, value in samples])
    async with api(metrics=reader, engine=Engine(reader), clock=time.time) as client:
        yield client


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
    # Parsers word their complaints differently; what is not a parser's is worded as the original.
    if "parse error" not in theirs.json()["error"]:
        assert mine.json()["error"] == theirs.json()["error"]


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out notes on the query, and the order of series, which Prometheus does not promise."""
    kept = {key: value for key, value in answer.items() if key not in {"infos", "warnings"}}
    data = kept["data"]
    if isinstance(data, list):
        kept["data"] = sorted(data, key=str)
    elif data["resultType"] in {"vector", "matrix"}:
        kept["data"] = {**data, "result": sorted(data["result"], key=str)}
    return kept
