"""The journal: append-only files of checksummed records, the place where accepted data is first durable.

A file is named by the sequence number of its first record and starts with a header of `MAGIC`, a random
salt and their checksum, written twice. Each record is a frame: marker, payload length, CRC-32, kind, sequence
number, time of receipt, payload; integers are little-endian. The checksum is salted per file, so that bytes
which a sender put into a payload are not taken for a frame when the reader looks for the next good one after
damage.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import secrets
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from accelerapp.server.signals import Labels
from accelerapp.server.storage.contracts import StorageFullError
from accelerapp.server.storage.folder import (
    PRIVATE_FILE,
    Step,
    no_step,
    sync_data,
    sync_path,
    unlink_if_there,
)

MAGIC = b"ACCJNL01"
MARKER = b"\xf5\xa1\x4a\x52"
SUFFIX = ".journal"
_HEADER = struct.Struct("<8sII")
_FRAME = struct.Struct("<4sIIBQQ")
#: A file goes on until its entries are so many times as long as its definitions of series …
_DEFINITIONS_PAY = 2
#: … or it is so many times as long as is usual.
_LONGEST = 8
_COMPRESSED_BYTES = 1024  # longer definitions are compressed
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

SeriesIds = npt.NDArray[np.uint32]


class Kind(enum.IntEnum):
    """What a record holds."""

    TRACES = 1  # an ExportTraceServiceRequest
    LOGS = 2  # an ExportLogsServiceRequest
    SAMPLES = 3  # columns: count, Unix milliseconds, series ids, values
    HISTOGRAMS = 5  # native histograms as columns: their counts, series ids, …
    SERIES = (
        4  # definitions of the series ids of this file: JSON [[id, [[name, value], …]], …], long ones by zlib
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be journalled; `series` are the ids that the payload uses, for samples and histograms only."""

    kind: Kind
    payload: bytes
    received_ns: int
    series: SeriesIds | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Something read back from the journal."""

    kind: Kind
    sequence: int
    received_ns: int
    payload: bytes


def journal_files(folder: Path) -> list[tuple[int, Path]]:
    """Return the journal's files as (first sequence number, path), in order."""
    found = [(int(path.stem), path) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal()]
    return sorted(found)


class Journal:
    """Writes groups of entries, each group with one write and one sync.

    Not safe for concurrent use: one thread owns it. `definitions_of` gives the labels of series ids as JSON. A file
    defines every series that it uses, twice, so that it can be read on its own and one damaged record costs
    only itself.
    """

    def __init__(
        self,
        folder: Path,
        next_sequence: int,
        file_bytes: int,
        definitions_of: Callable[[Sequence[int]], Sequence[bytes]],
        step: Step = no_step,
    ) -> None:
        self._folder = folder
        self._path = folder
        self._next = next_sequence
        self._file_bytes = file_bytes
        self._definitions_of = definitions_of
        self._step = step
        self._descriptor = -1
        self._size = 0
        self._definitions_size = 0
        self._unclean = False
        self._salt = 0
        self._defined: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self.synced = 0  # groups made durable
        #: The file that is written, and how many of its bytes are durable; may be read from any thread.
        self.durable: tuple[Path, int] | None = None

    def append(self, entries: Sequence[Entry]) -> list[int]:
        """Make entries durable and return their sequence numbers.

        Raises StorageFullError where the disk is full and OSError where it fails; then nothing of the group
        remains in the journal.
        """
        try:
            if self._unclean:
                self._roll_back()
            if self._descriptor < 0 or self._is_full():
                self._rotate()
            return self._append_group(entries)
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFullError(
                    f"the disk that holds {self._folder} is full: free some space, "
                    f"nothing can be accepted until then ({error.strerror})"
                ) from error
            raise

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append_group(self, entries: Sequence[Entry]) -> list[int]:
        new = self._undefined(entries)
        frames, sequences = self._encode(entries, new)
        self._step("journal.write")
        try:
            _write_all(self._descriptor, b"".join(frames))
            self._step("journal.write.done")
            self._step("journal.sync")
            sync_data(self._descriptor)
        except OSError:
            self._unclean = True
            with contextlib.suppress(OSError):
                self._roll_back()
            raise
        self._step("journal.sync.done")
        self._size += sum(map(len, frames))
        self.durable = (self._path, self._size)
        self._next += len(frames) // 2
        if new:
            self._definitions_size += 2 * (len(frames[0]) + len(frames[1]))
        self._defined[new] = True
        self.synced += 1
        return sequences

    def _is_full(self) -> bool:
        """Tell whether the next group is to be in a new file.

        The next file has to define again every series that goes on, so that a file is worth its definitions only
        after a while where there are very many.
        """
        entries = self._size - self._definitions_size
        paid = entries >= max(self._file_bytes, _DEFINITIONS_PAY * self._definitions_size)
        return paid or self._size >= _LONGEST * self._file_bytes

    def _undefined(self, entries: Sequence[Entry]) -> list[int]:
        """Return the series that a group uses and this file does not define yet."""
        found = []
        for entry in entries:
            if entry.series is None or not entry.series.size:
                continue
            missing = int(entry.series.max()) + 1 - self._defined.size
            if missing > 0:
                grown = np.zeros(max(missing, self._defined.size), dtype=np.bool_)
                self._defined = np.concatenate([self._defined, grown])
            found.append(entry.series[~self._defined[entry.series]])
        return np.unique(np.concatenate(found)).tolist() if found else []

    def _encode(self, entries: Sequence[Entry], new: Sequence[int]) -> tuple[list[bytes], list[int]]:
        """Frame a group: new series definitions first and, as a second copy, last."""
        frames: list[bytes] = []
        sequences: list[int] = []
        definitions = b""
        if new:
            pairs = [b"[%d,%b]" % pair for pair in zip(new, self._definitions_of(new), strict=True)]
            definitions = _pack(b"[" + b",".join(pairs) + b"]")
            frames += self._frame(Kind.SERIES, definitions, 0, len(frames) // 2)
        for entry in entries:
            sequences.append(self._next + len(frames) // 2)
            frames += self._frame(entry.kind, entry.payload, entry.received_ns, len(frames) // 2)
        if new:
            frames += self._frame(Kind.SERIES, definitions, 0, len(frames) // 2)
        return frames, sequences

    def _frame(self, kind: Kind, payload: bytes, received_ns: int, position: int) -> tuple[bytes, bytes]:
        sequence = self._next + position
        checksum = _checksum(self._salt, int(kind), sequence, received_ns, payload)
        return _FRAME.pack(MARKER, len(payload), checksum, int(kind), sequence, received_ns), payload

    def _roll_back(self) -> None:
        """Take a failed group out of the file; until that succeeds nothing is accepted.

        A new file would not do: it would use the failed group's sequence numbers again, and its name.
        """
        os.ftruncate(self._descriptor, self._size)
        os.lseek(self._descriptor, self._size, os.SEEK_SET)
        sync_data(self._descriptor)
        self._unclean = False

    def _rotate(self) -> None:
        path = self._folder / f"{self._next:020d}{SUFFIX}"
        salt = secrets.randbits(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            header = _HEADER.pack(MAGIC, salt, zlib.crc32(MAGIC, salt)) * 2
            _write_all(descriptor, header)
            sync_data(descriptor)
            sync_path(self._folder)
        except OSError:
            os.close(descriptor)
            unlink_if_there(path)
            raise
        self.close()
        self._descriptor, self._size, self._salt = descriptor, len(header), salt
        self._path, self.durable = path, (path, len(header))
        self._definitions_size = 0
        self._defined = np.zeros(0, dtype=np.bool_)


class JournalReader:
    """Reads one journal file, skipping damaged records and counting them.

    After `records()` is exhausted, `damaged` is the number of records lost to damage and `cut` tells whether
    the file ended in the middle of a record, as it does after a crash while writing; `headless` that both its
    headers are damaged, so that no record of it can be told.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first = int(path.stem)
        self.damaged = 0
        self.cut = False
        self.headless = False
        self._end = 0

    def records(self) -> Iterator[Record]:
        """Yield the readable records in order."""
        data = self.path.read_bytes()
        if len(data) < 2 * _HEADER.size:
            self.cut = True
            return
        salt = _salt(data)
        if salt is None:
            self.headless = True
            self.damaged += 1
            return
        offset = 2 * _HEADER.size
        self._end = offset
        expected = self.first
        while offset < len(data):
            record = _read_frame(data, offset, salt)
            if record is None:
                found = _next_frame(data, offset + 1, salt)
                if found is None:
                    self._judge_tail(data, offset)
                    return
                offset = found
                continue
            self.damaged += max(0, record.sequence - expected)
            expected = record.sequence + 1
            offset += _FRAME.size + len(record.payload)
            self._end = offset
            yield record

    def truncate(self) -> None:
        """Take a cut tail out of the file; to be called after `records()`."""
        if self.cut:
            os.truncate(self.path, self._end)

    def _judge_tail(self, data: bytes, offset: int) -> None:
        """Tell a cut tail, which was never acknowledged, from a damaged last record."""
        rest = len(data) - offset
        length = _FRAME.unpack_from(data, offset)[1] if rest >= _FRAME.size else 0
        if rest < _FRAME.size + length:
            self.cut = True
        else:
            self.damaged += 1


def definitions(record: Record) -> Iterator[tuple[int, Labels]]:
    """Yield the series that a record of the kind SERIES defines."""
    payload = record.payload if record.payload[:1] == b"[" else zlib.decompress(record.payload)
    for series, pairs in orjson.loads(payload):
        yield series, tuple((name, value) for name, value in pairs)


def _pack(text: bytes) -> bytes:
    """Return definitions as they are kept: a series' labels are much like the next one's."""
    return zlib.compress(text, 1) if len(text) > _COMPRESSED_BYTES else text


def _checksum(salt: int, kind: int, sequence: int, received_ns: int, payload: bytes) -> int:
    head = _FRAME.pack(MARKER, len(payload), 0, kind, sequence, received_ns)
    return zlib.crc32(payload, zlib.crc32(head, salt))


def _salt(data: bytes) -> int | None:
    for offset in (0, _HEADER.size):
        with contextlib.suppress(struct.error):
            magic, salt, checksum = _HEADER.unpack_from(data, offset)
            if magic == MAGIC and checksum == zlib.crc32(MAGIC, salt):
                return int(salt)
    return None


def _read_frame(data: bytes, offset: int, salt: int) -> Record | None:
    if len(data) - offset < _FRAME.size:
        return None
    marker, length, checksum, kind, sequence, received_ns = _FRAME.unpack_from(data, offset)
    start = offset + _FRAME.size
    if marker != MARKER or length > len(data) - start:
        return None
    payload = data[start : start + length]
    if checksum != _checksum(salt, kind, sequence, received_ns, payload):
        return None
    return Record(Kind(kind), sequence, received_ns, payload)


def _next_frame(data: bytes, offset: int, salt: int) -> int | None:
    while (offset := data.find(MARKER, offset)) >= 0:
        if _read_frame(data, offset, salt) is not None:
            return offset
        offset += 1
    return None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.write(descriptor, view)
        view = view[written:]
