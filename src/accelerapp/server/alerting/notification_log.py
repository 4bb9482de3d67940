"""The notification log: what each receiver was last told about each group, also while it cannot be written."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from typing import Final

from accelerapp.server.storage.state import LogEntry, Notification, StoredNotifications

log = logging.getLogger(__name__)

#: Notifications of the history that wait to be written; the oldest leave first.
MOST_WAITING: Final = 1000


class NotificationLog:
    """Keeps entries in the state file; while that cannot be written, in memory as well.

    What a receiver was told it must not be told again because a disk is full. What waits is written with the next
    entry, or when one is looked up, as far as that is possible then. Belongs to one thread.
    """

    def __init__(self, stored: StoredNotifications) -> None:
        self._stored = stored
        self._entries: dict[tuple[str, str], tuple[LogEntry, float]] = {}
        self._history: deque[Notification] = deque(maxlen=MOST_WAITING)
        self._failing = False

    def entry(self, group_key: str, receiver: str, now: float) -> LogEntry | None:
        """Return what a receiver was last told about a group, None where that is unknown or expired at `now`."""
        self._entries = {key: waiting for key, waiting in self._entries.items() if waiting[1] > now}
        self.write()
        waiting = self._entries.get((group_key, receiver))
        return self._stored.entry(group_key, receiver, now) if waiting is None else waiting[0]

    def save(self, group_key: str, receiver: str, entry: LogEntry, expires_at: float) -> None:
        """Note what a receiver was told, until `expires_at` (Unix seconds)."""
        self._entries[group_key, receiver] = (entry, expires_at)
        self.write()

    def add(self, notification: Notification) -> None:
        """Add to the history."""
        self._history.append(notification)
        self.write()

    def write(self) -> None:
        """Write what waits, as far as that is possible."""
        try:
            while self._entries:
                (group_key, receiver), (entry, expires_at) = next(iter(self._entries.items()))
                self._stored.save_entry(group_key, receiver, entry, expires_at)
                del self._entries[group_key, receiver]
            while self._history:
                self._stored.add(self._history[0])
                self._history.popleft()
        except sqlite3.Error as error:
            if not self._failing:
                log.warning("the notification log cannot be written and is kept in memory: %s", error)
            self._failing = True
        else:
            self._failing = False
