"""What is wrong with a template, and where."""

from __future__ import annotations


class TemplateError(Exception):
    """A template cannot be parsed or executed; `line` and `column` count from 1 within the template."""

    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        super().__init__(f"{name}:{line}:{column}: {message}")
        self.name = name
        self.line = line
        self.column = column
        self.message = message
