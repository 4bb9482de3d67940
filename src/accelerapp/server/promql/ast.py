"""The nodes of a PromQL expression: immutable, equal where they mean the same, printed as PromQL by `str`.

Durations are kept in milliseconds, the resolution at which Prometheus evaluates them. `start` and `end` are the
node's offsets in the text that it was parsed from, where the parser tells them; they take no part in equality.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from accelerapp.server.promql.literals import format_label_name, format_value, quote
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType
from accelerapp.server.times import format_milliseconds

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
#: How tightly binary operators bind; `^` alone binds to the right.
PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(COMPARISONS, 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}


class ValueType(enum.StrEnum):
    """The types of expressions, named as Prometheus' errors name them."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "instant vector"
    MATRIX = "range vector"


class Boundary(enum.StrEnum):
    """The two ends of a query's range that an `@` modifier may refer to."""

    START = "start()"
    END = "end()"


@dataclass(frozen=True, kw_only=True)
class Expr:
    """A node of an expression."""

    start: int | None = field(default=None, compare=False, repr=False)
    end: int | None = field(default=None, compare=False, repr=False)

    def children(self) -> Iterator[Expr]:
        """Yield the nodes directly below this one, in the order in which they are written."""
        yield from ()


@dataclass(frozen=True)
class NumberLiteral(Expr):
    value: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumberLiteral):
            return NotImplemented
        return self.value == other.value or (math.isnan(self.value) and math.isnan(other.value))

    def __hash__(self) -> int:
        return hash(None if math.isnan(self.value) else self.value)

    def __str__(self) -> str:
        return format_value(self.value)


@dataclass(frozen=True)
class StringLiteral(Expr):
    value: str

    def __str__(self) -> str:
        return quote(self.value)


@dataclass(frozen=True)
class VectorSelector(Expr):
    """Series by name and matchers; `at` is Unix milliseconds or an end of the query's range."""

    name: str | None = None
    matchers: tuple[Matcher, ...] = ()
    offset_ms: int = 0
    at: int | Boundary | None = None

    def all_matchers(self) -> tuple[Matcher, ...]:
        """Return the matchers together with the one that the name stands for."""
        if self.name is None:
            return self.matchers
        return (Matcher(METRIC_NAME, MatchType.EQUAL, self.name), *self.matchers)

    def series_text(self) -> str:
        """Print the name and the matchers, sorted as Prometheus does, without the modifiers."""
        if not self.matchers and self.name is not None:
            return self.name
        matchers = sorted(f"{format_label_name(m.name)}{m.type}{quote(m.value)}" for m in self.matchers)
        return f"{self.name or ''}{{{','.join(matchers)}}}"

    def __str__(self) -> str:
        return self.series_text() + _modifiers(self.at, self.offset_ms)


@dataclass(frozen=True)
class MatrixSelector(Expr):
    """The samples of a selector within a range before each step."""

    selector: VectorSelector
    range_ms: int

    def children(self) -> Iterator[Expr]:
        yield self.selector

    def __str__(self) -> str:
        window = f"[{format_milliseconds(self.range_ms)}]"
        return self.selector.series_text() + window + _modifiers(self.selector.at, self.selector.offset_ms)


@dataclass(frozen=True)
class Subquery(Expr):
    """An expression evaluated at every `step_ms` (the engine's default where None) within a range."""

    expr: Expr
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: int | Boundary | None = None

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def __str__(self) -> str:
        step = "" if self.step_ms is None else format_milliseconds(self.step_ms)
        inner = f"({self.expr})" if isinstance(self.expr, Binary | Unary) else str(self.expr)
        return f"{inner}[{format_milliseconds(self.range_ms)}:{step}]" + _modifiers(self.at, self.offset_ms)


@dataclass(frozen=True)
class Paren(Expr):
    expr: Expr

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def __str__(self) -> str:
        return f"({self.expr})"


@dataclass(frozen=True)
class Unary(Expr):
    """The negation of an expression."""

    expr: Expr

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def __str__(self) -> str:
        wrap = isinstance(self.expr, Binary) and PRECEDENCE[self.expr.op] < PRECEDENCE["^"]
        return f"-({self.expr})" if wrap else f"-{self.expr}"


@dataclass(frozen=True)
class VectorMatching:
    """How the elements of two vectors find each other.

    `on` tells whether `labels` are those to compare or those to leave out; `group` is "left", "right" or None;
    `include` are the labels copied from the side that has one element.
    """

    on: bool = False
    labels: tuple[str, ...] = ()
    group: str | None = None
    include: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = ""
        if self.on or self.labels or self.group:
            text = f" {'on' if self.on else 'ignoring'} ({_names(self.labels)})"
        return text + (f" group_{self.group} ({_names(self.include)})" if self.group else "")


@dataclass(frozen=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr
    return_bool: bool = False
    matching: VectorMatching = VectorMatching()

    def children(self) -> Iterator[Expr]:
        yield self.left
        yield self.right

    def __str__(self) -> str:
        left = _operand(self.left, self.op, is_left=True)
        right = _operand(self.right, self.op, is_left=False)
        return f"{left} {self.op}{' bool' if self.return_bool else ''}{self.matching} {right}"


@dataclass(frozen=True)
class Aggregate(Expr):
    op: str
    expr: Expr
    param: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False

    def children(self) -> Iterator[Expr]:
        if self.param is not None:
            yield self.param
        yield self.expr

    def __str__(self) -> str:
        grouping = ""
        if self.without or self.grouping:
            grouping = f" {'without' if self.without else 'by'} ({_names(self.grouping)}) "
        param = "" if self.param is None else f"{self.param}, "
        return f"{self.op}{grouping}({param}{self.expr})"


@dataclass(frozen=True)
class Call(Expr):
    name: str
    args: tuple[Expr, ...] = ()

    def children(self) -> Iterator[Expr]:
        yield from self.args

    def __str__(self) -> str:
        return f"{self.name}({', '.join(str(arg) for arg in self.args)})"


def unwrap(expr: Expr) -> Expr:
    """Take away the parentheses around an expression."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr


def _names(labels: tuple[str, ...]) -> str:
    return ", ".join(format_label_name(name) for name in labels)


def _modifiers(at: int | Boundary | None, offset_ms: int) -> str:
    text = ""
    if isinstance(at, Boundary):
        text = f" @ {at}"
    elif at is not None:
        text = f" @ {at / 1000:.3f}"
    return text + (f" offset {format_milliseconds(offset_ms)}" if offset_ms else "")


def _operand(expr: Expr, op: str, *, is_left: bool) -> str:
    """Print an operand, in parentheses where it would otherwise be read as part of another operation."""
    negative = isinstance(expr, Unary) or (isinstance(expr, NumberLiteral) and expr.value < 0)
    if negative and is_left and op == "^":
        return f"({expr})"
    if isinstance(expr, Binary):
        inner, outer = PRECEDENCE[expr.op], PRECEDENCE[op]
        same_side = is_left != (op == "^")
        if inner < outer or (inner == outer and not same_side):
            return f"({expr})"
    return str(expr)
