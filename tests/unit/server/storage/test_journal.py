"""The journal: what was written is read again, and damage costs no more than what it hit."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerapp.server.storage import StorageFullError
from accelerapp.server.storage.journal import Entry, Journal, JournalReader, Kind, Record, journal_files


def definitions_of(series: Sequence[int]) -> list[bytes]:
    return [b'[["__name__","metric_%d"]]' % one for one in series]


def entry(payload: bytes, kind: Kind = Kind.TRACES) -> Entry:
    return Entry(kind, payload, 7)


def write(folder: Path, *groups: list[Entry], file_bytes: int = 1_000_000) -> Journal:
    journal = Journal(folder, 1, file_bytes, definitions_of)
    for group in groups:
        journal.append(group)
    journal.close()
    return journal


def read(folder: Path) -> tuple[list[Record], int, int]:
    """Return all records, how many are damaged, and how many files end in a cut tail."""
    records: list[Record] = []
    damaged = cut = 0
    for _, path in journal_files(folder):
        reader = JournalReader(path)
        records += reader.records()
        damaged += reader.damaged
        cut += reader.cut
    return records, damaged, cut


def test_records_come_back_in_order_with_their_sequence_numbers(tmp_path: Path) -> None:
    write(tmp_path, [entry(b"a"), entry(b"b", Kind.LOGS)], [entry(b"")])
    records, damaged, cut = read(tmp_path)
    assert [(one.sequence, one.kind, one.payload, one.received_ns) for one in records] == [
        (1, Kind.TRACES, b"a", 7),
        (2, Kind.LOGS, b"b", 7),
        (3, Kind.TRACES, b"", 7),
    ]
    assert (damaged, cut) == (0, 0)


def test_a_group_is_synced_once(tmp_path: Path) -> None:
    assert write(tmp_path, [entry(b"a"), entry(b"b"), entry(b"c")]).synced == 1


def test_files_rotate_by_size_and_are_named_by_their_first_record(tmp_path: Path) -> None:
    write(tmp_path, *[[entry(b"x" * 100)] for _ in range(4)], file_bytes=150)
    assert [first for first, _ in journal_files(tmp_path)] == [1, 2, 3, 4]


def test_each_file_defines_the_series_that_it_uses(tmp_path: Path) -> None:
    ids = np.array([3, 5, 3], dtype=np.uint32)
    samples = Entry(Kind.SAMPLES, b"x" * 1000, 0, ids)
    write(tmp_path, [samples], [samples], file_bytes=150)
    for _, path in journal_files(tmp_path):
        kinds = [record.kind for record in JournalReader(path).records()]
        assert kinds == [Kind.SERIES, Kind.SAMPLES, Kind.SERIES]


def test_a_series_is_defined_once_a_file(tmp_path: Path) -> None:
    samples = Entry(Kind.SAMPLES, b"", 0, np.array([1], dtype=np.uint32))
    write(tmp_path, [samples], [samples])
    records, _, _ = read(tmp_path)
    assert [record.kind for record in records].count(Kind.SERIES) == 2  # the definition and its copy


@settings(max_examples=60, deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_one_record_at_most(
    tmp_path_factory: pytest.TempPathFactory, position: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    payloads = [b"first" * 9, b"second" * 9, b"third" * 9, b"fourth" * 9]
    write(folder, [entry(payload) for payload in payloads])
    ((_, path),) = journal_files(folder)
    data = bytearray(path.read_bytes())
    data[int(position * len(data))] ^= 1 << bit
    path.write_bytes(data)
    records, damaged, cut = read(folder)
    read_back = [one.payload for one in records]
    assert set(read_back) <= set(payloads)
    assert len(read_back) + damaged + cut == 4 or (len(read_back), damaged, cut) == (4, 0, 0)
    assert len(read_back) >= 3


def test_a_flipped_bit_is_counted(tmp_path: Path) -> None:
    write(tmp_path, [entry(b"first"), entry(b"second"), entry(b"third")])
    ((_, path),) = journal_files(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"second", b"sEcond"))
    records, damaged, cut = read(tmp_path)
    assert ([one.payload for one in records], damaged, cut) == ([b"first", b"third"], 1, 0)


def test_a_frame_inside_a_payload_is_not_taken_for_a_record(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    inner.mkdir()
    outer.mkdir()
    write(inner, [entry(b"forged")])
    smuggled = journal_files(inner)[0][1].read_bytes()
    write(outer, [entry(b"DAMAGE-ME" + smuggled), entry(b"good")])
    ((_, path),) = journal_files(outer)
    path.write_bytes(path.read_bytes().replace(b"DAMAGE-ME", b"damaged!!"))
    records, damaged, _ = read(outer)
    assert ([one.payload for one in records], damaged) == ([b"good"], 1)


@pytest.mark.parametrize("missing", [1, 5, 6, 20, 26])
def test_a_cut_tail_is_not_damage_and_is_truncated(tmp_path: Path, missing: int) -> None:
    write(tmp_path, [entry(b"whole"), entry(b"cut..")])
    ((_, path),) = journal_files(tmp_path)
    os.truncate(path, path.stat().st_size - missing)
    reader = JournalReader(path)
    assert [one.payload for one in reader.records()] == [b"whole"]
    assert (reader.damaged, reader.cut) == (0, True)
    reader.truncate()
    again = JournalReader(path)
    assert [one.payload for one in again.records()] == [b"whole"]
    assert (again.damaged, again.cut) == (0, False)


def test_a_full_disk_keeps_nothing_of_the_group_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, 1, 1_000_000, definitions_of)
    journal.append([entry(b"before")])
    real_write = os.write

    def write_a_part(descriptor: int, data: memoryview) -> int:
        if len(data) > 10:
            return real_write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write_a_part)
    with pytest.raises(StorageFullError, match="full"):
        journal.append([entry(b"x" * 5), entry(b"refused")])
    monkeypatch.undo()
    assert journal.append([entry(b"after")]) == [2]
    journal.close()
    records, damaged, cut = read(tmp_path)
    assert ([one.payload for one in records], damaged, cut) == ([b"before", b"after"], 0, 0)


def test_a_failed_sync_keeps_nothing_of_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, 1, 1_000_000, definitions_of)
    journal.append([entry(b"before")])

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("accelerapp.server.storage.journal.sync_data", fail)
    with pytest.raises(OSError, match="Input/output"):
        journal.append([entry(b"refused")])
    monkeypatch.undo()
    journal.append([entry(b"after")])
    journal.close()
    assert [one.payload for one in read(tmp_path)[0]] == [b"before", b"after"]
