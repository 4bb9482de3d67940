"""The tables of the state file, and how a file of one version becomes one of the next."""

from __future__ import annotations

from typing import Final

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
MIGRATIONS: Final = {0: _SCHEMA, 1: _SILENCES}

VERSION: Final = len(MIGRATIONS)
