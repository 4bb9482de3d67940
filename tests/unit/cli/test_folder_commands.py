"""`accelerapp stats`, `backup` and `restore` on folders at rest; what they say where they cannot."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import duckdb
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from typer.testing import CliRunner, Result

from accelerapp.cli.command import app
from accelerapp.server.signals import make_labels
from accelerapp.server.storage import Storage, StorageSettings


def accelerapp(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder with one sealed log record and two samples, one of them sealed."""

    async def fill() -> None:
        storage = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
        request = ExportLogsServiceRequest()
        record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=10**18)
        record.body.string_value = "one line"
        await storage.write_logs(request.SerializeToString())
        up = make_labels({"__name__": "up"})
        await storage.write_samples([(up, 1_000_000_000_000, 1.0)])
        await storage.seal()
        await storage.write_samples([(up, 1_000_000_001_000, 1.0)])
        await storage.close()

    asyncio.run(fill())
    return tmp_path / "data"


def test_stats_tell_what_is_held_by_signal(folder: Path) -> None:
    said = accelerapp("stats", "--json", "--data-dir", folder)
    assert said.exit_code == 0, said.output
    held = {one.pop("signal"): one for one in json.loads(said.stdout)["signals"]}
    assert [(held[signal]["items"], held[signal]["unsealed"]) for signal in held] == [(0, 0), (1, 0), (2, 1)]
    assert (held["metrics"]["oldest_ms"], held["metrics"]["newest_ms"]) == (
        1_000_000_000_000,
        1_000_000_001_000,
    )
    assert held["logs"]["bytes"] == sum(path.stat().st_size for path in (folder / "segments").glob("logs-*"))


def test_stats_are_a_table_with_what_is_damaged(folder: Path) -> None:
    (segment,) = (folder / "segments").glob("logs-*")
    segment.write_bytes(segment.read_bytes()[:5000])
    (journal,) = (folder / "journal").iterdir()
    journal.write_bytes(journal.read_bytes()[:20])  # it has the same line, and would mend it
    said = accelerapp("stats", "--data-dir", folder)
    assert said.exit_code == 0, said.output
    assert "metrics" in said.stdout
    assert "Damaged: files set aside 1." in said.stdout


def test_a_backup_at_rest_is_restored(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    assert accelerapp("backup", tmp_path / "backups", "--data-dir", folder).exit_code == 0
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.name.startswith("accelerapp-")
    restored = accelerapp("restore", backup, "--data-dir", tmp_path / "restored")
    assert restored.exit_code == 0, restored.output
    before, after = (
        json.loads(accelerapp("stats", "--json", "--data-dir", one).stdout)
        for one in (folder, tmp_path / "restored")
    )
    assert before["signals"] == after["signals"]


@pytest.mark.parametrize("arguments", [("stats",), ("backup", "b.tar")])
def test_what_is_no_data_folder_is_refused_and_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    said = accelerapp(*arguments, "--data-dir", tmp_path / "nothing")
    assert said.exit_code == 1
    assert f"{tmp_path / 'nothing'} is no data folder" in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_backup_replaces_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    said = accelerapp("backup", tmp_path / "b.tar", "--data-dir", folder)
    assert said.exit_code == 1
    assert "is there already" in said.stderr
    assert (tmp_path / "b.tar").read_text() == "mine"


def test_a_backup_into_a_folder_that_is_not_there_names_the_folder(folder: Path, tmp_path: Path) -> None:
    said = accelerapp("backup", tmp_path / "none" / "b.tar", "--data-dir", folder)
    assert said.exit_code == 1
    assert f"there is no folder {tmp_path / 'none'}: make it" in said.stderr


def test_restoring_what_is_no_backup_or_into_what_is_not_empty_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "no.tar").write_text("no backup")
    said = accelerapp("restore", tmp_path / "no.tar", "--data-dir", tmp_path / "restored")
    assert (said.exit_code, (tmp_path / "restored").exists()) == (1, False)
    assert "the backup cannot be read" in said.stderr
    said = accelerapp("restore", tmp_path / "no.tar", "--data-dir", folder)
    assert said.exit_code == 1
    assert "is not empty" in said.stderr


def test_a_segment_of_another_version_is_named_and_left_as_it_is(folder: Path) -> None:
    (segment,) = (folder / "segments").glob("logs-*")
    with duckdb.connect(str(segment)) as connection:
        connection.execute("UPDATE meta SET format = 99")
    said = accelerapp("stats", "--data-dir", folder)
    assert said.exit_code == 1
    assert f"{segment} has format 99" in said.stderr
    assert "start the version that wrote it" in said.stderr
    assert segment.exists()
