"""A backup that is taken under load has all that was acknowledged before it, the silences and the alerts' state."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.integration.observatory.load import RATES, Load, stored

Start = Callable[..., Any]
WaitUntil = Callable[[Callable[[], Any], str], Any]
SMALL = {"ACCELERAPP_MAX_UNSEALED_BYTES": "400000"}
RULES = """
groups:
- name: backup
  interval: 1s
  rules:
  - {alert: Fault, expr: vector(1)}
"""


def accelerapp(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "accelerapp.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def silence(observatory: Any) -> str:
    now = datetime.now(UTC)
    answer = observatory.http.post(
        f"{observatory.url}/api/v2/silences",
        json={
            "matchers": [{"name": "alertname", "value": "Fault", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "test",
            "comment": "kept in the backup",
        },
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["silenceID"])


def active_since(observatory: Any) -> list[str]:
    return [one["activeAt"] for one in observatory.get("/api/v1/alerts")["data"]["alerts"]]


@pytest.mark.timeout(120)
async def test_a_backup_under_load_has_what_was_acknowledged_before_it(
    start: Start, files: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    (files / "rules.yml").write_text(RULES)
    observatory = start(**SMALL)
    identity = silence(observatory)
    wait_until(lambda: active_since(observatory), "the alert fires")
    began = active_since(observatory)
    load = Load(observatory.otlp, count(1))
    taken: list[tuple[Path, dict[str, set[int]]]] = []
    for number in range(3):
        wait_until(load.reaches((number + 1) * 20_000), "the load is answered")
        before = {signal: set(answered) for signal, answered in load.acknowledged.items()}
        accelerapp("backup", tmp_path / f"{number}.tar", "--data-dir", files / "data")
        taken.append((tmp_path / f"{number}.tar", before))
    load.end()
    assert all(load.acknowledged.values())
    held = json.loads(accelerapp("stats", "--json", "--data-dir", files / "data"))
    assert {one["signal"]: one["segments"] > 0 for one in held["signals"]} == dict.fromkeys(RATES, True)
    observatory.kill()

    for backup, before in taken:
        folder = tmp_path / backup.stem
        accelerapp("restore", backup, "--data-dir", folder)
        there = await stored(folder)
        for signal, answered in before.items():
            assert answered <= there[signal], f"{backup.name} lacks {signal}"
    restored = start("--data-dir", str(tmp_path / "0"))
    assert [one["id"] for one in restored.get("/api/v2/silences")] == [identity]
    wait_until(lambda: active_since(restored), "the alert is evaluated again")
    assert active_since(restored) == began
