"""The one SQLite file: state of alerting rules, current alerts, silences, notification log, and their history."""

from __future__ import annotations

from pathlib import Path

from accelerapp.server.storage.state.alerts import StoredAlerts
from accelerapp.server.storage.state.file import MEMORY, StateError, StateFile
from accelerapp.server.storage.state.notifications import LogEntry, Notification, StoredNotifications
from accelerapp.server.storage.state.rules import StoredAlert, StoredRules, Transition
from accelerapp.server.storage.state.silences import SilenceChange, StoredSilence, StoredSilences

__all__ = [
    "MEMORY",
    "LogEntry",
    "Notification",
    "SilenceChange",
    "State",
    "StateError",
    "StoredAlert",
    "StoredAlerts",
    "StoredNotifications",
    "StoredRules",
    "StoredSilence",
    "StoredSilences",
    "Transition",
]


class State:
    """Keeps what must survive a restart; safe to call from any thread, each call durable when it returns.

    Raises StateError where the file is not one of ours or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path)
        self.rules = StoredRules(self._file)
        self.alerts = StoredAlerts(self._file)
        self.silences = StoredSilences(self._file)
        self.notifications = StoredNotifications(self._file)

    def close(self) -> None:
        self._file.close()
