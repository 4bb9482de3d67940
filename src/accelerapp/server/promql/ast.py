"""The nodes of a PromQL expression: immutable, equal where they mean the same, printed as PromQL by `str`.

Durations are kept in milliseconds, the resolution at which Prometheus evaluates them. `start` and `end` are the
node's offsets in the text that it was parsed from, where the parser tells them; they take no part in equality.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from accelerapp.server.numbers import format_plain
from accelerapp.server.promql.literals import format_label_name
from accelerapp.server.quoting import quote
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType
from accelerapp.server.times import format_milliseconds

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
#: Cut a native histogram above or below a bound.
TRIMMINGS = frozenset({"</", ">/"})
#: How tightly binary operators bind; `^` alone binds to the right.
PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(COMPARISONS | TRIMMINGS, 3),
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
    """A number; `duration` tells that it was written as a duration, which is seconds."""

    value: float
    duration: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NumberLiteral):
            return NotImplemented
        return self.value == other.value or (math.isnan(self.value) and math.isnan(other.value))

    def __hash__(self) -> int:
        return hash(None if math.isnan(self.value) else self.value)

    def __str__(self) -> str:
        return format_milliseconds(int(self.value * 1000)) if self.duration else format_plain(self.value)


@dataclass(frozen=True)
class DurationExpr(Expr):
    """An arithmetic expression of durations, whose value is known when the query's step and range are.

    `op` is an operator, or `step`, `range`, `min_of`, `max_of`; `left` is None where it has one operand.
    """

    op: str
    left: DurationExpr | NumberLiteral | None = None
    right: DurationExpr | NumberLiteral | None = None
    wrapped: bool = False

    def __str__(self) -> str:
        if self.op in ("step", "range"):
            text = f"{self.op}()"
        elif self.op in ("min_of", "max_of"):
            text = f"{self.op}({self.left}, {self.right})"
        elif self.left is None:
            text = f"{'-' if self.op == '-' else ''}{self.right}"
        else:
            text = f"{self.left} {self.op} {self.right}"
        return f"({text})" if self.wrapped else text


@dataclass(frozen=True)
class StringLiteral(Expr):
    value: str

    def __str__(self) -> str:
        return quote(self.value)


@dataclass(frozen=True)
class VectorSelector(Expr):
    """Series by name and matchers; `at` is Unix milliseconds or an end of the query's range.

    Where there is an `offset_expr`, `offset_ms` is 0 until `durations.resolve` has worked it out.
    """

    name: str | None = None
    matchers: tuple[Matcher, ...] = ()
    offset_ms: int = 0
    at: int | Boundary | None = None
    offset_expr: DurationExpr | None = None
    anchored: bool = False
    smoothed: bool = False

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

    def edges_text(self) -> str:
        """Print the modifier that says what stands at the edges of a range."""
        return " anchored" if self.anchored else " smoothed" if self.smoothed else ""

    def __str__(self) -> str:
        return (
            self.series_text() + _at(self.at) + self.edges_text() + _offset(self.offset_ms, self.offset_expr)
        )


@dataclass(frozen=True)
class MatrixSelector(Expr):
    """The samples of a selector within a range before each step."""

    selector: VectorSelector
    range_ms: int
    range_expr: DurationExpr | None = None

    def children(self) -> Iterator[Expr]:
        yield self.selector

    def __str__(self) -> str:
        inner, window = self.selector, _duration(self.range_ms, self.range_expr)
        modifiers = _at(inner.at) + _offset(inner.offset_ms, inner.offset_expr)
        return f"{inner.series_text()}[{window}]{inner.edges_text()}{modifiers}"


@dataclass(frozen=True)
class Subquery(Expr):
    """An expression evaluated at every `step_ms` (the engine's default where None) within a range."""

    expr: Expr
    range_ms: int
    step_ms: int | None = None
    offset_ms: int = 0
    at: int | Boundary | None = None
    range_expr: DurationExpr | None = None
    step_expr: DurationExpr | None = None
    offset_expr: DurationExpr | None = None

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def window_text(self) -> str:
        """Print what stands behind the expression."""
        step = "" if self.step_ms is None else _duration(self.step_ms, self.step_expr)
        window = f"[{_duration(self.range_ms, self.range_expr)}:{step}]"
        return window + _at(self.at) + _offset(self.offset_ms, self.offset_expr)

    def __str__(self) -> str:
        inner = f"({self.expr})" if isinstance(self.expr, Binary | Unary) else str(self.expr)
        return inner + self.window_text()


@dataclass(frozen=True)
class Paren(Expr):
    expr: Expr

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def __str__(self) -> str:
        return f"({self.expr})"


@dataclass(frozen=True)
class Unary(Expr):
    """An expression behind a sign, `-` or `+`."""

    expr: Expr
    op: str = "-"

    def children(self) -> Iterator[Expr]:
        yield self.expr

    def __str__(self) -> str:
        wrap = isinstance(self.expr, Binary) and PRECEDENCE[self.expr.op] < PRECEDENCE["^"]
        return f"{self.op}({self.expr})" if wrap else f"{self.op}{self.expr}"


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

    def cardinality(self, op: str) -> str:
        """Name how many elements meet how many."""
        if op in SET_OPERATORS:
            return "many-to-many"
        return {None: "one-to-one", "left": "many-to-one", "right": "one-to-many"}[self.group]


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
        return f"{left} {self.operator_text()} {right}"

    def operator_text(self) -> str:
        """Print the operator with its modifiers."""
        return f"{self.op}{' bool' if self.return_bool else ''}{self.matching}"


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

    def operator_text(self) -> str:
        """Print the operator with its grouping."""
        if not self.without and not self.grouping:
            return self.op
        return f"{self.op} {'without' if self.without else 'by'} ({_names(self.grouping)}) "

    def __str__(self) -> str:
        param = "" if self.param is None else f"{self.param}, "
        return f"{self.operator_text()}({param}{self.expr})"


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


def _duration(milliseconds: int, expr: DurationExpr | None) -> str:
    return format_milliseconds(milliseconds) if expr is None else str(expr)


def _at(at: int | Boundary | None) -> str:
    if at is None:
        return ""
    return f" @ {at}" if isinstance(at, Boundary) else f" @ {at / 1000:.3f}"


def _offset(milliseconds: int, expr: DurationExpr | None) -> str:
    return f" offset {_duration(milliseconds, expr)}" if milliseconds or expr is not None else ""


def _operand(expr: Expr, op: str, *, is_left: bool) -> str:
    """Print an operand, in parentheses where it would otherwise be read as part of another operation."""
    if is_left and op == "^":
        text = str(expr).removeprefix("+") if isinstance(expr, NumberLiteral) else str(expr)  # of +Inf
        if isinstance(expr, Unary) or text.startswith("-"):
            return f"({expr})"
        if isinstance(expr, NumberLiteral):
            return text
    if isinstance(expr, Binary):
        inner, outer = PRECEDENCE[expr.op], PRECEDENCE[op]
        same_side = is_left != (op == "^")
        if inner < outer or (inner == outer and not same_side):
            return f"({expr})"
    return str(expr)
