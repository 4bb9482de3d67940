"""The notification log, what each receiver was last told about each group, and the history."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from accelerapp.server.signals import Labels
from accelerapp.server.storage.state.columns import labels_of, labels_text, sorted_labels, text_of
from accelerapp.server.storage.state.file import StateFile, trim


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a receiver was last told about a group: fingerprints of the alerts; `at` is Unix seconds."""

    at: float
    firing: frozenset[str]
    resolved: frozenset[str]


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of the notification history; `at` is Unix seconds."""

    at: float
    receiver: str
    integration: str
    status: str  # firing or resolved
    outcome: str  # sent, failed or not configured
    error: str
    attempts: int
    group_labels: Labels
    alerts: tuple[Labels, ...]


class StoredNotifications:
    """The notification log and the history of notifications."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def entry(self, group_key: str, receiver: str, now: float) -> LogEntry | None:
        """Return what a receiver was last told about a group, None where that is unknown or expired."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT at, firing, resolved FROM notification_log"
                " WHERE group_key = ? AND receiver = ? AND expires_at > ?",
                (group_key, receiver, now),
            ).fetchone()
        if row is None:
            return None
        return LogEntry(row[0], frozenset(orjson.loads(row[1])), frozenset(orjson.loads(row[2])))

    def save_entry(self, group_key: str, receiver: str, entry: LogEntry, expires_at: float) -> None:
        """Note what a receiver was told, and forget entries that have expired by then."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM notification_log WHERE expires_at <= ?", (entry.at,))
            connection.execute(
                "INSERT OR REPLACE INTO notification_log VALUES (?, ?, ?, ?, ?, ?)",
                (
                    group_key,
                    receiver,
                    entry.at,
                    text_of(sorted(entry.firing)),
                    text_of(sorted(entry.resolved)),
                    expires_at,
                ),
            )

    def add(self, notification: Notification) -> None:
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT INTO notification (at, receiver, integration, status, outcome, error, attempts,"
                " group_labels, alerts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    notification.at,
                    notification.receiver,
                    notification.integration,
                    notification.status,
                    notification.outcome,
                    notification.error,
                    notification.attempts,
                    labels_text(notification.group_labels),
                    text_of([dict(labels) for labels in notification.alerts]),
                ),
            )
            trim(connection, "notification")

    def history(self, since: float = 0.0) -> list[Notification]:
        """Return the notification history from `since` (Unix seconds) on, the oldest first."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT at, receiver, integration, status, outcome, error, attempts, group_labels, alerts"
                " FROM notification WHERE at >= ? ORDER BY id",
                (since,),
            ).fetchall()
        return [
            Notification(
                at=row[0],
                receiver=row[1],
                integration=row[2],
                status=row[3],
                outcome=row[4],
                error=row[5],
                attempts=row[6],
                group_labels=labels_of(row[7]),
                alerts=tuple(sorted_labels(labels) for labels in orjson.loads(row[8])),
            )
            for row in found
        ]
