"""What is around every view: the palette, the keyboard, the time picker, the colours and the zone of times."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.stack.programs import until

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ADDRESSES = [
    "/",
    "/explore",
    "/traces",
    "/services",
    "/logs",
    "/alerts",
    "/alerts/HighErrorRate",
    "/silences",
    "/status",
    "/start",
]


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0, timeout=30_000)


def heading(page: Page, name: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def parameters(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def found(page: Page) -> Locator:
    """Return what the palette lists; selects of the view beneath have options too."""
    return page.get_by_role("listbox", name="What was found")


def palette(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill(text)


def test_the_palette_goes_to_what_is_typed(page: Page) -> None:
    opened(page, "/status")
    for text, first, title in (
        ("explore", "Explore", "Explore"),
        ("her", "HighErrorRate", "HighErrorRate"),
        ("traces codegen", "Traces of codegen", "Traces"),
        (
            "system overview",
            re.compile("system overview", re.IGNORECASE),
            re.compile("overview", re.IGNORECASE),
        ),
    ):
        palette(page, text)
        # What has a name is asked for when the palette opens: wait until it is there.
        expect(found(page).get_by_role("option").first).to_contain_text(first)
        page.keyboard.press("Enter")
        heading(page, title)
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_palette_finds_a_metric_and_searches_for_anything(page: Page) -> None:
    opened(page, "/status")
    palette(page, "accelerapp_errors_total")
    found(page).get_by_role("option", name="Metrics accelerapp_errors_total").click()
    expect(page).to_have_url(re.compile(r"/explore\?expr=accelerapp_errors_total"))
    palette(page, "address of this view")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("said")).to_contain_text(re.compile("Copied|/explore"))
    palette(page, "cannot be reached")
    found(page).get_by_role("option", name="Search logs for cannot be reached").click()
    heading(page, "Logs")
    assert parameters(page)["query"] == ['"cannot be reached"']
    expect(page.get_by_test_id("logs").first).to_contain_text("cannot be reached")


def test_the_palette_opens_a_trace_by_its_id(page: Page, stage: Stage) -> None:
    trace_id = stage.observer.traces(service="codegen", limit=1)[0]["trace_id"]
    opened(page, "/status")
    palette(page, f" 00-{trace_id.upper()}-0000000000000001-01 ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/trace/{trace_id}"))


def test_what_was_used_lately_comes_first(page: Page) -> None:
    opened(page, "/status")
    palette(page, "send telemetry")
    page.keyboard.press("Enter")
    heading(page, "Send telemetry")
    page.reload()
    page.keyboard.press("Control+k")
    expect(found(page).get_by_role("option").first).to_contain_text("Send telemetry")


def test_the_palette_is_left_as_it_was_found(page: Page) -> None:
    opened(page, "/status")
    opener = page.get_by_role("button", name="Search and commands")
    opener.click()
    expect(page.get_by_role("combobox", name="Search and commands")).to_be_focused()
    # What has a name is asked for when the palette opens: wait until all is there.
    expect(found(page).get_by_role("option").filter(has_text="Dashboards").first).to_be_attached()
    page.keyboard.press("ArrowUp")
    expect(found(page).get_by_role("option").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_no_key_has_two_meanings(page: Page, stage: Stage) -> None:
    trace_id = stage.observer.traces(service="codegen", limit=1)[0]["trace_id"]
    found: dict[str, list[str]] = {}
    for address in (*ADDRESSES, f"/trace/{trace_id}", f"/compare?a={trace_id}&b={trace_id}"):
        opened(page, address)
        page.keyboard.press("?")
        offered = page.get_by_test_id("shortcut")
        expect(offered.first).to_be_visible()
        keys: list[str] = offered.evaluate_all("all => all.map((one) => one.dataset.keys)")
        assert {"mod+k", "?", "g o", "g a"} <= set(keys), address
        twice = [key for key, count in Counter(keys).items() if count > 1]
        # One that begins another would never let it be typed.
        begins = [f"{a}, {b}" for a in keys for b in keys if b.startswith(f"{a} ")]
        if twice or begins:
            found[address] = twice + begins
    assert found == {}


def test_the_views_are_reached_by_two_keys(page: Page) -> None:
    opened(page, "/status")
    for keys, title in (
        ("gt", "Traces"),
        ("gl", "Logs"),
        ("ga", "Alerts"),
        ("gs", "Status"),
        ("ge", "Explore"),
    ):
        page.keyboard.type(keys)
        heading(page, title)


def test_no_key_is_taken_from_who_types_or_from_a_dialog(page: Page) -> None:
    opened(page, "/logs")
    query = page.get_by_label("Query").first
    query.click()
    page.keyboard.type("?gs")
    expect(page.get_by_role("dialog")).to_have_count(0)
    # The view would come later; its address is there at once.
    assert page.evaluate("location.pathname") == "/logs"
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.type("gs")
    assert page.evaluate("location.pathname") == "/logs"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("45m", {"range": ["45m"]}),
        ("1h30m", {"range": ["90m"]}),
        (
            "2026-11-20T10:00:00Z to 2026-11-20T11:00:30Z",
            {"from": ["1795168800000"], "to": ["1795172430000"]},
        ),
    ],
)
def test_a_range_is_typed_as_people_write_it(page: Page, typed: str, asked: dict[str, list[str]]) -> None:
    opened(page, "/traces")
    page.keyboard.press("t")
    field = page.get_by_label("Any range")
    expect(field).to_be_focused()
    field.fill("the day after")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="is no range")).to_be_visible()
    field.fill(typed)
    field.press("Enter")
    expect(field).to_have_count(0)
    assert {
        name: value for name, value in parameters(page).items() if name in ("range", "from", "to")
    } == asked


def test_a_range_is_moved_zoomed_kept_and_left(page: Page) -> None:
    opened(page, "/traces?from=1795168800000&to=1795172400000")
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile("from=1795167000000&to=1795170600000"))
    page.keyboard.press("]")
    page.keyboard.press("-")
    expect(page).to_have_url(re.compile("from=1795167000000&to=1795174200000"))
    page.keyboard.press(".")
    expect(page).not_to_have_url(re.compile("from="))
    page.keyboard.press("t")
    page.get_by_role("list", name="Used lately").get_by_role("button").first.click()
    expect(page).to_have_url(re.compile("from=1795167000000&to=1795174200000"))


def test_bounds_that_were_not_touched_stay_to_the_millisecond(page: Page) -> None:
    opened(page, "/traces?from=1795168800123&to=1795168800456")
    page.keyboard.press("t")
    page.get_by_role("button", name="Show this range").click()
    expect(page.get_by_role("group", name="Time range")).to_have_count(0)
    assert parameters(page) == {"from": ["1795168800123"], "to": ["1795168800456"]}


def test_how_often_a_view_refreshes_is_in_its_address(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    opened(page, "/traces")
    with page.expect_request(re.compile("/v1/traces")):
        page.clock.fast_forward(60_000)
    page.get_by_label("Refresh every").select_option(label="Off")
    expect(page).to_have_url(re.compile("refresh=off"))
    # The header goes on, whatever was chosen.
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/v1/status")):
        asked.clear()
        page.clock.fast_forward(60_000)
    assert not [url for url in asked if "/v1/traces" in url]
    with page.expect_request(re.compile("/v1/traces")):
        page.keyboard.press("r")
    with page.expect_request(re.compile("/v1/traces")):
        page.get_by_role("button", name="Refresh now").click()
    page.reload()
    expect(page.get_by_label("Refresh every")).to_have_value("off")


def test_times_are_shown_in_utc_where_that_was_chosen(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(base_url=stage.url, timezone_id="Asia/Kolkata")
    page = context.new_page()
    opened(page, "/traces?from=1795168800000&to=1795172400000")
    shown = page.get_by_test_id("time-range")
    expect(shown).to_contain_text("2026-11-20 15:30:00 to 16:30:00")
    palette(page, "utc")
    page.keyboard.press("Enter")
    expect(shown).to_contain_text("2026-11-20 10:00:00 to 11:00:00")
    page.reload()
    expect(shown).to_contain_text("2026-11-20 10:00:00 to 11:00:00")
    page.keyboard.press("t")
    expect(page.get_by_label("From")).to_have_value("2026-11-20 10:00:00")
    page.get_by_role("button", name="Show local times").click()
    expect(page.get_by_label("From")).to_have_value("2026-11-20 15:30:00")
    context.close()


def test_the_chosen_colours_are_there_before_anything_is_drawn(page: Page) -> None:
    opened(page, "/status")
    surface = "getComputedStyle(document.body).backgroundColor"
    page.get_by_role("button", name="Settings of this page").click()
    light = page.evaluate(surface)
    page.get_by_label("Dark", exact=True).check()
    dark = page.evaluate(surface)
    assert dark != light
    # Without the page's own program nothing but the first script can have chosen.
    page.route(
        re.compile(r"/assets/index-.*\.js"),
        lambda route: route.fulfill(body="", content_type="text/javascript"),
    )
    page.reload()
    until(lambda: page.evaluate("document.styleSheets.length > 0"), "the page has its style")
    assert page.evaluate(surface) == dark
    page.unroute_all()
    page.reload()
    page.get_by_role("button", name="Settings of this page").click()
    expect(page.get_by_label("Dark", exact=True)).to_be_checked()
    page.get_by_label("As the system").check()
    assert page.evaluate(surface) == light


def test_what_is_chosen_is_seen_in_the_colours_of_the_system_and_on_paper(page: Page) -> None:
    opened(page, "/status")
    page.emulate_media(forced_colors="active")
    shown = page.get_by_role("navigation", name="Views").get_by_role("link", name="Status")
    expect(shown).to_have_css("outline-style", "solid")
    page.emulate_media(forced_colors="none", media="print", color_scheme="dark")
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_css("color", "rgb(24, 32, 44)")


def test_who_comes_back_finds_the_place_that_was_left(page: Page) -> None:
    opened(page, "/status?tab=configuration")
    page.mouse.wheel(0, 700)
    kept = "scrollY > 300 && history.state?.scroll === Math.round(scrollY)"
    until(lambda: page.evaluate(kept), "the place is kept")
    left = page.evaluate("scrollY")
    page.keyboard.type("gl")
    heading(page, "Logs")
    until(lambda: page.evaluate("scrollY === 0"), "another view begins at its top")
    page.go_back()
    heading(page, "Status")
    until(lambda: page.evaluate(f"Math.abs(scrollY - {left}) < 2"), "the place that was left")


def test_the_keyboard_and_the_reader_of_the_screen_go_along(page: Page) -> None:
    opened(page, "/status")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("link", name="Alerts", exact=True).click()
    heading(page, "Alerts")
    expect(page.get_by_role("main")).to_be_focused()
    expect(page).to_have_title("Alerts · Accelerapp observatory")
    expect(page.locator("[aria-live=polite]").filter(has_text="Alerts")).to_have_count(1)


def test_an_error_of_a_view_is_said_with_a_way_back(page: Page, complaints: list[str]) -> None:
    opened(page, "/status")
    broken = "export default function () { throw new Error('a fault of the view'); }"
    page.route(
        re.compile(r"/assets/Start-.*\.js"),
        lambda route: route.fulfill(body=broken, content_type="text/javascript"),
    )
    page.evaluate("history.pushState(null, '', '/start'); dispatchEvent(new PopStateEvent('popstate'))")
    heading(page, "This view has failed")
    expect(page.get_by_role("main")).to_contain_text("a fault of the view")
    page.get_by_role("link", name="Go to the overview").click()
    heading(page, re.compile("overview", re.IGNORECASE))
    complaints[:] = [text for text in complaints if "a fault of the view" not in text]


def test_what_does_not_fit_a_phone_stays_reachable_on_it(browser: Browser, stage: Stage) -> None:
    context = browser.new_context(base_url=stage.url, viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    opened(page, "/traces")
    for name in ("Overview", "Explore", "Traces", "Logs", "Alerts", "Status"):
        expect(
            page.get_by_role("navigation", name="Views").get_by_role("link", name=name)
        ).to_be_in_viewport()
    page.get_by_test_id("time-range").click()
    panel = page.get_by_role("group", name="Time range")
    expect(panel).to_be_visible()
    box = panel.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 390 - box["width"]
    page.get_by_role("button", name="Search and commands").click()
    expect(found(page).get_by_role("option").first).to_be_in_viewport()
    context.close()
