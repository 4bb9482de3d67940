"""Go's view of values: truth, kinds, comparison and how each is printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from accelerapp.server.numbers import format_general


class Object:
    """A value with methods, which a template calls like fields; each is given the value and its arguments."""

    __slots__ = ()
    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def text(self) -> str | None:
        """Return how the value is printed, None where that is as its kind is."""
        return None

    def amount(self) -> float | None:
        """Return the number that formatting functions take the value for, None where that is as its kind is."""
        return None


class Struct(dict[str, Any]):
    """A Go struct: unlike a map, it has the named fields only, and asking for another is an error."""

    def json_name(self, field: str) -> str:
        """Return the name of a field in JSON."""
        return field


def truth(value: Any) -> bool:
    """Tell whether a value is not empty, as `if`, `with`, `and`, `or` and `not` see it."""
    if isinstance(value, Struct):
        return True
    if isinstance(value, float) and math.isnan(value):
        return True
    if isinstance(value, Object) and not isinstance(value, (Mapping, Sequence, int)):
        return True
    return bool(value)


def kind(value: Any) -> str:
    """Return the basic kind by which `eq` and `lt` decide what can be compared."""
    for name, types in (("bool", bool), ("int", int), ("float", float), ("string", str)):
        if isinstance(value, types):
            return name
    return "other"


def type_name(value: Any) -> str:
    if value is None:
        return "<nil>"
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "slice"
    return {"float": "float64"}.get(kind(value), kind(value))


def compare(first: Any, second: Any) -> int:
    """Return -1, 0 or 1; raises ValueError where the kinds cannot be ordered, as Go's `lt` does."""
    if kind(first) != kind(second):
        raise ValueError(f"incompatible types for comparison: {type_name(first)} and {type_name(second)}")
    if kind(first) not in {"int", "float", "string"}:
        raise ValueError(f"invalid type for comparison: {type_name(first)}")
    return int(first > second) - int(first < second)


def equal(first: Any, second: Any) -> bool:
    """Compare as Go's `eq` does; raises ValueError where the kinds differ."""
    if first is None or second is None:
        return first is second
    if kind(first) != kind(second):
        raise ValueError(f"incompatible types for comparison: {type_name(first)} and {type_name(second)}")
    if kind(first) == "other":
        raise ValueError(f"non-comparable type {type_name(first)}")
    return bool(first == second)


def number(value: Any) -> float:
    """Return a number for Prometheus' formatting functions, which take texts as well; raises ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError(f"cannot convert {type_name(value)} to a number")
    if isinstance(value, Object) and (amount := value.amount()) is not None:
        return amount
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError as error:
            raise ValueError(f'cannot convert "{value}" to a number') from error
    raise ValueError(f"cannot convert {type_name(value)} to a number")


def display(value: Any) -> str:
    """Print a value as `{{ value }}` does."""
    if value is None:
        return "<no value>"
    return sprint(value)


def sprint(value: Any) -> str:
    """Print a value as the verb %v does."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Object) and (text := value.text()) is not None:
        return text
    if isinstance(value, float):
        return format_general(value)
    if isinstance(value, Struct):
        return "{" + " ".join(sprint(item) for item in value.values()) + "}"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{sprint(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + " ".join(sprint(item) for item in value) + "]"
    return str(value)
