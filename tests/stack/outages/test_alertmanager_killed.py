"""Alertmanager is killed while alerts begin and end: what it knew comes back, and each alert is told of once."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.stack.outages.parts import (
    application,
    asked,
    killed,
    prometheus_server,
    recording,
    running,
    shipped_flag,
)
from tests.stack.programs import Program, free_port, until

pytestmark = pytest.mark.stack

SILENCE = {
    "matchers": [{"name": "alertname", "value": "Other", "isRegex": False, "isEqual": True}],
    "startsAt": "2020-01-01T00:00:00Z",
    "endsAt": "2100-01-01T00:00:00Z",
    "createdBy": "test",
    "comment": "test",
}


def test_silences_are_kept_and_what_begins_and_ends_meanwhile_is_told_once(
    prometheus: Path, alertmanager_release: Path, tmp_path: Path
) -> None:
    shipped = shipped_flag("alertmanager", "data.maintenance-interval")
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        alertmanager_release / "alertmanager",
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        "--log.level=debug",
        shipped,
    ]
    manager = Program(command, tmp_path / "alertmanager.log", f"http://{address}/-/ready")
    app, app_url = application(tmp_path)
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: g, interval: 1s, rules: [{alert: Gone, expr: up == 0}]}]\n"
    )
    server, url = prometheus_server(
        prometheus,
        tmp_path,
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\nrule_files: [rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n"
        "scrape_configs: [{job_name: accelerapp,"
        f" static_configs: [{{targets: ['{app_url.removeprefix('http://')}']}}]}}]\n",
        # In place of a minute.
        "--rules.alert.resend-delay=5s",
    )

    def content(name: str) -> bytes:
        file = tmp_path / "alertmanager" / name
        return file.read_bytes() if file.exists() else b""

    def flushes() -> int:
        return manager.log.read_text(encoding="utf-8").count("msg=flushing")

    with recording() as (webhook, bodies):
        (tmp_path / "alertmanager.yml").write_text(
            "route: {receiver: hook, group_wait: 100ms, group_interval: 1s}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
        )

        def told(status: str) -> list[bytes]:
            return [body for body in list(bodies) if json.loads(body)["status"] == status]

        with running(app, manager, server):
            made = httpx.post(f"http://{address}/api/v2/silences", json=SILENCE).json()["silenceID"]
            until(lambda: made.encode() in content("silences"), "the silence on disk")
            with killed(manager):
                app.kill()
                until(lambda: asked(url, 'ALERTS{alertstate="firing"}'), "an alert that begins meanwhile")
            kept = httpx.get(f"http://{address}/api/v2/silence/{made}").raise_for_status().json()
            assert kept["status"]["state"] == "active"
            until(lambda: told("firing"), "the alert of the outage")
            until(lambda: b"hook" in content("nflog"), "on disk, that it was told")
            with killed(manager, seconds=0):
                before = flushes()
            # The second time that the group is looked at, the first is over.
            until(lambda: flushes() >= before + 2, "the group looked at again")
            assert len(bodies) == 1, "told twice"
            with killed(manager):
                app.start()
                until(lambda: not asked(url, 'ALERTS{alertstate="firing"}'), "an alert that ends meanwhile")
            until(lambda: told("resolved"), "that it has ended")
            assert len(bodies) == 2
