"""The settings of a field: its unit, limits, colours and how it is drawn."""

from __future__ import annotations

from typing import Any

from accelerapp.server.dashboards.settings import (
    NotHonouredError,
    Setting,
    Settings,
    accepted,
    as_number,
    choice,
    either,
    flag,
    ignored,
    number,
    renamed,
    text,
)

_PALETTES = ("thresholds", "fixed", "shades", "palette-classic", "palette-classic-by-name")


def _color_mode(value: Any) -> Any:
    if not isinstance(value, str) or not (value in _PALETTES or value.startswith("continuous-")):
        raise NotHonouredError
    return value


def _dashes(value: Any) -> Any:
    if not isinstance(value, list):
        raise NotHonouredError
    return [found for one in value if (found := as_number(one)) is not None and found >= 0]


def _group(value: Any) -> Any:
    if isinstance(value, list | dict):
        raise NotHonouredError
    return str(value).lower() if isinstance(value, bool) else str(value)


#: What older versions call a cell's display.
_CELLS = {
    "basic": "gauge",
    "gradient-gauge": "gauge",
    "lcd-gauge": "gauge",
    "color-background-solid": "color-background",
}


def modern_style(custom: dict[str, Any]) -> dict[str, Any]:
    """Return a style in which a cell's display stands where it does since Grafana 9.3."""
    display = custom.get("displayMode")
    if not isinstance(display, str):
        return custom
    rest = {name: value for name, value in custom.items() if name != "displayMode"}
    return {"cellOptions": {"type": _CELLS.get(display, display)}, **rest}


#: `fieldConfig.defaults.custom`, as every type of panel has it.
STYLE = Settings(
    choice("drawStyle", "draw_style", "line", "bars", "points"),
    choice("lineInterpolation", "interpolation", "linear", "smooth", "stepBefore", "stepAfter"),
    number("lineWidth", "line_width", 1),
    choice("lineStyle.fill", "line_style.fill", "solid", "dash", "dot"),
    Setting("lineStyle.dash", "line_style.dash", [], _dashes),
    number("fillOpacity", "fill_opacity", 0),
    choice("gradientMode", "gradient", "none", "opacity", "hue", "scheme"),
    text("fillBelowTo", "fill_below_to"),
    either("spanNulls", "span_nulls", False),
    accepted("insertNulls", False),
    choice("showPoints", "show_points", "auto", "never", "always"),
    number("pointSize", "point_size", 5),
    number("barAlignment", "bar_alignment", 0),
    number("barWidthFactor", "bar_width_factor", 0.6),
    choice("stacking.mode", "stacking.mode", "none", "normal", "percent"),
    # "false" is a group like any other one: a series that is alone in it is not stacked on the others.
    Setting("stacking.group", "stacking.group", "A", _group),
    choice("transform", "transform", "", "constant", "negative-Y"),
    choice("axisPlacement", "axis.placement", "auto", "left", "right", "hidden"),
    text("axisLabel", "axis.label"),
    number("axisSoftMin", "axis.soft_min"),
    number("axisSoftMax", "axis.soft_max"),
    flag("axisCenteredZero", "axis.centered_zero", False),
    choice("axisColorMode", "axis.color_mode", "text", "series"),
    ignored("axisWidth"),
    Setting("axisGridShow", "axis.grid", None, lambda value: value if isinstance(value, bool) else None),
    choice("scaleDistribution.type", "scale.type", "linear", "log", "symlog"),
    number("scaleDistribution.log", "scale.log", 2),
    number("scaleDistribution.linearThreshold", "scale.linear_threshold", 1),
    choice(
        "thresholdsStyle.mode", "threshold_style",
        "off", "line", "dashed", "area", "line+area", "dashed+area", "series",
    ),
    flag("hideFrom.legend", "hide.legend", False),
    flag("hideFrom.tooltip", "hide.tooltip", False),
    flag("hideFrom.viz", "hide.viz", False),
    ignored("hideFrom.graph"),  # "viz" in Grafana's first new graphs
    # A table's cells and columns.
    choice(
        "cellOptions.type", "cell.type",
        "auto", "color-text", "color-background", "gauge", "json-view",
    ),
    ignored("cellOptions.mode"),
    flag("cellOptions.wrapText", "cell.wrap", False),
    accepted("cellOptions.applyToRow", False),
    ignored("cellOptions.valueDisplayMode"),
    ignored("cellOptions.hideValue"),
    choice("align", "align", "auto", "left", "center", "right"),
    number("width", "width"),
    number("minWidth", "min_width"),
    flag("hidden", "hidden", False),
    flag("filterable", "filterable", False),
    ignored("inspect"),
    flag("wrapText", "cell.wrap", False),
    accepted("wrapHeaderText", False),
    accepted("footer.reducers"),
    accepted("tooltip.field"),
    # What looks the same here with these values.
    accepted("axisBorderShow", False),
    accepted("barMaxWidth"),
    accepted("pointSymbol"),
    accepted("showValues", False),
    accepted("fillGradient", 0),
    ignored("thresholdsStyle.color"),
    ignored("neutral"),
)  # fmt: skip

#: The defaults of a style that differ by the type of the panel.
STYLE_DEFAULTS: dict[str, dict[str, Any]] = {
    "state-timeline": {"fill_opacity": 70, "line_width": 0},
    "status-history": {"fill_opacity": 70, "line_width": 1},
    "barchart": {"fill_opacity": 80, "line_width": 1},
}

_SERIES_BY = {"last": "last", "min": "min", "max": "max"}

#: What is set of a field, but for what is no plain value: thresholds, mappings, links.
_FIELD = Settings(
    text("unit", "unit", "short"),
    number("decimals", "decimals"),
    number("min", "min"),
    number("max", "max"),
    text("displayName", "display_name"),
    Setting("noValue", "no_value", None, lambda value: str(value) or None),
    Setting("color.mode", "color.mode", "palette-classic", _color_mode),
    text("color.fixedColor", "color.fixed"),
    renamed("color.seriesBy", "color.series_by", "last", _SERIES_BY),
    flag("filterable", "custom.filterable", False),
    ignored("description"),
    ignored("writeable"),
    ignored("nullValueMode"),
    ignored("path"),
    ignored("title"),
    accepted("displayNameFromDS"),
    accepted("fieldMinMax", False),
)

#: The mode of colours where the file names none, as each type of panel has it.
_COLOR_MODES = {
    "stat": "thresholds", "gauge": "thresholds", "bargauge": "thresholds", "table": "thresholds",
    "state-timeline": "thresholds", "status-history": "thresholds",
}  # fmt: skip


def field_settings(kind: str) -> Settings:
    """Return the settings of `fieldConfig.defaults` for a type of panel."""
    style = STYLE.with_defaults(**STYLE_DEFAULTS.get(kind, {}))
    mode = _COLOR_MODES.get(kind, "palette-classic")
    return _FIELD.with_defaults(**{"color.mode": mode}) + style.under("custom", "custom")
