"""Long expressions laid out over several lines, as Prometheus' `format_query` does."""

from __future__ import annotations

from collections.abc import Sequence

from accelerapp.server.promql import ast

_WIDTH = 100
_INDENT = "  "


def pretty(expr: ast.Expr, level: int = 0) -> str:
    """Print an expression, split where a line would be longer than 100 bytes; `level` is its indentation."""
    text, indent = str(expr), _INDENT * level
    is_long = len(text.encode()) > _WIDTH
    match expr:
        case ast.Subquery():
            return pretty(expr.expr, level) + expr.window_text() if is_long else text
        case ast.Unary():
            return indent + expr.op + pretty(expr.expr, level).strip()
        case ast.Binary() if is_long:
            left, right = pretty(expr.left, level + 1), pretty(expr.right, level + 1)
            return f"{left}\n{indent}{expr.operator_text()}\n{right}"
        case ast.Aggregate() if is_long:
            parts = [expr.expr] if expr.param is None else [expr.param, expr.expr]
            return _enclosed(indent + expr.operator_text(), parts, level)
        case ast.Call() if is_long:
            return _enclosed(indent + expr.name, expr.args, level)
        case ast.Paren() if is_long:
            return _enclosed(indent, [expr.expr], level)
    return indent + text


def _enclosed(opening: str, parts: Sequence[ast.Expr], level: int) -> str:
    inner = ",\n".join(pretty(part, level + 1) for part in parts)
    return f"{opening}(\n{inner}\n{_INDENT * level})"
