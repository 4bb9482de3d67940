"""The state of the observatory over HTTP: what it took and refused, its limits, files and settings."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from accelerapp.server.alerting import Load, Refused
from accelerapp.server.api import Configuration, FileInUse, Setting, modified
from accelerapp.server.ingest import Account
from accelerapp.server.storage import Inventory

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PATH = "/api/accelerapp/v1/status"
HELD = Inventory("/data", (), 5, 0, 0, False, 100.0, 1000)


def account(name: str) -> Account:
    return Account(name, name.upper(), lambda: 1_000.0)


def parts(**others: Any) -> dict[str, Any]:
    load = Load(3, 2, 1, 0, Refused(999.0, "{alertname=Many}"), None)
    manager = SimpleNamespace(load=lambda: load, receivers=list, silences=SimpleNamespace(all=list))
    return {
        "alertmanager": manager,
        "storage_stats": lambda: defaultdict(int),
        "inventory": lambda: HELD,
        "ports": dict,
        "receivers": list,
        "metadata": SimpleNamespace(limit=200),
        "scraper": SimpleNamespace(left_out=lambda: {"duplicate": 4}),
        "configuration": lambda: configuration(),
        **others,
    }


def configuration(**given: Any) -> Configuration:
    return Configuration(yaml="global: {}\n", flags={}, external_url="", read_at=5.0, tried_at=6.0, **given)


async def test_an_input_is_told_with_what_it_refused_last_and_whom(api: Open) -> None:
    otlp = account("otlp_http")
    otlp.accepted("traces", 7)
    otlp.refused("too_large", "17 MB are more than 16 MB", "192.0.2.1")
    otlp.refused("too_large", "18 MB are more than 16 MB", "192.0.2.2")
    async with api(**parts(receivers=lambda: [otlp.status("127.0.0.1:4318")])) as client:
        (told,) = (await client.get(PATH)).json()["inputs"]
    last = {"at_ms": 1_000_000.0, "reason": "too_large"}
    assert told == {
        "name": "otlp_http",
        "title": "OTLP_HTTP",
        "address": "127.0.0.1:4318",
        "accepted": {"traces": 7},
        "refused": {"too_large": 2},
        "last_refusals": [{**last, "message": "18 MB are more than 16 MB", "offender": "192.0.2.2"}],
    }


async def test_what_is_refused_at_the_page_s_port_is_told(api: Open) -> None:
    page = account("page")
    page.refused("cross_site", "a page of http://evil.example may not ask for POST", "192.0.2.1")
    async with api(**parts(account=page)) as client:
        status = (await client.get(PATH)).json()
        limits = (await client.get(f"{PATH}/limits")).json()["limits"]
    assert status["page"]["refused"] == {"cross_site": 1}
    (told,) = [one for one in limits if one["metric"] == "accelerapp_observatory_page_refused_total"]
    assert (told["count"], told["last_offender"]) == (1, "192.0.2.1")


async def limits_of(api: Open, **given: Any) -> dict[str, dict[str, Any]]:
    async with api(**parts(**given)) as client:
        return {one["name"]: one for one in (await client.get(f"{PATH}/limits")).json()["limits"]}


async def test_the_limit_of_series_is_told_with_the_metrics_that_met_it(api: Open) -> None:
    stats: dict[str, Any] = defaultdict(int, series=90, series_limit=100, samples_refused_series_limit=12)
    stats["series_limit_offenders"] = {"http_requests_total": 12}
    series = (await limits_of(api, storage_stats=lambda: stats))["Series"]
    assert (series["used"], series["most"], series["count"]) == (90, 100, 12)
    assert series["offenders"] == {"http_requests_total": 12}
    assert series["settings"] == ["max_series"]


async def test_a_limit_of_the_inputs_counts_what_each_refused_and_names_the_last(api: Open) -> None:
    zipkin, beats = account("zipkin"), account("beats")
    zipkin.refused("too_large", "20 MB", "192.0.2.1")
    beats.refused("too_slow", "nothing came", "192.0.2.9")
    status = [zipkin.status(""), beats.status("")]
    size = Setting("max_request_bytes", "", "16", 16, "16", "bytes", "", "default")
    found = await limits_of(
        api, receivers=lambda: status, configuration=lambda: configuration(settings=(size,))
    )
    told = found["Size of a request, or of a line"]
    assert (told["most"], told["count"], told["offenders"]) == (16, 1, {"zipkin": 1})
    assert (told["last_offender"], told["last_at_ms"]) == ("192.0.2.1", 1_000_000.0)
    assert found["Time that a request takes to come"]["offenders"] == {"beats": 1}


async def test_the_alerts_kept_are_a_limit_with_its_last_offender(api: Open) -> None:
    alerts = (await limits_of(api))["Alerts at a time"]
    assert (alerts["used"], alerts["count"], alerts["last_offender"]) == (3, 1, "{alertname=Many}")


async def test_retention_is_told_as_bytes_and_as_age(api: Open) -> None:
    found = await limits_of(api)
    assert (found["Retention by size"]["used"], found["Retention by size"]["most"]) == (5, 1000)
    assert (found["Retention by age"]["used"], found["Retention by age"]["most"]) == (None, 100)


async def test_a_file_that_was_changed_since_it_was_read_is_told(api: Open, tmp_path: Path) -> None:
    rules, routes = tmp_path / "rules.yml", tmp_path / "alertmanager.yml"
    for path in (rules, routes):
        path.write_text("a: 1\n")
    files = (
        FileInUse("rules", str(rules), modified(rules)),
        FileInUse("routes", str(routes), modified(routes)),
    )
    os.utime(rules, (1, 1))
    manager = SimpleNamespace(config=SimpleNamespace(original="route: {}\n"))
    given = {"alertmanager": manager, "configuration": lambda: configuration(files=files, error="wrong")}
    async with api(**parts(**given)) as client:
        told = (await client.get(f"{PATH}/configuration")).json()
    assert [(one["role"], one["changed"]) for one in told["files"]] == [("rules", True), ("routes", False)]
    assert told["texts"] == {"scrape": "global: {}\n", "routes": "route: {}\n", "overlay": ""}
    assert (told["read_ms"], told["tried_ms"], told["error"]) == (5000.0, 6000.0, "wrong")


async def test_what_runs_is_told_for_a_report(api: Open) -> None:
    async with api(**parts(version="1.2", revision="abc")) as client:
        told = (await client.get(f"{PATH}/about")).json()
    assert (told["version"], told["revision"]) == ("1.2", "abc")
    assert told["python"].startswith("CPython 3.")
    assert {"duckdb", "numpy", "starlette"} <= set(told["libraries"])
    assert "hypothesis" not in told["libraries"]
