"""Whatever was acknowledged is read exactly once after `kill -9`, wherever it strikes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.integration.storage.contents import opened, table, undamaged

from accelerapp.server.storage import Storage

DRIVER = Path(__file__).with_name("driver.py")
KILLS = 4
# How often a step comes before it may kill: journal steps come with every group, the others with every seal.
STEPS = {
    "journal.write": 60,
    "journal.sync": 60,
    "journal.sync.done": 60,
    "segment.write": 5,
    "segment.sync": 5,
    "segment.rename": 5,
    "segment.rename.done": 5,
    "journal.truncate": 6,
    "journal.truncate.done": 6,
    "merge.swap": 3,
    "merge.unlink": 12,
    "merge.unlink.done": 12,
}


def run(
    folder: Path, first_id: int, step: str, occurrence: int, lines: int | None = None, mode: str = ""
) -> list[str]:
    """Run the driver until it dies, or kill it after so many lines; return what it said."""
    command = [sys.executable, str(DRIVER), str(folder), str(first_id), step, str(occurrence), mode]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if lines is not None and len(said) == lines:
                process.kill()
        assert process.wait() == -signal.SIGKILL
    return said


async def stored(folder: Path) -> dict[str, Counter[int]]:
    """Count how often each id is stored."""
    storage = opened(folder)
    logs = table(storage, "logs", "SELECT body FROM {}")
    spans = table(storage, "traces", "SELECT trace_id, span_id FROM {}")
    samples = storage.metrics.select([], -(2**62), 2**62)
    assert undamaged(storage)
    await storage.close()
    per_trace = Counter(int(trace_id, 16) for trace_id, _ in spans)
    assert set(per_trace.values()) <= {3}, "a request is stored wholly and once, or not at all"
    return {
        "log": Counter(int(body) for (body,) in logs),
        "trace": Counter(int(trace_id, 16) for trace_id in {trace_id for trace_id, _ in spans}),
        "sample": Counter(time for time in samples.timestamps.tolist() if time > 0),
    }


async def check(folder: Path, said: list[str]) -> None:
    """Assert that everything acknowledged is stored, and nothing stored twice."""
    for kind, counts in (await stored(folder)).items():
        acknowledged = {int(line.split()[1]) for line in said if line.startswith(f"{kind} ")}
        assert acknowledged <= set(counts), f"lost: {kind} {sorted(acknowledged - set(counts))}"
        assert [number for number, times in counts.items() if times > 1] == [], f"{kind} stored twice"


@pytest.mark.parametrize(("step", "most"), STEPS.items(), ids=STEPS.keys())
async def test_nothing_acknowledged_is_lost_by_a_kill_at(tmp_path: Path, step: str, most: int) -> None:
    chance = random.Random(step)
    said: list[str] = []
    for kill in range(KILLS):
        said += run(tmp_path, kill * 100_000 + 1, step, chance.randint(1, most))
    await check(tmp_path, said)
    assert len(said) > 20


async def test_nothing_acknowledged_is_lost_by_a_kill_at_random(tmp_path: Path) -> None:
    chance = random.Random(20)
    said: list[str] = []
    for kill in range(KILLS):
        said += run(tmp_path, kill * 100_000 + 1, "never", 0, lines=chance.randint(1, 600))
        await check(tmp_path, said)
    segments = [path.name for path in (tmp_path / "segments").iterdir()]
    assert any(name.startswith("logs-") for name in segments), "the kills came before anything was sealed"


@pytest.mark.parametrize("step", ["retention.unlink", "retention.unlink.done"])
async def test_a_kill_while_old_segments_go_leaves_all_that_is_newer_once(tmp_path: Path, step: str) -> None:
    chance = random.Random(step)
    said: list[str] = []
    for kill in range(KILLS):
        said += run(tmp_path, kill * 100_000 + 1, step, chance.randint(1, 8), mode="retention")
    for kind, counts in (await stored(tmp_path)).items():
        acknowledged = {int(line.split()[1]) for line in said if line.startswith(f"{kind} ")}
        present = set(counts)
        assert [number for number in present if counts[number] > 1] == [], f"{kind} stored twice"
        assert acknowledged - present, f"no {kind} was let go"
        newest = max(acknowledged)
        lost = {number for number in acknowledged if min(present) + 100 < number <= newest} - present
        assert lost == set(), f"{kind} went although newer"


async def test_what_http_answered_with_200_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, str(DRIVER), str(tmp_path), "1", "never", "0", "http"]
    answered = 0
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        httpx.Client(trust_env=False) as client,
    ):
        assert process.stdout is not None
        port = process.stdout.readline().split()[1]
        for number in range(50):
            request = ExportLogsServiceRequest()
            record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=1)
            record.body.string_value = str(number)
            response = client.post(
                f"http://127.0.0.1:{port}/v1/logs",
                content=request.SerializeToString(),
                headers={"Content-Type": "application/x-protobuf"},
            )
            answered += response.status_code == 200
        process.kill()
    assert answered == 50
    assert (await stored(tmp_path))["log"] == Counter(range(50))


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    storage = Storage.open(tmp_path)
    command = [sys.executable, str(DRIVER), str(tmp_path), "1", "never", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    await storage.close()
    assert second.returncode == 1
    assert "StorageLockedError" in second.stderr
    assert "in use by the process with pid" in second.stderr
