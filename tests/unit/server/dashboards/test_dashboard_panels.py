"""Reading panels: their options, fields, overrides and queries, and that what is not honoured is named."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.server.dashboards.boards import board, field_config, override, panel, target

from accelerapp.server.dashboards import Grid, Link, Repeat, TraceSearch

# Queries


def test_query_is_given_as_written_with_its_variables() -> None:
    found, notes = target(
        expr='rate(a{job=~"$job"}[$__rate_interval])', legendFormat="{{job}}", interval="30s"
    )
    assert (found.source, found.expr) == ("prometheus", 'rate(a{job=~"$job"}[$__rate_interval])')
    assert (found.legend_format, found.interval, found.format) == ("{{job}}", "30s", "time_series")
    assert notes == ()


def test_query_that_does_not_parse_is_named_and_not_queried() -> None:
    found, notes = target(expr="sum by (")
    assert found.source is None
    assert len(notes) == 1
    assert notes[0].startswith("target A: ")
    assert notes[0].endswith("; not queried")


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"instant": True, "range": False}, {"instant": True}),
        ({"instant": True}, {"instant": True}),
        ({"format": "table", "instant": True}, {"format": "table", "instant": True}),
        ({"format": "heatmap"}, {"format": "heatmap", "instant": False}),
        ({"exemplar": True}, {"exemplar": True}),
        ({"intervalFactor": 2, "step": 30}, {"interval_factor": 2}),
    ],
)
def test_settings_of_a_query(fields: dict[str, Any], wanted: dict[str, Any]) -> None:
    found, notes = target(expr="up", **fields)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert notes == ()


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        (
            {"expr": "up", "instant": True, "range": True},
            "an instant query beside the one over the range; the latter alone is run",
        ),
        ({"expr": "up", "format": "novel"}, "format = 'novel'"),
        ({"expr": ""}, "no expression; not queried"),
        ({"expr": "x", "datasource": {"type": "loki"}}, "data source of type 'loki'; not queried"),
        (
            {"expression": "$A", "datasource": {"uid": "__expr__"}},
            "data source of type '__expr__'; not queried",
        ),
        ({"query": "SELECT 1", "datasource": "InfluxDB"}, "data source of type 'influxdb'; not queried"),
    ],
)
def test_what_of_a_query_is_not_honoured_is_named(fields: dict[str, Any], note: str) -> None:
    assert target(**fields)[1] == (f"target A: {note}",)


def test_hidden_query_is_left_out() -> None:
    targets = [{"refId": "A", "expr": "a", "hide": True}, {"refId": "B", "expr": "b"}]
    assert [t.ref_id for t in panel(targets=targets).targets] == ["B"]


@pytest.mark.parametrize("name", ["$ds", "${ds}", "${DS_LOKI}"])
def test_data_source_behind_a_variable_or_an_import_is_known_by_its_type(name: str) -> None:
    found = board(
        {"type": "logs", "datasource": name, "targets": [{"refId": "A", "expr": "{}"}]},
        templating={"list": [{"name": "ds", "type": "datasource", "query": "loki"}]},
        __inputs=[{"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"}],
    )
    assert found.panels[0].unsupported == ("target A: data source of type 'loki'; not queried",)


def test_panel_that_shows_the_result_of_another_has_its_queries() -> None:
    found = board(
        {"id": 4, "type": "timeseries", "targets": [{"refId": "A", "expr": "up"}]},
        {
            "id": 5,
            "type": "stat",
            "datasource": {"type": "datasource", "uid": "-- Dashboard --"},
            "targets": [{"refId": "A", "panelId": 4}],
        },
    )
    assert [p.targets[0].expr for p in found.panels] == ["up", "up"]
    assert [p.unsupported for p in found.panels] == [(), ()]


def test_queries_of_elasticsearch_are_asked_of_the_lines() -> None:
    source = {"type": "elasticsearch", "uid": "e"}
    lines, notes = target(datasource=source, query="log.level:error", metrics=[{"id": "1", "type": "logs"}])
    assert (lines.source, lines.expr, lines.logs, notes) == ("logs", "log.level:error", "lines", ())
    by_time = [{"type": "date_histogram", "field": "@timestamp", "id": "2"}]
    counted, notes = target(datasource=source, metrics=[{"id": "1", "type": "count"}], bucketAggs=by_time)
    assert (counted.source, counted.logs, notes) == ("logs", "count", ())
    refused, notes = target(
        datasource=source, metrics=[{"id": "1", "type": "avg", "field": "x"}], bucketAggs=by_time
    )
    assert refused.source is None
    assert notes == ("target A: avg of lines by date_histogram; not queried",)


def test_searches_of_jaeger_are_searches_of_traces() -> None:
    found, notes = target(
        datasource={"type": "jaeger"},
        queryType="search",
        service="codegen",
        operation="All",
        tags='error=true http.route="/v1/x y"',
        minDuration="100ms",
        limit=5,
    )
    assert notes == ()
    assert found.traces == TraceSearch(
        service="codegen", attributes=("error=true", "http.route=/v1/x y"), min_duration="100ms", limit=5
    )
    one, _ = target(datasource={"type": "jaeger"}, query="abc123")
    assert one.traces == TraceSearch(trace_id="abc123")


def test_traceql_is_refused_by_name() -> None:
    found, notes = target(datasource={"type": "tempo"}, queryType="traceql", query="{ status = error }")
    assert found.source is None
    assert notes == ("target A: a query of Tempo of type 'traceql'; not queried",)


# Fields


def test_defaults_of_an_empty_panel() -> None:
    found = panel()
    assert (found.field["unit"], found.field["decimals"], found.field["min"]) == ("short", None, None)
    assert found.field["color"]["mode"] == "palette-classic"
    assert found.field["custom"]["draw_style"] == "line"
    assert found.options["legend"] == {
        "show": True, "mode": "list", "placement": "bottom", "calcs": [], "sort_by": "", "sort_desc": True,
    }  # fmt: skip
    assert found.unsupported == ()


def test_style_of_a_series_is_read_whole() -> None:
    found = panel(
        **field_config(
            unit="reqps",
            min="0",
            custom={
                "drawStyle": "bars",
                "lineInterpolation": "stepAfter",
                "axisPlacement": "right",
                "axisLabel": "calls",
                "spanNulls": 3600000,
                "stacking": {"mode": "percent", "group": "B"},
                "scaleDistribution": {"type": "log", "log": 10},
                "thresholdsStyle": {"mode": "dashed"},
                "lineStyle": {"fill": "dash", "dash": [10, 20]},
                "hideFrom": {"legend": True, "tooltip": False, "viz": False},
            },
        )
    )
    style = found.field["custom"]
    assert (found.field["unit"], found.field["min"]) == ("reqps", 0)
    assert (style["draw_style"], style["interpolation"], style["span_nulls"]) == (
        "bars",
        "stepAfter",
        3600000,
    )
    assert (style["axis"]["placement"], style["axis"]["label"]) == ("right", "calls")
    assert style["stacking"] == {"mode": "percent", "group": "B"}
    assert (style["scale"]["type"], style["scale"]["log"]) == ("log", 10)
    assert style["threshold_style"] == "dashed"
    assert style["line_style"] == {"fill": "dash", "dash": [10, 20]}
    assert style["hide"] == {"legend": True, "tooltip": False, "viz": False}
    assert found.unsupported == ()


def test_grafanas_own_defaults_written_out_are_not_named() -> None:
    custom = {
        "drawStyle": "line",
        "spanNulls": False,
        "scaleDistribution": {"type": "linear"},
        "axisLabel": "",
        "axisBorderShow": False,
        "barWidthFactor": 0.6,
        "insertNulls": False,
        "pointSize": 5,
        "showValues": False,
    }
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "calcs": []},
        "tooltip": {"mode": "multi", "hideZeros": False, "maxHeight": 600},
        "timezone": ["browser"],
    }
    assert panel(options=options, **field_config(custom=custom)).unsupported == ()


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"type": "geomap"}, "panel type 'geomap'"),
        ({"novelty": {"a": 1}}, "novelty = {…}"),
        ({"transformations": [{"id": "heatmap", "options": {}}]}, "transformation 'heatmap'"),
        (
            {"transformations": [{"id": "calculateField", "options": {"mode": "windowFunctions"}}]},
            "transformation 'calculateField' of mode 'windowFunctions'",
        ),
        (
            {
                "transformations": [
                    {
                        "id": "calculateField",
                        "options": {
                            "mode": "binary",
                            "binary": {"left": {"matcher": {"id": "byType", "options": "number"}}},
                        },
                    }
                ]
            },
            "transformation 'calculateField' of the fields 'byType'",
        ),
        (
            {"transformations": [{"id": "groupBy", "options": {"fields": {"a": {"operation": "takelast"}}}}]},
            "transformation 'groupBy' with 'takelast'",
        ),
        ({"timeFrom": "now/d"}, "timeFrom = 'now/d'; the dashboard's time is shown"),
        ({"timeShift": "1d/d"}, "timeShift = '1d/d'; the dashboard's time is shown"),
        ({"type": "heatmap", "options": {"yAxis": {"reverse": True}}}, "options.yAxis.reverse = true"),
        (field_config(custom={"insertNulls": 60000}), "fieldConfig.defaults.custom.insertNulls = 60000"),
        (field_config(color={"mode": "novel"}), "fieldConfig.defaults.color.mode = 'novel'"),
        (field_config(custom={"drawStyle": "steps"}), "fieldConfig.defaults.custom.drawStyle = 'steps'"),
        (field_config(custom={"novelty": 3}), "fieldConfig.defaults.custom.novelty = 3"),
        (field_config(min="low"), "fieldConfig.defaults.min = 'low'"),
        (
            field_config(mappings=[{"type": "novel", "options": {}}]),
            "fieldConfig.defaults.value mapping of type 'novel'",
        ),
        ({"options": {"legend": {"placement": "top"}}}, "options.legend.placement = 'top'"),
        (
            {"type": "stat", "options": {"reduceOptions": {"calcs": ["nth"]}}},
            "options.reduceOptions.calcs = […]",
        ),
        ({"type": "text", "options": {"mode": "novel"}}, "text mode 'novel'; shown as it is written"),
        (
            {"fieldConfig": {"overrides": [{"matcher": {"id": "byNovelty", "options": "a"}}]}},
            "override of the fields byNovelty 'a'",
        ),
        (field_config(override("byName", "a", custom__novelty=1)), "override 'a': custom.novelty = 1"),
        ({"links": [{"title": "L", "type": "dashboard", "dashboard": "D"}]}, "link 'L': it has no address"),
    ],
)
def test_what_the_page_does_not_honour_is_named(fields: dict[str, Any], note: str) -> None:
    assert panel(**fields).unsupported == (note,)


def test_series_in_a_stacking_group_that_is_false_is_not_stacked_on_the_others() -> None:
    alone = {"mode": "normal", "group": False}
    found = panel(**field_config(override("byName", "Total", custom__stacking=alone)))
    assert found.overrides[0].set["custom"]["stacking"] == {"mode": "normal", "group": "false"}
    assert found.unsupported == ()


def test_override_sets_only_what_it_names_over_what_the_panel_has() -> None:
    found = panel(
        **field_config(
            override(
                "byRegexp",
                "/.*err/",
                unit="percent",
                custom__axisPlacement="right",
                color={"mode": "fixed", "fixedColor": "red"},
            ),
            override("byName", "empty"),
            custom={"axisLabel": "calls", "lineWidth": 3},
        )
    )
    (one,) = found.overrides
    assert (one.matcher["id"], one.matcher["options"]) == ("byRegexp", "/.*err/")
    assert one.set["unit"] == "percent"
    assert one.set["color"] == {"mode": "fixed", "fixed": "red", "series_by": "last"}
    assert one.set["custom"].keys() == {"axis"}
    assert (one.set["custom"]["axis"]["placement"], one.set["custom"]["axis"]["label"]) == ("right", "calls")


def test_override_of_thresholds_mappings_and_links() -> None:
    steps = {
        "mode": "absolute",
        "steps": [{"color": "green", "value": None}, {"color": "red", "value": "80"}],
    }
    found = panel(
        **field_config(
            override(
                "byFrameRefID",
                "B",
                thresholds=steps,
                mappings=[{"type": "value", "options": {"1": {"text": "yes", "color": "green"}}}],
                links=[{"title": "t", "url": "/d/x?var-a=${__value.raw}", "targetBlank": True}],
            )
        )
    )
    change = found.overrides[0].set
    assert change["thresholds"]["steps"][1] == {"value": 80, "color": "red"}
    assert change["mappings"] == [{"type": "value", "value": "1", "text": "yes", "color": "green"}]
    assert change["links"] == [{"title": "t", "url": "/d/x?var-a=${__value.raw}", "new_tab": True}]


def test_mappings_come_in_the_order_in_which_they_are_tried() -> None:
    mappings = [
        {"type": "range", "options": {"from": 5, "to": None, "result": {"text": "high", "index": 2}}},
        {"type": "special", "options": {"match": "null+nan", "result": {"text": "none", "index": 1}}},
        {"type": "regex", "options": {"pattern": "a.*", "result": {"color": "red", "index": 3}}},
        {"type": "value", "options": {"0": {"text": "DOWN", "color": "red", "index": 0}}},
    ]
    assert panel(**field_config(mappings=mappings)).field["mappings"] == [
        {"type": "value", "value": "0", "text": "DOWN", "color": "red"},
        {"type": "special", "match": "null+nan", "text": "none", "color": None},
        {"type": "range", "from": 5, "to": None, "text": "high", "color": None},
        {"type": "regex", "pattern": "a.*", "text": None, "color": "red"},
    ]


def test_cells_of_older_tables_are_told_as_today() -> None:
    found = panel(
        type="table",
        **field_config(
            override("byName", "a", custom__displayMode="lcd-gauge"),
            custom={"displayMode": "color-background"},
        ),
    )
    assert found.field["custom"]["cell"]["type"] == "color-background"
    assert found.overrides[0].set["custom"]["cell"]["type"] == "gauge"
    assert found.unsupported == ()


# Options


@pytest.mark.parametrize("legend", [{"showLegend": False}, {"displayMode": "hidden"}])
def test_legend_can_be_off(legend: dict[str, Any]) -> None:
    assert panel(options={"legend": legend}).options["legend"]["show"] is False


def test_options_of_a_table() -> None:
    found = panel(
        type="table",
        options={
            "showHeader": True,
            "sortBy": [{"displayName": "Value", "desc": True}],
            "footer": {"show": True, "reducer": ["sum"], "countRows": False, "fields": ""},
            "cellHeight": "sm",
        },
        transformations=[
            {"id": "organize", "options": {"excludeByName": {"Time": True}}},
            {"id": "merge", "disabled": True},
        ],
    )
    assert found.options["sort_by"] == [{"name": "Value", "desc": True}]
    assert found.options["footer"]["calcs"] == ["sum"]
    assert [(t.id, t.options) for t in found.transformations] == [
        ("organize", {"excludeByName": {"Time": True}})
    ]
    assert found.unsupported == ()


def test_options_of_a_heatmap() -> None:
    found = panel(
        type="heatmap",
        options={
            "calculate": True,
            "calculation": {"yBuckets": {"mode": "count", "value": "20"}},
            "color": {"mode": "scheme", "scheme": "Spectral", "steps": 128, "exponent": 0.5},
            "yAxis": {"unit": "s", "axisPlacement": "left"},
            "filterValues": {"le": 1e-9},
            "rowsFrame": {"layout": "auto"},
            "cellGap": 2,
        },
    )
    assert found.options["y_buckets"] == {"count": 20, "size": 0}
    assert (found.options["color"]["scheme"], found.options["y_axis"]["unit"]) == ("Spectral", "s")
    assert found.unsupported == ()


def test_markdown_is_rendered_and_nothing_in_it_can_run() -> None:
    bad = "[a](javascript:alert(1)) <script>alert(1)</script><img src=x onerror=alert(1)>"
    content = f"# Head\n\n**bold** [b](/d/x) {bad}"
    found = panel(type="text", options={"mode": "markdown", "content": content})
    html = found.options["html"]
    assert "<h3>Head</h3>" in html
    assert "<strong>bold</strong>" in html
    assert 'href="/d/x"' in html
    assert 'href="javascript' not in html
    assert "script>" not in html
    assert "<img" not in html
    assert set(found.unsupported) == {"<script> in its text", "<img> in its text"}


def test_code_is_kept_as_it_is_written() -> None:
    found = panel(type="text", options={"mode": "code", "content": "<b>$x</b>"})
    assert found.options == {"mode": "code", "html": "", "content": "<b>$x</b>"}


# Places


def test_panel_is_kept_within_the_grid() -> None:
    assert panel(gridPos={"x": 20, "y": 1, "w": 30, "h": 0}).grid == Grid(0, 1, 24, 8)


def test_repeat_links_and_times_of_a_panel() -> None:
    found = panel(
        repeat="job",
        repeatDirection="v",
        links=[{"title": "L", "url": "https://example.org/$job", "targetBlank": True}],
        timeFrom="1h",
        timeShift="1d",
        hideTimeOverride=True,
        interval="1m",
        maxDataPoints=100,
    )
    assert found.repeat == Repeat("job", "v", 4)
    assert found.links == (Link("L", "https://example.org/$job", True),)
    assert (found.time_from, found.time_shift, found.hide_time_override) == ("1h", "1d", True)
    assert (found.interval, found.max_data_points) == ("1m", 100)
    assert found.unsupported == ()
