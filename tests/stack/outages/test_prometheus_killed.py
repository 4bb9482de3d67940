"""Prometheus is killed while it scrapes: what it had stored is there, and what alerts had waited counts on."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.outages.parts import (
    application,
    asked,
    generate,
    killed,
    prometheus_server,
    running,
    shipped_flag,
)
from tests.stack.programs import until

pytestmark = pytest.mark.stack

CONFIG = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
rule_files: [rules.yml]
scrape_configs: [{job_name: accelerapp, static_configs: [{targets: ['TARGET']}]}]
"""
RULES = "groups: [{name: g, interval: 1s, rules: [{alert: Waiting, expr: up == 1, for: 5m}]}]\n"


def test_prometheus_has_every_sample_and_counters_go_on(prometheus: Path, tmp_path: Path) -> None:
    app, app_url = application(tmp_path)
    (tmp_path / "rules.yml").write_text("{}\n")
    config = CONFIG.replace("TARGET", app_url.removeprefix("http://"))
    server, url = prometheus_server(prometheus, tmp_path, config)

    def stored(at: float) -> dict[str, list[Any]]:
        parameters: dict[str, str | float] = {"query": '{job="accelerapp"}[10m]', "time": at}
        series = httpx.get(f"{url}/api/v1/query", params=parameters, timeout=60).json()["data"]["result"]
        return {json.dumps(one["metric"], sort_keys=True): one["values"] for one in series}

    with running(app, server):
        until(lambda: asked(url, "count_over_time(up[1m]) > 15"), "fifteen scrapes")
        # The last scrape that is seen is complete, and so are those before it.
        [at] = asked(url, "timestamp(up)")
        before = stored(at)
        assert len(before) > 30
        with killed(server):
            for _ in range(3):
                generate(app_url)
        assert stored(at) == before
        # What was counted meanwhile is in the first scrape after.
        until(
            lambda: asked(url, 'accelerapp_requests_total{route="/v1/generate"} == 3'),
            "the requests of the outage",
        )


def test_a_pending_alert_goes_on_waiting_from_where_it_was(prometheus: Path, tmp_path: Path) -> None:
    app, app_url = application(tmp_path)
    (tmp_path / "rules.yml").write_text(RULES)
    config = CONFIG.replace("TARGET", app_url.removeprefix("http://"))
    flag = shipped_flag("prometheus", "rules.alert.for-grace-period")
    server, url = prometheus_server(prometheus, tmp_path, config, flag)

    def pending_since() -> float:
        alerts = httpx.get(f"{url}/api/v1/alerts", timeout=60).json()["data"]["alerts"]
        # Nanoseconds are more than the standard library reads.
        return min(
            (datetime.datetime.fromisoformat(f"{one['activeAt'][:19]}+00:00").timestamp() for one in alerts),
            default=time.time(),
        )

    with running(app, server):
        until(lambda: time.time() - pending_since() > 10, "an alert that has waited for ten seconds")
        with killed(server):
            pass
        started = time.time()
        until(lambda: pending_since() < started - 4, "the seconds that it had waited")
