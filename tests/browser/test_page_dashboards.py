"""Dashboards as a person uses them: the shipped ones, files of others, variables, repeats, marks, one panel alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from accelerapp.cli.demo.stage import Stage
from accelerapp.shipped import shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

GRAFANA = shipped("observability") / "grafana"
SHIPPED = [
    "dashboard-system-overview",
    *sorted(path.stem for path in (GRAFANA / "dashboards").glob("*.json")),
]


def series(title: str, expr: str, x: int, y: int, w: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "gridPos": {"x": x, "y": y, "w": w, "h": 7},
        "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"},
        "targets": [{"refId": "A", "expr": expr, "legendFormat": "{{job}}"}],
        **more,
    }


#: A file such as people share: variables, repeats, a closed row, and a panel that is not drawn.
BOARD: dict[str, Any] = {
    "title": "Shared board of $job",
    "__inputs": [{"name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus"}],
    "time": {"from": "now-30m", "to": "now"},
    "templating": {
        "list": [
            {"name": "job", "label": "Job", "type": "query", "query": "label_values(up, job)", "sort": 1},
            {
                "name": "instance",
                "type": "query",
                "query": 'label_values(up{job="$job"}, instance)',
                "multi": True,
                "includeAll": True,
                "current": {"value": ["$__all"]},
            },
            {
                "name": "shown",
                "type": "custom",
                "query": "one,two",
                "multi": True,
                "current": {"value": ["one", "two"]},
            },
            {"name": "note", "type": "textbox", "query": "<b>hello</b>"},
        ]
    },
    "links": [{"type": "link", "title": "Traces of $job", "url": "/traces?service=$job", "keepTime": True}],
    "panels": [
        series("Up of $job", 'up{job="$job", instance=~"$instance"}', 0, 0),
        {
            "type": "text",
            "title": "Words",
            "gridPos": {"x": 12, "y": 0, "w": 12, "h": 7},
            "options": {"mode": "markdown", "content": "Note: $note. [To $job](/d/x?var-job=${job}&var-note=$note)"},
        },
        series("Copy $shown", 'up{job="$job"}', 0, 7, repeat="shown", maxPerRow=2),
        {"type": "geomap", "title": "Map", "gridPos": {"x": 0, "y": 14, "w": 6, "h": 5}},
        {
            "type": "row",
            "title": "More",
            "collapsed": True,
            "gridPos": {"x": 0, "y": 19, "w": 24, "h": 1},
            "panels": [series("Inside", "up", 0, 20)],
        },
    ],
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _patience() -> Iterator[None]:
    """Wait longer than usual: a dashboard asks much of an observatory that shares its machine with a browser."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "shared.json"
    path.write_text(json.dumps(BOARD), encoding="utf-8")
    return path


def settled(page: Page) -> None:
    """Wait until a view shows its content."""
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)


def panel(page: Page, title: str) -> Any:
    return page.locator(f'[data-testid=panel][data-panel="{title}"]')


def open_board(page: Page, board: Path) -> None:
    page.goto("/open")
    settled(page)
    page.get_by_test_id("dashboard-file").set_input_files(board)
    expect(panel(page, "Words")).to_be_visible()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_panel_of_a_shipped_dashboard_is_drawn_and_nothing_is_unsupported(
    page: Page, name: str
) -> None:
    path = next(GRAFANA.rglob(f"{name}.json"))
    file = json.loads(path.read_text(encoding="utf-8"))
    page.goto(f"/d/{file['uid']}")
    settled(page)
    for title in [one["title"] for one in file["panels"]]:
        expect(panel(page, title)).to_be_attached()
    expect(page.get_by_test_id("unsupported")).to_have_count(0)
    expect(page.get_by_role("button", name="Deployments")).to_have_attribute("aria-pressed", "true")


def test_the_first_page_is_the_overview_and_shows_figures(page: Page) -> None:
    page.goto("/")
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("System")
    expect(panel(page, "Error rate").get_by_test_id("legend")).to_contain_text("%")


def test_a_dashboard_is_found_from_the_keyboard(page: Page) -> None:
    page.goto("/")
    settled(page)
    page.keyboard.press("/")
    page.get_by_role("searchbox", name="Find a dashboard").fill("burn")
    expect(page.get_by_test_id("dashboards").get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/d/slos"))
    expect(page.get_by_test_id("dashboards")).to_have_count(0)


def test_one_panel_has_the_view_to_itself_by_its_address_and_escape_leaves(page: Page) -> None:
    page.goto("/")
    settled(page)
    panel(page, "Error rate").hover()
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile("viewPanel=[0-9]+"))
    expect(page.get_by_test_id("panel")).to_have_count(1)
    page.reload()
    expect(panel(page, "Error rate").get_by_test_id("chart")).to_be_visible()
    expect(page.get_by_test_id("panel")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(panel(page, "Service status")).to_be_visible()
    expect(page).not_to_have_url(re.compile("viewPanel"))
    page.goto("/?viewPanel=999")
    expect(page.get_by_text("has no panel 999")).to_be_visible()


def test_the_marks_of_an_annotation_are_switched_off_in_the_address(page: Page) -> None:
    page.goto("/")
    settled(page)
    marks = page.get_by_role("button", name="Deployments")
    marks.click()
    expect(marks).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile("annotation-Deployments=off"))
    page.reload()
    expect(marks).to_have_attribute("aria-pressed", "false")
    marks.click()
    expect(page).not_to_have_url(re.compile("annotation-"))


def test_the_deployment_of_the_service_is_marked(page: Page) -> None:
    with page.expect_response(
        lambda one: "accelerapp_build_info" in one.url and "query_range" in one.url
    ) as asked:
        page.goto("/?range=1h")
    found = asked.value.json()["data"]["result"]
    assert any(one["values"] for one in found), "the start of the service is a deployment"
    panel(page, "Error rate").get_by_role("button", name="as a table").click()
    marks = panel(page, "Error rate").get_by_role("list", name="Marks")
    expect(marks.get_by_role("listitem").first).to_be_visible()


def test_a_file_of_others_is_opened_and_said_to_be_in_this_tab_alone(
    page: Page, board: Path, browser: Browser, stage: Stage
) -> None:
    open_board(page, board)
    expect(page).to_have_url(re.compile("/open$"))
    expect(page.get_by_role("main")).to_contain_text("From the file shared.json")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Shared board of accelerapp")
    page.reload()
    expect(panel(page, "Words")).to_be_visible()
    elsewhere = browser.new_context(base_url=stage.url)
    other = elsewhere.new_page()
    other.goto("/open")
    expect(other.get_by_text("No dashboard file is open")).to_be_visible()
    elsewhere.close()


def test_what_a_file_asks_and_the_page_does_not_draw_is_named(page: Page, board: Path) -> None:
    open_board(page, board)
    expect(panel(page, "Map")).to_contain_text("Panels of type “geomap” are not supported here")
    expect(panel(page, "Map").get_by_test_id("unsupported")).to_have_text(re.compile("1 not supported"))


def test_variables_are_chosen_in_the_address_and_those_below_follow(page: Page, board: Path) -> None:
    open_board(page, board)
    expect(panel(page, "Up of accelerapp").get_by_test_id("chart")).to_be_visible()
    expect(page.get_by_role("button", name="instance: All")).to_be_visible()
    page.get_by_role("button", name="Job: accelerapp").click()
    page.get_by_role("radio", name="observatory").click()
    expect(page).to_have_url(re.compile("var-job=observatory"))
    expect(panel(page, "Up of observatory").get_by_test_id("legend")).to_contain_text("observatory")
    expect(page.get_by_role("link", name="Traces of observatory")).to_have_attribute(
        "href", re.compile(r"/traces\?service=observatory&range=")
    )
    page.go_back()
    # The arrows move through the choices; what they came to holds once the menu is closed.
    button = page.get_by_role("button", name="Job: accelerapp")
    button.press("Enter")
    expect(page.get_by_role("radio", name="accelerapp", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    other = page.get_by_test_id("options").locator("label:has(:checked)").inner_text().strip()
    assert other != "accelerapp"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"var-job={other}"))
    expect(page.get_by_role("button", name=f"Job: {other}")).to_be_focused()
    page.goto("/open?var-job=observatory")
    expect(panel(page, "Up of observatory")).to_be_visible()


def test_panels_are_repeated_for_each_value_and_several_are_chosen_at_once(page: Page, board: Path) -> None:
    open_board(page, board)
    expect(panel(page, "Copy one")).to_be_visible()
    first, second = panel(page, "Copy one").bounding_box(), panel(page, "Copy two").bounding_box()
    assert first is not None
    assert second is not None
    assert (first["y"], first["width"]) == (second["y"], second["width"])
    assert first["x"] < second["x"]
    page.get_by_role("button", name="shown: one, two").click()
    page.get_by_role("checkbox", name="one").uncheck()
    page.keyboard.press("Escape")
    expect(panel(page, "Copy one")).to_have_count(0)
    expect(page).to_have_url(re.compile("var-shown=two"))


def test_a_variable_that_fails_says_why_and_leaves_the_others(
    browser: Browser, stage: Stage, tmp_path: Path
) -> None:
    broken = {"name": "broken", "type": "query", "query": "label_values(up{, job)"}
    path = tmp_path / "broken.json"
    variables = {"list": [*BOARD["templating"]["list"], broken]}
    path.write_text(json.dumps({**BOARD, "templating": variables}), encoding="utf-8")
    # A context of its own: that the question is refused is a complaint of the browser, whenever it is asked again.
    context = browser.new_context(base_url=stage.url)
    page = context.new_page()
    open_board(page, path)
    page.get_by_role("button", name=re.compile("^broken")).click()
    expect(page.get_by_role("alert").filter(has_text="The choices could not be loaded")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Job: accelerapp")).to_be_visible()
    context.close()


def test_what_is_filled_into_a_text_panel_is_text(page: Page, board: Path) -> None:
    open_board(page, board)
    words = panel(page, "Words")
    expect(words).to_contain_text("Note: <b>hello</b>.")
    expect(words.get_by_role("link", name="To accelerapp")).to_have_attribute(
        "href", "/d/x?var-job=accelerapp&var-note=%3Cb%3Ehello%3C%2Fb%3E"
    )
    page.get_by_label("note").fill("other words")
    page.get_by_label("note").press("Enter")
    expect(words).to_contain_text("Note: other words.")


def test_a_closed_row_opens(page: Page, board: Path) -> None:
    open_board(page, board)
    expect(panel(page, "Inside")).to_have_count(0)
    page.get_by_role("button", name="More").click()
    expect(panel(page, "Inside")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"panels": [,]}', "wrong.json:1:13: not valid JSON"),
        ('{"panels": [{"type": 3}]}', "wrong.json: panels[0].type: expected a string, found the number 3"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_place(
    page: Page, tmp_path: Path, text: str, place: str, complaints: list[str]
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    page.goto("/open")
    settled(page)
    page.get_by_test_id("dashboard-file").set_input_files(path)
    expect(page.get_by_role("alert").filter(has_text=place)).to_be_visible()
    complaints[:] = [text for text in complaints if "400" not in text]


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_a_file_with_an_open_menu(
    browser: Browser, stage: Stage, board: Path, width: int
) -> None:
    context = browser.new_context(base_url=stage.url, viewport={"width": width, "height": 844})
    page = context.new_page()
    open_board(page, board)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="shown: one, two").click()
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_where_nothing_was_ever_received_the_first_page_says_so(page: Page) -> None:
    def nothing(route: Any) -> None:
        body = {"services": []} if "/services" in route.request.url else _EMPTY
        route.fulfill(json=body)

    page.route("**/api/accelerapp/v1/services", nothing)
    page.route("**/api/v1/query?**", nothing)
    page.goto("/")
    expect(page.get_by_text("Nothing has been received yet")).to_be_visible()
    expect(page.get_by_test_id("panel")).to_have_count(0)
    page.get_by_role("link", name="Show the dashboard all the same").click()
    expect(panel(page, "Service status")).to_be_visible()
    page.go_back()
    page.unroute("**/api/accelerapp/v1/services")
    expect(panel(page, "Service status")).to_be_visible()


_EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
