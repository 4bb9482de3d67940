"""Reads the panels of a dashboard into sections: each row with what is under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accelerapp.server.dashboards.fields import FieldError, Fields
from accelerapp.server.dashboards.model import Panel, Section
from accelerapp.server.dashboards.older import modern
from accelerapp.server.dashboards.panel import read_panel
from accelerapp.server.dashboards.rows import panels_of_rows
from accelerapp.server.dashboards.source import Sources

MOST_PANELS = 1000


def read_sections(dashboard: Fields, sources: Sources) -> list[Section]:
    """Return the sections of a dashboard. Raises FieldError."""
    reader = _Reader(dashboard, sources)
    return [
        Section(
            id=reader.own_id(row),
            title=None if row is None else row.text("title"),
            collapsed=row is not None and row.values.get("collapsed") is True,
            repeat="" if row is None else _repeat(row),
            panels=tuple(reader.read(panel) for panel in panels),
        )
        for row, panels in _parted(dashboard)
    ]


def _parted(dashboard: Fields) -> list[tuple[Fields | None, list[Fields]]]:
    """Part the list of panels: an open row's panels follow it, a collapsed row holds its own."""
    parts: list[tuple[Fields | None, list[Fields]]] = [(None, [])]
    for one in _all(dashboard):
        if one.text("type") == "row":
            parts.append((one, one.objects("panels")))
        elif one.values.get("repeatPanelId") is None:  # copies that older versions saved are made anew
            parts[-1][1].append(one)
    if sum(len(panels) for _, panels in parts) > MOST_PANELS:
        raise FieldError(f"panels: there are more than {MOST_PANELS}; the page does not draw so many")
    return [(row, panels) for row, panels in parts if row is not None or panels]


def _all(dashboard: Fields) -> list[Fields]:
    return [*panels_of_rows(dashboard), *dashboard.objects("panels")]


def _repeat(row: Fields) -> str:
    repeat = row.values.get("repeat")
    return repeat if isinstance(repeat, str) else ""


class _Reader:
    """Reads panels, each of which gets an id of its own and what it has from elsewhere in the file."""

    def __init__(self, dashboard: Fields, sources: Sources) -> None:
        self._sources = sources
        self._library = dashboard.object("__elements").values if _is_object(dashboard, "__elements") else {}
        self._used: set[int] = set()
        self._panels: Mapping[int, Fields] = {
            panel.integer("id") or 0: panel
            for one in _all(dashboard)
            for panel in ([*one.objects("panels"), one] if one.text("type") == "row" else [one])
        }
        self._next = max((0, *self._panels)) + 1
        self._bottom = 0

    def own_id(self, fields: Fields | None) -> int:
        """Return the id of a panel, or the next that is free where it has none of its own."""
        given = (fields.integer("id") or 0) if fields is not None else 0
        if given <= 0 or given in self._used:
            given, self._next = self._next, self._next + 1
        self._used.add(given)
        return given

    def read(self, fields: Fields) -> Panel:
        whole, notes = self._from_library(fields)
        changed, older = modern(whole)
        panel = read_panel(self._with_queries(changed), self._sources)
        grid = panel.grid
        if not whole.values.get("gridPos"):
            grid = replace(grid, y=self._bottom)
        self._bottom = max(self._bottom, grid.y + grid.h)
        found = tuple(dict.fromkeys((*notes, *older, *panel.unsupported)))
        return replace(panel, id=self.own_id(fields), grid=grid, unsupported=found)

    def _from_library(self, fields: Fields) -> tuple[Fields, list[str]]:
        """Return a library panel as the file has it beside the dashboard."""
        if "libraryPanel" not in fields.values or fields.values.get("type"):
            return fields, []
        library = fields.object("libraryPanel")
        element = self._library.get(library.text("uid"))
        model = element.get("model") if isinstance(element, dict) else None
        if not isinstance(model, dict):
            title = library.text("name")
            note = f"library panel {title!r}: the file does not hold it"
            return Fields({"title": title, **fields.values, "type": "library panel"}, fields.path), [note]
        own: dict[str, Any] = {
            name: fields.values[name] for name in ("id", "gridPos", "title") if name in fields.values
        }
        return Fields({**model, **own}, fields.path), []

    def _with_queries(self, fields: Fields) -> Fields:
        """Return a panel that shows what another one asks with that one's queries."""
        if self._sources.type_of(fields) != "-- Dashboard --":
            return fields
        targets = fields.objects("targets")
        other = self._panels.get(targets[0].integer("panelId") or 0) if targets else None
        if other is None or self._sources.type_of(other) == "-- Dashboard --":
            return fields
        taken = {"datasource": other.values.get("datasource"), "targets": other.values.get("targets")}
        return Fields({**fields.values, **taken}, fields.path)


def _is_object(fields: Fields, name: str) -> bool:
    return isinstance(fields.values.get(name), dict)
