"""Compiles log queries to conditions that storage understands: SQL, in which every text of the user is a parameter."""

from __future__ import annotations

import re
import sys
from typing import Final

import re2  # type: ignore[import-untyped]

from accelerapp.server.logs.ast import (
    And,
    Bound,
    Everything,
    Exists,
    Field,
    Match,
    Node,
    Not,
    Or,
    Range,
    Value,
    Wildcard,
)
from accelerapp.server.logs.dates import read_time
from accelerapp.server.logs.errors import LogQueryError
from accelerapp.server.logs.fields import Kind, LogField, field_named, number_of, value_of
from accelerapp.server.storage import Condition, Expression
from accelerapp.server.storage.conditions import all_of, any_of, in_json, opposite
from accelerapp.server.storage.index import EVERY_BLOCK, HasAll, HasAny, HasWords, Wanted
from accelerapp.server.storage.otlp_logs import LEVELS
from accelerapp.server.storage.words import IN_WORD, NO_WORD, WORD, lowered, words

MAX_CONDITIONS: Final = 256

#: The severity numbers of each level, four to each (OpenTelemetry's log data model), and other names of levels.
_SEVERITIES: Final = {level.lower(): (4 * index + 1, 4 * index + 4) for index, level in enumerate(LEVELS)}
_LEVELS: Final = _SEVERITIES | {"warning": _SEVERITIES["warn"], "critical": _SEVERITIES["fatal"]}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_INTEGER = re.compile(r"[+-]?\d+")
#: Whole numbers up to this are told apart when they are compared as numbers of 64 bits.
_EXACT: Final = 2**53
_PLAIN_INTEGER = re.compile(r"-?\d{1,15}")
_GREATEST = sys.float_info.max
#: Words of a phrase that are looked for before the phrase is.
_LOOKED_FOR = 4
_boundary_words = re2.compile(WORD)


def compile_query(tree: Node, now: float) -> Condition:
    """Return the condition that a query is; `now` is Unix seconds. Raises LogQueryError."""
    return _Compiler(int(now * 1e9)).condition(tree)


def compile_field(name: str) -> Expression:
    """Return the value of a field as text, by any of its names."""
    return value_of(field_named(name))


class _Compiler:
    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._conditions = 0

    def condition(self, node: Node) -> Condition:
        match node:
            case Everything():
                return all_of([])
            case And(parts):
                return all_of([self.condition(one) for one in parts])
            case Or(parts):
                return any_of([self.condition(one) for one in parts])
            case Not(part):
                return opposite(self.condition(part))
            case Match(field, values):
                return self._match(field, values)
            case Exists(field):
                return self._count(_exists(field_named(field.name)), field.column)
            case Range(field, lower, upper):
                return self._count(self._range(field, lower, upper), field.column)

    def _count(self, condition: Condition, column: int) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise LogQueryError(f"the query has more than {MAX_CONDITIONS} conditions", column)
        return condition

    def _match(self, named: Field | None, values: tuple[Value, ...]) -> Condition:
        field = field_named(named.name if named else "body")
        if field.kind is Kind.BODY:
            return any_of([self._count(_body(one), one.column) for one in values])
        value = _joined(values)
        return self._count(self._equal(field, value), value.column)

    def _equal(self, field: LogField, value: Value) -> Condition:
        if field.kind is Kind.TIME:
            first, last = self._time(value)
            return Condition("time_ns BETWEEN ? AND ?", (first, last))
        if field.kind is Kind.LEVEL:
            return _level(value)
        literal = value.literal
        if literal is not None and field.kind is Kind.ID:
            value, literal = Value((literal.lower(),)), literal.lower()
        expression = value_of(field)
        wanted = HasAll((_has_field(field), _has_value(field, value)))
        if literal is None:
            return Condition(
                f"regexp_full_match({expression.sql}, ?, 's')",
                (*expression.parameters, _pattern(value)),
                wanted,
            )
        if _is_number(literal) and field.kind in {Kind.ATTRIBUTE, Kind.NUMBER}:
            number = number_of(field)
            return Condition(
                f"{expression.sql} = ? OR {number.sql} = ?",
                (*expression.parameters, literal, *number.parameters, float(literal)),
                wanted,
            )
        return Condition(f"{expression.sql} = ?", (*expression.parameters, literal), wanted)

    def _range(self, named: Field, lower: Bound | None, upper: Bound | None) -> Condition:
        field = field_named(named.name)
        if field.kind is Kind.BODY:
            raise LogQueryError(f"{named.name} is text, which has no size to compare", named.column)
        bounds = [(bound, is_lower) for bound, is_lower in ((lower, True), (upper, False)) if bound]
        if not bounds:
            return _exists(field)
        return all_of([self._bounded(field, bound, is_lower) for bound, is_lower in bounds])

    def _bounded(self, field: LogField, bound: Bound, is_lower: bool) -> Condition:
        """Return the condition that a field lies on the right side of one bound."""
        text = bound.value.literal or ""
        comparison = (">" if is_lower else "<") + ("=" if bound.inclusive else "")
        if field.kind is Kind.TIME:
            first, last = self._time(bound.value)
            return Condition(f"time_ns {comparison} ?", (first if is_lower == bound.inclusive else last,))
        if field.kind is Kind.LEVEL:
            if text.lower() not in _LEVELS:
                known = ", ".join(_LEVELS)
                raise LogQueryError(f"{text} is no level; there are {known}", bound.value.column)
            first, last = _LEVELS[text.lower()]
            number = first if is_lower == bound.inclusive else last
            return Condition(f"severity_number {comparison} ? AND severity_number > 0", (number,))
        expression, wanted = value_of(field), _has_field(field)
        if _NUMBER.fullmatch(text):
            # What is no finite number is not between any bounds, and NaN would be above all others.
            sql = f"try_cast({expression.sql} AS DOUBLE)"
            most = _GREATEST if is_lower else -_GREATEST
            return Condition(
                f"{sql} {comparison} ? AND {sql} {'<=' if is_lower else '>='} ?",
                (*expression.parameters, float(text), *expression.parameters, most),
                wanted,
            )
        return Condition(f"{expression.sql} {comparison} ?", (*expression.parameters, text), wanted)

    def _time(self, value: Value) -> tuple[int, int]:
        text = value.literal
        found = read_time(text, self._now_ns) if text is not None else None
        if found is None:
            raise LogQueryError(
                f"{value} is no time; write it as 2026-11-26, 2026-11-26T10:15:00Z, now-15m or Unix milliseconds",
                value.column,
            )
        return found


def _is_number(literal: str) -> bool:
    """Tell whether values are compared with this by size; of a long whole number, such as an id, each digit counts."""
    return _NUMBER.fullmatch(literal) is not None and not (
        _INTEGER.fullmatch(literal) and abs(int(literal)) > _EXACT
    )


def _joined(values: tuple[Value, ...]) -> Value:
    """Return values that were written one after the other as one, which they are for all fields but the body."""
    if len(values) == 1:
        return values[0]
    pieces: list[str | Wildcard] = []
    for one in values:
        pieces += [*([" "] if pieces else []), *one.pieces]
    return Value(tuple(pieces), column=values[0].column)


def _exists(field: LogField) -> Condition:
    if field.kind is Kind.TIME:
        return all_of([])
    expression = value_of(field)
    return Condition(f"{expression.sql} IS NOT NULL", expression.parameters, _has_field(field))


def _level(value: Value) -> Condition:
    literal = value.literal
    if literal is None:
        return Condition("regexp_full_match(lower(level), ?, 's')", (_pattern(value, lower=True),))
    by_text = Condition("lower(level) = ?", (lowered(literal),))
    if (numbers := _LEVELS.get(literal.lower())) is None:
        return by_text
    return any_of([Condition("severity_number BETWEEN ? AND ?", numbers), by_text])


def _body(value: Value) -> Condition:
    """Return the condition that the body has a value as whole words, one after the other, whatever is between them."""
    pattern: list[str] = []
    for piece in value.pieces:
        if isinstance(piece, Wildcard):
            pattern.append(f"{IN_WORD}*" if piece is Wildcard.MANY else IN_WORD)
            continue
        rest = lowered(piece)
        while rest:
            found = _boundary_words.search(rest)
            begin, end = found.span() if found else (len(rest), len(rest))
            if begin:
                pattern.append(f"{NO_WORD}+")
            if found:
                pattern.append(re2.escape(found[0]))
            rest = rest[end:]
    while pattern and pattern[0] == f"{NO_WORD}+":
        del pattern[0]
    while pattern and pattern[-1] == f"{NO_WORD}+":
        del pattern[-1]
    if not pattern:
        return Condition("contains(lower(body), ?)", (lowered(value.literal or ""),))
    whole = f"(?:^|{NO_WORD}){''.join(pattern)}(?:$|{NO_WORD})"
    # That most lines lack one of the words is seen much sooner than that the pattern does not match.
    parts = sorted({one for text in _texts(value) for one in words(text)}, key=len, reverse=True)[
        :_LOOKED_FOR
    ]
    return Condition(
        "".join("contains(lower(body), ?) AND " for _ in parts) + "regexp_matches(lower(body), ?)",
        (*parts, whole),
        HasAll(tuple(HasWords("body", one) for one in _whole_words(value))),
    )


def _has_field(field: LogField) -> Wanted:
    """Return in which blocks lines may have a field, by the words of its name."""
    if field.kind is not Kind.ATTRIBUTE:
        return EVERY_BLOCK
    return HasAny(tuple(HasWords("fields", in_json(name)) for name in field.attributes))


def _has_value(field: LogField, value: Value) -> Wanted:
    """Return in which blocks lines may have a value, by its words; another way to write a number has other words."""
    literal = value.literal
    if not field.indexed:
        return EVERY_BLOCK
    if literal is not None and _NUMBER.fullmatch(literal) and not _PLAIN_INTEGER.fullmatch(literal):
        return EVERY_BLOCK
    return HasAll(
        tuple(HasWords(field.indexed, one) for one in _whole_words(value, json=field.indexed == "fields"))
    )


def _texts(value: Value) -> list[str]:
    return [piece for piece in value.pieces if isinstance(piece, str)]


def _whole_words(value: Value, *, json: bool = False) -> list[str]:
    """Return the words that what matches a value must have, those left out that a wildcard may go on."""
    found: list[str] = []
    for index, piece in enumerate(value.pieces):
        if isinstance(piece, Wildcard):
            continue
        text = lowered(in_json(piece) if json else piece)
        for match in _boundary_words.finditer(text):
            goes_on = match.end() == len(text) and index + 1 < len(value.pieces)
            began_before = match.start() == 0 and index > 0
            if not goes_on and not began_before:
                found.append(match[0])
    return found


def _pattern(value: Value, *, lower: bool = False) -> str:
    """Return a value with wildcards as a regular expression of RE2."""
    parts = []
    for piece in value.pieces:
        if isinstance(piece, Wildcard):
            parts.append(".*" if piece is Wildcard.MANY else ".")
        else:
            parts.append(re2.escape(lowered(piece) if lower else piece))
    return "".join(parts)
