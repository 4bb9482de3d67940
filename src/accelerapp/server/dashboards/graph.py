"""Turns Grafana's former graphs into time series, as Grafana itself does when it opens them."""

from __future__ import annotations

from typing import Any

from accelerapp.server.dashboards.fields import Fields, short
from accelerapp.server.dashboards.settings import NotHonouredError, as_number

_LEGEND_CALCS = {"min": "min", "max": "max", "avg": "mean", "current": "lastNotNull", "total": "sum"}
_CRITICAL = {"critical": "red", "warning": "orange", "ok": "green", "custom": ""}
#: What a graph has, some of it left behind in panels that once were graphs.
READ = (
    "aliasColors", "bars", "dashLength", "dashes", "decimals", "fill", "fillGradient", "grid", "hiddenSeries",
    "leftYAxisLabel", "legend", "lines", "linewidth", "nullPointMode", "percentage", "pointradius", "points",
    "renderer", "rightYAxisLabel", "seriesOverrides", "spaceLength", "stack", "steppedLine", "thresholds",
    "timeRegions", "tooltip", "xaxis", "yaxes", "yaxis", "y_formats", "y-axis", "x-axis", "alert", "alertThreshold",
    "total", "paceLength", "annotate", "zerofill", "format", "fieldConfig", "options", "nullText", "valueName",
)  # fmt: skip


def from_graph(fields: Fields) -> tuple[Fields, list[str]]:
    """Return a time series panel for a graph, and notes of what has no equal."""
    values = fields.values
    notes: list[str] = []
    axis = fields.object("xaxis")
    if axis.text("mode", "time") != "time":
        notes.append(f"xaxis.mode = {axis.text('mode')!r}; drawn over time")
    if fields.objects("timeRegions"):
        notes.append("timeRegions = […]")
    if values.get("alert"):
        notes.append("alert: rules are in rule files here")
    if values.get("nullPointMode") == "null as zero":
        notes.append("nullPointMode = 'null as zero'; a gap stays a gap")
    left, right = _axes(fields)
    custom = {**_style(values), **_axis_style(left)}
    custom["stacking"] = {"mode": _stacking(values), "group": "A"}
    steps, threshold_mode = _thresholds(fields.objects("thresholds"))
    defaults = {
        "unit": left.values.get("format") or "short",
        "min": _number(left.values.get("min")),
        "max": _number(left.values.get("max")),
        "decimals": _number(values.get("decimals", left.values.get("decimals"))),
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom": {**custom, "thresholdsStyle": {"mode": threshold_mode}},
        "links": fields.object("fieldConfig").object("defaults").values.get("links")
        or fields.object("options").values.get("dataLinks")
        or [],
    }
    overrides = _alias_colors(fields)
    for one in fields.objects("seriesOverrides"):
        override, found = _series_override(one, right, values)
        notes += found
        if override is not None:
            overrides.append(override)
    kept = {name: value for name, value in values.items() if name not in READ}
    panel = {
        **kept,
        "type": "timeseries",
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": {
            "legend": _legend(fields.object("legend")),
            "tooltip": _tooltip(fields.object("tooltip")),
        },
    }
    return Fields(panel, fields.path), notes


def _number(value: Any) -> float | None:
    try:
        return None if value is None else as_number(value)
    except NotHonouredError:
        return None


def _axes(fields: Fields) -> tuple[Fields, Fields]:
    """Return both axes; before Grafana 4 they were in `grid` and `y_formats`."""
    axes = fields.objects("yaxes")
    empty = Fields({}, fields.at("yaxes"))
    if axes:
        return axes[0], axes[1] if len(axes) > 1 else empty
    formats, grid = fields.items("y_formats"), fields.object("grid").values
    sides = [
        Fields(
            {
                "format": formats[i] if i < len(formats) else "short",
                "min": grid.get(f"{side}Min"),
                "max": grid.get(f"{side}Max"),
                "logBase": grid.get(f"{side}LogBase"),
                "label": fields.values.get(f"{side}YAxisLabel"),
            },
            fields.at("grid"),
        )
        for i, side in enumerate(("left", "right"))
    ]
    return sides[0], sides[1]


def _axis_style(axis: Fields) -> dict[str, Any]:
    style: dict[str, Any] = {}
    if axis.values.get("label"):
        style["axisLabel"] = str(axis.values["label"])
    base = _number(axis.values.get("logBase"))
    if base is not None and base > 1:
        style["scaleDistribution"] = {"type": "log", "log": base}
    if axis.values.get("show") is False:
        style["axisPlacement"] = "hidden"
    return style


def _style(values: dict[str, Any]) -> dict[str, Any]:
    """Return the style that a graph, or one of its overrides, asks for; what it does not say is left out."""
    style: dict[str, Any] = {}
    if values.get("bars") is True:
        style["drawStyle"] = "bars"
    elif values.get("lines") is False and values.get("points") is True:
        style["drawStyle"] = "points"
    elif values.get("lines") is False:
        style["lineWidth"] = 0
    elif values.get("lines") is True:
        # Of an override: the other series may be bars, or points.
        style["drawStyle"] = "line"
    if values.get("points") is True:
        style["showPoints"] = "always"
    elif "points" in values or "lines" in values:
        style["showPoints"] = "never"
    for name, target, factor in (
        ("linewidth", "lineWidth", 1),
        ("fill", "fillOpacity", 10),
        ("pointradius", "pointSize", 2),
    ):
        given = _number(values.get(name))
        if given is not None and not (name == "linewidth" and values.get("lines") is False):
            style[target] = min(given * factor, 100)
    if "lines" in values and "fill" not in values:
        style["fillOpacity"] = 10
    if style.get("drawStyle") == "bars" and values.get("lines") is False:
        style["fillOpacity"] = 100
        style["lineWidth"] = 0
    if _number(values.get("fillGradient")):
        style["gradientMode"] = "opacity"
    if values.get("steppedLine") is True:
        style["lineInterpolation"] = "stepAfter"
    if values.get("dashes") is True:
        dash = [_number(values.get("dashLength")) or 10, _number(values.get("spaceLength")) or 10]
        style["lineStyle"] = {"fill": "dash", "dash": dash}
    if values.get("nullPointMode") == "connected":
        style["spanNulls"] = True
    return style


def _stacking(values: dict[str, Any]) -> str:
    if values.get("stack") is not True:
        return "none"
    return "percent" if values.get("percentage") is True else "normal"


def _thresholds(thresholds: list[Fields]) -> tuple[list[dict[str, Any]], str]:
    """Return steps, and how they are drawn; a threshold of "lt" colours what is below it."""
    bounds: dict[float, str] = {}
    base, line, area = "transparent", False, False
    for one in sorted(thresholds, key=lambda one: _number(one.values.get("value")) or 0):
        value = _number(one.values.get("value"))
        if value is None:
            continue
        color = (
            _CRITICAL.get(one.text("colorMode", "critical"), "")
            or one.text("fillColor")
            or one.text("lineColor")
        )
        line, area = line or one.values.get("line") is True, area or one.values.get("fill") is True
        if one.text("op", "gt") == "lt":
            base = color or "red"
            bounds.setdefault(value, "transparent")
        else:
            bounds[value] = color or "red"
    if not bounds:
        return [], "off"
    steps: list[dict[str, Any]] = [{"value": None, "color": base}]
    steps += [{"value": at, "color": bounds[at]} for at in sorted(bounds)]
    return steps, "line+area" if line and area else "line" if line else "area" if area else "off"


def _alias_colors(fields: Fields) -> list[dict[str, Any]]:
    colors = fields.object("aliasColors").values
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for name, color in colors.items()
        if isinstance(color, str)
    ]


_OVERRIDE = frozenset(
    {"alias", "$$hashKey", "yaxis", "color", "stack", "transform", "fillBelowTo", "legend", "hideTooltip", "zindex",
     "bars", "lines", "points", "linewidth", "fill", "pointradius", "fillGradient", "steppedLine", "dashes",
     "dashLength", "spaceLength", "nullPointMode", "hiddenSeries"}
)  # fmt: skip


def _series_override(
    fields: Fields, right: Fields, graph: dict[str, Any]
) -> tuple[dict[str, Any] | None, list[str]]:
    values, alias = fields.values, fields.values.get("alias")
    if not isinstance(alias, str) or not alias:
        return None, []
    notes = [
        f"override {alias!r}: {name} = {short(value)}"
        for name, value in values.items()
        if name not in _OVERRIDE
    ]
    found: dict[str, Any] = {}
    if values.get("yaxis") == 2:
        found["custom.axisPlacement"] = "right"
        found["unit"] = right.values.get("format") or "short"
        for name in ("min", "max", "decimals"):
            if (number := _number(right.values.get(name))) is not None:
                found[name] = number
        found |= {
            f"custom.{name}": value for name, value in _axis_style(right).items() if name != "axisPlacement"
        }
    if isinstance(values.get("color"), str):
        found["color"] = {"mode": "fixed", "fixedColor": values["color"]}
    stack = values.get("stack")
    if stack is False or stack is True or isinstance(stack, str):
        group = stack if isinstance(stack, str) else "A"
        mode = "none" if stack is False else "percent" if graph.get("percentage") is True else "normal"
        found["custom.stacking"] = {"mode": mode, "group": group}
    if values.get("transform") in ("negative-Y", "constant"):
        found["custom.transform"] = values["transform"]
    if isinstance(values.get("fillBelowTo"), str):
        found["custom.fillBelowTo"] = values["fillBelowTo"]
    hidden = {
        "legend": values.get("legend") is False,
        "tooltip": values.get("hideTooltip") is True,
        "viz": False,
    }
    if any(hidden.values()):
        found["custom.hideFrom"] = hidden
    found |= {f"custom.{name}": value for name, value in _style(values).items()}
    if not found:
        return None, notes
    matcher = {"id": "byRegexp" if alias.startswith("/") else "byName", "options": alias}
    return {
        "matcher": matcher,
        "properties": [{"id": key, "value": one} for key, one in found.items()],
    }, notes


def _legend(legend: Fields) -> dict[str, Any]:
    values = legend.values
    calcs = [calc for name, calc in _LEGEND_CALCS.items() if values.get(name) is True]
    form: dict[str, Any] = {
        "showLegend": values.get("show") is not False,
        "displayMode": "table" if values.get("alignAsTable") is True else "list",
        "placement": "right" if values.get("rightSide") is True else "bottom",
        "calcs": calcs if values.get("values") is True else [],
    }
    sort = values.get("sort")
    if isinstance(sort, str) and sort:
        form |= {"sortBy": _LEGEND_CALCS.get(sort, sort), "sortDesc": values.get("sortDesc") is not False}
    return form


def _tooltip(tooltip: Fields) -> dict[str, Any]:
    sort = {1: "asc", 2: "desc"}.get(tooltip.values.get("sort", 0), "none")
    return {"mode": "multi" if tooltip.values.get("shared") is not False else "single", "sort": sort}
