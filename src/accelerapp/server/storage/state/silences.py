"""Silences, and who changed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from accelerapp.server.signals import Labels, Matcher, MatchType
from accelerapp.server.storage.state.columns import labels_of, labels_text, text_of
from accelerapp.server.storage.state.file import StateFile, trim


@dataclass(frozen=True, slots=True)
class StoredSilence:
    """A silence; times are Unix seconds. The id is empty where it is not kept yet."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    updated_at: float
    created_by: str
    comment: str
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class SilenceChange:
    """Who changed a silence: the name that it was made under, and the address that asked; `at` is Unix seconds."""

    at: float
    silence: str
    action: str  # created, changed or expired
    created_by: str
    client: str


class StoredSilences:
    """The silences, and the history of their changes."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def save(self, silence: StoredSilence, change: SilenceChange) -> None:
        """Keep a silence in place of one with the same id, and note who asked for it."""
        matchers = [[matcher.name, matcher.type.value, matcher.value] for matcher in silence.matchers]
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    silence.id,
                    text_of(matchers),
                    silence.starts_at,
                    silence.ends_at,
                    silence.updated_at,
                    silence.created_by,
                    silence.comment,
                    labels_text(silence.annotations),
                ),
            )
            connection.execute(
                "INSERT INTO silence_change (at, silence, action, created_by, client) VALUES (?, ?, ?, ?, ?)",
                (change.at, change.silence, change.action, change.created_by, change.client),
            )
            trim(connection, "silence_change")

    def delete(self, ids: Iterable[str]) -> None:
        with self._file.transaction() as connection:
            connection.executemany("DELETE FROM silence WHERE id = ?", [(one,) for one in ids])

    def load(self) -> list[StoredSilence]:
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT id, matchers, starts_at, ends_at, updated_at, created_by, comment, annotations"
                " FROM silence ORDER BY id"
            ).fetchall()
        return [
            StoredSilence(
                id=row[0],
                matchers=tuple(
                    Matcher(name, MatchType(kind), value) for name, kind, value in orjson.loads(row[1])
                ),
                starts_at=row[2],
                ends_at=row[3],
                updated_at=row[4],
                created_by=row[5],
                comment=row[6],
                annotations=labels_of(row[7]),
            )
            for row in found
        ]

    def changes(self, since: float = 0.0) -> list[SilenceChange]:
        """Return who changed silences from `since` (Unix seconds) on, the oldest first."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT at, silence, action, created_by, client FROM silence_change WHERE at >= ? ORDER BY id",
                (since,),
            ).fetchall()
        return [SilenceChange(*row) for row in found]
