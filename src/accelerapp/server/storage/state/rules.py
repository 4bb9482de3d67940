"""The state of alerting rules: their alerts as last evaluated, and the history of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelerapp.server.signals import Labels
from accelerapp.server.storage.state.columns import labels_of, labels_text, number_of, value_of
from accelerapp.server.storage.state.file import StateFile, trim


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


class StoredRules:
    """What is kept of each alerting rule."""

    def __init__(self, file: StateFile) -> None:
        self._file = file

    def save(
        self, rule: str, at: float, alerts: Sequence[StoredAlert], transitions: Sequence[Transition] = ()
    ) -> None:
        """Replace the alerts of one rule by those of its evaluation at `at`, and add to its history."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM rule_alert WHERE rule = ?", (rule,))
            connection.executemany(
                "INSERT INTO rule_alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        rule,
                        labels_text(alert.labels),
                        alert.state,
                        alert.active_at,
                        alert.fired_at,
                        alert.resolved_at,
                        alert.keep_firing_since,
                        alert.last_sent_at,
                        number_of(alert.value),
                        labels_text(alert.annotations),
                    )
                    for alert in alerts
                ],
            )
            connection.execute("INSERT OR REPLACE INTO rule_evaluation VALUES (?, ?)", (rule, at))
            if transitions:
                connection.executemany(
                    "INSERT INTO transition (rule, at, labels, state, value) VALUES (?, ?, ?, ?, ?)",
                    [(rule, t.at, labels_text(t.labels), t.state, number_of(t.value)) for t in transitions],
                )
                trim(connection, "transition")

    def load(self, rule: str) -> tuple[float, list[StoredAlert]] | None:
        """Return when a rule was last saved (Unix seconds) and its alerts then; None where it never was."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT at FROM rule_evaluation WHERE rule = ?", (rule,)).fetchone()
            if row is None:
                return None
            found = connection.execute(
                "SELECT labels, state, active_at, fired_at, resolved_at, keep_firing_since, last_sent_at,"
                " value, annotations FROM rule_alert WHERE rule = ? ORDER BY labels",
                (rule,),
            ).fetchall()
        alerts = [
            StoredAlert(
                labels=labels_of(row[0]),
                state=row[1],
                active_at=row[2],
                fired_at=row[3],
                resolved_at=row[4],
                keep_firing_since=row[5],
                last_sent_at=row[6],
                value=value_of(row[7]),
                annotations=labels_of(row[8]),
            )
            for row in found
        ]
        return float(row[0]), alerts

    def transitions(self, rule: str, since: float = 0.0) -> list[Transition]:
        """Return a rule's history from `since` (Unix seconds) on, the oldest first."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT at, labels, state, value FROM transition WHERE rule = ? AND at >= ? ORDER BY id",
                (rule, since),
            ).fetchall()
        return [
            Transition(at, labels_of(labels), state, value_of(value)) for at, labels, state, value in found
        ]
