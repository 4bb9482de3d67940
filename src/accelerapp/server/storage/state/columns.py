"""How labels, numbers and other values are kept in the columns of the state file."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from accelerapp.server.signals import Labels


def text_of(value: object) -> str:
    """Return a value as JSON."""
    return orjson.dumps(value).decode()


def labels_text(labels: Labels) -> str:
    """Return labels as they are kept."""
    return text_of(dict(labels))


def labels_of(text: str) -> Labels:
    """Return labels that are kept as a text."""
    return sorted_labels(orjson.loads(text))


def sorted_labels(values: Mapping[str, str]) -> Labels:
    """Return labels in the order of their names."""
    return tuple(sorted(values.items()))


def number_of(value: float) -> float | None:
    """Return a number as it is kept: SQLite keeps NaN as NULL."""
    return None if value != value else value


def value_of(stored: float | None) -> float:
    """Return a number that is kept."""
    return float("nan") if stored is None else stored
