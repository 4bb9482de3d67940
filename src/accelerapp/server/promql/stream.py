"""The tokens of an expression, one of look-ahead, and what is said where one of them does not belong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.lexer import Lexer, Token

#: How deeply expressions may be nested; a parenthesis in a call's argument is two levels.
MAX_NESTING = 100


class TokenStream:
    """Reads tokens when they are asked for.

    The innermost of the open contexts words the error for a token that does not belong, as Prometheus' grammar does
    in its error rules.
    """

    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._token: Token | None = None
        self._contexts: list[tuple[str, str]] = []
        self._depth = 0
        self.last_end = 0

    def peek(self) -> Token:
        """Return the next token and leave it."""
        if self._token is None:
            self._token = self._lexer.next()
        return self._token

    def take(self) -> Token:
        """Return the next token and move on."""
        token = self.peek()
        self._token = None
        self.last_end = token.end
        return token

    def accept(self, kind: str) -> Token | None:
        """Take the next token where it is of a kind."""
        return self.take() if self.peek().kind == kind else None

    def expect(self, kind: str) -> Token:
        """Take the next token, which must be of a kind."""
        if self.peek().kind != kind:
            raise self.unexpected()
        return self.take()

    @contextlib.contextmanager
    def within(self, context: str, expected: str = "") -> Iterator[None]:
        """Open a context, such as an aggregation, with what is expected in it."""
        self._contexts.append((context, expected))
        yield
        self._contexts.pop()

    def enter(self) -> None:
        """Count one level of nesting, and refuse one too many."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            message = f"the expression is nested more than {MAX_NESTING} levels deep"
            raise self.error(message, self.peek().start)

    def leave(self) -> None:
        """Count one level less."""
        self._depth -= 1

    def error(self, message: str, start: int, end: int | None = None) -> PromQLError:
        """Make an error that tells where something is wrong."""
        return self._lexer.error(message, start, end)

    def unexpected(self, context: str = "", expected: str = "") -> PromQLError:
        """Make an error that refuses the next token."""
        if not context and self._contexts:
            context, expected = self._contexts[-1]
        token = self.peek()
        message = f"unexpected {token.describe()}"
        message += f" in {context}" if context else ""
        message += f", expected {expected}" if expected else ""
        return self.error(message, token.start, token.end)
