"""The correlation id that ties together what one request causes, held in a context variable."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar, Token

_correlation_id: ContextVar[str | None] = ContextVar("accelerapp_correlation_id", default=None)

#: What an id from outside may look like: it ends in headers, logs and queries.
_ACCEPTABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


def generate_correlation_id() -> str:
    """Return a new random id (UUID version 4)."""
    return str(uuid.uuid4())


def is_acceptable_correlation_id(value: str) -> bool:
    """Tell whether an id that came from outside may be taken over: at most 128 harmless characters."""
    return _ACCEPTABLE.fullmatch(value) is not None


def get_correlation_id() -> str | None:
    """Return the id of the present context, or None."""
    return _correlation_id.get()


def set_correlation_id(value: str | None) -> Token[str | None]:
    """Set the id for the present context; the token undoes it with `reset_correlation_id`."""
    return _correlation_id.set(value)


def reset_correlation_id(token: Token[str | None]) -> None:
    """Undo one `set_correlation_id`."""
    _correlation_id.reset(token)


@contextlib.contextmanager
def correlation_scope(value: str | None = None) -> Iterator[str]:
    """Hold an id, a new one unless given, for the length of a `with` block."""
    correlation_id = value or generate_correlation_id()
    token = set_correlation_id(correlation_id)
    try:
        yield correlation_id
    finally:
        reset_correlation_id(token)
