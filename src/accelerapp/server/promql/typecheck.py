"""The type of an expression, and what the engine refuses by name before it evaluates anything."""

from __future__ import annotations

from accelerapp.server.promql import ast
from accelerapp.server.promql.ast import ValueType
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.functions import FUNCTIONS, SCALAR_FUNCTIONS
from accelerapp.server.promql.traverse import walk

AGGREGATIONS = frozenset(
    [
        "sum",
        "avg",
        "min",
        "max",
        "count",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "quantile",
        "count_values",
    ]
)


def type_of(expr: ast.Expr) -> ValueType:
    """Tell the type of an expression's value."""
    match expr:
        case ast.NumberLiteral():
            return ValueType.SCALAR
        case ast.StringLiteral():
            return ValueType.STRING
        case ast.MatrixSelector() | ast.Subquery():
            return ValueType.MATRIX
        case ast.Paren() | ast.Unary():
            return type_of(expr.expr)
        case ast.Binary():
            both = type_of(expr.left) == type_of(expr.right) == ValueType.SCALAR
            return ValueType.SCALAR if both else ValueType.VECTOR
        case ast.Call():
            return ValueType.SCALAR if expr.name in SCALAR_FUNCTIONS else ValueType.VECTOR
    return ValueType.VECTOR


def check(expr: ast.Expr) -> None:
    """Raise PromQLError for a function or aggregation that the engine does not have, naming it."""
    for node in walk(expr):
        if isinstance(node, ast.Call) and node.name not in FUNCTIONS:
            raise PromQLError(f'unsupported function "{node.name}"', node.start, node.end)
        if isinstance(node, ast.Aggregate) and node.op not in AGGREGATIONS:
            raise PromQLError(f'unsupported aggregation "{node.op}"', node.start, node.end)
