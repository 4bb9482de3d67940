"""The overlay file of an observatory: what it may have, and what stops the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.app import Observatory, StartError
from accelerapp.server.config import Settings


def observatory(folder: Path, overlay: Any) -> Observatory:
    path = folder / "overlay.yml"
    path.write_text(json.dumps(overlay), encoding="utf-8")
    return Observatory(
        Settings.model_validate(
            {"data_dir": folder / "data", "overlay_file": path, "port": 0, "otlp_http_port": 0}
        )
    )


async def test_an_overlay_adds_a_receiver_and_the_route_to_it(tmp_path: Path) -> None:
    started = observatory(
        tmp_path,
        {
            "receivers": [{"name": "team-x", "webhook_configs": [{"url": "http://localhost:1/"}]}],
            "route": {"routes": [{"receiver": "team-x", "matchers": ['team="x"']}]},
        },
    )
    await started.start()
    try:
        async with httpx.AsyncClient(base_url=started.url, trust_env=False) as client:
            status = (await client.get("/api/accelerapp/v1/status")).json()
    finally:
        await started.stop()
    receivers = {receiver["name"]: receiver["integrations"] for receiver in status["receivers"]}
    assert [integration["status"] for integration in receivers["team-x"]] == ["ready"]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ([1], "must be a mapping"),
        (
            {"recievers": []},
            "overlay.yml:1:2: recievers: unknown key; an overlay has scrape_configs",
        ),
        ({"receivers": [{"name": "critical"}]}, r'overlay.yml:1:25: .*no route uses the receiver "critical"'),
        (
            {"scrape_configs": [{"job_name": "a", "job_nam": "b"}]},
            r"overlay.yml:1:39: .*job_nam: unknown key",
        ),
    ],
)
async def test_a_wrong_overlay_stops_the_start(tmp_path: Path, overlay: Any, message: str) -> None:
    with pytest.raises(StartError, match=message):
        await observatory(tmp_path, overlay).start()
