"""The dashboards' routes: what the folder has, and files that a reader opens."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from accelerapp.server.api import Configuration
from accelerapp.server.dashboards import read_dashboard

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PREFIX = "/api/accelerapp/v1"
BOARD = {
    "uid": "u",
    "title": "Board",
    "tags": ["t"],
    "panels": [{"type": "stat", "title": "S"}],
    "refresh": "40s",
}


def parts(factor: float = 1.0) -> dict[str, Any]:
    configuration = Configuration("", {}, "", 0.0, 0.0, scrape_interval=30.0)
    board = read_dashboard(json.dumps(BOARD).encode(), "b.json", time_factor=factor)
    return {"configuration": lambda: configuration, "dashboards": {"u": board}, "time_factor": factor}


async def test_dashboards_are_listed_with_what_they_are_found_by(api: Open) -> None:
    async with api(**parts()) as client:
        answer = await client.get(f"{PREFIX}/dashboards")
    assert answer.json() == [{"uid": "u", "title": "Board", "description": "", "tags": ["t"]}]


async def test_dashboard_is_given_with_the_time_of_its_queries(api: Open) -> None:
    async with api(**parts(20)) as client:
        answer = (await client.get(f"{PREFIX}/dashboards/u")).json()
        missing = await client.get(f"{PREFIX}/dashboards/v")
    assert (answer["time_factor"], answer["scrape_interval"], answer["refresh_ms"]) == (20, 30, 2000)
    assert answer["sections"][0]["panels"][0]["title"] == "S"
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "no dashboard with the uid 'v'; there are: u",
    )


async def test_file_is_read_and_not_kept(api: Open) -> None:
    given = parts(20)
    async with api(**given) as client:
        answer = await client.post(f"{PREFIX}/read-dashboard", content=json.dumps({**BOARD, "uid": ""}))
        listed = await client.get(f"{PREFIX}/dashboards")
    assert answer.status_code == 200
    assert (answer.json()["title"], answer.json()["uid"], answer.json()["time_factor"]) == ("Board", "", 20)
    assert [one["uid"] for one in listed.json()] == ["u"]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b'{"panels": [,]}', 400, "x.json:1:13: not valid JSON: Expecting value"),
        (b'{"panels": [{}]}', 400, "x.json: panels[0].type: a panel needs a type"),
        (b" " * ((4 << 20) + 1), 413, "the file is larger than 4 MiB, which no dashboard is"),
    ],
)
async def test_file_that_cannot_be_read_is_refused_with_its_place(
    api: Open, body: bytes, status: int, error: str
) -> None:
    async with api(**parts()) as client:
        answer = await client.post(f"{PREFIX}/read-dashboard", params={"name": "x.json"}, content=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_durations_of_a_query_are_divided_by_the_time_factor(api: Open) -> None:
    async with api(**parts(20)) as client:
        answer = await client.get(f"{PREFIX}/scaled-query", params={"query": "rate(a[5m]) offset 10m"})
        divided = await client.get(f"{PREFIX}/scaled-query", params={"query": "rate(a[5m] offset 10m)"})
    assert answer.status_code == 400
    assert divided.json() == {"query": "rate(a[15s] offset 30s)"}
