"""Typed access to the fields of a JSON document; an error names the path of the field that is wrong."""

from __future__ import annotations

import math
from typing import Any


class FieldError(ValueError):
    """A field has a value of the wrong kind; the message starts with its path."""


class Fields:
    """One JSON object together with its path in the document."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise FieldError(f"{path or 'the document'}: expected an object, found {_kind(value)}")
        self.values: dict[str, Any] = value
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def object(self, name: str) -> Fields:
        """Return the object `name`, empty where it is absent or null."""
        value = self.values.get(name)
        return Fields({} if value is None else value, self.at(name))

    def objects(self, name: str) -> list[Fields]:
        """Return the objects of the list `name`, none where it is absent or null; null items are left out."""
        return [
            Fields(item, f"{self.at(name)}[{i}]")
            for i, item in enumerate(self.items(name))
            if item is not None
        ]

    def items(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise FieldError(f"{self.at(name)}: expected a list, found {_kind(value)}")
        return value

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise FieldError(f"{self.at(name)}: expected a string, found {_kind(value)}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise FieldError(f"{self.at(name)}: expected true or false, found {_kind(value)}")
        return value

    def number(self, name: str) -> float | None:
        """Return a number, also one that is written as a string; None where there is none."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = float(value) if value.strip() else None
            except ValueError:
                raise FieldError(f"{self.at(name)}: expected a number, found {_kind(value)}") from None
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise FieldError(f"{self.at(name)}: expected a number, found {_kind(value)}")
        return value

    def integer(self, name: str) -> int | None:
        value = self.number(name)
        return None if value is None else int(value)


def is_empty(value: Any) -> bool:
    """Tell whether a value asks for nothing."""
    return value is None or value in ("", [], {})


def short(value: Any) -> str:
    """Return a value as a note shows it."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    return str(value).lower()


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return f"the string {value[:60]!r}" if isinstance(value, str) else f"the number {value}"
