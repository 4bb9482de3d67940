"""Walking over expressions and rewriting them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from accelerapp.server.promql import ast


def walk(expr: ast.Expr) -> Iterator[ast.Expr]:
    """Yield every node of an expression, depth first, parents before their children."""
    yield expr
    for child in expr.children():
        yield from walk(child)


def scale_time(expr: ast.Expr, factor: float) -> ast.Expr:
    """Divide every duration of an expression by a factor: ranges, offsets and subquery steps.

    Numbers and `@` times stay. A duration that would become shorter than a millisecond becomes one; one that is an
    expression is divided when it is worked out.
    """

    def scaled(milliseconds: int) -> int:
        if milliseconds == 0:
            return 0
        size = max(1, round(abs(milliseconds) / factor))
        return size if milliseconds > 0 else -size

    def divided(duration: ast.DurationExpr | None) -> ast.DurationExpr | None:
        if duration is None:
            return None
        whole = replace(duration, wrapped=True)
        return ast.DurationExpr("/", whole, ast.NumberLiteral(factor), wrapped=True)

    def change(node: ast.Expr) -> ast.Expr:
        match node:
            case ast.VectorSelector():
                return replace(node, offset_ms=scaled(node.offset_ms), offset_expr=divided(node.offset_expr))
            case ast.MatrixSelector():
                return replace(node, range_ms=scaled(node.range_ms), range_expr=divided(node.range_expr))
            case ast.Subquery():
                step = None if node.step_ms is None else scaled(node.step_ms)
                node = replace(
                    node, range_ms=scaled(node.range_ms), step_ms=step, offset_ms=scaled(node.offset_ms)
                )
                return replace(
                    node,
                    range_expr=divided(node.range_expr),
                    step_expr=divided(node.step_expr),
                    offset_expr=divided(node.offset_expr),
                )
        return node

    return rewrite(expr, change)


def rewrite(expr: ast.Expr, change: Callable[[ast.Expr], ast.Expr]) -> ast.Expr:
    """Return an expression with `change` applied to every node, children first."""
    match expr:
        case ast.MatrixSelector():
            selector = change(expr.selector)
            if isinstance(selector, ast.VectorSelector):
                expr = replace(expr, selector=selector)
        case ast.Subquery() | ast.Paren() | ast.Unary():
            expr = replace(expr, expr=rewrite(expr.expr, change))
        case ast.Binary():
            expr = replace(expr, left=rewrite(expr.left, change), right=rewrite(expr.right, change))
        case ast.Aggregate():
            param = None if expr.param is None else rewrite(expr.param, change)
            expr = replace(expr, expr=rewrite(expr.expr, change), param=param)
        case ast.Call():
            expr = replace(expr, args=tuple(rewrite(arg, change) for arg in expr.args))
    return change(expr)
