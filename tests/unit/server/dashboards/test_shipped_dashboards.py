"""The dashboards that the repository ships are wholly supported by the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.dashboards import load_dashboard
from accelerapp.server.promql import parse

GRAFANA = Path(__file__).parents[4] / "deployment" / "observability" / "grafana"
SHIPPED = [GRAFANA / "dashboard-system-overview.json", *sorted((GRAFANA / "dashboards").glob("*.json"))]
OVERVIEW = SHIPPED[0]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nothing_of_a_shipped_dashboard_is_unsupported(path: Path) -> None:
    dashboard = load_dashboard(path)
    assert dashboard.unsupported == ()
    assert {p.title: p.unsupported for p in dashboard.panels} == {p.title: () for p in dashboard.panels}
    assert [one.name for one in dashboard.annotations] == ["Deployments"]
    for panel in dashboard.panels:
        for target in panel.targets:
            assert target.source == "prometheus"
            assert parse(target.expr)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_panels_do_not_overlap(path: Path) -> None:
    for section in load_dashboard(path).sections:
        cells = [
            (x, y)
            for p in section.panels
            for x in range(p.grid.x, p.grid.x + p.grid.w)
            for y in range(p.grid.y, p.grid.y + p.grid.h)
        ]
        assert len(cells) == len(set(cells))


def test_overview_shows_what_its_alerts_are_about() -> None:
    titles = {p.title: p for p in load_dashboard(OVERVIEW).panels}
    error_rate = titles["Error rate"]
    assert (error_rate.field["unit"], error_rate.field["custom"]["threshold_style"]) == (
        "percentunit",
        "line",
    )
    assert {"value": 0.05, "color": "red"} in error_rate.field["thresholds"]["steps"]
    assert titles["Generation success"].type == "gauge"
    assert titles["Service status"].field["mappings"] == [
        {"type": "value", "value": "1", "text": "UP", "color": "green"},
        {"type": "value", "value": "0", "text": "DOWN", "color": "red"},
    ]
