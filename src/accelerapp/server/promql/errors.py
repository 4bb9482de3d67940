"""What can go wrong with a query, worded as Prometheus words it."""

from __future__ import annotations


class PromQLError(ValueError):
    """A query that cannot be parsed or evaluated.

    `start` and `end` are offsets into the query's text where they are known, else None.
    """

    def __init__(self, message: str, start: int | None = None, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


class InvalidDurationError(PromQLError):
    """A duration of the query is an expression that gives none, for the query's step and range."""


class QueryTimeoutError(PromQLError):
    """The query took longer than the engine allows."""


class QueryLimitError(PromQLError):
    """The query would hold more samples in memory than the engine allows."""
