"""The one SQLite file: state of alerting rules, current alerts, silences, notification log, and their history."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from accelerapp.server.signals import Alert, Labels, Matcher, MatchType
from accelerapp.server.storage.folder import PRIVATE_FILE

SCHEMA_VERSION: Final = 2

#: The path of a state that is kept nowhere.
MEMORY: Final = ":memory:"

#: Rows that each history keeps; the oldest leave first.
HISTORY_LIMIT: Final = 20_000

_SCHEMA: Final = """
CREATE TABLE rule_alert (
    rule TEXT NOT NULL, labels TEXT NOT NULL, state TEXT NOT NULL, active_at REAL NOT NULL,
    fired_at REAL, resolved_at REAL, keep_firing_since REAL, last_sent_at REAL,
    value REAL, annotations TEXT NOT NULL, PRIMARY KEY (rule, labels)
) WITHOUT ROWID;
CREATE TABLE rule_evaluation (rule TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE transition (
    id INTEGER PRIMARY KEY, rule TEXT NOT NULL, at REAL NOT NULL, labels TEXT NOT NULL,
    state TEXT NOT NULL, value REAL
);
CREATE INDEX transition_by_rule ON transition (rule, at);
CREATE TABLE alert (
    labels TEXT PRIMARY KEY, annotations TEXT NOT NULL, starts_at REAL NOT NULL, ends_at REAL NOT NULL,
    generator_url TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE notification_log (
    group_key TEXT NOT NULL, receiver TEXT NOT NULL, at REAL NOT NULL, firing TEXT NOT NULL,
    resolved TEXT NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (group_key, receiver)
) WITHOUT ROWID;
CREATE TABLE notification (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, receiver TEXT NOT NULL, integration TEXT NOT NULL,
    status TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL, attempts INTEGER NOT NULL,
    group_labels TEXT NOT NULL, alerts TEXT NOT NULL
);
CREATE INDEX notification_by_time ON notification (at);
"""
_SILENCES: Final = """
CREATE TABLE silence (
    id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_at REAL NOT NULL, ends_at REAL NOT NULL,
    updated_at REAL NOT NULL, created_by TEXT NOT NULL, comment TEXT NOT NULL, annotations TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE silence_change (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, silence TEXT NOT NULL, action TEXT NOT NULL,
    created_by TEXT NOT NULL, client TEXT NOT NULL
);
"""
#: What makes a file of one version into one of the next, by the version that it has.
_MIGRATIONS: Final = {0: _SCHEMA, 1: _SILENCES}


class StateError(Exception):
    """The state file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One instance of an alerting rule as last evaluated; times are Unix seconds, None where not yet."""

    labels: Labels
    state: str  # pending, firing or inactive (resolved, kept so that the resolution is sent again)
    active_at: float
    fired_at: float | None
    resolved_at: float | None
    keep_firing_since: float | None
    last_sent_at: float | None
    value: float
    annotations: Labels


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alert's state; `at` is Unix seconds."""

    at: float
    labels: Labels
    state: str
    value: float


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


class State:
    """Keeps what must survive a restart; safe to call from any thread, each call durable when it returns.

    Raises StateError where the file is not one of ours or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            if str(path) != MEMORY:
                path.touch(PRIVATE_FILE)  # SQLite gives its journal the same mode
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"{path}: cannot be opened: {error}; check the folder's permissions") from error
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._create()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StateError(
                f"{path}: cannot be used as the state file: {error}; move it away to start afresh"
            ) from error

    def _create(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= SCHEMA_VERSION:
            self._connection.close()
            raise StateError(
                f"{self._path}: has schema version {version}, this program knows {SCHEMA_VERSION}; "
                "use the version of the program that wrote it, or move the file away"
            )
        for step in range(version, SCHEMA_VERSION):
            self._connection.executescript(
                f"BEGIN; {_MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
            )

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # Alerting rules

    def save_rule(
        self, rule: str, at: float, alerts: Sequence[StoredAlert], transitions: Sequence[Transition] = ()
    ) -> None:
        """Replace the alerts of one rule by those of its evaluation at `at`, and add to its history."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM rule_alert WHERE rule = ?", (rule,))
            connection.executemany(
                "INSERT INTO rule_alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        rule,
                        _dump(alert.labels),
                        alert.state,
                        alert.active_at,
                        alert.fired_at,
                        alert.resolved_at,
                        alert.keep_firing_since,
                        alert.last_sent_at,
                        _number(alert.value),
                        _dump(alert.annotations),
                    )
                    for alert in alerts
                ],
            )
            connection.execute("INSERT OR REPLACE INTO rule_evaluation VALUES (?, ?)", (rule, at))
            if transitions:
                connection.executemany(
                    "INSERT INTO transition (rule, at, labels, state, value) VALUES (?, ?, ?, ?, ?)",
                    [(rule, t.at, _dump(t.labels), t.state, _number(t.value)) for t in transitions],
                )
                _trim(connection, "transition")

    def load_rule(self, rule: str) -> tuple[float, list[StoredAlert]] | None:
        """Return when a rule was last saved (Unix seconds) and its alerts then; None where it never was."""
        with self._lock:
            row = self._connection.execute(
                "SELECT at FROM rule_evaluation WHERE rule = ?", (rule,)
            ).fetchone()
            if row is None:
                return None
            found = self._connection.execute(
                "SELECT labels, state, active_at, fired_at, resolved_at, keep_firing_since, last_sent_at,"
                " value, annotations FROM rule_alert WHERE rule = ? ORDER BY labels",
                (rule,),
            ).fetchall()
        alerts = [
            StoredAlert(
                labels=_labels(row[0]),
                state=row[1],
                active_at=row[2],
                fired_at=row[3],
                resolved_at=row[4],
                keep_firing_since=row[5],
                last_sent_at=row[6],
                value=_value(row[7]),
                annotations=_labels(row[8]),
            )
            for row in found
        ]
        return float(row[0]), alerts

    def transitions(self, rule: str, since: float = 0.0) -> list[Transition]:
        """Return a rule's history from `since` (Unix seconds) on, the oldest first."""
        with self._lock:
            found = self._connection.execute(
                "SELECT at, labels, state, value FROM transition WHERE rule = ? AND at >= ? ORDER BY id",
                (rule, since),
            ).fetchall()
        return [Transition(at, _labels(labels), state, _value(value)) for at, labels, state, value in found]

    # Alerts on the notifying side

    def save_alerts(self, alerts: Iterable[Alert]) -> None:
        """Keep alerts, each in place of an earlier one with the same labels."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?, ?)",
                [
                    (_dump(a.labels), _dump(a.annotations), a.starts_at, a.ends_at, a.generator_url)
                    for a in alerts
                ],
            )

    def delete_alerts(self, labels: Iterable[Labels]) -> None:
        with self._transaction() as connection:
            connection.executemany("DELETE FROM alert WHERE labels = ?", [(_dump(one),) for one in labels])

    def load_alerts(self) -> list[Alert]:
        with self._lock:
            found = self._connection.execute(
                "SELECT labels, annotations, starts_at, ends_at, generator_url FROM alert ORDER BY labels"
            ).fetchall()
        return [
            Alert(_labels(labels), _labels(annotations), starts_at, ends_at, url)
            for labels, annotations, starts_at, ends_at, url in found
        ]

    # Silences

    def save_silence(self, silence: StoredSilence, change: SilenceChange) -> None:
        """Keep a silence in place of one with the same id, and note who asked for it."""
        matchers = [[matcher.name, matcher.type.value, matcher.value] for matcher in silence.matchers]
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO silence VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    silence.id,
                    _text(matchers),
                    silence.starts_at,
                    silence.ends_at,
                    silence.updated_at,
                    silence.created_by,
                    silence.comment,
                    _dump(silence.annotations),
                ),
            )
            connection.execute(
                "INSERT INTO silence_change (at, silence, action, created_by, client) VALUES (?, ?, ?, ?, ?)",
                (change.at, change.silence, change.action, change.created_by, change.client),
            )
            _trim(connection, "silence_change")

    def delete_silences(self, ids: Iterable[str]) -> None:
        with self._transaction() as connection:
            connection.executemany("DELETE FROM silence WHERE id = ?", [(one,) for one in ids])

    def load_silences(self) -> list[StoredSilence]:
        with self._lock:
            found = self._connection.execute(
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
                annotations=_labels(row[7]),
            )
            for row in found
        ]

    def silence_changes(self, since: float = 0.0) -> list[SilenceChange]:
        """Return who changed silences from `since` (Unix seconds) on, the oldest first."""
        with self._lock:
            found = self._connection.execute(
                "SELECT at, silence, action, created_by, client FROM silence_change WHERE at >= ? ORDER BY id",
                (since,),
            ).fetchall()
        return [SilenceChange(*row) for row in found]

    # The notification log and history

    def log_entry(self, group_key: str, receiver: str, now: float) -> LogEntry | None:
        """Return what a receiver was last told about a group, None where that is unknown or expired."""
        with self._lock:
            row = self._connection.execute(
                "SELECT at, firing, resolved FROM notification_log"
                " WHERE group_key = ? AND receiver = ? AND expires_at > ?",
                (group_key, receiver, now),
            ).fetchone()
        if row is None:
            return None
        return LogEntry(row[0], frozenset(orjson.loads(row[1])), frozenset(orjson.loads(row[2])))

    def save_log_entry(self, group_key: str, receiver: str, entry: LogEntry, expires_at: float) -> None:
        """Note what a receiver was told, and forget entries that have expired by then."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM notification_log WHERE expires_at <= ?", (entry.at,))
            connection.execute(
                "INSERT OR REPLACE INTO notification_log VALUES (?, ?, ?, ?, ?, ?)",
                (
                    group_key,
                    receiver,
                    entry.at,
                    _text(sorted(entry.firing)),
                    _text(sorted(entry.resolved)),
                    expires_at,
                ),
            )

    def add_notification(self, notification: Notification) -> None:
        with self._transaction() as connection:
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
                    _dump(notification.group_labels),
                    _text([dict(labels) for labels in notification.alerts]),
                ),
            )
            _trim(connection, "notification")

    def notifications(self, since: float = 0.0) -> list[Notification]:
        """Return the notification history from `since` (Unix seconds) on, the oldest first."""
        with self._lock:
            found = self._connection.execute(
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
                group_labels=_labels(row[7]),
                alerts=tuple(_sorted(labels) for labels in orjson.loads(row[8])),
            )
            for row in found
        ]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # where the disk is full, SQLite may have ended it itself
                    self._connection.execute("ROLLBACK")
                raise


def _trim(connection: sqlite3.Connection, table: str) -> None:
    # The table's name is one of ours, never a user's.
    connection.execute(f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - {HISTORY_LIMIT}")  # noqa: S608


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _dump(labels: Labels) -> str:
    return _text(dict(labels))


def _labels(text: str) -> Labels:
    return _sorted(orjson.loads(text))


def _sorted(values: Mapping[str, str]) -> Labels:
    return tuple(sorted(values.items()))


def _number(value: float) -> float | None:
    return None if value != value else value  # SQLite keeps NaN as NULL


def _value(stored: float | None) -> float:
    return float("nan") if stored is None else stored
