"""Durations in an expression: what stands in brackets and after `offset`, read and worked out.

Prometheus lets them be expressions of durations, of the query's `step()` and `range()`, `min_of` and `max_of`.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from accelerapp.server.promql import ast
from accelerapp.server.promql.errors import InvalidDurationError, PromQLError
from accelerapp.server.promql.lexer import DURATION, NUMBER, Token
from accelerapp.server.promql.stream import TokenStream
from accelerapp.server.promql.traverse import rewrite, walk
from accelerapp.server.quoting import quote
from accelerapp.server.times import MAX_DURATION_MS, parse_duration

Duration = ast.NumberLiteral | ast.DurationExpr

_MAX_SECONDS = 2.0**63 / 1e9
_PRECEDENCE = {op: ast.PRECEDENCE[op] for op in ("+", "-", "*", "/", "%", "^")}
_UNITS = ("y", "w", "d", "h", "m", "s", "ms")
_PART = re.compile(r"([0-9]+)([^0-9]+)")
_QUERY_WORDS = ("step", "range")
_CHOICES = ("max_of", "min_of")


def read_number(stream: TokenStream) -> ast.NumberLiteral:
    """Read a number or a duration, which is a number of seconds.

    Numbers are as in Go: hexadecimal, octal after a leading nought, with underscores between digits.
    """
    token = stream.take()
    if token.kind == DURATION:
        return ast.NumberLiteral(_seconds(stream, token), duration=True, start=token.start, end=token.end)
    plain = token.text.replace("_", "")
    try:
        value = float(_integer(plain))
    except ValueError:
        try:
            value = float(plain)
        except ValueError as error:
            raise _not_a_number(stream, token, "invalid syntax") from error
        if math.isinf(value) and "inf" not in plain.lower():
            raise _not_a_number(stream, token, "value out of range") from None
    return ast.NumberLiteral(value, start=token.start, end=token.end)


def _integer(text: str) -> int:
    """Read an integer of 64 bits."""
    if text.lower().startswith("0x"):
        value = int(text, 16)
    else:
        value = int(text, 8 if text.startswith("0") and len(text) > 1 else 10)
    if value >= 2**63:
        raise ValueError(text)
    return value


def _not_a_number(stream: TokenStream, token: Token, reason: str) -> PromQLError:
    message = f"error parsing number: strconv.ParseFloat: parsing {quote(token.text)}: {reason}"
    return stream.error(message, token.start, token.end)


def _seconds(stream: TokenStream, token: Token) -> float:
    try:
        return parse_duration(token.text)
    except ValueError as error:
        raise stream.error(_complaint(token.text), token.start, token.end) from error


def _complaint(text: str) -> str:
    """Say what is wrong with a duration that `parse_duration` refused."""
    invalid = f"not a valid duration string: {quote(text)}"
    parts = _PART.findall(text)
    if "".join(count + unit for count, unit in parts) != text:
        return invalid
    last = -1
    for count, unit in parts:
        if unit not in _UNITS:
            return f"unknown unit {quote(unit)} in duration {quote(text)}"
        if _UNITS.index(unit) <= last:
            return invalid
        last = _UNITS.index(unit)
        try:
            parse_duration(count + unit)
        except ValueError:
            break
    return "duration out of range"


def read_duration(stream: TokenStream) -> Duration:
    """Read a duration expression that must be longer than nothing, as far as that can be told."""
    duration = _expression(stream)
    if isinstance(duration, ast.NumberLiteral) and duration.value <= 0:
        raise stream.error("duration must be greater than 0", duration.start or 0, duration.end)
    return duration


def read_offset(stream: TokenStream) -> Duration:
    """Read what follows `offset`: one operand with its sign; an expression only where it begins with parentheses."""
    kind = stream.peek().kind
    if kind == "(":
        return _operators(stream, _operand(stream), 1)
    if kind not in ("+", "-"):
        return _operand(stream)
    sign = stream.take()
    if stream.peek().kind in ("+", "-"):
        return _operators(stream, _signed(stream, sign, _expression(stream, _PRECEDENCE["^"])), 1)
    operand = _operand(stream)
    if isinstance(operand, ast.DurationExpr) and not operand.wrapped:  # here, and only here, `+` is kept
        return ast.DurationExpr(sign.kind, None, operand, start=sign.start, end=operand.end)
    return _signed(stream, sign, operand)


def _expression(stream: TokenStream, least: int = 1) -> Duration:
    stream.enter()
    duration = _operators(stream, _operand(stream), least)
    stream.leave()
    return duration


def _operators(stream: TokenStream, left: Duration, least: int) -> Duration:
    while (precedence := _PRECEDENCE.get(stream.peek().kind, 0)) >= least:
        op = stream.take()
        right = _expression(stream, precedence + (op.kind != "^"))
        if op.kind in ("/", "%") and isinstance(right, ast.NumberLiteral) and right.value == 0:
            stream.peek()
            what = "division" if op.kind == "/" else "modulo"
            raise stream.error(f"{what} by zero", op.start, op.end)
        left = ast.DurationExpr(op.kind, left, right, start=left.start, end=right.end)
    return left


def _operand(stream: TokenStream) -> Duration:
    token = stream.peek()
    if token.kind in (NUMBER, DURATION):
        return _in_range(stream, read_number(stream), token)
    if token.kind in ("+", "-"):
        return _signed(stream, stream.take(), _expression(stream, _PRECEDENCE["^"]))
    if token.kind in _QUERY_WORDS:
        stream.take()
        stream.expect("(")
        end = stream.expect(")").end
        return ast.DurationExpr(token.kind, start=token.start, end=end)
    if token.kind in _CHOICES:
        stream.take()
        stream.expect("(")
        left = _expression(stream)
        stream.expect(",")
        right = _expression(stream)
        end = stream.expect(")").end
        return ast.DurationExpr(token.kind, left, right, start=token.start, end=end)
    if token.kind == "(":
        stream.take()
        inner = _expression(stream)
        end = stream.expect(")").end
        if isinstance(inner, ast.DurationExpr):
            return replace(inner, wrapped=True)
        return ast.DurationExpr("+", None, inner, wrapped=True, start=token.start, end=end)
    raise stream.unexpected()


def _signed(stream: TokenStream, sign: Token, operand: Duration) -> Duration:
    if isinstance(operand, ast.NumberLiteral):
        value = -operand.value if sign.kind == "-" else operand.value
        return _in_range(stream, replace(operand, value=value, start=sign.start), sign)
    if sign.kind == "+":
        return operand
    return ast.DurationExpr("-", None, operand, start=sign.start, end=operand.end)


def _in_range(stream: TokenStream, literal: ast.NumberLiteral, token: Token) -> ast.NumberLiteral:
    if not abs(literal.value) <= _MAX_SECONDS:  # nor NaN
        raise stream.error("duration out of range", token.start, token.end)
    return literal


def milliseconds(duration: Duration | None) -> int:
    """Return a duration in whole milliseconds, 0 for one that has to be worked out first."""
    if not isinstance(duration, ast.NumberLiteral):
        return 0
    size = round(abs(duration.value) * 1e6) // 1000
    return -size if duration.value < 0 else size


def unresolved(duration: Duration | None) -> ast.DurationExpr | None:
    """Return a duration that has to be worked out."""
    return duration if isinstance(duration, ast.DurationExpr) else None


def resolve(expr: ast.Expr, step_ms: int, range_ms: int) -> ast.Expr:
    """Work out the duration expressions within an expression for a query's step and range.

    Raises InvalidDurationError for one that gives no duration.
    """

    def amount(duration: ast.DurationExpr | None, plain: int, *, negative: bool = False) -> int:
        if duration is None:
            return plain
        return _amount(duration, step_ms / 1000, range_ms / 1000, negative=negative)

    def change(node: ast.Expr) -> ast.Expr:
        match node:
            case ast.VectorSelector():
                offset = amount(node.offset_expr, node.offset_ms, negative=True)
                return replace(node, offset_ms=offset, offset_expr=None)
            case ast.MatrixSelector():
                return replace(node, range_ms=amount(node.range_expr, node.range_ms), range_expr=None)
            case ast.Subquery():
                offset = amount(node.offset_expr, node.offset_ms, negative=True)
                step = node.step_ms if node.step_expr is None else amount(node.step_expr, 0)
                window = amount(node.range_expr, node.range_ms)
                node = replace(node, range_ms=window, step_ms=step, offset_ms=offset)
                return replace(node, range_expr=None, step_expr=None, offset_expr=None)
        return node

    return rewrite(expr, change) if any(map(_is_open, walk(expr))) else expr


def _is_open(node: ast.Expr) -> bool:
    match node:
        case ast.VectorSelector():
            return node.offset_expr is not None
        case ast.MatrixSelector():
            return node.range_expr is not None
        case ast.Subquery():
            return any(each is not None for each in (node.range_expr, node.step_expr, node.offset_expr))
    return False


def _amount(duration: ast.DurationExpr, step: float, span: float, *, negative: bool) -> int:
    seconds = _evaluate(duration, step, span)
    if not math.isfinite(seconds):
        raise _refused(duration, "duration is NaN or infinite")
    if seconds <= 0 and not negative:
        raise _refused(duration, "duration must be greater than 0")
    if abs(seconds) * 1000 > MAX_DURATION_MS:
        raise _refused(duration, "duration is out of range")
    return int(seconds * 1000)


def _evaluate(duration: Duration | None, step: float, span: float) -> float:
    if duration is None:
        return 0.0
    if isinstance(duration, ast.NumberLiteral):
        return duration.value
    left, right = _evaluate(duration.left, step, span), _evaluate(duration.right, step, span)
    match duration.op:
        case "step":
            return step
        case "range":
            return span
        case "min_of":
            return min(left, right)
        case "max_of":
            return max(left, right)
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" | "%" if right == 0:
            raise _refused(duration, "division by zero" if duration.op == "/" else "modulo by zero")
        case "/":
            return left / right
        case "%":
            return math.fmod(left, right)
    try:
        power = math.pow(left, right)
    except (OverflowError, ValueError):
        power = math.nan
    return power


def _refused(duration: ast.DurationExpr, reason: str) -> InvalidDurationError:
    return InvalidDurationError(f"{duration.start}:{duration.end}: {reason}", duration.start, duration.end)
