"""Parses log queries: Kibana's KQL, and of Lucene's syntax what KQL gives no other meaning.

From Lucene are ranges in brackets, `+` and `-`, `!`, `&&`, `||`, and `?` for one character. A parser of our own has
the places of errors, and can say what is not supported instead of reading it as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
from accelerapp.server.logs.errors import LogQueryError

MAX_LENGTH: Final = 4096
MAX_DEPTH: Final = 50

_SPACE = re.compile(r"\s*")
_AND = re.compile(r"(?:and(?=[\s(]|$)|&&)", re.IGNORECASE)
_OR = re.compile(r"(?:or(?=[\s(]|$)|\|\|)", re.IGNORECASE)
_NOT = re.compile(r"(?:not(?=[\s(]|$)|!(?=\S))", re.IGNORECASE)
_COMPARISON = re.compile(r"[<>]=?")
_RANGE = re.compile(r"[\[{](?=[^\]}]*\sTO\b)")
_BOUND = re.compile(r"[^\s\]}]+")
_TO = re.compile(r"TO(?=\s)")
_SIGN = re.compile(r"[+-](?=[^\s+-])")
_LUCENE_SUFFIX = re.compile(r"(?<=.)[~^][\d.]*$")
#: What Lucene's suffixes would ask for.
_UNSUPPORTED = {"~": "words that are alike or near (~) are", "^": "weights (^) of words are"}
_WILDCARDS = {wildcard.value: wildcard for wildcard in Wildcard}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ENDS_WORD = frozenset('()<>"{}')


def parse(text: str) -> Node:
    """Read a query; an empty one finds everything. Raises LogQueryError."""
    if len(text) > MAX_LENGTH:
        raise LogQueryError(f"the query has {len(text)} characters, {MAX_LENGTH} are allowed", MAX_LENGTH + 1)
    parser = _Parser(text)
    if parser.at_end():
        return Everything()
    tree = parser.alternatives(None)
    if not parser.at_end():
        raise parser.unexpected()
    return tree


class _Parser:
    """Reads a query from left to right; a `field` is what the values in brackets behind a field's name are of."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def at_end(self) -> bool:
        self._take(_SPACE)
        return self._at == len(self._text)

    def unexpected(self) -> LogQueryError:
        """Return the error of what stands here without a meaning."""
        found = self._text[self._at : self._at + 1]
        if not found:
            return self._error("something is missing at the end")
        reason = {
            ")": "no bracket is open that this one closes",
            ":": "a colon belongs behind a field's name; put text that has one in quotes",
            "{": "nested queries are not supported; name the field with dots, as in a.b: value",
        }.get(found)
        if reason is None and found in _ENDS_WORD and found not in '("':
            reason = f"{found} has no meaning here; put it in quotes, or write \\{found}"
        return self._error(
            reason or f'"and" or "or" is missing before {self._text[self._at : self._at + 20]}'
        )

    def alternatives(self, field: Field | None) -> Node:
        """Read what `or` joins, which binds less than `and`."""
        parts = [self._conjunction(field)]
        while self._take_word(_OR):
            parts.append(self._conjunction(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, field: Field | None) -> Node:
        parts = [self._sequence(field)]
        while self._take_word(_AND):
            parts.append(self._sequence(field))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _sequence(self, field: Field | None) -> Node:
        """Read clauses that no word joins, which is allowed where `+`, `-` or `not` says what each is for.

        Then those with a plus must hold and those with a minus must not; of the others one must if none has a plus.
        """
        must: list[Node] = []
        must_not: list[Node] = []
        may: list[Node] = []
        places: list[int] = []
        while not places or not (self.at_end() or self._text[self._at] in "):" or self._sees_joint()):
            self._take(_SPACE)
            places.append(self._at)
            if self._take_word(_NOT):
                must_not.append(self._negated(field))
            elif sign := self._take(_SIGN):
                (must if sign == "+" else must_not).append(self._clause(field, single=True))
            else:
                may.append(self._clause(field))
        if len(may) > 1 and len(may) == len(places):
            self._at = places[1]
            raise self.unexpected()
        if may and not must:
            must = [may[0] if len(may) == 1 else Or(tuple(may))]
        parts = [*must, *map(Not, must_not)]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negated(self, field: Field | None) -> Node:
        with self._deeper():
            return Not(self._negated(field)) if self._take_word(_NOT) else self._clause(field)

    def _clause(self, field: Field | None, *, single: bool = False) -> Node:
        """Read a group, a field with what is asked of it, or values; with `single` one word rather than several."""
        self._take(_SPACE)
        if self._take_text("("):
            return self._group(field)
        values = self._values(single=single)
        if field is not None:
            return _match(field, values)
        self._take(_SPACE)
        if len(values) == 1 and self._text[self._at : self._at + 1] in {":", "<", ">"}:
            return self._asked_of(self._named(values[0]))
        return Everything() if _is_everything(values) else Match(None, values)

    def _group(self, field: Field | None) -> Node:
        opened = self._at - 1
        with self._deeper():
            inner = self.alternatives(field)
        self._take(_SPACE)
        if not self._take_text(")"):
            if self._at == len(self._text):
                self._at = opened
                raise self._error("this bracket is not closed")
            raise self.unexpected()
        return inner

    def _named(self, value: Value) -> Field:
        name = value.literal
        if name is None:
            if value.pieces == (Wildcard.MANY,):
                return Field("*", value.column)
            raise LogQueryError(f"{value} names several fields, which is not supported", value.column)
        return Field(name, value.column)

    def _asked_of(self, field: Field) -> Node:
        if self._take_text(":"):
            self._take(_SPACE)
            if self._take_text("("):
                return self._group(field)
            if opening := self._take(_RANGE):
                return self._range(field, inclusive=opening == "[")
            if self._text[self._at : self._at + 1] not in {"<", ">"}:
                return _match(field, self._values(in_field=True))
        comparison = self._take(_COMPARISON)
        self._take(_SPACE)
        bound = Bound(self._value(in_field=True), inclusive=comparison.endswith("="))
        self._require_literal(bound.value)
        return Range(field, bound, None) if comparison.startswith(">") else Range(field, None, bound)

    def _range(self, field: Field, *, inclusive: bool) -> Node:
        """Read `low TO high` and the closing bracket; an asterisk leaves an end open."""
        lower = self._bound()
        self._take(_SPACE)
        if not self._take(_TO):
            raise self._error('"TO" is missing between the bounds of a range')
        upper = self._bound()
        self._take(_SPACE)
        closing = self._text[self._at : self._at + 1]
        if closing not in {"]", "}"}:
            raise self._error("a range ends with ] or, without its upper bound, with }")
        self._at += 1
        return Range(
            field,
            Bound(lower, inclusive) if lower.pieces != (Wildcard.MANY,) else None,
            Bound(upper, closing == "]") if upper.pieces != (Wildcard.MANY,) else None,
        )

    def _bound(self) -> Value:
        self._take(_SPACE)
        start = self._at
        if self._text[start : start + 1] == '"':
            return self._phrase()
        text = self._take(_BOUND)
        if not text:
            raise self._error("a bound of the range is missing")
        return Value((Wildcard.MANY if text == "*" else text,), column=start + 1)

    def _values(self, *, single: bool = False, in_field: bool = False) -> tuple[Value, ...]:
        """Read a phrase, or words up to what is not one; of words before a field's name that is not the last."""
        values = [self._value(in_field=in_field)]
        while not (single or values[0].quoted or self.at_end()):
            here = self._at
            if (
                self._text[here] in _ENDS_WORD | {":"}
                or self._sees_joint()
                or self._sees(_NOT)
                or self._sees(_SIGN)
            ):
                break
            value = self._word(in_field=False)
            self._take(_SPACE)
            if self._text[self._at : self._at + 1] in {":", "<", ">"}:
                self._at = here
                break
            values.append(value)
        return tuple(values)

    def _value(self, *, in_field: bool) -> Value:
        self._take(_SPACE)
        if self._text[self._at : self._at + 1] == '"':
            return self._phrase()
        return self._word(in_field=in_field)

    def _phrase(self) -> Value:
        start = self._at
        self._at += 1
        characters: list[str] = []
        while (one := self._text[self._at : self._at + 1]) != '"':
            if not one:
                self._at = start
                raise self._error("this quote is not closed")
            characters.append(self._escaped() if one == "\\" else one)
            self._at += 1
        self._at += 1
        if (suffix := self._text[self._at : self._at + 1]) in {"~", "^"}:
            raise self._error(f"{_UNSUPPORTED[suffix]} not supported")
        return Value(("".join(characters),), quoted=True, column=start + 1)

    def _word(self, *, in_field: bool) -> Value:
        """Read what has no space; behind a field's name a colon is a part of it, as in an address."""
        if self._sees_joint():
            raise self._error("something is missing before this; put the word in quotes to search for it")
        start = self._at
        pieces: list[str | Wildcard] = []
        plain = ""
        while (one := self._text[self._at : self._at + 1]) and not one.isspace():
            if one in _ENDS_WORD or (one == ":" and not in_field):
                break
            plain += one
            if one in _WILDCARDS:
                pieces.append(_WILDCARDS[one])
            else:
                text = self._escaped() if one == "\\" else one
                plain = plain[:-1] + "x" if one == "\\" else plain
                if pieces and isinstance(pieces[-1], str):
                    pieces[-1] += text
                else:
                    pieces.append(text)
            self._at += 1
        if not pieces:
            raise self.unexpected()
        if suffix := _LUCENE_SUFFIX.search(plain):
            self._at = start + len(self._text[start : self._at]) - len(suffix[0])
            sign = suffix[0][0]
            raise self._error(f"{_UNSUPPORTED[sign]} not supported; write \\{sign} for the character itself")
        return Value(tuple(pieces), column=start + 1)

    def _escaped(self) -> str:
        """Read the character behind a backslash, on which this is left."""
        self._at += 1
        one = self._text[self._at : self._at + 1]
        if not one:
            raise self._error("a backslash stands before the character that it escapes")
        return _ESCAPES.get(one, one)

    def _require_literal(self, value: Value) -> None:
        if value.literal is None:
            raise LogQueryError(f"{value} cannot be compared by size, since it has a wildcard", value.column)

    def _sees(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self._text, self._at) is not None

    def _sees_joint(self) -> bool:
        return self._sees(_AND) or self._sees(_OR)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _take_word(self, pattern: re.Pattern[str]) -> str:
        self._take(_SPACE)
        return self._take(pattern)

    def _take_text(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"the query is nested deeper than {MAX_DEPTH} levels")
        yield
        self._depth -= 1

    def _error(self, message: str) -> LogQueryError:
        return LogQueryError(message, self._at + 1)


def _match(field: Field, values: tuple[Value, ...]) -> Node:
    if _is_everything(values):
        return Everything() if field.name == "*" else Exists(field)
    if field.name == "*":
        return Match(None, values)
    if field.name == "_exists_" and len(values) == 1 and (name := values[0].literal):
        return Exists(Field(name, values[0].column))
    return Match(field, values)


def _is_everything(values: tuple[Value, ...]) -> bool:
    return len(values) == 1 and values[0].pieces == (Wildcard.MANY,)
