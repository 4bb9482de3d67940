"""The dashboards follow from their code, and ask for what there is."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.dashboards import load_dashboard
from accelerapp.server.promql import parse

with warnings.catch_warnings():
    # The library prefers a form of dashboards that older Grafanas and the observatory do not read.
    warnings.simplefilter("ignore", DeprecationWarning)
    from deployment.dashboards.__main__ import FOLDER, OVERVIEW, files, written

FILES = [FOLDER / OVERVIEW, *sorted(FOLDER.glob("dashboards/*.json"))]
LINKS = (FOLDER.parent / "prometheus" / "templates" / "links.tmpl").read_text(encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_committed_files_are_those_that_the_code_makes() -> None:
    assert files() == written()


def test_the_notifications_link_to_dashboards_that_are_there() -> None:
    (chosen,) = re.findall(r'define "accelerapp.dashboard.uid"(.*?)\{\{ end \}\}', LINKS, flags=re.DOTALL)
    linked = set(re.findall(r"\}\}([a-z][a-z-]+)", chosen))
    assert linked == {read(path)["uid"] for path in FILES} - {"slos"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_panel_is_told_what_it_shows_and_in_which_unit(path: Path) -> None:
    panels = read(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_panel_lies_over_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(path)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_observatory_draws_every_panel(path: Path) -> None:
    dashboard = load_dashboard(path)
    assert len(dashboard.panels) == len(read(path)["panels"])
    assert [note for panel in dashboard.panels for note in panel.unsupported] == []
    for panel in dashboard.panels:
        for target in panel.targets:
            parse(target.expr)
