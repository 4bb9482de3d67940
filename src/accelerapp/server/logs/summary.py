"""Which fields some log lines have, and of which types, as Kibana names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accelerapp.server.signals import LogRecord

_KEYWORDS = ("service", "level", "scope", "trace_id", "span_id", "correlation_id")


@dataclass(frozen=True, slots=True, order=True)
class FieldSummary:
    """A field, its most frequent type, and how many of the lines have it."""

    name: str
    type: str  # date, text, keyword, number, boolean, list or object
    lines: int


def fields_of(records: Iterable[LogRecord]) -> list[FieldSummary]:
    """Return the fields of log lines in ascending order of their names; an attribute hides one of the resource."""
    types: dict[str, Counter[str]] = {}
    for record in records:
        own: dict[str, str] = {"time": "date"}
        if record.body:
            own["body"] = "text"
        if record.severity_number:
            own["severity_number"] = "number"
        own |= {name: "keyword" for name in _KEYWORDS if getattr(record, name)}
        for values in (record.attributes, record.resource):
            own = {name: _type(value) for name, value in values.items() if value is not None} | own
        for name, kind in own.items():
            types.setdefault(name, Counter())[kind] += 1
    return sorted(
        FieldSummary(name, kinds.most_common(1)[0][0], kinds.total()) for name, kinds in types.items()
    )


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "list" if isinstance(value, list) else "keyword"
