"""Text to tokens, in the lexical states of Prometheus' own scanner, so that both refuse the same in the same words."""

from __future__ import annotations

import re
from typing import NamedTuple

from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.quoting import quote, quote_char

IDENTIFIER, METRIC_IDENTIFIER = "identifier", "metric identifier"
NUMBER, DURATION, STRING, END = "number", "duration", "string", "end of input"

SET_OPERATORS = frozenset({"and", "or", "unless"})
#: The aggregations that take a parameter beside the vector.
PARAMETRIC = frozenset({"topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"})
AGGREGATORS = PARAMETRIC | {"avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"}
FILLS = frozenset({"fill", "fill_left", "fill_right"})
MODIFIERS = FILLS | {"offset", "smoothed", "anchored", "by", "without"}
MODIFIERS |= {"bool", "on", "ignoring", "group_left", "group_right"}
#: Words that are functions where a parenthesis follows them, and parts of `@` and of duration expressions.
CONTEXT_WORDS = frozenset({"start", "end", "step", "range", "max_of", "min_of"})
_KEYWORDS = SET_OPERATORS | {"atan2"} | AGGREGATORS | MODIFIERS | CONTEXT_WORDS
_OPERATORS = SET_OPERATORS | {"+", "-", "*", "/", "%", "^", "atan2", "@", "=~", "!~"}
_OPERATORS |= {"==", "!=", "<", "<=", ">", ">=", "</", ">/"}
_DURATION_WORDS = frozenset({"step", "range", "max_of", "min_of"})

_BLANK = re.compile(r"[ \t\r\n]*")
_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z_]*")
_CALLED = re.compile(r"[ \t\r\n]*\(")
_SYMBOLS = re.compile(r"==|!=|<=|</|>=|>/|[,*/%+\-^=<>@()\[\]{:]")
_BRACE_SYMBOLS = re.compile(r"=~|!~|!=|[=,}]")
#: What stands in a string of each kind of quotes and is nothing but itself.
_PLAIN = {'"': re.compile(r'[^"\\\n]*'), "'": re.compile(r"[^'\\\n]*"), "`": re.compile(r"[^`]*")}
_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_ALPHANUMERIC = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")
_ESCAPE_DIGITS = {"x": (2, 16, 255), "u": (4, 16, 0x10FFFF), "U": (8, 16, 0x10FFFF)}


class Token(NamedTuple):
    """A token; `kind` is one of the names above, or the operator, mark or keyword (in lower case) itself."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def describe(self) -> str:
        """Name the token as Prometheus' errors do."""
        if self.kind == END:
            return END
        if self.kind in (IDENTIFIER, METRIC_IDENTIFIER):
            return f"{self.kind} {quote(self.text)}"
        if self.kind in (NUMBER, DURATION, STRING):
            return f"{self.kind} {_shortened(self.text)}"
        if self.kind in MODIFIERS:
            return f"<{self.text}>"
        if self.kind in _OPERATORS:
            return f"<op:{self.text}>"
        if self.kind in AGGREGATORS:
            return f"<aggr:{self.text}>"
        return _shortened(self.text)


def _shortened(text: str) -> str:
    return f"{quote(text[:10])}..." if len(text.encode()) > 10 else quote(text)


class Lexer:
    """Yields tokens one at a time, since what is wrong further on must not be found before what is wrong here."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0
        self._parentheses = 0
        self._in_braces = False
        self._in_brackets = False
        self._in_duration = False  # within brackets, until a number was read
        self._had_colon = False
        self._had_duration = False

    def error(self, message: str, start: int, end: int | None = None) -> PromQLError:
        """Make an error that tells the line and column, counted in bytes as Prometheus counts them."""
        if not self.text:
            return PromQLError(f"unknown position: parse error: {message}", 0, 0)
        before = self.text[:start]
        line = before.count("\n") + 1
        column = len(before[before.rfind("\n") + 1 :].encode()) + 1
        return PromQLError(f"{line}:{column}: parse error: {message}", start, start if end is None else end)

    def next(self) -> Token:
        """Return the next token, the end of the input again and again.

        Raises PromQLError for what is no token.
        """
        if self._in_duration:
            return self._duration()
        blank = _SPACE.match(self.text, self._at)
        self._at = blank.end() if blank else self._at
        return self._braced() if self._in_braces else self._plain()

    def _wrong(self, message: str, start: int | None = None) -> PromQLError:
        return self.error(message, self._at if start is None else start, len(self.text))

    def _char(self, at: int) -> str:
        return self.text[at] if at < len(self.text) else ""

    def _token(self, kind: str, end: int) -> Token:
        start, self._at = self._at, end
        return Token(kind, self.text[start:end], start)

    def _plain(self) -> Token:
        char = self._char(self._at)
        if not char:
            if self._parentheses:
                raise self._wrong("unclosed left parenthesis")
            if self._in_brackets:
                raise self._wrong("unclosed left bracket")
            return Token(END, "", self._at)
        if char in _DIGITS or (char == "." and self._char(self._at + 1) in _DIGITS):
            return self._number()
        if char in "\"'`":
            return self._string(char)
        if name := _NAME.match(self.text, self._at):
            return self._bracketed_name(char) if self._in_brackets else self._word(name.end())
        following = self._char(self._at + 1)
        if char == "!" and following != "=":
            raise self._wrong(f"unexpected character after '!': {quote_char(following)}")
        if char == "=" and following == "~":
            raise self._wrong(f"unexpected character after '=': {quote_char(following)}")
        if symbol := _SYMBOLS.match(self.text, self._at):
            return self._symbol(symbol[0])
        raise self._wrong(f"unexpected character: {quote_char(char)}")

    def _symbol(self, mark: str) -> Token:
        token = self._token(mark, self._at + len(mark))
        match mark:
            case "(":
                self._parentheses += 1
            case ")":
                self._close_parenthesis()
            case "{":
                self._in_braces = True
            case "[" if self._in_brackets:
                raise self._wrong(f"unexpected left bracket {quote_char(mark)}", token.start)
            case "[":
                self._in_brackets = self._in_duration = True
                self._had_colon = self._had_duration = False
            case "]" if not self._in_brackets:
                raise self._wrong(f"unexpected right bracket {quote_char(mark)}", token.start)
            case "]":
                self._in_brackets = False
        return token

    def _close_parenthesis(self) -> None:
        self._parentheses -= 1
        if self._parentheses < 0:
            raise self._wrong(f"unexpected right parenthesis {quote_char(')')}")

    def _bracketed_name(self, char: str) -> Token:
        if char == ":":
            if self._had_colon:
                raise self._wrong(f"unexpected colon {quote_char(char)}")
            self._had_colon = True
            return self._token(":", self._at + 1)
        if word := self._duration_word():
            return word
        raise self._wrong(f"unexpected character: {quote_char(char)}, expected {quote_char(':')}")

    def _duration_word(self) -> Token | None:
        word = _WORD.match(self.text, self._at)
        if word is None or word[0].lower() not in _DURATION_WORDS:
            return None
        return self._token(word[0].lower(), word.end())

    def _word(self, end: int) -> Token:
        word = self.text[self._at : end]
        kind = word.lower()
        if kind in ("inf", "nan"):
            return self._token(NUMBER, end)
        if kind in FILLS and not _CALLED.match(self.text, end):
            return self._token(IDENTIFIER, end)
        if kind in _KEYWORDS:
            return self._token(kind, end)
        return self._token(METRIC_IDENTIFIER if ":" in word else IDENTIFIER, end)

    def _braced(self) -> Token:
        char = self._char(self._at)
        if not char:
            raise self._wrong("unexpected end of input inside braces")
        if name := _LABEL.match(self.text, self._at):
            return self._token(IDENTIFIER, name.end())
        if char in "\"'`":
            return self._string(char)
        if symbol := _BRACE_SYMBOLS.match(self.text, self._at):
            self._in_braces = symbol[0] != "}"
            return self._token(symbol[0], symbol.end())
        if char == "!":
            following = quote_char(self._char(self._at + 1))
            raise self._wrong(f"unexpected character after '!' inside braces: {following}")
        if char == "{":
            raise self._wrong(f"unexpected left brace {quote_char(char)}")
        raise self._wrong(f"unexpected character inside braces: {quote_char(char)}")

    def _duration(self) -> Token:
        """Read the beginning of what stands in brackets."""
        blank = _BLANK.match(self.text, self._at)
        self._at = blank.end() if blank else self._at
        char = self._char(self._at)
        if not char:
            raise self._wrong("unexpected end of input in duration expression")
        if char in _DIGITS or (char == "." and self._char(self._at + 1) in _DIGITS):
            self._in_duration, self._had_duration = False, True
            return self._number()
        if char in "+-*/%^,()]:":
            return self._duration_symbol(char)
        if char.lower() in "srm" and (word := self._duration_word()):
            self._had_duration = True
            return word
        raise self._wrong(f"unexpected character in duration expression: {quote_char(char)}")

    def _duration_symbol(self, mark: str) -> Token:
        token = self._token(mark, self._at + 1)
        match mark:
            case "]":
                self._in_brackets = self._in_duration = False
            case ":" if not self._had_duration:
                raise self._wrong("unexpected colon before duration in duration expression")
            case ":" if self._had_colon:
                raise self._wrong("unexpected repeated colon in duration expression")
            case ":":
                self._had_colon = True
            case "(":
                self._parentheses += 1
            case ")":
                self._close_parenthesis()
        return token

    def _number(self) -> Token:
        end, complete = self._scan_number(self._at)
        if complete:
            return self._token(NUMBER, end)
        end, complete = self._scan_units(end)
        if complete:
            return self._token(DURATION, end)
        raise self._wrong(f"bad number or duration syntax: {quote(self.text[self._at : end])}")

    def _scan_number(self, at: int) -> tuple[int, bool]:
        """Follow a number as far as it goes; tells where that is, and whether it is one."""
        begin, digits, hexadecimal = at, _DIGITS, False
        if self._char(at) == "0":
            at += 1
            if self._char(at) in ("x", "X"):
                at, digits, hexadecimal = at + 1, _HEX_DIGITS, True
                at += self._char(at) == "_"
        at += self._char(at) == "."
        at += self._char(at) in digits
        had_dot = had_exponent = False
        while char := self._char(at):
            if char == ".":
                at += 1
                if had_dot:
                    return at, False
                had_dot = True
                if self._char(at) in ("_", "."):
                    return at + 1, False
                if hexadecimal:
                    return at, False
            elif char in "eE":
                at += 1
                if had_exponent:
                    return at, False
                had_exponent = True
                at += self._char(at) in ("+", "-")
                if (following := self._char(at)) in (".", "_", "e", "E", ""):
                    return at + len(following), False
            elif char == "_":
                at += 1
                if (following := self._char(at)) in (".", "_", "e", "E", ""):
                    return at + len(following), False
            elif char in digits:
                # Of hexadecimal ones "e" is one, but not where a run of them begins.
                while self._char(at) in digits:
                    at += 1
            else:
                break
        return at, at > begin and self._char(at) not in _ALPHANUMERIC

    def _scan_units(self, at: int) -> tuple[int, bool]:
        """Follow the units of a duration, whose first number was read."""
        units = "smhdwy"
        while True:
            char = self._char(at)
            if not char or char not in units:
                return at, False
            at += 1
            at += self._char(at) == "s"
            if self._char(at) not in _DIGITS:
                break
            while self._char(at) in _DIGITS:
                at += 1
            units = "smhdw"
        following = self._char(at)
        return (at, True) if following not in _ALPHANUMERIC else (at + 1, False)

    def _string(self, mark: str) -> Token:
        at = self._at + 1
        if plain := _PLAIN[mark].match(self.text, at):
            at = plain.end()
        while (char := self._char(at)) != mark:
            if not char:
                raise self._wrong("unterminated raw string" if mark == "`" else "unterminated quoted string")
            if mark != "`":
                if char == "\n":
                    raise self._wrong("unterminated quoted string")
                if char == "\\":
                    at = self._escape(at + 1, mark)
                    continue
            at += 1
        return self._token(STRING, at + 1)

    def _escape(self, at: int, mark: str) -> int:
        """Check an escape sequence whose backslash was read, and return where it ends."""
        char = self._char(at)
        if not char:
            raise self._wrong("escape sequence not terminated")
        if char in "abfnrtv\\" or char == mark:
            return at + 1
        if char in "01234567":
            count, base, most = 3, 8, 255
        elif char in _ESCAPE_DIGITS:
            count, base, most = _ESCAPE_DIGITS[char]
            at += 1
        else:
            raise self._wrong(f"unknown escape sequence {_code_point(char)}")
        number = 0
        for place in range(at, at + count):
            digit = self._char(place)
            if not digit:
                raise self._wrong("escape sequence not terminated")
            if digit not in _HEX_DIGITS or int(digit, 16) >= base:
                raise self._wrong(f"illegal character {_code_point(digit)} in escape sequence")
            number = number * base + int(digit, 16)
        if number > most or 0xD800 <= number < 0xE000:
            raise self._wrong("escape sequence is an invalid Unicode code point")
        return at + count


def _code_point(char: str) -> str:
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")
