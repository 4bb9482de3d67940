"""Turns panels of Grafana before version 8 into those of today, as Grafana itself does when it opens them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelerapp.server.dashboards.fields import Fields
from accelerapp.server.dashboards.graph import from_graph
from accelerapp.server.dashboards.settings import NotHonouredError, as_number

_KINDS = {
    "graph": "graph", "grafana-timeseries-panel": "timeseries",
    "singlestat": "singlestat", "grafana-singlestat-panel": "singlestat",
    "grafana-piechart-panel": "piechart", "table-old": "table",
}  # fmt: skip
_CALCS = {
    "avg": "mean", "current": "lastNotNull", "total": "sum", "min": "min", "max": "max", "first": "firstNotNull",
    "delta": "delta", "diff": "diff", "range": "range",
}  # fmt: skip


def modern(fields: Fields) -> tuple[Fields, list[str]]:
    """Return a panel in today's form, and notes of what has none. Raises FieldError."""
    kind = fields.text("type")
    kind = _KINDS.get(kind, kind)
    change = _CHANGES.get(kind)
    if change is None:
        return (fields if kind == fields.text("type") else _changed(fields, {"type": kind})), []
    return change(fields)


def _changed(fields: Fields, changes: dict[str, Any], *without: str) -> Fields:
    kept = {name: value for name, value in fields.values.items() if name not in without}
    return Fields({**kept, **changes}, fields.path)


def _singlestat(fields: Fields) -> tuple[Fields, list[str]]:
    value_name = fields.text("valueName", "avg")
    notes = [] if value_name in _CALCS or value_name == "name" else [f"valueName = {value_name!r}"]
    notes += [
        f"{name} = {fields.values[name]!r}" for name in ("prefix", "postfix") if fields.values.get(name)
    ]
    gauge = fields.object("gauge")
    options: dict[str, Any] = {"reduceOptions": {"calcs": [_CALCS.get(value_name, "lastNotNull")]}}
    defaults: dict[str, Any] = {
        "unit": fields.values.get("format") or "none",
        "mappings": _mappings(fields),
        "noValue": fields.values.get("nullText") or None,
        "decimals": _number(fields.values.get("decimals")),
    }
    colored = fields.values.get("colorValue") is True or fields.values.get("colorBackground") is True
    is_gauge = gauge.values.get("show") is True
    colors = [str(one) for one in fields.items("colors")] if colored or is_gauge else []
    defaults["thresholds"] = {"mode": "absolute", "steps": _steps(fields.values.get("thresholds"), colors)}
    if is_gauge:
        defaults |= {
            "min": _number(gauge.values.get("minValue")),
            "max": _number(gauge.values.get("maxValue")),
        }
        options |= {
            "showThresholdLabels": gauge.values.get("thresholdLabels") is True,
            "showThresholdMarkers": gauge.values.get("thresholdMarkers") is not False,
        }
    else:
        background = fields.values.get("colorBackground") is True
        spark = fields.object("sparkline").values.get("show") is True
        options |= {
            "colorMode": "background" if background else "value" if colored else "none",
            "graphMode": "area" if spark else "none",
            "textMode": "name" if value_name == "name" else "value",
        }
    changes = {
        "type": "gauge" if is_gauge else "stat",
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }
    return _changed(fields, changes, *_SINGLESTAT), notes


_SINGLESTAT = (
    "valueName", "prefix", "postfix", "gauge", "format", "valueMaps", "rangeMaps", "mappingType", "mappingTypes",
    "nullText", "nullPointMode", "decimals", "colorValue", "colorBackground", "colorPostfix", "colorPrefix", "colors",
    "thresholds", "sparkline", "prefixFontSize", "postfixFontSize", "valueFontSize", "tableColumn", "NullPointMode",
)  # fmt: skip


def _mappings(fields: Fields) -> list[dict[str, Any]]:
    if fields.values.get("mappingType") == 2:
        maps = fields.objects("rangeMaps")
        return [{"type": 2, **one.values} for one in maps]
    return [{**one.values, "type": 1} for one in fields.objects("valueMaps")]


def _steps(text: Any, colors: list[str]) -> list[dict[str, Any]]:
    """Read thresholds such as "80,90", between which the colours are."""
    values: list[float | None] = [None]
    if isinstance(text, str):
        values += [found for part in text.split(",") if (found := _number(part)) is not None]
    return [{"value": value, "color": color} for value, color in zip(values, colors, strict=False)]


def _number(value: Any) -> float | None:
    try:
        return None if value is None else as_number(value)
    except NotHonouredError:
        return None


def _table(fields: Fields) -> tuple[Fields, list[str]]:
    """Turn a table of before Grafana 7, which says by `styles` what each column is like."""
    if "styles" not in fields.values and "columns" not in fields.values:
        return _changed(fields, {"type": "table"}), []
    overrides: list[dict[str, Any]] = []
    defaults: dict[str, Any] = {}
    notes: list[str] = []
    for style in fields.objects("styles"):
        properties = _column(style)
        pattern = style.text("pattern")
        if pattern == "/.*/":
            defaults |= {key["id"]: key["value"] for key in properties if not key["id"].startswith("custom.")}
        elif properties:
            regex = pattern.startswith("/")
            matcher = {"id": "byRegexp" if regex else "byName", "options": pattern}
            overrides.append({"matcher": matcher, "properties": properties})
    if fields.values.get("columns") and fields.text("transform") != "table":
        notes.append("columns = […]")
    targets = [
        {**one.values, "format": one.values.get("format") or "table"} for one in fields.objects("targets")
    ]
    merged = [{"id": "merge", "options": {}}] if fields.text("transform", "table") == "table" else []
    changes = {
        "type": "table",
        "targets": targets,
        "transformations": [*fields.items("transformations"), *merged],
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": {"showHeader": fields.values.get("showHeader") is not False},
    }
    return _changed(fields, changes, *_TABLE), notes


_TABLE = (
    "styles",
    "columns",
    "transform",
    "scroll",
    "fontSize",
    "sort",
    "pageSize",
    "showHeader",
    "hideTimeOverride",
)


def _column(style: Fields) -> list[dict[str, Any]]:
    properties: list[dict[str, Any]] = []
    kind = style.text("type")
    if kind == "hidden":
        return [{"id": "custom.hidden", "value": True}]
    if style.values.get("alias"):
        properties.append({"id": "displayName", "value": str(style.values["alias"])})
    if kind == "number":
        properties.append({"id": "unit", "value": style.values.get("unit") or "short"})
        if (decimals := _number(style.values.get("decimals"))) is not None:
            properties.append({"id": "decimals", "value": decimals})
    if style.values.get("colorMode") in ("cell", "row", "value"):
        steps = _thresholds(style)
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
        cell = "color-text" if style.values["colorMode"] == "value" else "color-background"
        properties.append({"id": "custom.cellOptions", "value": {"type": cell}})
    if style.values.get("link") is True and style.values.get("linkUrl"):
        link = {"title": style.values.get("linkTooltip") or "", "url": style.values["linkUrl"]}
        properties.append(
            {"id": "links", "value": [{**link, "targetBlank": style.values.get("linkTargetBlank")}]}
        )
    if style.values.get("align") in ("left", "center", "right"):
        properties.append({"id": "custom.align", "value": style.values["align"]})
    return properties


def _thresholds(style: Fields) -> list[dict[str, Any]]:
    values = [_number(value) for value in style.items("thresholds")]
    bounds: list[float | None] = [None, *(value for value in values if value is not None)]
    colors = [str(color) for color in style.items("colors")]
    return [{"value": value, "color": color} for value, color in zip(bounds, colors, strict=False)]


def _heatmap(fields: Fields) -> tuple[Fields, list[str]]:
    if "dataFormat" not in fields.values and "yAxis" not in fields.values:
        return fields, []
    axis, color = fields.object("yAxis"), fields.object("color")
    scheme = str(color.values.get("colorScheme") or "interpolateOranges").removeprefix("interpolate")
    mode = "opacity" if color.values.get("mode") == "opacity" else "scheme"
    options: dict[str, Any] = {
        "calculate": fields.values.get("dataFormat", "timeseries") != "tsbuckets",
        "color": {
            "mode": mode,
            "scheme": scheme,
            "fill": color.values.get("cardColor") or "dark-orange",
            "exponent": color.values.get("exponent"),
            "min": color.values.get("min"),
            "max": color.values.get("max"),
        },
        "yAxis": {
            "unit": axis.values.get("format") or "",
            "decimals": axis.values.get("decimals"),
            "min": axis.values.get("min"),
            "max": axis.values.get("max"),
            "reverse": fields.values.get("reverseYBuckets") is True,
            "axisPlacement": "hidden" if axis.values.get("show") is False else "left",
        },
        "legend": {"show": fields.object("legend").values.get("show") is True},
        "tooltip": {"show": fields.object("tooltip").values.get("show") is not False},
        "filterValues": {"le": 1e-9 if fields.values.get("hideZeroBuckets") is True else None},
    }
    if (count := _number(fields.values.get("yBucketNumber"))) is not None:
        options["calculation"] = {"yBuckets": {"mode": "count", "value": count}}
    return _changed(fields, {"options": options, "fieldConfig": None}, *_HEATMAP), []


_HEATMAP = (
    "dataFormat", "yAxis", "xAxis", "color", "cards", "heatmap", "hideZeroBuckets", "highlightCards", "legend",
    "reverseYBuckets", "tooltip", "tooltipDecimals", "xBucketNumber", "xBucketSize", "yBucketBound", "yBucketNumber",
    "yBucketSize",
)  # fmt: skip


def _gauge(fields: Fields) -> tuple[Fields, list[str]]:
    """Turn a gauge of Grafana 6, whose fields are described among its options."""
    options = fields.object("options")
    if "fieldOptions" not in options.values:
        return fields, []
    given = options.object("fieldOptions")
    defaults = dict(given.object("defaults").values)
    for name in ("thresholds", "mappings"):
        if name in given.values:
            defaults.setdefault(name, given.values[name])
    thresholds = defaults.get("thresholds")
    if isinstance(thresholds, list):
        steps = [{**one, "value": None if i == 0 else one.get("value")} for i, one in enumerate(thresholds)]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    calcs = [_CALCS.get(str(one), str(one)) for one in given.items("calcs")]
    reduce = {"calcs": calcs, "values": given.values.get("values"), "limit": given.values.get("limit")}
    kept = {name: value for name, value in options.values.items() if name != "fieldOptions"}
    config = {"defaults": defaults, "overrides": given.items("override") or given.items("overrides")}
    return _changed(fields, {"options": {**kept, "reduceOptions": reduce}, "fieldConfig": config}), []


def _text(fields: Fields) -> tuple[Fields, list[str]]:
    if "content" not in fields.values:
        return fields, []
    options = {"mode": fields.values.get("mode") or "markdown", "content": fields.values["content"]}
    return _changed(
        fields, {"options": {**options, **fields.object("options").values}}, "content", "mode"
    ), []


def _piechart(fields: Fields) -> tuple[Fields, list[str]]:
    if "pieType" not in fields.values:
        return _changed(fields, {"type": "piechart"}), []
    value_name = fields.text("valueName", "current")
    options = {
        "pieType": fields.values["pieType"],
        "reduceOptions": {"calcs": [_CALCS.get(value_name, "lastNotNull")]},
        "legend": {
            "placement": "right",
            "showLegend": fields.object("legend").values.get("show") is not False,
        },
    }
    defaults = {"unit": fields.values.get("format") or "short"}
    changes = {
        "type": "piechart",
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }
    without = ("pieType", "valueName", "format", "legend", "legendType", "combine", "fontSize", "strokeWidth",
               "breakPoint", "nullPointMode", "aliasColors", "decimals", "maxDataPoints")  # fmt: skip
    return _changed(fields, changes, *without), []


_CHANGES: dict[str, Callable[[Fields], tuple[Fields, list[str]]]] = {
    "graph": from_graph,
    "singlestat": _singlestat,
    "table": _table,
    "heatmap": _heatmap,
    "gauge": _gauge,
    "bargauge": _gauge,
    "stat": _gauge,
    "text": _text,
    "piechart": _piechart,
}
