"""Panels of Grafana before version 8 are read as those of today."""

from __future__ import annotations

from typing import Any

from tests.unit.server.dashboards.boards import panel

GRAPH: dict[str, Any] = {
    "type": "graph",
    "lines": True,
    "linewidth": 2,
    "fill": 3,
    "stack": True,
    "steppedLine": True,
    "nullPointMode": "connected",
    "yaxes": [
        {"format": "s", "min": "0", "max": None, "logBase": 10, "label": "time", "show": True},
        {"format": "percent", "min": "0", "max": "100", "logBase": 1, "show": True},
    ],
    "legend": {
        "show": True,
        "values": True,
        "avg": True,
        "current": True,
        "alignAsTable": True,
        "rightSide": True,
    },
    "tooltip": {"shared": True, "sort": 2},
    "xaxis": {"mode": "time", "show": True},
}


def test_graph_becomes_a_time_series() -> None:
    found = panel(**GRAPH)
    style = found.field["custom"]
    assert found.type == "timeseries"
    assert (found.field["unit"], found.field["min"], found.field["max"]) == ("s", 0, None)
    assert (style["line_width"], style["fill_opacity"], style["interpolation"]) == (2, 30, "stepAfter")
    assert (style["stacking"]["mode"], style["span_nulls"]) == ("normal", True)
    assert (style["scale"]["type"], style["scale"]["log"], style["axis"]["label"]) == ("log", 10, "time")
    legend = found.options["legend"]
    assert (legend["mode"], legend["placement"], set(legend["calcs"])) == (
        "table",
        "right",
        {"mean", "lastNotNull"},
    )
    assert found.options["tooltip"] == {"mode": "multi", "sort": "desc", "hide_zeros": False}
    assert found.unsupported == ()


def test_overrides_and_colours_of_a_graph_become_overrides() -> None:
    found = panel(
        **GRAPH,
        aliasColors={"errors": "#bf1b00"},
        seriesOverrides=[{"alias": "/share/", "yaxis": 2, "fill": 0, "stack": False, "novelty": 1}],
    )
    color, share = found.overrides
    assert color.matcher["options"] == "errors"
    assert color.set["color"]["fixed"] == "#bf1b00"
    assert share.matcher["id"] == "byRegexp"
    assert (share.set["unit"], share.set["max"]) == ("percent", 100)
    assert share.set["custom"]["axis"]["placement"] == "right"
    assert (share.set["custom"]["fill_opacity"], share.set["custom"]["stacking"]["mode"]) == (0, "none")
    assert found.unsupported == ("override '/share/': novelty = 1",)


def test_override_of_a_graph_of_points_is_a_line() -> None:
    points = {**GRAPH, "lines": False, "points": True}
    found = panel(**points, seriesOverrides=[{"alias": "mean", "lines": True, "points": False}])
    assert found.field["custom"]["draw_style"] == "points"
    custom = found.overrides[0].set["custom"]
    assert (custom["draw_style"], custom["show_points"]) == ("line", "never")


def test_thresholds_of_a_graph() -> None:
    thresholds = [{"value": 80, "op": "gt", "fill": True, "line": True, "colorMode": "critical"}]
    found = panel(**GRAPH, thresholds=thresholds)
    assert found.field["thresholds"]["steps"] == [
        {"value": None, "color": "transparent"},
        {"value": 80, "color": "red"},
    ]
    assert found.field["custom"]["threshold_style"] == "line+area"


def test_what_of_a_graph_has_no_equal_is_named() -> None:
    found = panel(
        **{**GRAPH, "xaxis": {"mode": "series"}, "alert": {"name": "A"}, "timeRegions": [{"op": "time"}]}
    )
    assert found.unsupported == (
        "xaxis.mode = 'series'; drawn over time",
        "timeRegions = […]",
        "alert: rules are in rule files here",
    )


def test_singlestat_becomes_a_stat() -> None:
    found = panel(
        type="singlestat",
        format="bytes",
        valueName="current",
        decimals=1,
        colorBackground=True,
        colors=["green", "orange", "red"],
        thresholds="80,90",
        sparkline={"show": True},
        valueMaps=[{"op": "=", "text": "N/A", "value": "null"}, {"op": "=", "text": "UP", "value": "1"}],
        mappingType=1,
        prefix="≈",
    )
    assert (found.type, found.field["unit"], found.field["decimals"]) == ("stat", "bytes", 1)
    assert found.options["reduce"]["calcs"] == ["lastNotNull"]
    assert (found.options["color_mode"], found.options["graph_mode"]) == ("background", "area")
    assert [step["value"] for step in found.field["thresholds"]["steps"]] == [None, 80, 90]
    assert [one["type"] for one in found.field["mappings"]] == ["special", "value"]
    assert found.unsupported == ("prefix = '≈'",)


def test_singlestat_with_a_gauge_becomes_a_gauge() -> None:
    found = panel(
        type="singlestat", gauge={"show": True, "minValue": 0, "maxValue": 5, "thresholdLabels": True}
    )
    assert (found.type, found.field["max"], found.options["threshold_labels"]) == ("gauge", 5, True)


def test_old_table_becomes_a_table() -> None:
    found = panel(
        type="table",
        styles=[
            {"pattern": "Time", "type": "hidden"},
            {"pattern": "Value", "type": "number", "unit": "bytes", "alias": "Size", "decimals": 2},
            {"pattern": "/.*/", "type": "number", "unit": "short"},
        ],
        transform="table",
        targets=[{"refId": "A", "expr": "up", "instant": True}],
    )
    hidden, size = found.overrides
    assert hidden.set["custom"]["hidden"] is True
    assert (size.set["unit"], size.set["display_name"], size.set["decimals"]) == ("bytes", "Size", 2)
    assert found.targets[0].format == "table"
    assert found.unsupported == ()


def test_old_heatmap_of_buckets_keeps_them() -> None:
    found = panel(
        type="heatmap",
        dataFormat="tsbuckets",
        color={"mode": "spectrum", "colorScheme": "interpolateBlues"},
        yAxis={"format": "s", "show": True, "logBase": 1},
        hideZeroBuckets=True,
    )
    assert (found.options["calculate"], found.options["color"]["scheme"]) == (False, "Blues")
    assert (found.options["y_axis"]["unit"], found.options["filter_below"]) == ("s", 1e-9)
    assert found.unsupported == ()


def test_gauge_of_grafana_6_has_its_fields_among_its_options() -> None:
    found = panel(
        type="bargauge",
        options={
            "displayMode": "lcd",
            "fieldOptions": {
                "calcs": ["mean"],
                "defaults": {
                    "unit": "s",
                    "max": 10,
                    "thresholds": [{"color": "green"}, {"color": "red", "value": 5}],
                },
            },
        },
    )
    assert (found.options["reduce"]["calcs"], found.options["display_mode"]) == (["mean"], "lcd")
    assert (found.field["unit"], found.field["max"]) == ("s", 10)
    assert found.field["thresholds"]["steps"][0] == {"value": None, "color": "green"}
    assert found.unsupported == ()


def test_text_of_before_grafana_7_is_read() -> None:
    found = panel(type="text", mode="markdown", content="**x**")
    assert "<strong>x</strong>" in found.options["html"]
    assert found.unsupported == ()
