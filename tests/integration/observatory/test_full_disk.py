"""A disk that is really full: what is refused, what goes on, and what is there afterwards."""

from __future__ import annotations

import errno
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from google.rpc import status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.integration.observatory.load import RATES, Load
from tests.integration.observatory.load import stored as stored_requests

WaitUntil = Callable[[Callable[[], Any], str], Any]
START_NS = time.time_ns()  # what is old would not be kept
PADDING = "x" * 20_000  # more than what is left of a page that is already allocated


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system, which only root may do, and not in every container."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def a_log(number: int) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START_NS + number)
    record.body.string_value = f"{number} {PADDING}"
    return request.SerializeToString()


def fill(disk: Path) -> Path:
    """Take every free byte and return the file that has them."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - only this ends the loop
    return ballast


def stored(observatory: Any) -> set[int]:
    found = observatory.get("/api/accelerapp/v1/logs", limit=5000)["logs"]
    numbers = [int(one["body"].split()[0]) for one in found]
    assert len(numbers) == len(set(numbers)), "something is stored twice"
    return set(numbers)


@pytest.mark.timeout(90)
def test_a_full_disk_refuses_with_503_and_loses_nothing(
    start: Callable[..., Any], small_disk: Path, wait_until: Callable[[Callable[[], Any], str], Any]
) -> None:
    data = ("--data-dir", str(small_disk / "data"))
    observatory = start(*data, ACCELERAPP_MAX_UNSEALED_BYTES="200000")
    acknowledged: set[int] = set()
    refused: set[int] = set()

    def send(number: int) -> Any:
        answer = observatory.send("logs", a_log(number))
        (acknowledged if answer.status_code == 200 else refused).add(number)
        return answer

    for number in range(5):
        assert send(number).status_code == 200
    ballast = fill(small_disk)
    for number in range(100, 105):
        answer = send(number)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "is full: free some space" in status_pb2.Status.FromString(answer.content).message
    wait_until(lambda: stored(observatory) == acknowledged, "queries answer on a full disk")

    # Also a restart on the full disk reads what is there.
    observatory.kill()
    observatory = start(*data, ACCELERAPP_MAX_UNSEALED_BYTES="200000")
    assert stored(observatory) == acknowledged
    assert send(200).status_code == 503

    ballast.unlink()
    wait_until(lambda: send(300 + len(refused)).status_code == 200, "what is sent is accepted again")
    for number in range(1000, 1013):  # enough to be sealed
        assert send(number).status_code == 200
    wait_until(lambda: list((small_disk / "data" / "segments").glob("logs-*.duckdb")), "sealing goes on")
    observatory.kill()
    refused -= acknowledged
    observatory = start(*data)
    assert stored(observatory) == acknowledged
    assert not refused & stored(observatory)
    observatory.kill()


@pytest.mark.timeout(120)
async def test_a_full_disk_under_load_refuses_every_signal_and_recovers_within_ten_seconds(
    start: Callable[..., Any], small_disk: Path, wait_until: WaitUntil
) -> None:
    data = small_disk / "data"
    observatory = start("--data-dir", str(data), ACCELERAPP_MAX_UNSEALED_BYTES="400000")
    load = Load(observatory.otlp, count(1))
    wait_until(lambda: all(load.acknowledged.values()), "the load is answered")
    ballast = fill(small_disk)
    wait_until(lambda: all(load.refused[signal] > 2 for signal in RATES), "every signal is refused")
    assert observatory.get("/api/v1/query", query="count(load_sent)")["status"] == "success"
    assert observatory.get("/api/accelerapp/v1/logs", limit=10)["logs"]
    assert observatory.get("/api/accelerapp/v1/traces", limit=10)["traces"]
    assert observatory.process.poll() is None
    before = {signal: len(load.acknowledged[signal]) for signal in RATES}
    ballast.unlink()
    freed = time.monotonic()
    wait_until(
        lambda: all(len(load.acknowledged[signal]) > before[signal] for signal in RATES),
        "every signal is accepted again",
    )
    assert time.monotonic() - freed < 10
    load.end()
    observatory.kill()
    there = await stored_requests(data)
    for signal, answered in load.acknowledged.items():
        assert answered <= there[signal], signal
