"""The alerts that the notifying side has."""

from __future__ import annotations

from collections.abc import Iterable

from accelerapp.server.signals import Alert, Labels
from accelerapp.server.storage.state.columns import labels_of, labels_text
from accelerapp.server.storage.state.file import StateFile


class StoredAlerts:
    """What has been received and has not ended for long."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def save(self, alerts: Iterable[Alert]) -> None:
        """Keep alerts, each in place of an earlier one with the same labels."""
        with self._file.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        labels_text(a.labels),
                        labels_text(a.annotations),
                        a.starts_at,
                        a.ends_at,
                        a.generator_url,
                    )
                    for a in alerts
                ],
            )

    def delete(self, labels: Iterable[Labels]) -> None:
        with self._file.transaction() as connection:
            connection.executemany(
                "DELETE FROM alert WHERE labels = ?", [(labels_text(one),) for one in labels]
            )

    def load(self) -> list[Alert]:
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT labels, annotations, starts_at, ends_at, generator_url FROM alert ORDER BY labels"
            ).fetchall()
        return [
            Alert(labels_of(labels), labels_of(annotations), starts_at, ends_at, url)
            for labels, annotations, starts_at, ends_at, url in found
        ]
