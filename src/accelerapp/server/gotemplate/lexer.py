"""Template text into tokens: text between actions, and the words inside them."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from accelerapp.server.gotemplate.errors import TemplateError

KEYWORDS: Final = frozenset(
    {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil"}
)
_SPACE: Final = " \t\r\n"
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPES_BY_CODE: Final = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})")


class Kind(enum.Enum):
    TEXT = "text"
    OPEN = "{{"
    CLOSE = "}}"
    IDENTIFIER = "identifier"
    KEYWORD = "keyword"
    FIELD = "field"
    VARIABLE = "variable"
    DOT = "."
    STRING = "string"
    NUMBER = "number"
    BOOL = "bool"
    OPERATOR = "operator"  # | ( ) := = ,
    SPACE = "space"
    END = "end of template"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    value: str
    offset: int


# The order decides: a declaration before an assignment, a number before a field that begins with a dot.
_WORD: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<raw>`[^`]*`)
    |(?P<char>'(?:[^'\\\n]|\\.)+')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
        |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?))(?![\w.])
    |(?P<field>\.[^\W\d]\w*)
    |(?P<dot>\.)
    |(?P<variable>\$\w*)
    |(?P<identifier>[^\W\d]\w*)
    |(?P<operator>:=|=|\||\(|\)|,)""",
    re.VERBOSE,
)


class Lexer:
    """Splits one template; raises TemplateError with line and column."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def error(self, offset: int, message: str) -> TemplateError:
        line = self._text.count("\n", 0, offset) + 1
        column = offset - self._text.rfind("\n", 0, offset)
        return TemplateError(self._name, line, column, message)

    def tokens(self) -> Iterator[Token]:
        text, position, trim = self._text, 0, False
        while (start := text.find("{{", position)) >= 0:
            after = start + 2
            trims_left = text[after : after + 1] == "-" and text[after + 1 : after + 2] in tuple(_SPACE)
            yield from self._plain(position, start, left=trim, right=trims_left)
            if trims_left:
                after += 2
            if text.startswith("/*", after):
                position, trim = self._comment(start, after)
                continue
            yield Token(Kind.OPEN, "{{", start)
            end = after
            for token in self._action(start, after):
                yield token
                end = token.offset + len(token.value)
                if token.kind is Kind.CLOSE:
                    break
            trim = text[end - 3 : end - 2] == "-" and text[end - 4 : end - 3] in tuple(_SPACE)
            position = end
        yield from self._plain(position, len(text), left=trim, right=False)
        yield Token(Kind.END, "", len(text))

    def _plain(self, start: int, end: int, *, left: bool, right: bool) -> Iterator[Token]:
        piece = self._text[start:end]
        if right:
            piece = piece.rstrip(_SPACE)
        if left:
            piece = piece.lstrip(_SPACE)
        if piece:
            yield Token(Kind.TEXT, piece, start)

    def _comment(self, start: int, after: int) -> tuple[int, bool]:
        end = self._text.find("*/", after)
        if end < 0:
            raise self.error(start, "the comment is not closed; end it with */}}")
        closing = re.compile(r"([ \t\r\n]-)?\}\}").match(self._text, end + 2)
        if closing is None:
            raise self.error(end, "a comment must end right before the closing }}")
        return closing.end(), closing.group(1) is not None

    def _action(self, start: int, position: int) -> Iterator[Token]:
        text = self._text
        while position < len(text):
            if text.startswith("}}", position):
                yield Token(Kind.CLOSE, "}}", position)
                return
            if re.compile(r"[ \t\r\n]-\}\}").match(text, position):
                yield Token(Kind.CLOSE, "}}", position + 2)
                return
            match = _WORD.match(text, position)
            if match is None:
                raise self.error(
                    position, f"unexpected {text[position]!r} in action; quote it if it is meant as text"
                )
            # A space may hold the one that belongs to ` -}}`.
            end = match.end()
            if match.lastgroup == "space" and text.startswith("-}}", end):
                end -= 1
            if end > position:
                yield self._token(match.lastgroup or "", text[position:end], position)
            position = end
        raise self.error(start, "the action is not closed; end it with }}")

    def _token(self, group: str, value: str, offset: int) -> Token:
        if group == "identifier":
            if value in {"true", "false"}:
                return Token(Kind.BOOL, value, offset)
            return Token(Kind.KEYWORD if value in KEYWORDS else Kind.IDENTIFIER, value, offset)
        if group == "char":
            raise self.error(offset, "character constants are not supported; use a string in double quotes")
        kinds = {"raw": Kind.STRING, "dot": Kind.DOT}
        return Token(kinds.get(group) or Kind[group.upper()], value, offset)

    def unquote(self, token: Token) -> str:
        """Return what a quoted or raw string stands for."""
        if token.value.startswith("`"):
            return token.value[1:-1].replace("\r", "")
        body, result, position = token.value[1:-1], [], 0
        while (at := body.find("\\", position)) >= 0:
            result.append(body[position:at])
            follows = body[at + 1]
            if follows in _ESCAPES or follows in '\\"':
                result.append(_ESCAPES.get(follows, follows))
                position = at + 2
            elif code := _ESCAPES_BY_CODE.match(body, at + 1):
                digits = code.group(1) or code.group(2) or code.group(3)
                result.append(chr(int(digits, 16) if digits else int(code.group(4), 8)))
                position = code.end()
            else:
                raise self.error(token.offset, f"unknown escape \\{follows} in {json.dumps(body)}")
        result.append(body[position:])
        return "".join(result)
