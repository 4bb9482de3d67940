"""A data folder that this process has open: what those work on who write, merge, recover and remove its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accelerapp.server.storage.counters import Counters
from accelerapp.server.storage.database import Database
from accelerapp.server.storage.folder import Step
from accelerapp.server.storage.generation import Shelves
from accelerapp.server.storage.removal import Removal
from accelerapp.server.storage.series import SeriesRegistry
from accelerapp.server.storage.settings import StorageSettings


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """One data folder and what it is read and written by; `step` is called with each step that a crash may fall on."""

    path: Path
    settings: StorageSettings
    database: Database
    shelves: Shelves
    registry: SeriesRegistry
    counters: Counters
    removal: Removal
    step: Step

    @property
    def segments(self) -> Path:
        return self.path / "segments"

    @property
    def journal(self) -> Path:
        return self.path / "journal"
