"""Normalises one panel; what differs from Grafana's defaults and is not honoured is named, never dropped."""

from __future__ import annotations

from typing import Any

from accelerapp.server.dashboards.fields import FieldError, Fields
from accelerapp.server.dashboards.model import Grid, Panel, Target, Threshold, ValueMapping
from accelerapp.server.dashboards.target import normalise_target, source_type

TYPES = frozenset({"timeseries", "stat", "gauge", "text"})
CALCS = frozenset(
    {"lastNotNull", "last", "firstNotNull", "first", "min", "max", "mean", "sum", "count", "range", "diff"}
)

_PANEL = frozenset(
    {"id", "title", "description", "type", "gridPos", "datasource", "targets", "fieldConfig", "options",
     "pluginVersion", "interval", "maxDataPoints", "cacheTimeout", "transparent"}
)  # fmt: skip
_DEFAULTS = frozenset(
    {"unit", "decimals", "min", "max", "thresholds", "mappings", "color", "custom", "noValue"}
)

# Grafana's own defaults: a file that states them asks for nothing. A tuple lists values that look the same here.
_CUSTOM: dict[str, Any] = {
    "drawStyle": "line", "lineInterpolation": "linear", "barAlignment": 0, "barWidthFactor": 0.6,
    "gradientMode": ("none", "opacity"), "spanNulls": False, "insertNulls": False, "showPoints": ("auto", "never"),
    "pointSize": 5, "showValues": False, "lineStyle": {"fill": "solid"},
    "axisPlacement": ("auto", "left"), "axisColorMode": "text", "axisBorderShow": False,
    "axisCenteredZero": False, "axisGridShow": True, "scaleDistribution": {"type": "linear"},
    "hideFrom": {"legend": False, "tooltip": False, "viz": False},
}  # fmt: skip
_CUSTOM_READ = frozenset({"stacking", "thresholdsStyle", "lineWidth", "fillOpacity"})
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {"timezone": ("browser",)},
    "stat": {
        "orientation": ("auto", "horizontal"), "textMode": ("auto", "value_and_name"),
        "colorMode": "value", "justifyMode": "auto", "wideLayout": True, "showPercentChange": False,
        "percentChangeColorMode": "standard",
    },
    "gauge": {
        "orientation": ("auto", "horizontal"), "showThresholdLabels": False, "showThresholdMarkers": True,
        "sizing": "auto", "minVizWidth": 75, "minVizHeight": 75,
    },
    "text": {},
}  # fmt: skip
_OPTIONS_READ = frozenset({"legend", "tooltip", "reduceOptions", "graphMode", "mode", "content"})
_LEGEND: dict[str, Any] = {
    "displayMode": ("list", "table", "hidden"), "placement": "bottom", "showLegend": (True, False),
    "calcs": (["lastNotNull"], ["last"]),
}  # fmt: skip
_TOOLTIP: dict[str, Any] = {"mode": "multi", "sort": ("none", "desc"), "hideZeros": False}
_REDUCE: dict[str, Any] = {"values": False, "fields": "", "limit": 25}


def normalise_panel(fields: Fields, time_factor: float, dy: int = 0) -> Panel:
    """Return one panel of a Grafana dashboard.

    `time_factor` divides the durations of its queries; `dy` is added to its vertical place. Raises FieldError.
    """
    kind = fields.text("type")
    if not kind:
        raise FieldError(f"{fields.at('type')}: a panel needs a type")
    notes = [] if kind in TYPES else [f"panel type {kind!r}"]
    notes += fields.changed({}, _PANEL)
    config = fields.object("fieldConfig")
    defaults, options = config.object("defaults"), fields.object("options")
    custom, legend = defaults.object("custom"), options.object("legend")
    if kind in TYPES:
        notes += _field_notes(kind, config) + _option_notes(kind, options)
    low, high = defaults.number("min"), defaults.number("max")
    targets, target_notes = _targets(fields, time_factor)
    thresholds, threshold_notes = _thresholds(defaults.object("thresholds"), low, high)
    mappings, mapping_notes = _mappings(defaults)
    calc, calc_notes = _calc(options.object("reduceOptions"))
    stacking = custom.object("stacking").text("mode", "none")
    shown = legend.flag("showLegend", True) and legend.text("displayMode", "list") != "hidden"
    return Panel(
        id=fields.integer("id") or 0,
        title=fields.text("title"),
        description=fields.text("description"),
        type=kind,
        grid=_grid(fields.object("gridPos"), dy),
        unit=defaults.text("unit", "short"),
        decimals=defaults.integer("decimals"),
        min=low,
        max=high,
        thresholds=thresholds,
        threshold_style=_threshold_style(custom),
        legend=shown,
        stack=stacking == "normal",
        line_width=_or(custom.number("lineWidth"), 1),
        fill_opacity=_or(custom.number("fillOpacity"), 0),
        sparkline=options.text("graphMode", "area") == "area",
        mappings=mappings,
        no_value=defaults.text("noValue") or None,
        calc=calc,
        content=options.text("content"),
        targets=targets,
        unsupported=(*notes, *threshold_notes, *mapping_notes, *calc_notes, *target_notes),
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _grid(fields: Fields, dy: int) -> Grid:
    """Keep a panel within the 24 columns, as Grafana does."""
    w = min(max(fields.integer("w") or 12, 1), 24)
    x = min(max(fields.integer("x") or 0, 0), 24 - w)
    return Grid(x, max(fields.integer("y") or 0, 0) + dy, w, max(fields.integer("h") or 8, 1))


def _field_notes(kind: str, config: Fields) -> list[str]:
    defaults = config.object("defaults")
    notes = [f"fieldConfig.defaults.{change}" for change in defaults.changed({}, _DEFAULTS)]
    for override in config.objects("overrides"):
        matcher = override.object("matcher")
        about = matcher.values.get("options", "")
        notes.append(f"field override {matcher.text('id')} {about}".rstrip())
    mode = defaults.object("color").text("mode", "palette-classic")
    if kind == "timeseries":
        if mode not in ("palette-classic", "palette-classic-by-name", "thresholds"):
            notes.append(f"colour mode {mode!r}")
        custom = defaults.object("custom")
        notes += [f"custom.{change}" for change in custom.changed(_CUSTOM, _CUSTOM_READ)]
        if custom.object("stacking").text("mode", "none") not in ("none", "normal"):
            notes.append(f"stacking {custom.object('stacking').text('mode')!r}")
        style = custom.object("thresholdsStyle").text("mode", "off")
        if style not in ("off", "line", "area", "line+area"):
            notes.append(f"thresholds style {style!r}")
    elif kind in ("stat", "gauge") and mode not in ("thresholds", "palette-classic"):
        notes.append(f"colour mode {mode!r}")
    return notes


def _option_notes(kind: str, options: Fields) -> list[str]:
    notes = [f"options.{change}" for change in options.changed(_OPTIONS[kind], _OPTIONS_READ)]
    if kind == "timeseries":
        notes += [f"legend.{change}" for change in options.object("legend").changed(_LEGEND)]
        notes += [f"tooltip.{change}" for change in options.object("tooltip").changed(_TOOLTIP)]
    if kind in ("stat", "gauge"):
        reduce = options.object("reduceOptions").changed(_REDUCE, frozenset({"calcs"}))
        notes += [f"reduceOptions.{change}" for change in reduce]
    if options.text("graphMode", "area") not in ("area", "none"):
        notes.append(f"graph mode {options.text('graphMode')!r}")
    if kind == "text" and options.text("mode", "markdown") != "code":
        notes.append(f"text mode {options.text('mode', 'markdown')!r}; shown as plain text")
    return notes


def _threshold_style(custom: Fields) -> str:
    mode = custom.object("thresholdsStyle").text("mode", "off")
    return mode if mode in ("line", "area", "line+area") else "off"


def _thresholds(
    fields: Fields, low: float | None, high: float | None
) -> tuple[tuple[Threshold, ...], list[str]]:
    steps = [Threshold(step.number("value"), step.text("color", "text")) for step in fields.objects("steps")]
    if fields.text("mode", "absolute") != "percentage":
        return tuple(steps), []
    if low is None or high is None:
        return (), ["thresholds in percent without a minimum and a maximum"]
    spread = (high - low) / 100
    return tuple(Threshold(None if s.value is None else low + s.value * spread, s.color) for s in steps), []


def _mappings(defaults: Fields) -> tuple[tuple[ValueMapping, ...], list[str]]:
    found: list[ValueMapping] = []
    notes: list[str] = []
    for mapping in defaults.objects("mappings"):
        if mapping.text("type") != "value":
            notes.append(f"value mapping of type {mapping.text('type')!r}")
            continue
        options = mapping.object("options")
        for value in options.values:
            result = options.object(value)
            found.append(ValueMapping(value, result.text("text") or None, result.text("color") or None))
    return tuple(found), notes


def _calc(reduce: Fields) -> tuple[str, list[str]]:
    calcs = reduce.items("calcs") or ["lastNotNull"]
    calc = str(calcs[0])
    notes = [f"calculation {other!r}; only the first is shown" for other in calcs[1:]]
    if calc not in CALCS:
        return "lastNotNull", [*notes, f"calculation {calc!r}; the last value is shown"]
    return calc, notes


def _targets(fields: Fields, time_factor: float) -> tuple[tuple[Target, ...], list[str]]:
    targets: list[Target] = []
    notes: list[str] = []
    source = source_type(fields)
    for one in fields.objects("targets"):
        if one.flag("hide", False):
            continue
        target, found = normalise_target(one, source, time_factor)
        targets.append(target)
        notes += found
    return tuple(targets), notes
