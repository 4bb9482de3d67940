"""Reading dashboard files: what is normalised, what is named as unsupported, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.dashboards import (
    Dashboard,
    DashboardError,
    Grid,
    Panel,
    Threshold,
    ValueMapping,
    load_dashboard,
)
from accelerapp.server.promql import parse

SHIPPED = Path(__file__).parents[4] / "deployment/observability/grafana/dashboard-system-overview.json"


def write(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "board.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def board(tmp_path: Path, *panels: dict[str, Any], factor: float = 1.0, **more: Any) -> Dashboard:
    return load_dashboard(write(tmp_path, {"uid": "u", "panels": list(panels), **more}), time_factor=factor)


def panel(tmp_path: Path, factor: float = 1.0, **fields: Any) -> Panel:
    return board(tmp_path, {"type": "timeseries", "title": "T", **fields}, factor=factor).panels[0]


def target(tmp_path: Path, factor: float = 1.0, **fields: Any) -> tuple[str | None, tuple[str, ...]]:
    found = panel(tmp_path, factor, targets=[{"refId": "A", **fields}])
    return found.targets[0].query, found.unsupported


def field_config(**defaults: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": defaults, "overrides": []}}


# The shipped dashboard


def test_every_panel_of_the_shipped_dashboard_is_wholly_supported() -> None:
    dashboard = load_dashboard(SHIPPED)
    assert dashboard.uid == "accelerapp-system-overview"
    assert dashboard.unsupported == ("annotation query 'Deployments'",)
    assert {p.title: p.unsupported for p in dashboard.panels} == {p.title: () for p in dashboard.panels}
    assert all(t.query is not None for p in dashboard.panels for t in p.targets)


def test_shipped_queries_stay_as_written_without_compression() -> None:
    for one in load_dashboard(SHIPPED).panels:
        for query in one.targets:
            assert query.query is not None
            assert str(parse(query.query)) == str(parse(query.expr))


def test_shipped_panels_do_not_overlap() -> None:
    cells = [
        (x, y)
        for p in load_dashboard(SHIPPED).panels
        for x in range(p.grid.x, p.grid.x + p.grid.w)
        for y in range(p.grid.y, p.grid.y + p.grid.h)
    ]
    assert len(cells) == len(set(cells))


def test_shipped_dashboard_shows_what_its_alerts_are_about() -> None:
    titles = {p.title: p for p in load_dashboard(SHIPPED).panels}
    error_rate = titles["Error rate"]
    assert (error_rate.unit, error_rate.threshold_style) == ("percentunit", "line")
    assert Threshold(0.05, "red") in error_rate.thresholds
    assert titles["Generation success"].type == "gauge"
    assert titles["Service status"].mappings == (
        ValueMapping("0", "DOWN", "red"),
        ValueMapping("1", "UP", "green"),
    )


# Time


def test_time_factor_divides_windows_range_and_refresh_but_not_the_expression(tmp_path: Path) -> None:
    dashboard = board(
        tmp_path,
        {"type": "stat", "targets": [{"refId": "A", "expr": "rate(a[5m] offset 10m)"}]},
        factor=20,
        time={"from": "now-1h", "to": "now"},
        refresh="10s",
    )
    assert dashboard.panels[0].targets[0].query == "rate(a[15s] offset 30s)"
    assert dashboard.panels[0].targets[0].expr == "rate(a[5m] offset 10m)"
    assert (dashboard.default_range_ms, dashboard.refresh_ms) == (180_000, 500)


@pytest.mark.parametrize(
    ("start", "milliseconds"), [("now-30s", 30_000), ("now-6h", 21_600_000), ("now-2d", 172_800_000)]
)
def test_default_range_is_the_files(tmp_path: Path, start: str, milliseconds: int) -> None:
    assert board(tmp_path, time={"from": start, "to": "now"}).default_range_ms == milliseconds


def test_range_that_is_not_until_now_is_named(tmp_path: Path) -> None:
    dashboard = board(tmp_path, time={"from": "now-1d/d", "to": "now-1d/d"})
    assert dashboard.default_range_ms == 3_600_000
    assert dashboard.unsupported == ("time range 'now-1d/d' to 'now-1d/d'; the last hour is shown",)


@pytest.mark.parametrize("factor", [0, -1])
def test_time_factor_must_be_positive(tmp_path: Path, factor: float) -> None:
    with pytest.raises(ValueError, match="time_factor"):
        board(tmp_path, factor=factor)


# Queries


@pytest.mark.parametrize("name", ["$__rate_interval", "${__rate_interval}", "[[__rate_interval]]"])
def test_rate_interval_is_four_scrapes_of_15_seconds(tmp_path: Path, name: str) -> None:
    assert target(tmp_path, expr=f"rate(a[{name}])") == ("rate(a[1m])", ())


def test_interval_variables_are_compressed_as_written_durations_are(tmp_path: Path) -> None:
    assert target(tmp_path, 20, expr="rate(a[$__rate_interval]) + rate(b[$__interval])")[0] == (
        "rate(a[3s]) + rate(b[750ms])"
    )


def test_other_variables_leave_the_target_unqueried(tmp_path: Path) -> None:
    query, notes = target(tmp_path, expr='up{job="$job", instance=~"${instance:regex}"}')
    assert query is None
    assert notes == ("target A: variable $job, $instance; not queried",)


def test_query_that_does_not_parse_is_named_and_not_queried(tmp_path: Path) -> None:
    query, notes = target(tmp_path, expr="sum by (")
    assert query is None
    assert len(notes) == 1
    assert notes[0].startswith("target A: ")
    assert notes[0].endswith("; not queried")


def test_target_of_another_data_source_is_not_queried(tmp_path: Path) -> None:
    found = panel(tmp_path, datasource={"type": "loki", "uid": "l"}, targets=[{"refId": "B", "expr": "up"}])
    assert found.targets[0].query is None
    assert found.unsupported == ("target B: data source of type 'loki'; not queried",)


def test_hidden_target_is_left_out(tmp_path: Path) -> None:
    targets = [{"refId": "A", "expr": "a", "hide": True}, {"refId": "B", "expr": "b"}]
    assert [t.ref_id for t in panel(tmp_path, targets=targets).targets] == ["B"]


@pytest.mark.parametrize(
    ("field", "note"),
    [
        ({"instant": True, "range": False}, "target A: an instant query, run over the range instead"),
        ({"exemplar": True}, "target A: exemplars"),
        ({"format": "heatmap"}, "target A: format = 'heatmap'"),
        ({"interval": "1m"}, "target A: interval = '1m'"),
        ({"novelty": 3}, "target A: novelty = 3"),
    ],
)
def test_target_settings_that_are_not_honoured_are_named(
    tmp_path: Path, field: dict[str, Any], note: str
) -> None:
    assert target(tmp_path, expr="up", **field) == ("up", (note,))


# Panels


def test_defaults_of_an_empty_panel(tmp_path: Path) -> None:
    found = panel(tmp_path)
    assert (found.unit, found.decimals, found.min, found.max) == ("short", None, None, None)
    assert (found.calc, found.legend, found.stack, found.threshold_style) == (
        "lastNotNull",
        True,
        False,
        "off",
    )
    assert found.unsupported == ()


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"type": "graph"}, "panel type 'graph'"),
        ({"repeat": "job"}, "repeat = 'job'"),
        ({"transformations": [{"id": "reduce"}]}, "transformations = […]"),
        ({"timeShift": "1h"}, "timeShift = '1h'"),
        (field_config(displayName="x"), "fieldConfig.defaults.displayName = 'x'"),
        (field_config(color={"mode": "fixed", "fixedColor": "red"}), "colour mode 'fixed'"),
        (field_config(custom={"drawStyle": "bars"}), "custom.drawStyle = 'bars'"),
        (
            field_config(custom={"scaleDistribution": {"type": "log", "log": 2}}),
            "custom.scaleDistribution = {…}",
        ),
        (field_config(custom={"stacking": {"mode": "percent"}}), "stacking 'percent'"),
        (field_config(custom={"thresholdsStyle": {"mode": "dashed"}}), "thresholds style 'dashed'"),
        (field_config(mappings=[{"type": "range", "options": {}}]), "value mapping of type 'range'"),
        ({"options": {"legend": {"placement": "right"}}}, "legend.placement = 'right'"),
        ({"options": {"tooltip": {"mode": "single"}}}, "tooltip.mode = 'single'"),
        ({"type": "stat", "options": {"colorMode": "background"}}, "options.colorMode = 'background'"),
        ({"type": "stat", "options": {"reduceOptions": {"values": True}}}, "reduceOptions.values = true"),
        (
            {"type": "stat", "options": {"reduceOptions": {"calcs": ["stdDev"]}}},
            "calculation 'stdDev'; the last value is shown",
        ),
        ({"type": "text", "options": {"mode": "html"}}, "text mode 'html'; shown as plain text"),
        (
            {"fieldConfig": {"overrides": [{"matcher": {"id": "byName", "options": "a"}}]}},
            "field override byName a",
        ),
    ],
)
def test_what_the_page_does_not_honour_is_named(tmp_path: Path, fields: dict[str, Any], note: str) -> None:
    assert panel(tmp_path, **fields).unsupported == (note,)


def test_grafanas_own_defaults_written_out_are_not_named(tmp_path: Path) -> None:
    custom = {
        "drawStyle": "line",
        "spanNulls": False,
        "scaleDistribution": {"type": "linear"},
        "axisLabel": "",
    }
    options = {
        "legend": {"showLegend": True, "displayMode": "list", "calcs": []},
        "tooltip": {"mode": "multi"},
    }
    assert panel(tmp_path, options=options, **field_config(custom=custom)).unsupported == ()


@pytest.mark.parametrize("legend", [{"showLegend": False}, {"displayMode": "hidden"}])
def test_legend_can_be_off(tmp_path: Path, legend: dict[str, Any]) -> None:
    assert panel(tmp_path, options={"legend": legend}).legend is False


def test_thresholds_in_percent_become_values(tmp_path: Path) -> None:
    steps = [{"color": "green", "value": None}, {"color": "red", "value": 80}]
    thresholds = {"mode": "percentage", "steps": steps}
    assert panel(tmp_path, **field_config(min=100, max=200, thresholds=thresholds)).thresholds == (
        Threshold(None, "green"),
        Threshold(180.0, "red"),
    )
    assert panel(tmp_path, **field_config(thresholds=thresholds)).unsupported == (
        "thresholds in percent without a minimum and a maximum",
    )


def test_panel_is_kept_within_the_grid(tmp_path: Path) -> None:
    assert panel(tmp_path, gridPos={"x": 20, "y": 1, "w": 30, "h": 0}).grid == Grid(0, 1, 24, 8)


def test_rows_are_flattened_and_what_is_below_a_collapsed_row_moves_down(tmp_path: Path) -> None:
    def at(title: str, y: int) -> dict[str, Any]:
        return {"type": "timeseries", "title": title, "gridPos": {"x": 0, "y": y, "w": 12, "h": 4}}

    found = board(
        tmp_path,
        {"type": "row", "title": "open", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": []},
        at("a", 1),
        {
            "type": "row",
            "title": "collapsed",
            "gridPos": {"x": 0, "y": 5, "w": 24, "h": 1},
            "panels": [at("b", 6), at("c", 10)],
        },
        at("d", 6),
    ).panels
    assert {p.title: p.grid.y for p in found} == {"a": 1, "b": 6, "c": 10, "d": 14}


# Dashboards


def test_variables_and_annotations_are_named(tmp_path: Path) -> None:
    dashboard = board(
        tmp_path,
        templating={"list": [{"name": "job"}]},
        annotations={"list": [{"name": "built in", "builtIn": 1}, {"name": "deploys", "enable": True}]},
        links=[{"title": "docs"}, {"title": "others", "type": "dashboards", "tags": ["accelerapp"]}],
    )
    assert dashboard.unsupported == ("variable $job", "annotation query 'deploys'", "link 'docs'")


def test_answer_of_grafanas_api_is_read_as_well(tmp_path: Path) -> None:
    path = write(tmp_path, {"meta": {}, "dashboard": {"uid": "x", "title": "X", "panels": []}})
    assert load_dashboard(path).title == "X"


def test_json_form_is_plain(tmp_path: Path) -> None:
    dashboard = board(
        tmp_path, {"type": "stat", "id": 7, "title": "S", "targets": [{"refId": "A", "expr": "up"}]}
    )
    form = dashboard.as_json()
    assert json.loads(json.dumps(form)) == form
    assert form["panels"][0]["targets"] == [{"ref_id": "A", "expr": "up", "query": "up", "legend_format": ""}]
    assert form["panels"][0]["grid"] == {"x": 0, "y": 0, "w": 12, "h": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "uid": "u",\n  "panels": [,]\n}', r"board\.json:3:14: not valid JSON: "),
        ('{"uid": "u", "panels": [], "version": NaN}', r"board\.json: not valid JSON: NaN"),
        ("[]", r"board\.json: the document: expected an object, found a list"),
        ('{"uid": "u"}', r"board\.json: panels: missing"),
        ('{"panels": []}', r"board\.json: uid: missing"),
        ('{"uid": "u", "panels": {}}', r"panels: expected a list, found an object"),
        ('{"uid": "u", "panels": [3]}', r"panels\[0\]: expected an object, found the number 3"),
        ('{"uid": "u", "panels": [{}]}', r"panels\[0\]\.type: a panel needs a type"),
        (
            '{"uid": "u", "panels": [{"type": "stat", "targets": [{"expr": 1}]}]}',
            r"panels\[0\]\.targets\[0\]\.expr: expected a string, found the number 1",
        ),
        (
            '{"uid": "u", "panels": [{"type": "stat", "fieldConfig": {"defaults": {"min": "0"}}}]}',
            r"panels\[0\]\.fieldConfig\.defaults\.min: expected a number, found the string '0'",
        ),
        (
            '{"apiVersion": "dashboard.grafana.app/v2", "spec": {}}',
            r"export the dashboard in the classic format",
        ),
    ],
)
def test_what_is_no_dashboard_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DashboardError, match=message):
        load_dashboard(write(tmp_path, text))


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    path.write_bytes(b'{"uid": "\xff"}')
    with pytest.raises(DashboardError, match=r"board\.json: not valid JSON"):
        load_dashboard(path)
