"""Reads the transformations of a panel's results."""

from __future__ import annotations

from accelerapp.server.dashboards.fields import Fields, short
from accelerapp.server.dashboards.model import Transformation

#: What the page knows; ui/src/dashboard draws by them.
KNOWN = frozenset(
    {
        "organize", "merge", "labelsToFields", "joinByField", "reduce", "filterFieldsByName", "sortBy",
        "calculateField", "filterByRefId", "renameByRegex", "groupBy", "limit", "filterByValue", "concatenate",
        "seriesToRows",
    }
)  # fmt: skip
_MODES = ("reduceRow", "binary")
_OPERATIONS = ("groupby", "aggregate", "count")
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
        options = one.object("options")
        unknown = _unknown(name, options)
        if name not in KNOWN or unknown:
            notes.append(f"transformation {name!r}{unknown}")
            continue
        if one.object("filter").values:
            notes.append(f"transformation {name!r} of some of the queries; it is of all here")
        found.append(Transformation(name, options.values))
    return tuple(found), notes


def _unknown(name: str, options: Fields) -> str:
    """Return what of a known transformation's options asks for another calculation than the page makes, or ""."""
    if name == "calculateField":
        mode = options.values.get("mode", "reduceRow")
        if mode not in _MODES:
            return f" of mode {short(mode)}"
        binary = options.values.get("binary")
        sides = [binary.get(side) for side in ("left", "right")] if isinstance(binary, dict) else []
        for given in sides if mode == "binary" else []:
            matcher = given.get("matcher") if isinstance(given, dict) else None
            if isinstance(matcher, dict) and matcher.get("id", "byName") != "byName":
                return f" of the fields {short(matcher['id'])}"
    if name == "groupBy" and isinstance(fields := options.values.get("fields"), dict):
        for field in fields.values():
            operation = field.get("operation") if isinstance(field, dict) else None
            if operation is not None and operation not in _OPERATIONS:
                return f" with {short(operation)}"
    return ""
