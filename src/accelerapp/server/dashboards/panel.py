"""Reads one panel; what differs from Grafana's defaults and is not honoured is named, never dropped."""

from __future__ import annotations

import re
from typing import Any

from accelerapp.server.dashboards.field import read_field
from accelerapp.server.dashboards.fields import FieldError, Fields, short
from accelerapp.server.dashboards.graph import READ as OF_GRAPHS
from accelerapp.server.dashboards.link import panel_links
from accelerapp.server.dashboards.model import Grid, Panel, Repeat
from accelerapp.server.dashboards.options import TYPES, read_options
from accelerapp.server.dashboards.settings import NotHonouredError, as_number
from accelerapp.server.dashboards.source import Sources
from accelerapp.server.dashboards.target import read_targets
from accelerapp.server.dashboards.text import read_text
from accelerapp.server.dashboards.transformation import read_transformations

#: Read below, or without a meaning on the page.
_KNOWN = frozenset(
    {
        "id", "title", "description", "type", "gridPos", "datasource", "targets", "fieldConfig", "options",
        "pluginVersion", "interval", "maxDataPoints", "transparent", "repeat", "repeatDirection", "maxPerRow",
        "links", "timeFrom", "timeShift", "hideTimeOverride", "transformations", "libraryPanel", "panels",
        "collapsed", "scopedVars", "repeatPanelId", "repeatIteration", "repeatByRow", "repeatedByRow", "editable",
        "error", "isNew", "key", "version", "span", "height", "renderer", "cacheTimeout", "queryCachingTTL",
        "$$hashKey", "hashKey", "tags", "headings", "limit", "style", "objectType", "isPreview", "minSpan",
    }
)  # fmt: skip


#: What is read of another time than the dashboard's: a duration, before now where it is said, or variables.
_DURATION = re.compile(r"(?:now)?-?(?:\d+(?:\.\d+)?(?:ms|[smhdwMy]))+|.*\$.*")


def read_panel(fields: Fields, sources: Sources) -> Panel:
    """Return one panel of today's form. Raises FieldError."""
    kind = fields.text("type")
    if not kind:
        raise FieldError(f"{fields.at('type')}: a panel needs a type")
    notes = [f"{name} = {short(value)}" for name, value in _unknown(fields)]
    notes += [
        f"{name} = {short(value)}; the dashboard's time is shown"
        for name in ("timeFrom", "timeShift")
        if (value := _text(fields, name)) and not _DURATION.fullmatch(value)
    ]
    if kind in TYPES:
        field, overrides, found = read_field(fields.object("fieldConfig"), kind)
        options, more = _options(kind, fields.object("options"))
        notes += found + more
    else:
        notes = [f"panel type {kind!r}"]
        field, overrides, _ = read_field(Fields({}, ""), kind)
        options = {}
    targets, target_notes = read_targets(fields, sources) if kind != "text" else ((), [])
    transformations, transformation_notes = read_transformations(fields)
    links, link_notes = panel_links(fields.objects("links"))
    return Panel(
        id=fields.integer("id") or 0,
        type=kind,
        title=fields.text("title"),
        description=fields.text("description"),
        transparent=fields.values.get("transparent") is True,
        grid=_grid(fields.object("gridPos")),
        repeat=_repeat(fields),
        links=links,
        interval=_text(fields, "interval"),
        max_data_points=_points(fields),
        time_from=_text(fields, "timeFrom"),
        time_shift=_text(fields, "timeShift"),
        hide_time_override=fields.values.get("hideTimeOverride") is True,
        targets=targets,
        transformations=transformations,
        field=field,
        overrides=overrides,
        options=options,
        unsupported=_distinct([*notes, *target_notes, *transformation_notes, *link_notes]),
    )


def _unknown(fields: Fields) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, value in fields.values.items()
        if name not in _KNOWN and name not in OF_GRAPHS and value not in (None, "", [], {}, False)
    ]


def _options(kind: str, options: Fields) -> tuple[dict[str, Any], list[str]]:
    if kind != "text":
        return read_options(kind, options.values)
    return read_text(options.text("mode") or "markdown", options.text("content"))


def _text(fields: Fields, name: str) -> str:
    value = fields.values.get(name)
    return value if isinstance(value, str) else ""


def _grid(fields: Fields) -> Grid:
    """Keep a panel within the 24 columns, as Grafana does."""
    w = min(max(fields.integer("w") or 12, 1), 24)
    x = min(max(fields.integer("x") or 0, 0), 24 - w)
    return Grid(x, max(fields.integer("y") or 0, 0), w, min(max(fields.integer("h") or 8, 1), 200))


def _repeat(fields: Fields) -> Repeat | None:
    variable = _text(fields, "repeat")
    if not variable:
        return None
    most = fields.integer("maxPerRow") or 4
    direction = "v" if fields.values.get("repeatDirection") == "v" else "h"
    return Repeat(variable, direction, min(max(most, 1), 24))


def _points(fields: Fields) -> int | None:
    try:
        points = as_number(fields.values.get("maxDataPoints") or "")
    except NotHonouredError:
        return None
    return None if points is None or points < 1 else int(points)


def _distinct(notes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
