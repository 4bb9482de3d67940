"""The options of each type of panel that the page draws."""

from __future__ import annotations

from typing import Any

from accelerapp.server.dashboards.settings import (
    NotHonouredError,
    Setting,
    Settings,
    accepted,
    as_number,
    choice,
    flag,
    ignored,
    number,
    renamed,
    text,
    texts,
)

#: What makes one value of a series.
CALCS = (
    "lastNotNull", "last", "firstNotNull", "first", "min", "max", "mean", "median", "variance", "stdDev", "sum",
    "count", "range", "delta", "step", "diff", "diffperc", "logmin", "allIsZero", "allIsNull", "changeCount",
    "distinctCount", "countAll",
    *(f"p{rank}" for rank in range(1, 100)),
)  # fmt: skip


def _calcs(path: str, name: str) -> Setting:
    return texts(path, name, CALCS)


def _ready_legend(path: str, name: str) -> tuple[Setting, ...]:
    return (
        flag(f"{path}.showLegend", f"{name}.show", True),
        renamed(
            f"{path}.displayMode",
            f"{name}.mode",
            "list",
            {"list": "list", "table": "table", "hidden": "hidden"},
        ),
        choice(f"{path}.placement", f"{name}.placement", "bottom", "right"),
        _calcs(f"{path}.calcs", f"{name}.calcs"),
        text(f"{path}.sortBy", f"{name}.sort_by"),
        flag(f"{path}.sortDesc", f"{name}.sort_desc", True),
        ignored(f"{path}.asTable"),
        ignored(f"{path}.isVisible"),
        ignored(f"{path}.width"),
    )


_LEGEND = (*_ready_legend("legend", "legend"), ignored("legend.values"))
_TOOLTIP = (
    choice("tooltip.mode", "tooltip.mode", "single", "multi", "none"),
    choice("tooltip.sort", "tooltip.sort", "none", "asc", "desc"),
    flag("tooltip.hideZeros", "tooltip.hide_zeros", False),
    ignored("tooltip.maxHeight"),
    ignored("tooltip.maxWidth"),
)


def _limit(value: Any) -> Any:
    found = as_number(value)
    return None if found is None or found <= 0 else int(found)


_REDUCE = (
    flag("reduceOptions.values", "reduce.values", False),
    _calcs("reduceOptions.calcs", "reduce.calcs"),
    Setting("reduceOptions.limit", "reduce.limit", None, _limit),
    text("reduceOptions.fields", "reduce.fields"),
    choice("orientation", "orientation", "auto", "horizontal", "vertical"),
    # The sizes of texts follow the panel's.
    ignored("text"),
    ignored("sizing"),
    ignored("minVizWidth"),
    ignored("minVizHeight"),
    ignored("maxVizHeight"),
)


def _sort_by(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NotHonouredError
    return [{"name": str(one.get("displayName", "")), "desc": one.get("desc") is True} for one in value]


def _buckets(value: Any) -> Any:
    if not isinstance(value, dict):
        raise NotHonouredError
    scale = value.get("scale")
    if isinstance(scale, dict) and scale.get("type", "linear") != "linear":
        raise NotHonouredError
    size = max(0, as_number(value.get("value", "")) or 0)
    return {"count": 0, "size": size} if value.get("mode") == "size" else {"count": size, "size": 0}


_VALUES = {"auto": "auto", "always": "always", "never": "never"}

_OPTIONS: dict[str, Settings] = {
    "timeseries": Settings(
        *_LEGEND,
        *_TOOLTIP,
        accepted("timezone", ["browser"], ["", "browser"]),
        ignored("alertThreshold"),
        accepted("orientation", "horizontal"),
        accepted("timeCompare", False),
        accepted("annotations.multiLane", False),
        ignored("dataLinks"),
    ),
    "stat": Settings(
        *_REDUCE,
        choice("textMode", "text_mode", "auto", "value", "value_and_name", "name", "none"),
        choice("colorMode", "color_mode", "value", "none", "background", "background_solid"),
        choice("graphMode", "graph_mode", "area", "none"),
        choice("justifyMode", "justify", "auto", "center"),
        flag("showPercentChange", "percent_change", False),
        choice("percentChangeColorMode", "percent_change_color", "standard", "inverted", "same_as_value"),
        ignored("wideLayout"),
    ),
    "gauge": Settings(
        *_REDUCE,
        flag("showThresholdLabels", "threshold_labels", False),
        flag("showThresholdMarkers", "threshold_markers", True),
        accepted("shape", "gauge"),
        ignored("barShape"),
        ignored("barWidth"),
        ignored("barWidthFactor"),
        accepted("segmentCount", 1),
        ignored("segmentSpacing"),
        accepted("sparkline", False),
        ignored("effects"),
        ignored("glow"),
        ignored("endpointMarker"),
        accepted("textMode", "auto"),
        accepted("neutral"),
    ),
    "bargauge": Settings(
        *_REDUCE,
        choice("displayMode", "display_mode", "gradient", "basic", "lcd"),
        choice("valueMode", "value_mode", "color", "text", "hidden"),
        choice("namePlacement", "name_placement", "auto", "top", "left", "hidden"),
        flag("showUnfilled", "show_unfilled", True),
        accepted("legend.showLegend", False),
        ignored("legend.displayMode"),
        ignored("legend.placement"),
        ignored("legend.calcs"),
    ),
    "table": Settings(
        flag("showHeader", "show_header", True),
        choice("cellHeight", "cell_height", "sm", "md", "lg"),
        Setting("sortBy", "sort_by", [], _sort_by),
        flag("footer.show", "footer.show", False),
        _calcs("footer.reducer", "footer.calcs"),
        Setting("footer.fields", "footer.fields", [], lambda value: value if isinstance(value, list) else [str(value)]),
        flag("footer.countRows", "footer.count_rows", False),
        # All rows are there to scroll.
        ignored("footer.enablePagination"),
        ignored("enablePagination"),
        number("frameIndex", "frame", 0),
        accepted("showTypeIcons", False),
        accepted("frozenColumns.left", 0),
        ignored("maxRowHeight"),
        ignored("showRowNums"),
    ),
    "heatmap": Settings(
        flag("calculate", "calculate", False),
        ignored("calculation.xBuckets"),
        Setting("calculation.yBuckets", "y_buckets", {"count": 0, "size": 0}, _buckets),
        choice("color.mode", "color.mode", "scheme", "opacity"),
        text("color.scheme", "color.scheme", "Oranges"),
        text("color.fill", "color.fill", "dark-orange"),
        accepted("color.scale", "exponential"),
        flag("color.reverse", "color.reverse", False),
        number("color.steps", "color.steps", 64),
        number("color.exponent", "color.exponent", 0.5),
        number("color.min", "color.min"),
        number("color.max", "color.max"),
        text("yAxis.unit", "y_axis.unit"),
        number("yAxis.decimals", "y_axis.decimals"),
        accepted("yAxis.min"),
        accepted("yAxis.max"),
        accepted("yAxis.reverse", False),
        renamed(
            "yAxis.axisPlacement", "y_axis.placement", "left",
            {"auto": "left", "left": "left", "right": "right", "hidden": "hidden"},
        ),
        text("yAxis.axisLabel", "y_axis.label"),
        ignored("yAxis.axisWidth"),
        ignored("yAxis.axisGridShow"),
        accepted("yAxis.axisCenteredZero", False),
        ignored("yAxis.axisColorMode"),
        ignored("yAxis.scaleDistribution"),
        choice("rowsFrame.layout", "layout", "auto", "le", "unknown"),
        ignored("rowsFrame.value"),
        number("filterValues.le", "filter_below"),
        accepted("filterValues.ge"),
        number("cellGap", "cell_gap", 1),
        ignored("cellRadius"),
        ignored("cellValues"),
        flag("legend.show", "legend", True),
        flag("tooltip.show", "tooltip", True),
        renamed("tooltip.mode", "tooltip", True, {"single": True, "multi": True, "none": False}),
        ignored("tooltip.yHistogram"),
        ignored("tooltip.showColorScale"),
        ignored("tooltip.maxHeight"),
        ignored("tooltip.maxWidth"),
        ignored("exemplars.color"),
        accepted("showValue", "never", "auto"),
        ignored("selectionMode"),
    ),
    "state-timeline": Settings(
        *_LEGEND,
        *_TOOLTIP,
        flag("mergeValues", "merge", True),
        renamed("showValue", "show_value", "auto", _VALUES),
        renamed("alignValue", "align", "left", {"left": "left", "center": "center", "right": "right"}),
        number("rowHeight", "row_height", 0.9),
        ignored("perPage"),
        accepted("timezone", ["browser"], ["", "browser"]),
    ),
    "status-history": Settings(
        *_LEGEND,
        *_TOOLTIP,
        renamed("showValue", "show_value", "auto", _VALUES),
        number("rowHeight", "row_height", 0.9),
        number("colWidth", "col_width", 0.9),
        ignored("perPage"),
        accepted("timezone", ["browser"], ["", "browser"]),
    ),
    "barchart": Settings(
        *_LEGEND,
        *_TOOLTIP,
        choice("orientation", "orientation", "auto", "horizontal", "vertical"),
        choice("stacking", "stacking", "none", "normal", "percent"),
        renamed("showValue", "show_value", "auto", _VALUES),
        text("xField", "x_field"),
        accepted("colorByField"),
        number("groupWidth", "group_width", 0.7),
        ignored("barWidth"),
        ignored("barRadius"),
        ignored("fullHighlight"),
        ignored("xTickLabelRotation"),
        ignored("xTickLabelMaxLength"),
        ignored("xTickLabelSpacing"),
        ignored("text"),
    ),
    "piechart": Settings(
        *_REDUCE,
        *_ready_legend("legend", "legend"),
        texts("legend.values", "legend.values", ("value", "percent")),
        *_TOOLTIP,
        choice("pieType", "pie_type", "pie", "donut"),
        texts("displayLabels", "labels", ("name", "value", "percent")),
        choice("sort", "sort", "desc", "asc", "none"),
    ),
    "logs": Settings(
        flag("wrapLogMessage", "wrap", False),
        renamed("sortOrder", "newest_first", True, {"Descending": True, "Ascending": False}),
        # A line always has its time, and all that it has where it is opened.
        ignored("showTime"),
        ignored("showLabels"),
        ignored("enableLogDetails"),
        accepted("dedupStrategy", "none"),
        accepted("prettifyLogMessage", False),
        accepted("showCommonLabels", False),
        ignored("enableInfiniteScrolling"),
        ignored("showControls"),
        ignored("showLogContextToggle"),
        ignored("fontSize"),
        ignored("syntaxHighlighting"),
        ignored("detailsMode"),
        ignored("timestampResolution"),
        ignored("unwrappedColumns"),
        ignored("showFieldSelector"),
    ),
    "traces": Settings(ignored("spanFilters")),
}  # fmt: skip

TYPES = frozenset({*_OPTIONS, "text"})


def read_options(kind: str, values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the form of the options of one of TYPES but text, and notes of what is not honoured."""
    form, notes = _OPTIONS[kind].read(values, "options.")
    legend = form.get("legend")
    if isinstance(legend, dict) and legend["mode"] == "hidden":
        legend |= {"mode": "list", "show": False}
    if "reduce" in form and not form["reduce"]["calcs"]:
        form["reduce"]["calcs"] = ["lastNotNull"]
    return form, notes
