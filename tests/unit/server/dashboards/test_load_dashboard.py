"""Reading dashboard files: the whole, its time, its rows, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.server.dashboards.boards import board

from accelerapp.server.dashboards import (
    Dashboard,
    DashboardError,
    load_dashboard,
    load_dashboards,
    read_dashboard,
)

# Time


def test_time_factor_divides_range_and_refresh_but_no_query() -> None:
    found = board(
        {"type": "stat", "targets": [{"refId": "A", "expr": "rate(a[5m] offset 10m)"}]},
        factor=20,
        time={"from": "now-1h", "to": "now"},
        refresh="10s",
    )
    assert found.panels[0].targets[0].expr == "rate(a[5m] offset 10m)"
    assert (found.time_factor, found.default_range_ms, found.refresh_ms) == (20, 180_000, 500)


@pytest.mark.parametrize(
    ("start", "milliseconds"), [("now-30s", 30_000), ("now-6h", 21_600_000), ("now-2d", 172_800_000)]
)
def test_default_range_is_the_files(start: str, milliseconds: int) -> None:
    assert board(time={"from": start, "to": "now"}).default_range_ms == milliseconds


@pytest.mark.parametrize(
    ("time", "shown_ms", "note"),
    [
        (
            {"from": "now-1d/d", "to": "now-1d/d"},
            3_600_000,
            "time range 'now-1d/d' to 'now-1d/d'; the last hour is shown",
        ),
        ({"from": "now-1w", "to": "now"}, 604_800_000, None),
        (
            {"from": "now-90d", "to": "now"},
            2_678_400_000,
            "time range 'now-90d' to 'now'; the last 31 days are shown",
        ),
    ],
)
def test_range_that_cannot_be_shown_is_named(time: dict[str, str], shown_ms: int, note: str | None) -> None:
    found = board(time=time)
    assert found.default_range_ms == shown_ms
    assert found.unsupported == (() if note is None else (note,))


@pytest.mark.parametrize(
    ("refresh", "milliseconds"), [("30s", 30_000), (False, None), ("", None), ("auto", None)]
)
def test_refresh_is_the_files(refresh: Any, milliseconds: int | None) -> None:
    found = board(refresh=refresh)
    assert (found.refresh_ms, found.unsupported) == (milliseconds, ())


@pytest.mark.parametrize("factor", [0, -1])
def test_time_factor_must_be_positive(factor: float) -> None:
    with pytest.raises(ValueError, match="time_factor"):
        board(factor=factor)


def test_zone_of_the_file_is_named_and_not_honoured() -> None:
    assert board(timezone="browser").unsupported == ()
    assert board(timezone="utc").unsupported[0].startswith("timezone = 'utc'")


# Rows


def at(title: str, y: int, **more: Any) -> dict[str, Any]:
    return {"type": "timeseries", "title": title, "gridPos": {"x": 0, "y": y, "w": 12, "h": 4}, **more}


def titles(found: Dashboard) -> list[tuple[str | None, bool, list[str]]]:
    return [(one.title, one.collapsed, [p.title for p in one.panels]) for one in found.sections]


def test_rows_part_the_panels_into_sections() -> None:
    found = board(
        at("a", 0),
        {"type": "row", "title": "open", "gridPos": {"x": 0, "y": 4, "w": 24, "h": 1}, "panels": []},
        at("b", 5),
        {
            "type": "row",
            "title": "closed",
            "collapsed": True,
            "repeat": "job",
            "panels": [at("c", 10), at("d", 14)],
        },
    )
    assert titles(found) == [
        (None, False, ["a"]),
        ("open", False, ["b"]),
        ("closed", True, ["c", "d"]),
    ]
    assert found.sections[2].repeat == "job"


def test_rows_of_before_grafana_5_are_laid_out_by_the_width_of_their_panels() -> None:
    row = {
        "title": "First",
        "showTitle": True,
        "height": "250px",
        "panels": [{"type": "graph", "title": str(i), "span": 4} for i in range(4)],
    }
    document = {
        "uid": "u",
        "rows": [row, {"collapse": True, "title": "Second", "panels": [{"type": "graph"}]}],
    }
    found = read_dashboard(json.dumps(document).encode(), "old.json")
    first, second = found.sections
    assert [(p.grid.x, p.grid.w, p.grid.h) for p in first.panels] == [
        (0, 8, 7),
        (8, 8, 7),
        (16, 8, 7),
        (0, 8, 7),
    ]
    assert first.panels[3].grid.y == first.panels[0].grid.y + 7
    assert (second.title, second.collapsed) == ("Second", True)
    assert {p.type for p in found.panels} == {"timeseries"}


def test_every_panel_has_an_id_of_its_own() -> None:
    found = board(
        at("a", 0, id=3), at("b", 1, id=3), at("c", 2), {"type": "row", "title": "r"}, at("d", 3, id=0)
    )
    ids = [p.id for p in found.panels] + [one.id for one in found.sections]
    assert len(set(ids)) == len(ids)
    assert found.panels[0].id == 3


def test_panels_without_a_place_come_one_below_the_other() -> None:
    found = board(*({"type": "stat", "title": str(i)} for i in range(3)))
    assert [p.grid.y for p in found.panels] == [0, 8, 16]


def test_copies_that_grafana_saved_of_a_repeated_panel_are_left_out() -> None:
    assert titles(board(at("a", 0, repeat="job"), at("a", 4, repeatPanelId=1)))[0][2] == ["a"]


# What is around a dashboard


@pytest.mark.parametrize(
    "document",
    [
        {"meta": {}, "dashboard": {"uid": "x", "title": "X", "panels": []}},
        {
            "apiVersion": "dashboard.grafana.app/v1beta1",
            "kind": "Dashboard",
            "metadata": {"name": "x"},
            "spec": {"uid": "x", "title": "X", "panels": []},
        },
    ],
)
def test_classic_model_is_read_out_of_what_grafanas_apis_answer(document: dict[str, Any]) -> None:
    assert read_dashboard(json.dumps(document).encode(), "x.json").title == "X"


def test_library_panels_of_an_export_are_read_and_those_that_it_lacks_are_named() -> None:
    element = {
        "uid": "l",
        "model": {"type": "stat", "title": "Whole", "targets": [{"refId": "A", "expr": "up"}]},
    }
    found = board(
        {"id": 1, "libraryPanel": {"uid": "l", "name": "Whole"}},
        {"id": 2, "libraryPanel": {"uid": "m", "name": "Elsewhere"}},
        __elements={"l": element},
    )
    whole, lacking = found.panels
    assert (whole.type, whole.targets[0].expr) == ("stat", "up")
    assert lacking.unsupported[0] == "library panel 'Elsewhere': the file does not hold it"


def test_json_form_is_plain() -> None:
    found = board(
        {"type": "stat", "id": 7, "title": "S", "targets": [{"refId": "A", "expr": "up"}]},
        {"type": "row", "title": "R", "panels": []},
        templating={"list": [{"name": "v", "type": "custom", "query": "a,b"}]},
    )
    form = found.as_json()
    assert json.loads(json.dumps(form)) == form
    first = form["sections"][0]["panels"][0]
    assert first["grid"] == {"x": 0, "y": 0, "w": 12, "h": 8}
    assert (first["targets"][0]["expr"], first["targets"][0]["source"]) == ("up", "prometheus")


# What is refused


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
            '{"uid": "u", "panels": [{"type": "stat", "targets": [{"expr": 1, "datasource": "Prometheus"}]}]}',
            r"panels\[0\]\.targets\[0\]\.expr: expected a string, found the number 1",
        ),
        (
            '{"apiVersion": "dashboard.grafana.app/v2", "spec": {"elements": {}, "layout": {}}}',
            r"export the dashboard as classic JSON",
        ),
    ],
)
def test_what_is_no_dashboard_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "board.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DashboardError, match=message):
        load_dashboard(path)


def test_dashboards_of_a_folder_are_read_with_those_below_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "b.json").write_text('{"uid": "b", "panels": []}', encoding="utf-8")
    (tmp_path / "below" / "a.json").write_text('{"uid": "a", "panels": []}', encoding="utf-8")
    assert list(load_dashboards(tmp_path)) == ["b", "a"]


def test_two_files_with_one_uid_are_refused(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"uid": "u", "panels": []}', encoding="utf-8")
    with pytest.raises(DashboardError, match=r"b\.json: uid: 'u' is that of .*a\.json already"):
        load_dashboards(tmp_path)


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    path.write_bytes(b'{"uid": "\xff"}')
    with pytest.raises(DashboardError, match=r"board\.json: not valid JSON"):
        load_dashboard(path)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_file_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(DashboardError):
        read_dashboard(b'{"uid": "u", "panels": ' + b"[" * depth + b"]" * depth + b"}", "deep.json")


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ('"title": "\\ud800"', "surrogates"),
        (f'"version": {"1" * 5000}', "not valid JSON: .*digits"),
        (f'"version": {2**70}', "64-bit"),
        ('"links": ' + '{"a":' * 250 + "1" + "}" * 250, "Recursion"),
    ],
    ids=["half a surrogate", "digits", "integer", "depth"],
)
def test_what_could_not_be_answered_is_refused(inner: str, message: str) -> None:
    with pytest.raises(DashboardError, match=rf"odd\.json: .*{message}"):
        read_dashboard(f'{{"uid": "u", "panels": [], {inner}}}'.encode(), "odd.json")


_LONG = 100_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "document",
    [
        {"templating": {"list": [{"name": "v", "query": "label_names(" + " " * 19_000 + "x"}]}},
        {"templating": {"list": [{"name": "v", "query": "label_values(" + " " * 9_000 + "," * 9_000 + "!"}]}},
        {"rows": [{"height": "5" + " " * _LONG + "x"}]},
        {
            "panels": [
                {
                    "type": "traces",
                    "datasource": {"type": "jaeger"},
                    "targets": [{"queryType": "search", "tags": "a" * _LONG}],
                }
            ]
        },
        {"panels": [{"type": "text", "options": {"content": "![" * 500_000}}]},
    ],
    ids=["label_names", "label_values", "height", "tags", "markdown"],
)
def test_a_text_that_patterns_could_try_for_hours_is_read_at_once(document: dict[str, Any]) -> None:
    """A pattern is matched while nothing else of the server runs."""
    read_dashboard(json.dumps({"uid": "u", "panels": [], **document}).encode(), "slow.json")


def test_more_panels_than_a_page_can_draw_are_refused() -> None:
    with pytest.raises(DashboardError, match="more than 1000"):
        board(*({"type": "stat"} for _ in range(1001)))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
_PANEL_KEYS = [
    "type", "title", "gridPos", "targets", "fieldConfig", "options", "links", "transformations", "yaxes", "legend",
    "seriesOverrides", "thresholds", "styles", "gauge", "datasource", "repeat", "id", "libraryPanel", "dataFormat",
]  # fmt: skip
_TYPES = [
    "graph",
    "singlestat",
    "table",
    "heatmap",
    "timeseries",
    "stat",
    "text",
    "row",
    "gauge",
    "piechart",
    "logs",
]


@given(
    st.fixed_dictionaries(
        {"panels": st.lists(st.dictionaries(st.sampled_from(_PANEL_KEYS), _JSON | st.sampled_from(_TYPES)))},
        optional={"templating": _JSON, "annotations": _JSON, "links": _JSON, "time": _JSON, "rows": _JSON},
    )
)
def test_whatever_a_file_holds_it_is_read_or_refused_by_a_dashboard_error(document: dict[str, Any]) -> None:
    try:
        found = read_dashboard(json.dumps(document).encode(), "any.json")
    except DashboardError:
        return
    json.dumps(found.as_json())
