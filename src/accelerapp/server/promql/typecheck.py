"""The type of an expression, and whether the types of its parts go together."""

from __future__ import annotations

from typing import Protocol

from accelerapp.server.promql import ast
from accelerapp.server.promql.ast import ValueType
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.functions.signatures import SIGNATURES
from accelerapp.server.promql.regex import compile_anchored
from accelerapp.server.quoting import quote
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType

_NUMERIC = (ValueType.SCALAR, ValueType.VECTOR)
_NAMES = {ValueType.MATRIX: "matrix", ValueType.VECTOR: "vector"}


class MakeError(Protocol):
    """Makes an error that tells where in the text something is wrong."""

    def __call__(self, message: str, start: int, end: int | None = None) -> PromQLError: ...


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
            return SIGNATURES[expr.name].returns
    return ValueType.VECTOR


def check(expr: ast.Expr, text: str, error: MakeError) -> None:
    """Raise PromQLError where parts of an expression do not go together, in the order in which Prometheus looks.

    `text` is what the expression was parsed from.
    """
    _Check(text, error).check(expr)


class _Check:
    def __init__(self, text: str, error: MakeError) -> None:
        self._text = text
        self._error = error

    def check(self, expr: ast.Expr) -> ValueType:
        match expr:
            case ast.Aggregate():
                self._aggregate(expr)
            case ast.Binary():
                return self._binary(expr)
            case ast.Call():
                self._call(expr)
            case ast.Paren():
                return self.check(expr.expr)
            case ast.Unary():
                kind = self.check(expr.expr)
                if kind not in _NUMERIC:
                    message = "unary expression only allowed on expressions of type scalar or instant vector"
                    self._fail(f"{message}, got {quote(kind)}", expr)
                return kind
            case ast.Subquery():
                kind = self.check(expr.expr)
                if kind != ValueType.VECTOR:
                    name = _NAMES.get(kind, kind)
                    self._fail(f"subquery is only allowed on instant vector, got {name} instead", expr)
            case ast.MatrixSelector():
                self._selector(expr.selector)
            case ast.VectorSelector():
                self._selector(expr)
        return type_of(expr)

    def _fail(self, message: str, node: ast.Expr) -> None:
        raise self._error(message, node.start or 0, node.end)

    def _expect(self, node: ast.Expr | None, wanted: ValueType, context: str) -> None:
        if node is not None and (kind := self.check(node)) != wanted:
            self._fail(f"expected type {wanted} in {context}, got {kind}", node)

    def _aggregate(self, expr: ast.Aggregate) -> None:
        self._expect(expr.expr, ValueType.VECTOR, "aggregation expression")
        wanted = ValueType.STRING if expr.op == "count_values" else ValueType.SCALAR
        self._expect(expr.param, wanted, "aggregation parameter")

    def _call(self, expr: ast.Call) -> None:
        signature = SIGNATURES[expr.name]
        kinds, given = signature.arguments, len(expr.args)
        name, most = quote(expr.name), len(kinds) - 1 + signature.variadic
        if not signature.variadic and given != len(kinds):
            self._fail(f"expected {len(kinds)} argument(s) in call to {name}, got {given}", expr)
        if signature.variadic and given < len(kinds) - 1:
            self._fail(f"expected at least {len(kinds) - 1} argument(s) in call to {name}, got {given}", expr)
        if signature.variadic > 0 and given > most:
            self._fail(f"expected at most {most} argument(s) in call to {name}, got {given}", expr)
        for index, arg in enumerate(expr.args):
            self._expect(arg, kinds[min(index, len(kinds) - 1)], f"call to function {name}")

    def _binary(self, expr: ast.Binary) -> ValueType:
        left, right = self.check(expr.left), self.check(expr.right)
        matching, scalar = expr.matching, ValueType.SCALAR
        if expr.return_bool and expr.op not in ast.COMPARISONS:
            self._fail_at_operator("bool modifier can only be used on comparison operators", expr)
        if expr.op in ast.COMPARISONS and not expr.return_bool and left == right == scalar:
            self._fail_at_operator("comparisons between scalars must use BOOL modifier", expr)
        for label in matching.labels if matching.on else ():
            if label in matching.include:
                clash = f"label {quote(label)} must not occur in ON and GROUP clause at once"
                self._fail_at_operator(clash, expr)
        for side, kind in ((expr.left, left), (expr.right, right)):
            if kind not in _NUMERIC:
                self._fail("binary expression must contain only scalar and instant vector types", side)
        if scalar in (left, right):
            if matching.labels:
                self._fail("vector matching only allowed between instant vectors", expr)
            if expr.op in ast.SET_OPERATORS:
                self._fail(f"set operator {quote(expr.op)} not allowed in binary scalar expression", expr)
        elif expr.op in ast.SET_OPERATORS and matching.group:
            self._fail(f"no grouping allowed for {quote(expr.op)} operation", expr)
        return scalar if left == right == scalar else ValueType.VECTOR

    def _fail_at_operator(self, message: str, expr: ast.Binary) -> None:
        start = expr.left.end or 0
        while self._text[start].isspace():
            start += 1
        raise self._error(message, start, expr.right.start)

    def _selector(self, selector: ast.VectorSelector) -> None:
        if selector.name is not None:
            for matcher in selector.matchers:
                if matcher.name == METRIC_NAME:
                    both = f"{quote(selector.name)} or {quote(matcher.value)}"
                    self._fail(f"metric name must not be set twice: {both}", selector)
        elif all(map(_accepts_nothing, selector.matchers)):
            self._fail("vector selector must contain at least one non-empty matcher", selector)


def _accepts_nothing(matcher: Matcher) -> bool:
    """Tell whether a matcher accepts the empty string, and so an absent label."""
    match matcher.type:
        case MatchType.EQUAL:
            return not matcher.value
        case MatchType.NOT_EQUAL:
            return bool(matcher.value)
    accepts = compile_anchored(matcher.value).fullmatch("") is not None
    return accepts == (matcher.type == MatchType.REGEX)
