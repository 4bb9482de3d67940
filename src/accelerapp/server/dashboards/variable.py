"""Reads a dashboard's variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from accelerapp.server.dashboards.fields import Fields, short
from accelerapp.server.dashboards.model import Variable, VariableOption, VariableQuery
from accelerapp.server.dashboards.settings import NotHonouredError, as_number
from accelerapp.server.dashboards.source import PROMETHEUS, Sources

_TYPES = ("query", "custom", "interval", "constant", "textbox", "datasource", "switch")
_HIDE = {
    0: "",
    1: "label",
    2: "all",
    "": "",
    "hideLabel": "label",
    "hideVariable": "all",
    3: "",
    "dontHide": "",
}
_SORT = {
    0: ("none", False), 1: ("alpha", False), 2: ("alpha", True), 3: ("number", False), 4: ("number", True),
    5: ("alpha-ci", False), 6: ("alpha-ci", True), 7: ("natural", False), 8: ("natural", True),
}  # fmt: skip

# Grafana's own patterns take the last part as the label, since a selector may hold commas. Spaces are taken off after
# the match: several parts of a pattern that may take them would take cubic time, which stops all of the server.
_LABEL_VALUES = re.compile(r'label_values\((?:(.+),)?\s*("[^"]+"|[\w$.:{}\[\]]+)\s*\)', re.DOTALL)
_LABEL_NAMES = re.compile(r"label_names\((.*)\)", re.DOTALL)
_METRICS = re.compile(r"metrics\((.+)\)", re.DOTALL)
_QUERY_RESULT = re.compile(r"query_result\((.+)\)", re.DOTALL)
_SERIES_QUERY = 4
_MOST_QUERY = 20_000
_MOST_OPTIONS = 5_000


def read_variables(
    items: list[Fields], sources: Sources, constants: Mapping[str, str]
) -> tuple[tuple[Variable, ...], list[str]]:
    """Return the variables that have a value here, and notes of the others.

    `constants` are the values that the file itself gives for what an import would ask.
    """
    found: list[Variable] = []
    notes: list[str] = []
    for one in items:
        name, kind = one.text("name"), one.text("type", "query")
        if not name:
            continue
        if kind not in _TYPES:
            notes.append(f"variable ${name} of type {kind!r}")
            continue
        query = None
        if kind == "query":
            source = sources.type_of(one)
            query, problem = _query(one) if source in PROMETHEUS or not source else (None, _of_source(source))
            if query is None:
                notes.append(f"variable ${name}: {problem}")
                kind = "custom"
        found.append(_variable(one, kind, query, constants))
        if kind == "custom" and _is_json(one):
            notes.append(f"variable ${name}: options as JSON")
    return tuple(found), notes


def _of_source(source: str) -> str:
    return f"a query of a data source of type {source!r}; what the file knows of it is offered"


def _variable(
    fields: Fields, kind: str, query: VariableQuery | None, constants: Mapping[str, str]
) -> Variable:
    name = fields.text("name")
    options = _options(fields, kind, constants)
    regex = fields.values.get("regex")
    hide = fields.values.get("hide", 0)
    sort = fields.values.get("sort", 0)
    by, desc = _SORT.get(sort if isinstance(sort, int) else 0, ("none", False))
    # Nothing is to be chosen of a constant, nor of data sources: the observatory is the only one.
    hidden = kind in ("constant", "datasource")
    all_value = fields.values.get("allValue")
    return Variable(
        name=name,
        label=str(fields.values.get("label") or name),
        description=str(fields.values.get("description") or ""),
        type="custom" if kind == "switch" else kind,
        hide="all" if hidden else _HIDE.get(hide if isinstance(hide, int | str) else 0, ""),
        multi=kind in ("query", "custom") and fields.values.get("multi") is True,
        include_all=kind in ("query", "custom") and fields.values.get("includeAll") is True,
        all_value=all_value if isinstance(all_value, str) else "",
        query=query,
        options=options,
        current=_current(fields, kind, options),
        regex=regex if isinstance(regex, str) and kind == "query" else "",
        sort={"by": by, "desc": desc},
        auto=_auto(fields) if kind == "interval" and fields.values.get("auto") is True else None,
    )


def _query(fields: Fields) -> tuple[VariableQuery | None, str]:
    """Return what a variable asks, or why it cannot be asked."""
    given = fields.values.get("query")
    kind: Any = None
    if isinstance(given, dict):
        kind, given = given.get("qryType"), given.get("query", given.get("definition"))
    if not isinstance(given, str) or not given.strip():
        definition = fields.values.get("definition")
        given = definition if isinstance(definition, str) else ""
    text = given.strip()
    if not text:
        return None, "it has no query"
    if len(text) > _MOST_QUERY:
        return None, f"its query is longer than {_MOST_QUERY} characters"
    if match := _LABEL_VALUES.fullmatch(text):
        return VariableQuery("label_values", match[2].strip('"'), (match[1] or "").strip()), ""
    if match := _LABEL_NAMES.fullmatch(text):
        return VariableQuery("label_names", "", match[1].strip()), ""
    if match := _METRICS.fullmatch(text):
        return VariableQuery("metrics", "", match[1].strip()), ""
    if match := _QUERY_RESULT.fullmatch(text):
        return VariableQuery("query_result", "", match[1].strip()), ""
    if kind in (None, _SERIES_QUERY, 5):
        return VariableQuery("series", "", text), ""
    return None, f"the query {short(text)}"


def _is_json(fields: Fields) -> bool:
    return fields.values.get("valuesFormat") == "json"


def _options(fields: Fields, kind: str, constants: Mapping[str, str]) -> tuple[VariableOption, ...]:
    query = fields.values.get("query")
    listed = fields.text("type") in ("custom", "interval") and not _is_json(fields)
    if listed and isinstance(query, str) and query.strip():
        return tuple(_listed(query, quoted=kind == "interval"))
    if kind == "constant":
        given = str(query or _first(_texts(fields.object("current").values.get("value"))))
        # "${VAR_X}" is asked at an import, and the file says what it was.
        constant = constants.get(given.removeprefix("${").removesuffix("}"), given)
        return (VariableOption(constant, constant),)
    if kind == "datasource":
        return (VariableOption("the observatory", "prometheus"),)
    stored: list[VariableOption] = []
    for one in fields.objects("options")[:_MOST_OPTIONS]:
        value = one.values.get("value")
        if isinstance(value, str | int | float) and not str(value).startswith(("$__all", "$__auto")):
            stored.append(VariableOption(str(one.values.get("text", value)), str(value)))
    if not stored and kind == "custom":
        current = fields.object("current").values if isinstance(fields.values.get("current"), dict) else {}
        stored = [VariableOption(value, value) for value in _texts(current.get("value")) if value != "$__all"]
    return tuple(stored)


def _listed(text: str, *, quoted: bool) -> list[VariableOption]:
    """Read `a, b, text : value`, in which a comma may be escaped; those of intervals may be quoted."""
    found: list[VariableOption] = []
    for part in re.split(r"(?<!\\),", text)[:_MOST_OPTIONS]:
        item = part.replace("\\,", ",").strip()
        if quoted:
            item = item.strip("\"'")
        if not item:
            continue
        label, separator, value = item.partition(" : ")
        found.append(
            VariableOption(label.strip(), value.strip()) if separator else VariableOption(item, item)
        )
    return found


def _current(fields: Fields, kind: str, options: tuple[VariableOption, ...]) -> tuple[str, ...]:
    if kind in ("constant", "datasource"):
        return tuple(one.value for one in options)
    current = fields.values.get("current")
    values = _texts(current.get("value")) if isinstance(current, dict) else []
    if kind == "textbox" and not values:
        query = fields.values.get("query")
        values = [query] if isinstance(query, str) else []
    return tuple("$__auto" if value.startswith("$__auto") else value for value in values)


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value if isinstance(one, str | int | float)]
    return [str(value)] if isinstance(value, str | int | float) and value != "" else []


def _first(values: list[str]) -> str:
    return values[0] if values else ""


def _auto(fields: Fields) -> dict[str, Any]:
    try:
        count = as_number(fields.values.get("auto_count") or 30) or 30
    except NotHonouredError:
        count = 30
    least = fields.values.get("auto_min")
    return {"count": min(max(int(count), 1), 10_000), "min": least if isinstance(least, str) else "10s"}
