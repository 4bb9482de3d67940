"""Turns a panel's query into one that the observatory can run: variables replaced, time compressed."""

from __future__ import annotations

import re

from accelerapp.server.dashboards.fields import Fields
from accelerapp.server.dashboards.model import Target
from accelerapp.server.promql import parse, scale_time

#: Grafana computes these from the panel's width and its data source's scrape interval. A stored query has
#: neither, so they take the values of a 15 s scrape interval, which is what the shipped files scrape at:
#: `$__rate_interval` is four scrapes, so that a lost one leaves a rate, `$__interval` is one.
INTERVALS = {"__rate_interval": "1m", "__interval": "15s"}

# The names are fixed text of the file's author, not a pattern of theirs: the standard library's `re` is safe.
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::[^}]*)?\}|(\w+))|\[\[(\w+)\]\]")

_KNOWN = frozenset(
    {"refId", "expr", "legendFormat", "datasource", "editorMode", "hide", "instant", "range", "format",
     "intervalFactor", "step", "interval", "exemplar", "useBackend", "fullMetaSearch", "includeNullMetadata",
     "disableTextWrap"}
)  # fmt: skip


def normalise_target(fields: Fields, panel_source: str, time_factor: float) -> tuple[Target, list[str]]:
    """Return one target and what of it is not supported.

    `panel_source` is the type of the panel's data source, "" where it names none. `time_factor` divides every
    duration of the query.
    """
    ref = fields.text("refId", "A")
    expr = fields.text("expr")
    notes = [f"target {ref}: {change}" for change in fields.changed({}, _KNOWN)]
    if fields.flag("instant", False) and not fields.flag("range", False):
        notes.append(f"target {ref}: an instant query, run over the range instead")
    if fields.flag("exemplar", False):
        notes.append(f"target {ref}: exemplars")
    if fields.text("format", "time_series") != "time_series":
        notes.append(f"target {ref}: format = {fields.text('format')!r}")
    notes += [
        f"target {ref}: {name} = {fields.values[name]!r}"
        for name in ("interval", "step")
        if fields.values.get(name)
    ]
    source = source_type(fields) or panel_source
    if source and source != "prometheus":
        return _refused(ref, expr, fields, notes, f"data source of type {source!r}; not queried")
    if not expr.strip():
        return _refused(ref, expr, fields, notes, "no expression; not queried")
    text, unknown = substitute(expr)
    if unknown:
        return _refused(ref, expr, fields, notes, f"variable {', '.join(unknown)}; not queried")
    try:
        query = str(scale_time(parse(text), time_factor))
    except ValueError as error:
        return _refused(ref, expr, fields, notes, f"{error}; not queried")
    return Target(ref, expr, query, fields.text("legendFormat")), notes


def substitute(expr: str) -> tuple[str, list[str]]:
    """Replace Grafana's interval variables in a query, and name the variables that have no value here."""
    unknown: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name not in INTERVALS:
            if f"${name}" not in unknown:
                unknown.append(f"${name}")
            return match[0]
        return INTERVALS[name]

    return _VARIABLE.sub(value, expr), unknown


def source_type(fields: Fields) -> str:
    """Return the type of the data source that a panel or target names, "" where it names none."""
    source = fields.values.get("datasource")
    if source is None or isinstance(source, str):  # before Grafana 8.3: a name, which tells no type
        return ""
    return fields.object("datasource").text("type")


def _refused(ref: str, expr: str, fields: Fields, notes: list[str], reason: str) -> tuple[Target, list[str]]:
    return Target(ref, expr, None, fields.text("legendFormat")), [*notes, f"target {ref}: {reason}"]
