"""Reads a dashboard file: the classic JSON model of Grafana 10 to 13, and what older versions wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson

from accelerapp.server.dashboards.annotation import read_annotations
from accelerapp.server.dashboards.fields import FieldError, Fields
from accelerapp.server.dashboards.link import dashboard_links
from accelerapp.server.dashboards.model import Dashboard
from accelerapp.server.dashboards.section import read_sections
from accelerapp.server.dashboards.source import read_sources
from accelerapp.server.dashboards.variable import read_variables

_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DEFAULT_RANGE_MS = 3_600_000
_MOST_RANGE_MS = 31 * 86_400_000
#: How much deeper than in the file something may stand in the form.
_FORM_DEPTH = 8
_TOOLTIPS = {0: "off", 1: "crosshair", 2: "tooltip"}


class DashboardError(ValueError):
    """A dashboard file cannot be read; the message names the file and the place in it."""


def load_dashboard(path: Path, *, time_factor: float = 1.0) -> Dashboard:
    """Read one Grafana dashboard file, which must have a uid.

    Raises DashboardError where the file is not JSON or not a dashboard, and OSError where it cannot be read.
    """
    dashboard = read_dashboard(path.read_bytes(), str(path), time_factor=time_factor)
    if not dashboard.uid:
        raise DashboardError(f"{path}: uid: missing or empty; a dashboard is addressed by it")
    return dashboard


def load_dashboards(folder: Path, *, time_factor: float = 1.0) -> dict[str, Dashboard]:
    """Read the dashboards of a folder and those below it, by their uids, each of which may be there once.

    Raises DashboardError and OSError.
    """
    found: dict[str, Dashboard] = {}
    files: dict[str, Path] = {}
    for path in dashboard_files(folder):
        dashboard = load_dashboard(path, time_factor=time_factor)
        if dashboard.uid in files:
            raise DashboardError(f"{path}: uid: {dashboard.uid!r} is that of {files[dashboard.uid]} already")
        found[dashboard.uid], files[dashboard.uid] = dashboard, path
    return found


def dashboard_files(folder: Path) -> list[Path]:
    """Return the files of a folder of dashboards, those of the folder itself first."""
    return sorted(folder.rglob("*.json"), key=lambda path: (len(path.parts), path))


def read_dashboard(data: bytes, name: str, *, time_factor: float = 1.0) -> Dashboard:
    """Read a Grafana dashboard from a file's bytes; `name` stands for the file in errors.

    `time_factor` is how many times faster time runs: the default range and the refresh interval are divided by it,
    while queries stay as written. What the page cannot honour is listed in `unsupported` of the panel, or of the
    dashboard where it concerns no panel. Raises DashboardError.
    Format: Grafana's dashboard JSON model, https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/.
    """
    if time_factor <= 0:
        raise ValueError(f"time_factor is {time_factor}; it must be above 0")
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise DashboardError(f"{name}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise DashboardError(f"{name}: its JSON is nested too deeply") from error
    except ValueError as error:  # no text, a number of thousands of digits, or one that JSON has not
        raise DashboardError(f"{name}: not valid JSON: {error}") from error
    _refuse_unwritable(document, name)
    try:
        return _dashboard(Fields(document, ""), time_factor)
    except FieldError as error:
        raise DashboardError(f"{name}: {error}") from error


def _refuse_unwritable(document: Any, name: str) -> None:
    """Refuse what can be read and not be answered: halves of surrogates, and depths and integers beyond all use."""
    for _ in range(_FORM_DEPTH):
        document = [document]
    try:
        orjson.dumps(document)
    except TypeError as error:
        raise DashboardError(f"{name}: {error}") from error


def _refuse_constant(name: str) -> Any:
    raise FieldError(f"{name} is not a JSON number")


def _dashboard(fields: Fields, time_factor: float) -> Dashboard:
    fields = _unwrapped(fields)
    span, notes = _range_ms(fields)
    refresh = fields.values.get("refresh")
    refresh_ms = _duration_ms(refresh) if isinstance(refresh, str) and refresh else None
    if refresh_ms is None and refresh not in (None, False, True, "", "auto"):
        notes.append(f"refresh = {refresh!r}")
    timezone = fields.values.get("timezone")
    if timezone not in (None, "", "browser"):
        notes.append(
            f"timezone = {timezone!r}; times are in the reader's zone, and in UTC where the pointer is"
        )
    sources = read_sources(fields)
    variables, variable_notes = read_variables(
        fields.object("templating").objects("list"), sources, _constants(fields)
    )
    annotations, annotation_notes = read_annotations(fields.object("annotations").objects("list"), sources)
    links, link_notes = dashboard_links(fields.objects("links"))
    tooltip = fields.values.get("graphTooltip", 1 if fields.values.get("sharedCrosshair") is True else 0)
    return Dashboard(
        uid=str(fields.values.get("uid") or ""),
        title=fields.text("title") or str(fields.values.get("uid") or "") or "Dashboard",
        description=fields.text("description"),
        tags=tuple(str(tag) for tag in fields.items("tags")),
        time_factor=time_factor,
        default_range_ms=max(1000, round(span / time_factor)),
        refresh_ms=None if refresh_ms is None else max(1, round(refresh_ms / time_factor)),
        tooltip=_TOOLTIPS.get(tooltip if isinstance(tooltip, int) else 0, "off"),
        variables=variables,
        annotations=annotations,
        links=links,
        sections=tuple(read_sections(fields, sources)),
        unsupported=tuple(dict.fromkeys([*notes, *variable_notes, *annotation_notes, *link_notes])),
    )


def _unwrapped(fields: Fields) -> Fields:
    """Return the classic model out of what may be around it: an answer of Grafana's API, or a resource."""
    if "apiVersion" in fields.values and "spec" in fields.values:
        fields = fields.object("spec")
        if "elements" in fields.values or "layout" in fields.values:
            raise FieldError(
                "spec: this is Grafana's second form of dashboards (elements and layout), which is not read; "
                "export the dashboard as classic JSON"
            )
    elif "dashboard" in fields.values and not ({"panels", "rows"} & fields.values.keys()):
        fields = fields.object("dashboard")  # as GET /api/dashboards/uid/… answers
    if "elements" in fields.values and "layout" in fields.values:
        raise FieldError(
            "elements: this is Grafana's second form of dashboards, which is not read; export it as classic JSON"
        )
    if not ({"panels", "rows"} & fields.values.keys()):
        raise FieldError("panels: missing, so this is no Grafana dashboard")
    return fields


def _constants(fields: Fields) -> dict[str, str]:
    return {
        one.text("name"): str(one.values.get("value", ""))
        for one in fields.objects("__inputs")
        if one.text("type") == "constant"
    }


def _range_ms(fields: Fields) -> tuple[int, list[str]]:
    if not isinstance(fields.values.get("time"), dict):
        return _DEFAULT_RANGE_MS, []
    time = fields.object("time")
    start, end = str(time.values.get("from") or "now-1h"), str(time.values.get("to") or "now")
    match = re.fullmatch(r"now-(\d{1,6})([smhdw])", start)
    if match is None or int(match[1]) == 0 or end != "now":
        return _DEFAULT_RANGE_MS, [f"time range {start!r} to {end!r}; the last hour is shown"]
    span = int(match[1]) * _UNIT_MS[match[2]]
    if span > _MOST_RANGE_MS:
        return _MOST_RANGE_MS, [f"time range {start!r} to {end!r}; the last 31 days are shown"]
    return span, []


def _duration_ms(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,9})([smhdw])", text)
    return int(match[1]) * _UNIT_MS[match[2]] if match and int(match[1]) else None
