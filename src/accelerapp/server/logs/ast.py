"""The tree of a log query; columns count from 1 and do not matter for equality."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Wildcard(enum.Enum):
    """What stands for other characters in a value."""

    MANY = "*"  # any number of them, none included
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it is written: texts and wildcards in their order. A quoted one is a phrase, without wildcards."""

    pieces: tuple[str | Wildcard, ...]
    quoted: bool = False
    column: int = field(default=1, compare=False)

    @property
    def literal(self) -> str | None:
        """The text of a value without wildcards; None for any other."""
        if all(isinstance(piece, str) for piece in self.pieces):
            return "".join(piece for piece in self.pieces if isinstance(piece, str))
        return None

    def __str__(self) -> str:
        text = "".join(piece if isinstance(piece, str) else piece.value for piece in self.pieces)
        return f'"{text}"' if self.quoted else text


@dataclass(frozen=True, slots=True)
class Field:
    """The name of a field, as it is written."""

    name: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Everything:
    """Every line."""


@dataclass(frozen=True, slots=True)
class Match:
    """A field has one of some values, which were written one after the other; without a field the body is meant."""

    field: Field | None
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """A line has a field."""

    field: Field


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    value: Value
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Range:
    """A field lies between two bounds; without one the range is open there."""

    field: Field
    lower: Bound | None
    upper: Bound | None


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Everything | Match | Exists | Range | And | Or | Not
