"""The rules as Prometheus' API tells them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx

from accelerapp.server.promql import Engine, MemoryReader
from accelerapp.server.rules import RuleManager, load_rule_files
from accelerapp.server.storage.state import State

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_groups_come_by_file_and_name(api: Open, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("second.yml", "first.yml")]
    for file in files:
        file.write_text(
            "groups: [{name: z, rules: [{record: r, expr: x}]}, {name: a, rules: [{record: r, expr: x}]}]"
        )
    state = State(tmp_path / "state.sqlite")
    groups = load_rule_files(files, default_interval_seconds=60)
    rules = RuleManager(groups, Engine(MemoryReader()), lambda _: None, lambda _: None, state, lambda: 0.0)
    async with api(rules=rules) as client:
        found = (await client.get("/api/v1/rules")).json()["data"]["groups"]
    state.close()
    assert [(Path(group["file"]).name, group["name"]) for group in found] == [
        ("first.yml", "a"),
        ("first.yml", "z"),
        ("second.yml", "a"),
        ("second.yml", "z"),
    ]
