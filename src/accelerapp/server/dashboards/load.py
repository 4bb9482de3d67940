"""Reads a dashboard file: the classic JSON model of Grafana 10 to 13."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from accelerapp.server.dashboards.fields import FieldError, Fields
from accelerapp.server.dashboards.model import Dashboard, Panel
from accelerapp.server.dashboards.panel import normalise_panel

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DEFAULT_RANGE_MS = 3_600_000


class DashboardError(ValueError):
    """A dashboard file cannot be read; the message names the file and the place in it."""


def load_dashboard(path: Path, *, time_factor: float = 1.0) -> Dashboard:
    """Read one Grafana dashboard file.

    `time_factor` is how many times faster time runs: the durations in queries, the default range and the refresh
    interval are divided by it, while each target keeps its expression as written. Rows are flattened. What the
    page cannot honour is listed in `unsupported` of the panel, or of the dashboard where it concerns no panel.
    Raises DashboardError where the file is not JSON or not a dashboard, and OSError where it cannot be read.
    Format: Grafana's dashboard JSON model, https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/.
    """
    if time_factor <= 0:
        raise ValueError(f"time_factor is {time_factor}; it must be above 0")
    try:
        document = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise DashboardError(f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from error
    except (UnicodeDecodeError, FieldError) as error:
        raise DashboardError(f"{path}: not valid JSON: {error}") from error
    try:
        return _dashboard(Fields(document, ""), time_factor)
    except FieldError as error:
        raise DashboardError(f"{path}: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise FieldError(f"{name} is not a JSON number")


def _dashboard(fields: Fields, time_factor: float) -> Dashboard:
    if "apiVersion" in fields.values and "spec" in fields.values:
        raise FieldError("this is Grafana's resource format; export the dashboard in the classic format")
    if "panels" not in fields.values and "dashboard" in fields.values:  # as GET /api/dashboards/uid/… answers
        fields = fields.object("dashboard")
    if "panels" not in fields.values:
        raise FieldError("panels: missing, so this is no Grafana dashboard")
    uid = fields.text("uid")
    if not uid:
        raise FieldError("uid: missing or empty; a dashboard is addressed by it")
    span, notes = _range_ms(fields.object("time"))
    refresh = fields.values.get("refresh")
    refresh_ms = _duration_ms(refresh) if isinstance(refresh, str) and refresh else None
    if refresh_ms is None and refresh:
        notes.append(f"refresh = {refresh!r}")
    return Dashboard(
        uid=uid,
        title=fields.text("title", uid),
        description=fields.text("description"),
        default_range_ms=max(1, round(span / time_factor)),
        refresh_ms=None if refresh_ms is None else max(1, round(refresh_ms / time_factor)),
        panels=tuple(_panels(fields, time_factor)),
        unsupported=tuple(notes + _notes(fields)),
    )


def _panels(fields: Fields, time_factor: float) -> list[Panel]:
    """Flatten rows: an open row's panels follow it in the list, a collapsed row holds its own.

    The panels of a collapsed row keep the places they had when it was open, and all below it moves down.
    """
    panels: list[Panel] = []
    dy = 0
    for one in fields.objects("panels"):
        if one.text("type") != "row":
            panels.append(normalise_panel(one, time_factor, dy))
            continue
        inner = [normalise_panel(item, time_factor) for item in one.objects("panels")]
        if inner:
            top = min(panel.grid.y for panel in inner)
            start = (one.object("gridPos").integer("y") or 0) + 1
            shift = dy + start - top
            moved = [normalise_panel(item, time_factor, shift) for item in one.objects("panels")]
            panels += moved
            dy += max(panel.grid.y + panel.grid.h for panel in inner) - top
    return panels


def _range_ms(time: Fields) -> tuple[int, list[str]]:
    start, end = time.text("from", "now-1h"), time.text("to", "now")
    match = re.fullmatch(r"now-(\d+)([smhdw])", start)
    if match is None or int(match[1]) == 0 or end != "now":
        return _DEFAULT_RANGE_MS, [f"time range {start!r} to {end!r}; the last hour is shown"]
    return int(match[1]) * _UNIT_MS[match[2]], []


def _duration_ms(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    return int(match[1]) * _UNIT_MS[match[2]] if match and int(match[1]) else None


def _notes(fields: Fields) -> list[str]:
    notes = [f"variable ${one.text('name')}" for one in fields.object("templating").objects("list")]
    notes += [
        f"annotation query {one.text('name')!r}"
        for one in fields.object("annotations").objects("list")
        if one.values.get("builtIn") != 1 and one.flag("enable", True)
    ]
    # A list of dashboards is what the page has beside each of them.
    notes += [
        f"link {one.text('title')!r}" for one in fields.objects("links") if one.text("type") != "dashboards"
    ]
    return notes
