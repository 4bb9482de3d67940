"""The receivers' ports: all are opened, and one that is taken costs that receiver alone, with a warning."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from accelerapp.server.api import ReloadError
from accelerapp.server.app import Observatory
from accelerapp.server.config import Settings
from accelerapp.server.configuration import Files, read_files
from accelerapp.server.ingest import HttpReceiver
from accelerapp.server.storage import Storage, StorageSettings

NAMES = ("otlp_grpc", "otlp_http", "zipkin", "jaeger", "logstash_tcp", "logstash_http", "beats")


def observatory(folder: Path, **ports: int) -> Observatory:
    return Observatory(Settings.model_validate({"data_dir": folder, "port": 0} | ports))


async def test_every_receiver_listens_and_is_told_of(tmp_path: Path) -> None:
    started = observatory(tmp_path, **{f"{name}_port": 0 for name in NAMES})
    await started.start()
    try:
        receivers = {status.name: status.address for status in started.receivers()}
        assert set(receivers) == set(NAMES)
        for address in receivers.values():
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=5).close()
        assert started.warnings == []
    finally:
        await started.stop()


async def test_a_receiver_whose_port_is_taken_is_off_and_the_others_are_not(tmp_path: Path) -> None:
    with ExitStack() as taken:
        ports = {}
        for name in NAMES:
            holding = taken.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports[f"{name}_port"] = int(holding.getsockname()[1])
        started = observatory(tmp_path, **ports)
        await started.start()
        try:
            assert len(started.warnings) == len(NAMES)
            for name, warning in zip(NAMES, started.warnings, strict=True):
                assert f" is off: cannot listen on 127.0.0.1 port {ports[f'{name}_port']}: " in warning
                assert f"--{name.replace('_', '-')}-port chooses another" in warning
            assert {status.address for status in started.receivers()} == {""}
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{started.url}/-/ready")).status_code == 200
        finally:
            await started.stop()


async def test_the_page_goes_by_its_own_address_and_the_external_url_s_name(tmp_path: Path) -> None:
    external = {"host": "127.0.0.2", "external_url": "https://telemetry.example/page", "otlp_http_port": 0}
    started = Observatory(Settings.model_validate({"data_dir": tmp_path, "port": 0} | external))
    await started.start()
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            for host, status in (("", 200), ("telemetry.example", 200), ("other.example", 400)):
                headers = {"Host": host} if host else {}
                answer = await client.get(f"{started.url}/-/ready", headers=headers)
                assert (host, answer.status_code) == (host, status)
    finally:
        await started.stop()


async def test_what_is_read_again_while_it_stops_begins_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = observatory(tmp_path, otlp_http_port=0)
    await started.start()
    reading, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(settings: Settings) -> Files:
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(20)
        return read_files(settings)

    monkeypatch.setattr("accelerapp.server.app.read_files", slowly)
    reload = asyncio.create_task(started.reload())
    await reading.wait()
    stop = asyncio.create_task(started.stop())
    await started._stopping.wait()
    go_on.set()
    await asyncio.gather(reload, stop)
    assert started._services.scraper.targets() == []
    with pytest.raises(ReloadError, match="stops"):
        await started.reload()


async def test_a_receiver_that_does_not_stop_well_leaves_the_folder_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = HttpReceiver.stop

    async def broken(receiver: HttpReceiver) -> None:
        await well(receiver)
        raise RuntimeError("broken")

    started = observatory(tmp_path, otlp_http_port=0)
    await started.start()
    monkeypatch.setattr(HttpReceiver, "stop", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await started.stop()
    again = Storage.open(tmp_path, StorageSettings())
    await again.close()
