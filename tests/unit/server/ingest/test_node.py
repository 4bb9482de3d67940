"""Metrics of the machine: what is always among them, and what there is where /proc is not."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from accelerapp.monitoring import FamilySnapshot
from accelerapp.observability.exposition import render_text
from accelerapp.server.ingest import Node, node, process_metrics, procfs
from accelerapp.server.ingest.exposition import ExpositionParser
from accelerapp.server.signals import make_labels

Partition = namedtuple("Partition", "device mountpoint fstype opts")


def by_name(families: list[FamilySnapshot]) -> dict[str, FamilySnapshot]:
    return {family.exported_name: family for family in families}


def mounts(families: list[FamilySnapshot]) -> dict[str, float]:
    read_only = by_name(families)["node_filesystem_readonly"]
    return {labels[2]: float(value) for labels, value in read_only.values if isinstance(value, int | float)}


def test_the_file_systems_of_the_root_and_of_the_data_folder_are_told_whatever_their_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Partition("overlay", "/", "overlay", "rw"),
        Partition("proc", "/proc", "proc", "rw"),
        Partition("server:/home", str(tmp_path / "far"), "nfs4", "rw"),
        Partition("overlay", str(tmp_path / "data"), "overlay", "ro,relatime"),
        Partition("overlay", str(tmp_path), "overlay", "rw"),
        Partition("disk", str(tmp_path / "gone"), "ext4", "rw"),
    ]
    (tmp_path / "data" / "observatory").mkdir(parents=True)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: found)
    told = mounts(Node([tmp_path / "data" / "observatory"]).metrics())
    assert told == {"/": 0, str(tmp_path / "data"): 1}


def test_what_is_told_can_be_scraped() -> None:
    parsed = ExpositionParser(make_labels).parse(render_text(Node().metrics()))
    assert len(parsed.series) > 50


def test_without_proc_memory_has_the_names_of_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = by_name(node._memory())
    monkeypatch.setattr(procfs, "_lines", lambda _: [])
    portable = by_name(node._memory())
    assert {"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"} <= portable.keys() <= linux.keys()
    assert portable["node_memory_MemTotal_bytes"].values == linux["node_memory_MemTotal_bytes"].values
    assert "node_filefd_allocated" not in by_name(Node().metrics())


def test_a_machine_without_disks_tells_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: None)
    assert not any(name.startswith("node_disk") for name in by_name(Node().metrics()))


def test_the_process_that_is_told_of_is_this_one() -> None:
    before = by_name(process_metrics())
    with Path(os.devnull).open():
        after = by_name(process_metrics())
    ((_, few),), ((_, more),) = (told["process_open_fds"].values for told in (before, after))
    assert (few, more) == (few, few + 1)  # type: ignore[operator]
