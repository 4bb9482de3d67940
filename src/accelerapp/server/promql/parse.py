"""Text to expression: the only module that knows promql-parser (Rust).

promql-parser tells no source positions, neither of nodes nor of errors, so both stay None here; an error carries
the parser's own words. It is mended where it departs from Prometheus: raw strings in matchers, `@` with a negative
time (refused), `or` between matchers and `fill` modifiers (refused, Prometheus has them only as experiments).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import promql_parser as rust

from accelerapp.server.promql import ast
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.literals import quote
from accelerapp.server.promql.regex import compile_anchored
from accelerapp.server.promql.typecheck import check
from accelerapp.server.signals import Matcher, MatchType
from accelerapp.server.times import MAX_DURATION_MS

_TOKENS = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<comment>\#[^\n]*)|`(?P<raw>[^`]*)`""", re.DOTALL
)
_NEGATIVE_AT = re.compile(r"@\s*-")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - datetime.UTC is the same object
_MATCH_TYPES = (
    (rust.MatchOp.Equal, MatchType.EQUAL),
    (rust.MatchOp.NotEqual, MatchType.NOT_EQUAL),
    (rust.MatchOp.Re, MatchType.REGEX),
    (rust.MatchOp.NotRe, MatchType.NOT_REGEX),
)
_GROUPS = {"ManyToOne": "left", "OneToMany": "right"}


def parse(text: str) -> ast.Expr:
    """Parse a PromQL expression and check its types.

    Raises PromQLError where it is no valid expression or uses what the engine does not have, which it names.
    """
    plain = _TOKENS.sub(lambda match: quote(match["raw"]) if match["raw"] is not None else match[0], text)
    if _NEGATIVE_AT.search(_TOKENS.sub('""', plain)):
        raise PromQLError("parse error: a negative timestamp after @ is not supported")
    try:
        parsed = rust.parse(plain)
    except (ValueError, OverflowError) as error:
        raise PromQLError(f"parse error: {_as_prometheus(str(error))}") from error
    expr = _convert(parsed)
    check(expr)
    return expr


def _as_prometheus(message: str) -> str:
    """Quote names in errors as Prometheus does."""
    message = message.replace("expected type vector", "expected type instant vector")
    message = message.replace("expected type matrix", "expected type range vector")
    message = re.sub(r"got vector$", "got instant vector", message)
    message = re.sub(r"got matrix$|got: matrix$", "got range vector", message)
    return re.sub(r"'([^']*)'", r'"\1"', message)


def _convert(node: object) -> ast.Expr:
    match node:
        case rust.NumberLiteral():
            return ast.NumberLiteral(node.val)
        case rust.StringLiteral():
            return ast.StringLiteral(node.val)
        case rust.VectorSelector():
            return _selector(node)
        case rust.MatrixSelector():
            return ast.MatrixSelector(_selector(node.vector_selector), _milliseconds(node.range))
        case rust.SubqueryExpr():
            return _subquery(node)
        case rust.ParenExpr():
            return ast.Paren(_convert(node.expr))
        case rust.UnaryExpr():
            return ast.Unary(_convert(node.expr))
        case rust.BinaryExpr():
            return _binary(node)
        case rust.AggregateExpr():
            return _aggregate(node)
        case rust.Call():
            return ast.Call(node.func.name, tuple(_convert(arg) for arg in node.args))
    raise PromQLError(f"parse error: unsupported syntax {type(node).__name__}")


def _selector(node: rust.VectorSelector) -> ast.VectorSelector:
    if node.matchers.or_matchers:
        raise PromQLError('parse error: unexpected identifier "or" in label matching, expected "," or "}"')
    return ast.VectorSelector(
        node.name,
        tuple(_matcher(m) for m in node.matchers.matchers),
        _milliseconds(node.offset),
        _at(node.at),
    )


def _matcher(node: rust.Matcher) -> Matcher:
    kind = next(mine for theirs, mine in _MATCH_TYPES if node.op == theirs)
    if kind in (MatchType.REGEX, MatchType.NOT_REGEX):
        try:
            compile_anchored(node.value)
        except PromQLError as error:
            raise PromQLError(
                f"parse error: invalid regular expression {quote(node.value)}: {error.message}"
            ) from error
    return Matcher(node.name, kind, node.value)


def _subquery(node: rust.SubqueryExpr) -> ast.Subquery:
    step = None if node.step is None else _milliseconds(node.step)
    return ast.Subquery(
        _convert(node.expr), _milliseconds(node.range), step, _milliseconds(node.offset), _at(node.at)
    )


def _binary(node: rust.BinaryExpr) -> ast.Binary:
    modifier = node.modifier
    left, right = _convert(node.lhs), _convert(node.rhs)
    if modifier is None:
        return ast.Binary(str(node.op), left, right)
    if modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None:
        raise PromQLError("parse error: fill modifiers are not supported")
    on = False
    labels: tuple[str, ...] = ()
    if modifier.matching is not None:
        on = modifier.matching.type == rust.LabelModifierType.Include
        labels = tuple(modifier.matching.labels)
    group = _GROUPS.get(str(modifier.card).rpartition(".")[2])
    matching = ast.VectorMatching(on, labels, group, tuple(modifier.group_labels or ()))
    return ast.Binary(str(node.op), left, right, modifier.return_bool, matching)


def _aggregate(node: rust.AggregateExpr) -> ast.Aggregate:
    param = None if node.param is None else _convert(node.param)
    modifier = node.modifier
    if modifier is None:
        return ast.Aggregate(str(node.op), _convert(node.expr), param)
    without = modifier.type == rust.AggModifierType.Without
    return ast.Aggregate(str(node.op), _convert(node.expr), param, tuple(modifier.labels), without)


def _milliseconds(duration: timedelta | None) -> int:
    if duration is None:
        return 0
    milliseconds = duration // timedelta(milliseconds=1)
    if abs(milliseconds) > MAX_DURATION_MS:
        raise PromQLError("parse error: duration out of range")
    return milliseconds


def _at(node: rust.AtModifier | None) -> int | ast.Boundary | None:
    if node is None:
        return None
    if node.type == rust.AtModifierType.Start:
        return ast.Boundary.START
    if node.type == rust.AtModifierType.End:
        return ast.Boundary.END
    if node.at is None:
        raise PromQLError("parse error: timestamp out of bounds for @ modifier")
    return round((node.at - _EPOCH) / timedelta(milliseconds=1))
