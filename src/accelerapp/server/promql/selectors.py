"""The parts of an expression that name labels: matchers in braces, and lists in parentheses."""

from __future__ import annotations

from accelerapp.server.promql import ast
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.lexer import (
    AGGREGATORS,
    CONTEXT_WORDS,
    IDENTIFIER,
    METRIC_IDENTIFIER,
    MODIFIERS,
    SET_OPERATORS,
    STRING,
    Token,
)
from accelerapp.server.promql.literals import unquote
from accelerapp.server.promql.regex import compile_anchored
from accelerapp.server.promql.stream import TokenStream
from accelerapp.server.quoting import quote
from accelerapp.server.signals import METRIC_NAME, Matcher, MatchType

#: Keywords are labels in a list of labels, and, but for these, names of metrics.
_LABELS = (
    AGGREGATORS
    | SET_OPERATORS
    | CONTEXT_WORDS
    | (MODIFIERS - {"without"})
    | {"atan2", IDENTIFIER, METRIC_IDENTIFIER}
)
METRICS = (
    AGGREGATORS
    | SET_OPERATORS
    | CONTEXT_WORDS
    | (MODIFIERS - {"bool", "on", "ignoring", "group_left", "group_right"})
    | {IDENTIFIER, METRIC_IDENTIFIER}
)
_MATCHING = "label matching"
_GROUPING = "grouping opts"


def read_selector(stream: TokenStream, name: Token | None = None) -> ast.VectorSelector:
    """Read matchers in braces; after a metric's name they may be missing."""
    start = stream.peek().start if name is None else name.start
    matchers = _matchers(stream) if stream.accept("{") else []
    return ast.VectorSelector(
        None if name is None else name.text, tuple(matchers), start=start, end=stream.last_end
    )


def _matchers(stream: TokenStream) -> list[Matcher]:
    matchers: list[Matcher] = []
    while not stream.accept("}"):
        matchers.append(_matcher(stream))
        if stream.peek().kind not in (",", "}"):
            raise stream.unexpected(_MATCHING, '"," or "}"')
        if stream.peek().kind == ",":
            stream.take()
    return matchers


def _matcher(stream: TokenStream) -> Matcher:
    label = stream.peek()
    if label.kind not in (IDENTIFIER, STRING):
        raise stream.unexpected(_MATCHING, 'identifier or "}"')
    stream.take()
    name = label.text if label.kind == IDENTIFIER else unquote(label.text)
    operator = stream.peek()
    if operator.kind not in tuple(MatchType):
        if label.kind == STRING:
            return Matcher(METRIC_NAME, MatchType.EQUAL, name)
        raise stream.unexpected(_MATCHING, "label matching operator")
    stream.take()
    value = stream.peek()
    if value.kind != STRING:
        raise stream.unexpected(_MATCHING, "string")
    stream.take()
    matcher = Matcher(name, MatchType(operator.kind), unquote(value.text))
    _check_pattern(stream, matcher, label, value)
    return matcher


def _check_pattern(stream: TokenStream, matcher: Matcher, label: Token, value: Token) -> None:
    if matcher.type in (MatchType.EQUAL, MatchType.NOT_EQUAL):
        return
    try:
        compile_anchored(matcher.value)
    except PromQLError as error:
        raise stream.error(f"error parsing regexp: {error.message}", label.start, value.end) from error


def read_labels(stream: TokenStream) -> tuple[str, ...]:
    """Read a list of labels in parentheses."""
    if stream.peek().kind != "(":
        raise stream.unexpected(_GROUPING, '"("')
    stream.take()
    names: list[str] = []
    while not stream.accept(")"):
        names.append(_label(stream))
        if stream.peek().kind not in (",", ")"):
            raise stream.unexpected(_GROUPING, '"," or ")"')
        if stream.peek().kind == ",":
            stream.take()
    return tuple(names)


def _label(stream: TokenStream) -> str:
    token = stream.peek()
    if token.kind == STRING:
        stream.take()
        name = unquote(token.text)
        if not name:
            raise stream.error(f"invalid label name for grouping: {quote(name)}", token.start, token.end)
        return name
    if token.kind not in _LABELS:
        raise stream.unexpected(_GROUPING, "label")
    return stream.take().text
