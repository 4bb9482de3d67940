"""An expression as JSON, in the form of Prometheus' `parse_query`."""

from __future__ import annotations

from typing import Any

from accelerapp.server.numbers import format_plain
from accelerapp.server.promql import ast
from accelerapp.server.promql.functions.signatures import SIGNATURES
from accelerapp.server.promql.typecheck import type_of
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType

_TYPES = {
    ast.ValueType.SCALAR: "scalar",
    ast.ValueType.STRING: "string",
    ast.ValueType.VECTOR: "vector",
    ast.ValueType.MATRIX: "matrix",
}


def to_json(expr: ast.Expr) -> dict[str, Any]:
    """Return an expression's tree: each node a mapping with its `type` and its parts."""
    match expr:
        case ast.NumberLiteral():
            return {"type": "numberLiteral", "val": format_plain(expr.value)}
        case ast.StringLiteral():
            return {"type": "stringLiteral", "val": expr.value}
        case ast.VectorSelector():
            return {"type": "vectorSelector", **_selector(expr)}
        case ast.MatrixSelector():
            window = {"range": expr.range_ms, "rangeExpr": _duration(expr.range_expr)}
            return {"type": "matrixSelector", **_selector(expr.selector), **window}
        case ast.Subquery():
            return {
                "type": "subquery",
                "expr": to_json(expr.expr),
                "range": expr.range_ms,
                "rangeExpr": _duration(expr.range_expr),
                "step": expr.step_ms or 0,
                "stepExpr": _duration(expr.step_expr),
                **_shift(expr),
            }
        case ast.Paren():
            return {"type": "parenExpr", "expr": to_json(expr.expr)}
        case ast.Unary():
            return {"type": "unaryExpr", "op": expr.op, "expr": to_json(expr.expr)}
        case ast.Binary():
            return _binary(expr)
        case ast.Aggregate():
            return {
                "type": "aggregation",
                "op": expr.op,
                "expr": to_json(expr.expr),
                "param": None if expr.param is None else to_json(expr.param),
                "grouping": list(expr.grouping),
                "without": expr.without,
            }
        case ast.Call():
            return {"type": "call", "func": _function(expr.name), "args": [to_json(arg) for arg in expr.args]}
    raise TypeError(f"not a node that an expression has: {expr!r}")


def _selector(selector: ast.VectorSelector) -> dict[str, Any]:
    matchers = list(selector.matchers)
    if selector.name is not None:
        matchers.append(Matcher(METRIC_NAME, MatchType.EQUAL, selector.name))
    return {
        "name": selector.name or "",
        "matchers": [{"name": m.name, "type": str(m.type), "value": m.value} for m in matchers],
        "anchored": selector.anchored,
        "smoothed": selector.smoothed,
        **_shift(selector),
    }


def _shift(expr: ast.VectorSelector | ast.Subquery) -> dict[str, Any]:
    edge = isinstance(expr.at, ast.Boundary)
    return {
        "offset": expr.offset_ms,
        "offsetExpr": _duration(expr.offset_expr),
        "timestamp": None if edge else expr.at,
        "startOrEnd": str(expr.at).removesuffix("()") if edge else None,
    }


def _binary(expr: ast.Binary) -> dict[str, Any]:
    matching = None
    if type_of(expr.left) == type_of(expr.right) == ast.ValueType.VECTOR:
        matching = {
            "card": expr.matching.cardinality(expr.op),
            "labels": list(expr.matching.labels),
            "on": expr.matching.on,
            "include": list(expr.matching.include),
            "fillValues": {"lhs": None, "rhs": None},
        }
    return {
        "type": "binaryExpr",
        "op": expr.op,
        "lhs": to_json(expr.left),
        "rhs": to_json(expr.right),
        "matching": matching,
        "bool": expr.return_bool,
    }


def _function(name: str) -> dict[str, Any]:
    signature = SIGNATURES[name]
    return {
        "name": name,
        "argTypes": [_TYPES[kind] for kind in signature.arguments],
        "variadic": signature.variadic,
        "returnType": _TYPES[signature.returns],
    }


def _duration(duration: ast.DurationExpr | ast.NumberLiteral | None) -> dict[str, Any] | None:
    if duration is None:
        return None
    if isinstance(duration, ast.NumberLiteral):
        value = format_plain(duration.value)
        return {"type": "numberLiteral", "val": value, "duration": duration.duration}
    return {
        "type": "durationExpr",
        "op": duration.op,
        "lhs": _duration(duration.left),
        "rhs": _duration(duration.right),
        "wrapped": duration.wrapped,
    }
