"""Lays out the rows of dashboards before Grafana 5, whose panels have a width in twelfths and no place."""

from __future__ import annotations

import math
import re
from typing import Any

from accelerapp.server.dashboards.fields import Fields

_ROW_PIXELS = 38  # of the grid: thirty and the gap
_HEIGHT = 250
_COLUMNS = 24


def panels_of_rows(dashboard: Fields) -> list[Fields]:
    """Return the panels of the rows in today's form, with a panel of type "row" before each where rows are seen."""
    rows = dashboard.objects("rows")
    seen = any(
        row.values.get("collapse") is True or row.values.get("showTitle") is True or row.values.get("repeat")
        for row in rows
    )
    panels: list[Fields] = []
    top = 0
    for row in rows:
        inner, bottom = _row(row, top + (1 if seen else 0))
        top = bottom
        if not seen:
            panels += inner
            continue
        values: dict[str, Any] = {
            "type": "row",
            "title": row.text("title"),
            "collapsed": row.values.get("collapse") is True,
            "repeat": row.values.get("repeat"),
            "panels": [panel.values for panel in inner],
        }
        panels.append(Fields(values, row.path))
    return panels


def _row(row: Fields, top: int) -> tuple[list[Fields], int]:
    default = _lines(row.values.get("height")) or _lines(_HEIGHT) or 7
    panels: list[Fields] = []
    x, y, line = 0, top, 0
    for panel in row.objects("panels"):
        width = min(max(math.floor((panel.number("span") or 4) * 2), 1), _COLUMNS)
        height = _lines(panel.values.get("height")) or default
        if x + width > _COLUMNS:
            x, y, line = 0, y + line, 0
        place = {"x": x, "y": y, "w": width, "h": height}
        minimum = panel.number("minSpan")
        more: dict[str, Any] = {"maxPerRow": max(1, math.floor(12 / minimum))} if minimum else {}
        panels.append(Fields({**panel.values, **more, "gridPos": place}, panel.path))
        x, line = x + width, max(line, height)
    return panels, y + line


def _lines(height: Any) -> int | None:
    """Return the rows of the grid that a height such as 250 or "250px" takes."""
    match = re.fullmatch(r"(\d{1,5})(?:\.\d+)?(?: *px)?", str(height).strip()) if height is not None else None
    return None if match is None else max(3, math.ceil(int(match[1]) / _ROW_PIXELS))
