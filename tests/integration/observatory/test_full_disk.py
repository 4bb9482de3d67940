"""A disk that is really full: what is refused, what goes on, and what is there afterwards."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.rpc import status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

PADDING = "x" * 20_000  # more than what is left of a page that is already allocated


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system, which only root may do, and not in every container."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def a_log(number: int) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=number + 1)
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
