"""Reads the transformations of a panel's results."""

from __future__ import annotations

from accelerapp.server.dashboards.fields import Fields
from accelerapp.server.dashboards.model import Transformation

#: What the page knows; ui/src/dashboard draws by them.
KNOWN = frozenset(
    {
        "organize", "merge", "labelsToFields", "joinByField", "reduce", "filterFieldsByName", "sortBy",
        "calculateField", "filterByRefId", "renameByRegex", "groupBy", "limit", "filterByValue", "concatenate",
        "seriesToRows",
    }
)  # fmt: skip
#: Former names.
_NOW = {"seriesToColumns": "joinByField", "filterFields": "filterFieldsByName"}
_EMPTY = frozenset({"prepareTimeSeries"})


def read_transformations(fields: Fields) -> tuple[tuple[Transformation, ...], list[str]]:
    """Return a panel's transformations that are known and not switched off, and notes of the others."""
    found: list[Transformation] = []
    notes: list[str] = []
    for one in fields.objects("transformations"):
        name = _NOW.get(one.text("id"), one.text("id"))
        if one.values.get("disabled") is True or name in _EMPTY:
            continue
        if name not in KNOWN:
            notes.append(f"transformation {name!r}")
        elif one.object("filter").values:
            notes.append(f"transformation {name!r} of some of the queries; it is of all here")
            found.append(Transformation(name, one.object("options").values))
        else:
            found.append(Transformation(name, one.object("options").values))
    return tuple(found), notes
