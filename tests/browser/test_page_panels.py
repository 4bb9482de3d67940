"""Every type of panel, as words, roles and tables: what each shows, and what can be done with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Route, expect
from tests.browser.conftest import guarded
from tests.browser.observatory import running
from tests.browser.panels import ROWS, Sent, dashboard, panels, send
from tests.stack.programs import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ADDRESS = "/d/every-panel"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Sent]]:
    """Yield the address of an observatory that has the dashboard and its telemetry, and what was sent."""
    folder = tmp_path_factory.mktemp("panels")
    boards = folder / "grafana"
    boards.mkdir()
    (boards / "every-panel.json").write_text(json.dumps(dashboard()))
    with running(folder, settings={"dashboards_dir": str(boards)}) as observatory:
        sent = send(f"http://127.0.0.1:{observatory.ports['otlp_http']}")

        def arrived() -> bool:
            asked = {"query": "count(many)", "time": str(sent.newest)}
            got = httpx.get(f"{observatory.url}/api/v1/query", params=asked, trust_env=False).json()
            traces = httpx.get(f"{observatory.url}/api/accelerapp/v1/traces", trust_env=False).json()[
                "traces"
            ]
            return bool(got["data"]["result"]) and bool(traces)

        until(arrived, "the telemetry is stored")
        yield observatory.url, sent


@pytest.fixture
def context(browser: Browser, shown: tuple[str, Sent], complaints: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=shown[0], viewport={"width": 1440, "height": 900})
    yield from guarded(context, complaints)


def panel(page: Page, title: str) -> Locator:
    """Return a panel, in view, once it has loaded."""
    found = page.locator(f'[data-testid=panel][data-panel="{title}"]')
    found.scroll_into_view_if_needed()
    expect(found.get_by_text("Loading", exact=True)).to_have_count(0, timeout=15_000)
    return found


@pytest.fixture
def board(page: Page) -> Page:
    page.goto(ADDRESS)
    page.get_by_role("heading", level=1, name="Every panel").wait_for()
    return page


def test_every_panel_draws_or_says_why_not(board: Page) -> None:
    for one in panels():
        found = panel(board, one["title"])
        expect(found.get_by_role("alert")).to_have_count(0)
    expect(panel(board, "A map")).to_contain_text("Panels of type “geomap” are not supported here")
    expect(panel(board, "Nothing")).to_contain_text("not one")
    expect(panel(board, "Shifted")).to_contain_text("last 5 min, 1 min earlier")
    strange = panel(board, "Strange unit")
    expect(strange).to_contain_text("5")
    strange.get_by_test_id("unsupported").click()
    expect(strange).to_contain_text("unit 'lightyears'; shown as a plain number")


def test_a_graph_says_its_values_in_units_and_by_overrides(board: Page) -> None:
    load = panel(board, "Load")
    chart = load.get_by_test_id("chart")
    expect(chart).to_have_attribute("aria-label", re.compile("Last values: a 25 %; host B 75 %"))
    legend = load.get_by_test_id("legend")
    expect(legend.get_by_role("row", name="host B")).to_contain_text("75 %")
    expect(legend.get_by_role("columnheader")).to_have_text(["Name", "Mean", "Max"])
    load.get_by_role("button", name="Show Load as a table").click()
    table = load.get_by_role("region", name=re.compile("as a table"))
    expect(table.get_by_role("columnheader")).to_have_text(["Time", "a", "host B"])
    expect(table.get_by_role("row").nth(1)).to_contain_text("25 %")


def test_a_legend_sorts_shows_one_and_hides_one(board: Page) -> None:
    legend = panel(board, "Load").get_by_test_id("legend")
    names = legend.locator("tbody .name")
    expect(names).to_have_text(["a", "host B"])
    legend.get_by_role("button", name="Max").click()
    expect(names).to_have_text(["host B", "a"])
    first, second = (
        legend.get_by_role("button", name="host B"),
        legend.locator("tbody").get_by_role("button", name="a", exact=True),
    )
    first.click()
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(second).to_have_attribute("aria-pressed", "false")
    first.click()
    expect(second).to_have_attribute("aria-pressed", "true")
    second.click(modifiers=["Control"])
    expect(second).to_have_attribute("aria-pressed", "false")
    expect(first).to_have_attribute("aria-pressed", "true")


def test_the_arrows_move_through_a_graph_and_say_what_is_there(board: Page) -> None:
    chart = panel(board, "Load").get_by_test_id("chart")
    chart.focus()
    board.keyboard.press("Home")
    board.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("host B 75 %, a 25 %"))
    tip = board.get_by_test_id("chart-tooltip")
    expect(tip.locator(".name")).to_have_text(["host B", "a"])
    expect(chart).to_have_attribute("aria-valuenow", "1")
    board.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "2")
    board.keyboard.press("Escape")
    expect(tip).to_have_count(0)


def test_a_drag_zooms_and_a_double_click_zooms_out(board: Page) -> None:
    plot = panel(board, "Load").locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    board.mouse.move(box["x"] + box["width"] * 0.25, middle)
    board.mouse.down()
    board.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
    board.mouse.up()
    expect(board).to_have_url(re.compile("from=.*to="))

    def width() -> float:
        query = parse_qs(urlsplit(board.url).query)
        return (int(query["to"][0]) - int(query["from"][0])) / 60_000

    assert 8 < width() < 12
    zoomed = board.url
    panel(board, "Load").locator(".u-over").dblclick()
    expect(board).not_to_have_url(zoomed)
    assert width() > 12
    board.go_back()
    expect(board).to_have_url(zoomed)


def test_an_exemplar_opens_its_trace_by_keyboard_and_from_the_table(
    board: Page, shown: tuple[str, Sent]
) -> None:
    trace_id = shown[1].trace_id
    latency = panel(board, "Latency")
    chart = latency.get_by_test_id("chart")
    chart.focus()
    for _ in range(60):
        board.keyboard.press("ArrowLeft")
        if "exemplar" in (chart.get_attribute("aria-valuetext") or ""):
            break
    else:
        pytest.fail("the arrows came to no exemplar")
    expect(board.get_by_test_id("chart-tooltip")).to_contain_text(trace_id)
    board.keyboard.press("Enter")
    expect(board).to_have_url(re.compile(f"/trace/{trace_id}"))
    board.go_back()
    latency = panel(board, "Latency")
    latency.get_by_role("button", name="Show Latency as a table").click()
    latency.get_by_role("link", name="Exemplar 300 ms").click()
    expect(board).to_have_url(re.compile(f"/trace/{trace_id}"))


def test_single_values_have_their_units_texts_and_names(board: Page) -> None:
    hosts = panel(board, "Hosts").get_by_test_id("stat")
    expect(hosts).to_contain_text(re.compile(r"up\s*a\s*down\s*b"))
    expect(panel(board, "Growth")).to_contain_text(re.compile(r"observations\s*▲"))
    gauges = panel(board, "Gauges")
    expect(gauges).to_contain_text("a: 25 %")
    expect(gauges).to_contain_text("b: 75 %")
    bars = panel(board, "Bars").get_by_test_id("bargauge").get_by_role("listitem")
    expect(bars).to_have_count(2)
    expect(bars.first).to_contain_text("1.5 GiB")
    expect(
        panel(board, "Compared").get_by_test_id("barchart").get_by_role("listitem").nth(1)
    ).to_contain_text("75 %")
    parts = panel(board, "Parts")
    expect(parts.get_by_role("row", name="b")).to_contain_text("75 %")


def test_a_table_has_its_columns_order_links_and_footer(board: Page) -> None:
    table = panel(board, "Hosts in a table").get_by_test_id("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Host", re.compile("Load"), "Used"])
    rows = table.locator("tbody tr")
    expect(rows).to_have_text([re.compile(r"b\s*75 %\s*1.5 GiB"), re.compile(r"a\s*25 %\s*1.5 GiB")])
    expect(table.locator("tfoot")).to_have_text(re.compile(r"Total\s*100 %\s*3 GiB"))
    link = rows.first.get_by_role("link", name="b")
    expect(link).to_have_attribute("href", "/logs?query=b")
    header = table.get_by_role("columnheader", name="Load")
    expect(header).to_have_attribute("aria-sort", "descending")
    table.get_by_role("button", name="Host").click()
    expect(rows.first).to_contain_text("a")
    expect(header).to_have_attribute("aria-sort", "none")


def test_hundreds_of_rows_are_there_and_few_are_drawn(board: Page) -> None:
    many = panel(board, "Many rows")
    table = many.get_by_test_id("table")
    expect(table).to_have_attribute("aria-rowcount", str(ROWS + 1))
    assert table.locator("tbody tr").count() < 100
    table.get_by_role("button", name="host").click()
    expect(table.get_by_text("host-000")).to_be_visible()
    many.get_by_role("region", name="Many rows, rows").evaluate("box => { box.scrollTop = box.scrollHeight }")
    expect(table.get_by_text(f"host-{ROWS - 1:03}")).to_be_visible()
    many.get_by_role("searchbox", name="Filter the rows of Many rows").fill("HOST-42")
    expect(table).to_have_attribute("aria-rowcount", "11")
    expect(table.locator("tbody tr").first).to_contain_text("host-420")


@pytest.mark.parametrize(
    ("title", "columns", "counts"),
    [
        (
            "Classic buckets",
            ["Time", "0 s to 100 ms", "100 ms to 500 ms", "500 ms to 1 s", "over 1 s"],
            ["12", "4", "", "8"],
        ),
        ("Native buckets", ["Time", "1 to 2", "2 to 4", "4 to 8"], ["8", "", "12"]),
    ],
)
def test_a_heatmap_counts_what_is_in_each_bucket(
    board: Page, title: str, columns: list[str], counts: list[str]
) -> None:
    heatmap = panel(board, title)
    expect(heatmap.get_by_role("img", name="in a cell")).to_be_visible()
    heatmap.get_by_role("button", name=f"Show {title} as a table").click()
    table = heatmap.get_by_role("region", name=f"{title}, as a table")
    expect(table.get_by_role("columnheader")).to_have_text(columns)
    # The samples of the middle of the range, where no window meets an end of the data.
    cells = table.get_by_role("row").nth(20).get_by_role("cell").all_text_contents()
    assert [cell.strip() for cell in cells] == counts


@pytest.mark.parametrize("title", ["States", "History"])
def test_states_are_told_with_when_they_began(board: Page, title: str) -> None:
    states = panel(board, title)
    chart = states.get_by_test_id("chart")
    chart.focus()
    board.keyboard.press("Home")
    board.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("a: up, b: up"))
    states.get_by_role("button", name=f"Show {title} as a table").click()
    rows = states.get_by_role("region", name=re.compile("as a table")).locator("tbody tr")
    if title == "States":
        expect(rows).to_have_count(3)
        down = rows.filter(has_text="down")
        expect(down).to_have_text(re.compile(r"b\s*down.*\d min", re.DOTALL))
    else:
        expect(rows.filter(has_text="down").nth(3)).to_be_visible()


def test_words_lines_and_traces_stand_in_panels(board: Page) -> None:
    words = panel(board, "Words")
    expect(words.get_by_role("link", name="the logs")).to_have_attribute("href", "/logs")
    expect(words.locator("script")).to_have_count(0)
    lines = panel(board, "Lines")
    expect(lines).to_contain_text("payment refused")
    expect(lines).not_to_contain_text("order taken")
    orders = panel(board, "Orders")
    orders.get_by_role("link", name="place order").click()
    expect(board).to_have_url(re.compile("/trace/"))


def test_a_panel_tells_what_it_shows_and_where_its_links_lead(board: Page) -> None:
    load = panel(board, "Load")
    load.get_by_label("What Load shows").click()
    expect(load.get_by_text("How much of each host is *used*.")).to_be_visible()
    board.keyboard.press("Escape")
    expect(load.get_by_text("How much of each host is *used*.")).to_be_hidden()
    load.get_by_role("link", name="Runbook").click()
    expect(board).to_have_url(re.compile("/status$"))


def test_what_a_panel_asks_is_looked_into_in_explore_by_a_link_and_a_key(board: Page) -> None:
    load = panel(board, "Load")
    expect(load.get_by_test_id("chart")).to_be_visible()
    wanted = re.compile(r"/explore\?expr=load&A\.legend=%7B%7Bhost%7D%7D&unit=percentunit&range=20m$")
    expect(load.get_by_role("link", name="Look into what Load asks")).to_have_attribute("href", wanted)
    load.hover()
    board.keyboard.press("x")
    expect(board).to_have_url(wanted)


def test_a_click_on_a_series_shows_its_links(board: Page) -> None:
    plot = panel(board, "Load").locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    # The host b is at three quarters of the axis, which goes a little beyond them.
    plot.click(position={"x": box["width"] / 2, "y": box["height"] * 0.2})
    found = board.get_by_test_id("chart-tooltip").get_by_role("link", name="Lines of b")
    expect(found).to_have_attribute("href", "/logs?query=b")
    board.keyboard.press("Escape")
    expect(found).to_have_count(0)


def test_what_is_far_from_the_window_is_not_asked_for(page: Page) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        query = parse_qs(urlsplit(request.url).query).get("query")
        if query:
            asked.append(query[0])

    page.on("request", note)
    page.set_viewport_size({"width": 1440, "height": 500})
    page.goto(ADDRESS)
    expect(panel(page, "Load").get_by_test_id("chart")).to_be_visible()
    # What is asked for at once waits for its turn, so that only once nothing is under way it is told.
    page.wait_for_load_state("networkidle")
    assert "load" in asked
    assert "weird" not in asked
    panel(page, "Strange unit")
    until(lambda: page.evaluate("1") == 1 and "weird" in asked, "the panel is asked for once it is near")


def test_a_failed_query_says_what_the_server_said_and_is_tried_again(
    page: Page, complaints: list[str]
) -> None:
    failing = True
    said = json.dumps({"status": "error", "errorType": "execution", "error": "the disk is on fire"})

    def answer(route: Route) -> None:
        if failing and "query=load" in route.request.url:
            route.fulfill(status=422, content_type="application/json", body=said)
        else:
            route.fallback()

    page.route("**/api/v1/query_range*", answer)
    page.goto(ADDRESS)
    load = panel(page, "Load")
    expect(load.get_by_role("alert")).to_contain_text("the disk is on fire")
    failing = False
    load.get_by_role("button", name="Try again").click()
    expect(load.get_by_test_id("chart")).to_be_visible()
    failing = True
    # What was shown stays, and it is said that it is not the newest.
    expect(load).to_contain_text("not updated", timeout=15_000)
    expect(load.get_by_test_id("chart")).to_be_visible()
    failing = False
    load.get_by_role("button", name="Try Load again").click()
    expect(load).not_to_contain_text("not updated", timeout=15_000)
    complaints[:] = [text for text in complaints if "422" not in text]


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")], ids=["wide", "phone"])
def test_axe_finds_nothing_on_any_panel(
    browser: Browser, shown: tuple[str, Sent], scheme: str, width: int
) -> None:
    context = browser.new_context(
        base_url=shown[0],
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(ADDRESS)
    page.get_by_role("heading", level=1, name="Every panel").wait_for()
    for one in panels():
        panel(page, one["title"])
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
