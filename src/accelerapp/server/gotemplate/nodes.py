"""The parts of a parsed template; `offset` is the place in the template's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None
    offset: int


@dataclass(frozen=True, slots=True)
class Access:
    """Fields of dot (no base), of a variable or of a parenthesised pipeline: `.a.b`, `$x.a`, `(f).a`."""

    base: Variable | Pipeline | None
    names: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`; the result of each is the last argument of the next."""

    commands: tuple[tuple[Operand, ...], ...]
    offset: int


Operand: TypeAlias = Literal | Access | Variable | Function | Pipeline


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipeline }}`, or a declaration or assignment of `variables`, which prints nothing."""

    pipeline: Pipeline
    variables: tuple[str, ...]
    declares: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`."""

    kind: str
    action: Action
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{template "name" pipeline}}`."""

    name: str
    argument: Pipeline | None
    offset: int


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    kind: str


Node: TypeAlias = Text | Action | Branch | Call | Jump
