"""Text to expression, by the grammar of Prometheus 3.16 and with its words for what is wrong.

What Prometheus has only behind a feature flag is refused as it refuses it without the flag. An error tells line and
column; nodes carry their offsets in the text.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import replace

from accelerapp.server.numbers import format_plain
from accelerapp.server.promql import ast
from accelerapp.server.promql.durations import (
    milliseconds,
    read_duration,
    read_number,
    read_offset,
    unresolved,
)
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.functions.signatures import SIGNATURES
from accelerapp.server.promql.lexer import (
    AGGREGATORS,
    CONTEXT_WORDS,
    DURATION,
    END,
    FILLS,
    IDENTIFIER,
    NUMBER,
    PARAMETRIC,
    STRING,
    Token,
)
from accelerapp.server.promql.literals import unquote
from accelerapp.server.promql.selectors import METRICS, read_labels, read_selector
from accelerapp.server.promql.stream import TokenStream
from accelerapp.server.promql.typecheck import check, type_of
from accelerapp.server.quoting import quote
from accelerapp.server.signals import Matcher

#: The longest text, in characters, and the tallest tree that are taken; evaluation descends it recursively.
MAX_LENGTH = 65_536
MAX_HEIGHT = 200

_EXPERIMENTAL = frozenset({"limitk", "limit_ratio"})
_STARTS = METRICS | {"(", "{", "+", "-", STRING, NUMBER, DURATION}
_POSTFIXES = frozenset({"[", "offset", "@", "anchored", "smoothed"})
_MODIFIED = "must be preceded by an instant vector selector or range vector selector or a subquery"
_MAX_SECONDS = 2.0**63
#: No sample is so far away, and what is counted from there still has 64 bits.
_FARTHEST_MS = 2**62

_Modified = ast.VectorSelector | ast.MatrixSelector | ast.Subquery


@functools.lru_cache(maxsize=256)
def parse(text: str) -> ast.Expr:
    """Parse a PromQL expression and check its types.

    Raises PromQLError where it is no valid expression or uses what the engine does not have, which it names.
    """
    _check_text(text)
    stream = TokenStream(text)
    if stream.peek().kind == END:
        raise stream.error("no expression found in input", 0)
    expr = _expression(stream)
    if stream.peek().kind != END:
        raise stream.unexpected()
    if _height(expr) > MAX_HEIGHT:
        raise stream.error(f"the expression is more than {MAX_HEIGHT} operators high", 0, len(text))
    check(expr, text, stream.error)
    return expr


def parse_selector(text: str) -> tuple[Matcher, ...]:
    """Parse the name of a metric, matchers in braces or both, which is all that selects series elsewhere.

    Raises PromQLError in the words of Prometheus' parser of metric selectors.
    """
    if not text:
        raise PromQLError("unknown position: parse error: unexpected end of input")
    _check_text(text)
    stream = TokenStream(text)
    name = stream.take() if stream.peek().kind in METRICS else None
    if name is None and stream.peek().kind != "{":
        raise stream.unexpected()
    selector = read_selector(stream, name)
    if stream.peek().kind != END:
        raise stream.unexpected()
    return tuple(selector.all_matchers())


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise PromQLError(
            f"1:1: parse error: the expression has {len(text)} characters, the most is {MAX_LENGTH}"
        )
    if not text.isascii() and any(0xD800 <= ord(char) < 0xE000 for char in text):
        raise PromQLError("1:1: parse error: the expression is not valid Unicode")


def _height(expr: ast.Expr) -> int:
    """Count the levels of an expression, those of its durations among them, without recursion."""
    level, height = [expr], 0
    while level:
        level, height = [child for node in level for child in _below(node)], height + 1
    return height


def _below(node: ast.Expr) -> Iterator[ast.Expr]:
    yield from node.children()
    durations: tuple[ast.Expr | None, ...] = ()
    match node:
        case ast.VectorSelector():
            durations = (node.offset_expr,)
        case ast.MatrixSelector():
            durations = (node.range_expr,)
        case ast.Subquery():
            durations = (node.range_expr, node.step_expr, node.offset_expr)
        case ast.DurationExpr():
            durations = (node.left, node.right)
    yield from (each for each in durations if each is not None)


def _expression(stream: TokenStream, least: int = 1) -> ast.Expr:
    """Read operands and operators that bind at least so tightly."""
    stream.enter()
    left = _operand(stream)
    while (precedence := ast.PRECEDENCE.get(stream.peek().kind, 0)) >= least:
        left = _binary(stream, left, precedence)
    stream.leave()
    return left


def _binary(stream: TokenStream, left: ast.Expr, precedence: int) -> ast.Binary:
    op = stream.take().kind
    return_bool = stream.accept("bool") is not None
    matching, filled = _matching(stream)
    right = _expression(stream, precedence + (op != "^"))
    stream.peek()
    if filled:
        raise stream.error("binop fill modifiers are experimental and not enabled", left.start or 0)
    if (matching.on or matching.group) and not matching.labels and not _are_vectors(left, right):
        matching = ast.VectorMatching()  # it means nothing there, and Prometheus forgets it
    return ast.Binary(op, left, right, return_bool, matching, start=left.start, end=right.end)


def _are_vectors(left: ast.Expr, right: ast.Expr) -> bool:
    return type_of(left) == type_of(right) == ast.ValueType.VECTOR


def _matching(stream: TokenStream) -> tuple[ast.VectorMatching, bool]:
    """Read how the sides meet, and tell whether values are to be filled in."""
    matching = ast.VectorMatching()
    if stream.peek().kind in ("on", "ignoring"):
        on = stream.take().kind == "on"
        matching = ast.VectorMatching(on, read_labels(stream))
        if stream.peek().kind in ("group_left", "group_right"):
            group = stream.take().kind.removeprefix("group_")
            kind = stream.peek().kind
            include = () if kind != "(" and kind in _STARTS | FILLS else read_labels(stream)
            matching = replace(matching, group=group, include=include)
    first = stream.peek().kind
    if first not in FILLS:
        return matching, False
    _fill(stream)
    if stream.peek().kind in {"fill_left", "fill_right"} - {first} and first != "fill":
        _fill(stream)
    return matching, True


def _fill(stream: TokenStream) -> None:
    stream.take()
    stream.expect("(")
    if stream.peek().kind in ("+", "-"):
        stream.take()
    if stream.peek().kind not in (NUMBER, DURATION):
        raise stream.unexpected()
    read_number(stream)
    stream.expect(")")


def _operand(stream: TokenStream) -> ast.Expr:
    """Read a sign with what it is for, or an expression with what follows it."""
    if stream.peek().kind in ("+", "-"):
        return _signed(stream)
    expr = _primary(stream)
    while stream.peek().kind in _POSTFIXES:
        expr = _postfix(stream, expr)
    return expr


def _signed(stream: TokenStream) -> ast.Expr:
    sign = stream.take()
    inner = _expression(stream, ast.PRECEDENCE["^"])
    if isinstance(inner, ast.NumberLiteral):
        return replace(inner, value=-inner.value if sign.kind == "-" else inner.value, start=sign.start)
    return ast.Unary(inner, sign.kind, start=sign.start, end=inner.end)


def _primary(stream: TokenStream) -> ast.Expr:
    token = stream.peek()
    if token.kind in (NUMBER, DURATION):
        return read_number(stream)
    if token.kind == STRING:
        stream.take()
        return ast.StringLiteral(unquote(token.text), start=token.start, end=token.end)
    if token.kind == "(":
        stream.take()
        inner = _expression(stream)
        end = stream.expect(")").end
        return ast.Paren(inner, start=token.start, end=end)
    if token.kind == "{":
        return read_selector(stream)
    if token.kind not in METRICS:
        raise stream.unexpected()
    return _named(stream)


def _named(stream: TokenStream) -> ast.Expr:
    """Read what begins with a name: an aggregation, a call or a selector."""
    name = stream.take()
    following = stream.peek().kind
    if name.kind in AGGREGATORS and following in ("(", "by", "without"):
        with stream.within("aggregation"):
            return _aggregate(stream, name)
    if following == "(" and (name.kind == IDENTIFIER or name.kind in CONTEXT_WORDS):
        return _call(stream, name)
    return read_selector(stream, name)


def _aggregate(stream: TokenStream, name: Token) -> ast.Aggregate:
    without = False
    grouping: tuple[str, ...] = ()
    grouped = stream.peek().kind != "("
    if grouped:
        without, grouping = stream.take().kind == "without", read_labels(stream)
    args = _arguments(stream)
    end = stream.last_end
    if not grouped and stream.peek().kind in ("by", "without"):
        without, grouping = stream.take().kind == "without", read_labels(stream)
        end = stream.last_end
    op = name.kind
    if not args:
        raise stream.error("no arguments for aggregate expression provided", name.start, end)
    if op in _EXPERIMENTAL:
        flag = "must be enabled with --enable-feature=promql-experimental-functions"
        raise stream.error(f"{op}() is experimental and {flag}", name.start, end)
    wanted = 1 + (op in PARAMETRIC)
    if len(args) != wanted:
        message = "wrong number of arguments for aggregate expression provided"
        raise stream.error(f"{message}, expected {wanted}, got {len(args)}", name.start, end)
    param = args[0] if wanted > 1 else None
    return ast.Aggregate(op, args[-1], param, grouping, without, start=name.start, end=end)


def _arguments(stream: TokenStream) -> list[ast.Expr]:
    stream.expect("(")
    args: list[ast.Expr] = []
    if stream.accept(")"):
        return args
    args.append(_expression(stream))
    while comma := stream.accept(","):
        if stream.peek().kind not in _STARTS:
            raise stream.error("trailing commas not allowed in function call args", comma.start, comma.end)
        args.append(_expression(stream))
    stream.expect(")")
    return args


def _call(stream: TokenStream, name: Token) -> ast.Call:
    args = _arguments(stream)
    signature = SIGNATURES.get(name.text)
    if signature is None:
        raise stream.error(f"unknown function with name {quote(name.text)}", name.start, name.end)
    if signature.experimental:
        raise stream.error(f"function {quote(name.text)} is not enabled", name.start, name.end)
    return ast.Call(name.text, tuple(args), start=name.start, end=stream.last_end)


def _postfix(stream: TokenStream, expr: ast.Expr) -> ast.Expr:
    token = stream.take()
    match token.kind:
        case "[":
            return _window(stream, expr, token)
        case "offset":
            return _offset(stream, expr)
        case "@":
            return _at(stream, expr)
    return _edges(stream, expr, token.kind)


def _window(stream: TokenStream, expr: ast.Expr, bracket: Token) -> ast.Expr:
    """Read a range, or a subquery's range and step."""
    words = "number, duration, step(), or range()"
    with stream.within("subquery or range selector", words):
        window = read_duration(stream)
    with stream.within("subquery or range", '":" or "]"'):
        if stream.peek().kind not in (":", "]"):
            raise stream.unexpected()
        closing = stream.take()
    open_range = unresolved(window)
    if closing.kind == "]":
        return _matrix(stream, expr, bracket, milliseconds(window), open_range)
    step, open_step = None, None
    if stream.peek().kind != "]":
        with stream.within("subquery selector", 'number, duration, step(), range(), or "]"'):
            duration = read_duration(stream)
        step, open_step = milliseconds(duration), unresolved(duration)
    with stream.within("subquery selector", '"]"'):
        end = stream.expect("]").end
    return ast.Subquery(
        expr,
        milliseconds(window),
        step,
        range_expr=open_range,
        step_expr=open_step,
        start=expr.start,
        end=end,
    )


def _matrix(
    stream: TokenStream, expr: ast.Expr, bracket: Token, range_ms: int, range_expr: ast.DurationExpr | None
) -> ast.MatrixSelector:
    problem = ""
    if not isinstance(expr, ast.VectorSelector):
        problem = "ranges only allowed for vector selectors"
    elif _has_offset(expr):
        problem = "no offset modifiers allowed before range"
    elif expr.at is not None:
        problem = "no @ modifiers allowed before range"
    if problem or not isinstance(expr, ast.VectorSelector):
        raise stream.error(problem, bracket.start, stream.last_end)
    return ast.MatrixSelector(expr, range_ms, range_expr, start=expr.start, end=stream.last_end)


def _has_offset(expr: ast.VectorSelector | ast.Subquery) -> bool:
    return expr.offset_ms != 0 or expr.offset_expr is not None


def _offset(stream: TokenStream, expr: ast.Expr) -> ast.Expr:
    with stream.within("offset", "number, duration, step(), or range()"):
        offset = read_offset(stream)
    if not isinstance(expr, _Modified):
        raise stream.error(f"offset modifier {_MODIFIED}", expr.start or 0, expr.end)
    inner = expr.selector if isinstance(expr, ast.MatrixSelector) else expr
    if _has_offset(inner):
        raise stream.error("offset may not be set multiple times", expr.start or 0, expr.end)
    inner = replace(inner, offset_ms=milliseconds(offset), offset_expr=unresolved(offset))
    return _rebuilt(expr, inner, stream.last_end)


def _at(stream: TokenStream, expr: ast.Expr) -> ast.Expr:
    at: float | ast.Boundary
    with stream.within("@", "timestamp"):
        if stream.peek().kind in ("start", "end"):
            at = ast.Boundary(f"{stream.take().kind}()")
            stream.expect("(")
            stream.expect(")")
        else:
            sign = stream.take().kind if stream.peek().kind in ("+", "-") else ""
            if stream.peek().kind not in (NUMBER, DURATION):
                raise stream.unexpected()
            at = read_number(stream).value * (-1 if sign == "-" else 1)
    start = expr.start or 0
    if not isinstance(at, ast.Boundary) and not -_MAX_SECONDS < at < _MAX_SECONDS:
        number = f"{at:.6f}" if math.isfinite(at) else format_plain(at)
        raise stream.error(f"timestamp out of bounds for @ modifier: {number}", start, expr.end)
    if not isinstance(expr, _Modified):
        raise stream.error(f"@ modifier {_MODIFIED}", start, expr.end)
    inner = expr.selector if isinstance(expr, ast.MatrixSelector) else expr
    if inner.at is not None:
        raise stream.error("@ <timestamp> may not be set multiple times", start, expr.end)
    moment = at if isinstance(at, ast.Boundary) else max(-_FARTHEST_MS, min(_FARTHEST_MS, _milliseconds(at)))
    return _rebuilt(expr, replace(inner, at=moment), stream.last_end)


def _milliseconds(seconds: float) -> int:
    """Round halves away from nought, as Go does."""
    return int(math.copysign(math.floor(abs(seconds * 1000) + 0.5), seconds))


def _rebuilt(expr: ast.Expr, inner: ast.VectorSelector | ast.Subquery, end: int) -> ast.Expr:
    if isinstance(expr, ast.MatrixSelector) and isinstance(inner, ast.VectorSelector):
        return replace(expr, selector=inner, end=end)
    return replace(inner, end=end)


def _edges(stream: TokenStream, expr: ast.Expr, word: str) -> ast.Expr:
    start = expr.start or 0
    if isinstance(expr, ast.Subquery):
        raise stream.error(f"{word} modifier is not supported for subqueries", start, expr.end)
    if not isinstance(expr, ast.VectorSelector | ast.MatrixSelector):
        raise stream.error(f"{word} modifier not implemented", start, expr.end)
    inner = expr.selector if isinstance(expr, ast.MatrixSelector) else expr
    inner = replace(inner, anchored=True) if word == "anchored" else replace(inner, smoothed=True)
    if inner.anchored and inner.smoothed:
        raise stream.error("anchored and smoothed modifiers cannot be used together", start, expr.end)
    return _rebuilt(expr, inner, expr.end or 0)
