"""Conditions on rows as SQL, with what the index of words can tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accelerapp.server.storage.index import EVERY_BLOCK, HasAll, HasAny, Wanted
from accelerapp.server.storage.otlp import to_json


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on a row: SQL with a `?` for each parameter, and the blocks in which it may hold."""

    sql: str
    parameters: tuple[Any, ...] = ()
    wanted: Wanted = EVERY_BLOCK


@dataclass(frozen=True, slots=True)
class Expression:
    """A value of a row as text, NULL where the row has none: SQL with a `?` for each parameter."""

    sql: str
    parameters: tuple[Any, ...] = ()


def in_json(text: str) -> str:
    """Return a text as it stands in JSON, by whose words the index has attributes."""
    return to_json(text)[1:-1]


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that holds where each of some does; without any it always holds."""
    parts = tuple(conditions)
    return Condition(
        " AND ".join(f"({one.sql})" for one in parts) or "true",
        _parameters(parts),
        HasAll(tuple(one.wanted for one in parts)),
    )


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that holds where at least one of some does; without any it never holds."""
    parts = tuple(conditions)
    return Condition(
        " OR ".join(f"({one.sql})" for one in parts) or "false",
        _parameters(parts),
        HasAny(tuple(one.wanted for one in parts)),
    )


def opposite(condition: Condition) -> Condition:
    """Return the condition that holds where another does not, or cannot be told."""
    return Condition(f"NOT coalesce(({condition.sql}), false)", condition.parameters)


def _parameters(parts: tuple[Condition, ...]) -> tuple[Any, ...]:
    return tuple(value for one in parts for value in one.parameters)
