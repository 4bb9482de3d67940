"""The inventory: what a data folder holds, by signal, and what was set aside."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerapp.server.storage.backup import STATE
from accelerapp.server.storage.folder import size_if_there
from accelerapp.server.storage.generation import Shelves
from accelerapp.server.storage.journal import SUFFIX
from accelerapp.server.storage.segments import DAMAGED, TableSegment


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held of one signal; sizes are bytes, times Unix milliseconds, None where there is nothing."""

    signal: str
    items: int  # spans, log records or samples, those not yet sealed among them
    unsealed: int
    segments: int
    bytes: int  # of its segments
    oldest_ms: int | None
    newest_ms: int | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a data folder holds; sizes are bytes, the retention's age seconds, 0 where there is no limit."""

    folder: str
    signals: tuple[Holding, ...]
    journal_bytes: int
    damaged_files: int
    damaged_bytes: int
    read_by_others: bool  # another user of this machine may read some of it
    retention_seconds: float
    retention_bytes: int


def holdings(shelves: Shelves) -> tuple[Holding, ...]:
    """Count what the sources of each signal hold."""
    return tuple(_holding(signal, shelf.current, second) for signal, shelf, second in shelves.by_signal())


def _holding(signal: str, sources: Sequence[Any], second: int) -> Holding:
    segments = [source for source in sources if isinstance(source, TableSegment)]
    filled = [source for source in sources if source.rows or source in segments]
    millisecond = second // 1000
    items = sum(source.rows for source in filled)
    return Holding(
        signal=signal,
        items=items,
        unsealed=items - sum(segment.rows for segment in segments),
        segments=len(segments),
        bytes=sum(segment.bytes for segment in segments),
        oldest_ms=min((source.lowest // millisecond for source in filled), default=None),
        newest_ms=max((source.highest // millisecond for source in filled), default=None),
    )


def journal_bytes(folder: Path) -> int:
    return sum(size_if_there(path) for path in _there(folder / "journal", f"*{SUFFIX}"))


def damaged(folder: Path) -> tuple[int, int]:
    """Return how many files were set aside as damaged, and their bytes."""
    found = [path for part in ("journal", "segments") for path in _there(folder / part, f"*{DAMAGED}")]
    return len(found), sum(size_if_there(path) for path in found)


def read_by_others(folder: Path) -> bool:
    """Tell whether a group or everyone may enter a folder and read one of its parts."""
    parts = [mode for name in ("journal", "segments", STATE) for mode in _mode(folder / name)]
    return any(
        mode & enter and any(part & read for part in parts)
        for mode in _mode(folder)
        for enter, read in ((stat.S_IXGRP, stat.S_IRGRP), (stat.S_IXOTH, stat.S_IROTH))
    )


def _mode(path: Path) -> list[int]:
    """Return a file's mode; nothing where it is not there."""
    try:
        return [path.stat().st_mode]
    except FileNotFoundError:
        return []


def _there(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file()]
