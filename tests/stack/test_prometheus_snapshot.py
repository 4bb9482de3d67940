"""The script that saves Prometheus' data, run against the real one, and its copies read by another."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.stack.conftest import RunningPrometheus, start_prometheus

SCRIPT = Path(__file__).parents[2] / "deployment" / "observability" / "prometheus" / "snapshot"

PROGRAMS = (
    "sh",
    "ls",
    "grep",
    "sort",
    "basename",
    "rm",
    "wget",
    "sed",
    "tail",
    "mkdir",
    "cp",
    "sync",
    "mv",
    "wc",
)

pytestmark = pytest.mark.stack


@pytest.fixture(params=["busybox", "system"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder with the programs that the script may use: busybox's, as in the image, or the machine's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    busybox = shutil.which("busybox")
    if request.param == "busybox" and busybox is None:
        reason = "busybox is not installed (Debian: apt-get install busybox)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    for name in PROGRAMS:
        program = busybox if request.param == "busybox" else shutil.which(name)
        assert program is not None, f"{name} is not installed"
        (folder / name).symlink_to(program)
    return folder


@dataclass(frozen=True)
class Saved:
    """A Prometheus with a block and a head, and a folder for its snapshots."""

    server: RunningPrometheus
    data: Path
    backup: Path
    programs: Path

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {
            "PATH": str(self.programs),
            "PROMETHEUS_URL": str(self.server.client.base_url).rstrip("/"),
            "SNAPSHOTS": str(self.data / "snapshots"),
            "BACKUP": str(self.backup),
        }
        # Snapshots are ordered by the second in their names.
        time.sleep(1 - time.time() % 1)
        return subprocess.run(
            [self.programs / "sh", SCRIPT],
            env=given | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def copies(self) -> list[Path]:
        return sorted(path for path in self.backup.iterdir() if path.name[:2] == "20")


def answer(server: RunningPrometheus, query: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and value of what a query finds, over what the tests write."""
    answered = server.client.get("/api/v1/query", params={"query": query}).raise_for_status().json()
    return [(one["metric"], float(one["value"][1])) for one in answered["data"]["result"]]


@contextmanager
def serving(prometheus: Path, promtool: Path, home: Path, programs: Path, *flags: str) -> Iterator[Saved]:
    """Start a Prometheus that has a block of yesterday and takes samples by remote write."""
    home.mkdir()
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    # Blocks begin at even hours: half an hour from there on is one.
    yesterday = (int(time.time()) // 7200 - 12) * 7200
    lines = [
        f'old{{part="{part}"}} {part + minute} {yesterday + 60 * minute}'
        for part in range(2)
        for minute in range(30)
    ]
    (home / "old").write_text("\n".join(["# TYPE old gauge", *lines, "# EOF\n"]), encoding="utf-8")
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", home / "old", home / "data"],
        check=True,
        capture_output=True,
    )
    backup = home / "backup"
    backup.mkdir()
    with start_prometheus(prometheus, home, "--web.enable-remote-write-receiver", *flags) as server:
        yield Saved(server, home / "data", backup, programs)


@pytest.fixture
def saved(prometheus: Path, promtool: Path, tmp_path: Path, programs: Path) -> Iterator[Saved]:
    with serving(prometheus, promtool, tmp_path / "home", programs, "--web.enable-admin-api") as running:
        yield running


@contextmanager
def restored(prometheus: Path, copy: Path, home: Path) -> Iterator[RunningPrometheus]:
    """Start a Prometheus on a copy, put into its empty data folder."""
    home.mkdir()
    shutil.copytree(copy, home / "data")
    (home / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    with start_prometheus(prometheus, home) as server:
        yield server


def test_a_copy_answers_as_the_prometheus_that_it_was_taken_of(
    saved: Saved, prometheus: Path, tmp_path: Path
) -> None:
    now = int(time.time() * 1000)
    saved.server.write({(("__name__", "new"),): [(now - 2000, 1.5), (now - 1000, 2.5)]})
    wanted = [({"part": "0"}, 435.0), ({"part": "1"}, 465.0)]
    query = "sum by (part) (sum_over_time(old[2d]))"
    assert sorted(answer(saved.server, query), key=str) == wanted

    first = saved.run()
    assert first.returncode == 0, first.stderr
    (copy,) = saved.copies()
    assert first.stdout == f"snapshot: {copy}, 1 of 7\n"

    # What is deleted and what comes in after it is in the next one alone.
    client = saved.server.client
    client.post("/api/v1/admin/tsdb/delete_series", params={"match[]": 'old{part="1"}'}).raise_for_status()
    saved.server.write({(("__name__", "new"),): [(now, 4.0)]})
    second = saved.run()
    assert second.returncode == 0, second.stderr
    copy, newer = saved.copies()

    with restored(prometheus, copy, tmp_path / "first") as server:
        assert sorted(answer(server, query), key=str) == wanted
        assert answer(server, "sum_over_time(new[1h])") == [({}, 4.0)]
    with restored(prometheus, newer, tmp_path / "second") as server:
        assert answer(server, query) == wanted[:1]
        assert answer(server, "sum_over_time(new[1h])") == [({}, 8.0)]


def test_a_block_that_both_have_takes_its_space_once_and_survives_the_older_copy(
    saved: Saved, prometheus: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert saved.run().returncode == 0
    older, newer = saved.copies()
    (block,) = [path for path in newer.iterdir() if (older / path.name).is_dir()]
    chunks = list((block / "chunks").iterdir())
    assert chunks
    for path in (*chunks, block / "index"):
        assert path.samefile(older / path.relative_to(newer))
    assert not (block / "tombstones").samefile(older / block.name / "tombstones")

    (saved.backup / "notes").write_text("of the operator", encoding="utf-8")
    third = saved.run(KEEP="1")
    assert third.returncode == 0, third.stderr
    (copy,) = saved.copies()
    assert copy not in (older, newer)
    assert (saved.backup / "notes").is_file()
    with restored(prometheus, copy, tmp_path / "restored") as server:
        assert len(answer(server, "count by (part) (count_over_time(old[2d]))")) == 2


def test_nothing_is_left_at_prometheus_even_by_a_run_that_was_killed(saved: Saved) -> None:
    left = "20260101T000000Z-0123456789abcdef"
    (saved.backup / f"{left}.partial" / "block").mkdir(parents=True)
    (saved.data / "snapshots" / left).mkdir(parents=True)
    done = saved.run()
    assert done.returncode == 0, done.stderr
    assert list((saved.data / "snapshots").iterdir()) == []
    assert [path.name for path in saved.backup.iterdir()] == [path.name for path in saved.copies()]


def test_a_copy_that_is_not_whole_is_none(saved: Saved, tmp_path: Path) -> None:
    """As where the volume is full: a `cp` that fails."""
    broken = tmp_path / "broken"
    shutil.copytree(saved.programs, broken, symlinks=True)
    (broken / "cp").unlink()
    (broken / "cp").write_text("#!/bin/sh\necho 'cp: No space left on device' >&2\nexit 1\n")
    (broken / "cp").chmod(0o755)
    done = saved.run(PATH=str(broken))
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert list(saved.backup.iterdir()) == []
    assert list((saved.data / "snapshots").iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"KEEP": "0"}, "KEEP is 0"),
        ({"BACKUP": "/nowhere"}, "/nowhere is not there"),
        ({"SNAPSHOTS": os.devnull}, "is that the volume of"),
    ],
)
def test_what_cannot_be_is_refused(saved: Saved, environment: dict[str, str], message: str) -> None:
    done = saved.run(**environment)
    assert done.returncode == 1
    assert message in done.stderr
    assert saved.copies() == []


def test_a_prometheus_without_its_admin_api_is_told(
    prometheus: Path, promtool: Path, tmp_path: Path, programs: Path
) -> None:
    with serving(prometheus, promtool, tmp_path / "home", programs) as running:
        done = running.run()
        assert done.returncode == 1
        assert "is it started with --web.enable-admin-api?" in done.stderr
        assert running.copies() == []
