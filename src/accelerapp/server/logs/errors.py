"""What is wrong with a query."""

from __future__ import annotations


class LogQueryError(ValueError):
    """A query cannot be read or asked; `column` counts from 1 and says where."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
