"""The data folder over HTTP: what it holds, and who is given a copy of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from accelerapp.server.api.storage import _from_here
from accelerapp.server.storage import Inventory

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PATH = "/api/accelerapp/v1/storage"
HELD = Inventory("/data", (), 5, 1, 7, False, 100.0, 0)


def parts() -> Generator[bytes]:
    yield b"one "
    yield b"two"


async def test_what_is_held_comes_with_the_counters_and_what_the_disk_has_left(
    api: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {str(tmp_path): 7}
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free[folder]))
    held = replace(HELD, folder=str(tmp_path))
    async with api(inventory=lambda: held, storage_stats=lambda: {"seals": 3}) as client:
        content = (await client.get(PATH)).json()
    assert content["journal_bytes"] == 5
    assert content["free_bytes"] == 7
    assert content["counters"] == {"seals": 3}


async def test_what_the_disk_has_left_is_not_known_of_a_folder_that_is_gone(
    api: Open, tmp_path: Path
) -> None:
    held = replace(HELD, folder=str(tmp_path / "gone"))
    async with api(inventory=lambda: held, storage_stats=dict) as client:
        assert (await client.get(PATH)).json()["free_bytes"] is None


async def test_a_backup_is_streamed_and_never_compressed_again(api: Open) -> None:
    async with api(backup=parts) as client:
        answer = await client.post(f"{PATH}/backup", headers={"Accept-Encoding": "gzip"})
        assert (answer.status_code, answer.content) == (200, b"one two")
        assert answer.headers["content-encoding"] == "identity"
        assert (await client.get(f"{PATH}/backup")).status_code == 405


async def test_one_backup_is_taken_at_a_time(api: Open) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slowly() -> Generator[bytes]:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
        yield b"all"

    async with api(backup=slowly) as client:
        first = asyncio.create_task(client.post(f"{PATH}/backup"))
        await begun.wait()
        second = await client.post(f"{PATH}/backup")
        go_on.set()
        assert (second.status_code, (await first).content) == (409, b"all")
        assert (await client.post(f"{PATH}/backup")).status_code == 200


@pytest.mark.parametrize(
    ("client", "headers", "here"),
    [
        (("127.0.0.1", 1), {"origin": "http://localhost:9090"}, True),
        (("127.0.0.1", 1), {"origin": "http://[::1]:9090"}, True),
        (("127.0.0.1", 1), {"origin": "http://rebound.example:9090"}, False),
        (("198.51.100.1", 1), {}, True),
        (("127.0.0.1", 1), {}, True),
        (("127.3.2.1", 1), {}, True),
        (("::1", 1), {}, True),
        (("::ffff:127.0.0.1", 1), {}, True),
        (("192.0.2.7", 1), {}, False),
        (("::ffff:192.0.2.7", 1), {}, False),
        (None, {}, False),
    ],
)
def test_a_backup_is_for_this_machine_alone(client: Any, headers: dict[str, str], here: bool) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    # This machine has the address 198.51.100.1, and is asked at it.
    scope = {"type": "http", "client": client, "server": ("198.51.100.1", 9090), "headers": pairs}
    assert _from_here(Request(scope)) is here


async def test_another_name_is_told_why(api: Open) -> None:
    async with api(host="rebound.example", loopback_only=False, backup=parts) as client:
        answer = await client.post(f"{PATH}/backup", headers={"Origin": "http://rebound.example"})
    assert answer.status_code == 403
    assert "this machine alone" in answer.json()["error"]
