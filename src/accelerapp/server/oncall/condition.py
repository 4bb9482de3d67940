"""What an alert's expression watches, and the threshold it compares that with."""

from __future__ import annotations

from dataclasses import dataclass

from accelerapp.server.promql import Binary, Expr, NumberLiteral, unwrap
from accelerapp.server.promql.ast import COMPARISONS

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Condition:
    """The side of an alert's expression that is drawn, and what it is compared with, where there is that.

    This is a number, the `threshold`, or another expression, `against`, whose series are the thresholds.
    """

    watched: Expr
    comparison: str | None = None
    threshold: float | None = None
    against: Expr | None = None


def condition_of(expr: Expr) -> Condition:
    """Split `A > 0.05 and B >= 10` into A, `>` and 0.05: the first condition is the alert's, the rest are floors."""
    expr = unwrap(expr)
    if isinstance(expr, Binary) and expr.op in {"and", "unless"}:
        return condition_of(expr.left)
    if isinstance(expr, Binary) and expr.op in COMPARISONS and not expr.return_bool:
        left, right = unwrap(expr.left), unwrap(expr.right)
        if isinstance(right, NumberLiteral):
            return Condition(left, expr.op, right.value)
        if isinstance(left, NumberLiteral):
            return Condition(right, _MIRRORED[expr.op], left.value)
        return Condition(left, expr.op, against=right)
    return Condition(expr)
