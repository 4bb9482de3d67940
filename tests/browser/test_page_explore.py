"""Explore as a person uses it: queries typed and completed, errors at their place, graph, table, history, sharing."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ERRORS = "accelerapp_errors_total"


def editor(page: Page, name: str = "Query A") -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def opened(page: Page, address: str = "/explore", name: str = "Query A") -> Locator:
    """Open Explore and return its editor, when it can be written in."""
    page.goto(address)
    found = editor(page, name)
    found.wait_for()
    return found


def typed(field: Locator, text: str) -> None:
    field.click()
    field.page.keyboard.type(text)


def rewritten(field: Locator, text: str) -> None:
    field.click()
    field.page.keyboard.press("ControlOrMeta+a")
    field.page.keyboard.type(text)
    # What is offered meanwhile is not taken.
    field.page.keyboard.press("Escape")


def figures(page: Page) -> Locator:
    return page.get_by_test_id("figures")


def asked(page: Page, name: str = "expr") -> list[str]:
    return parse_qs(urlsplit(page.url).query).get(name, [])


def heed(complaints: list[str]) -> None:
    """Leave out what the browser notes of a query that was refused, which is what the test is about."""
    complaints[:] = [text for text in complaints if "400 (Bad Request)" not in text]


def marked(page: Page) -> Locator:
    """What the editor marks as wrong."""
    return page.locator(".cm-lintRange-error")


def test_a_query_that_is_typed_is_drawn_and_listed(page: Page) -> None:
    field = opened(page)
    typed(field, "up")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("graph").get_by_test_id("chart")).to_be_visible()
    expect(page.get_by_test_id("values").locator("tbody tr").filter(has_text="codegen")).to_be_visible()
    expect(figures(page)).to_contain_text("series")
    assert asked(page) == ["up"]


def test_metrics_labels_and_values_are_completed_from_the_keyboard(page: Page) -> None:
    field = opened(page)
    typed(field, "accelerapp_errors_t")
    option = page.get_by_role("option", name=re.compile(ERRORS))
    expect(option).to_contain_text("counter")
    page.keyboard.press("Enter")
    expect(field).to_have_text(ERRORS)
    page.keyboard.type("{serv")
    expect(page.get_by_role("option", name=re.compile("^service"))).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type('="')
    expect(page.get_by_role("option", name="codegen")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(field).to_have_text(f'{ERRORS}{{service="codegen"}}')
    page.keyboard.press("Enter")
    expect(figures(page)).to_contain_text("series")
    assert asked(page) == [f'{ERRORS}{{service="codegen"}}']


def test_what_the_server_refuses_is_not_offered(page: Page) -> None:
    field = opened(page)
    typed(field, "sort")
    # What is left out is not there when what stands beside it is.
    expect(page.get_by_role("option", name=re.compile("^sort_desc"))).to_be_visible()
    expect(page.get_by_role("option", name=re.compile("^sort_by"))).to_have_count(0)


def test_the_parameters_of_a_function_are_told_and_the_present_one_is_marked(page: Page) -> None:
    field = opened(page)
    typed(field, "histogram_quantile(")
    help_ = page.locator(".cm-signature")
    expect(help_.locator("b")).to_have_text("q: scalar")
    page.keyboard.type("0.9, ")
    expect(help_.locator("b")).to_have_text("b: instant vector")
    expect(help_).to_contain_text("estimated from")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()


def test_a_metric_says_what_it_is_under_the_pointer(page: Page) -> None:
    field = opened(page, f"/explore?expr={ERRORS}")
    # The line goes on beyond its text.
    field.get_by_text(ERRORS).hover(position={"x": 60, "y": 10})
    expect(page.locator(".cm-about")).to_contain_text("counter")


def test_an_error_is_marked_at_its_place(page: Page, complaints: list[str]) -> None:
    field = opened(page)
    typed(field, "sum(nosuch(up[5m]))")
    page.keyboard.press("Control+Enter")
    problems = page.get_by_test_id("problems")
    expect(problems).to_contain_text('unknown function with name "nosuch"')
    expect(marked(page)).to_have_text("nosuch")
    # Written anew, it is no error any more.
    rewritten(field, "sum(rate(up[5m]))")
    expect(problems).to_have_text("")
    expect(marked(page)).to_have_count(0)
    heed(complaints)


def test_an_unfinished_query_is_marked_before_it_is_run(page: Page) -> None:
    field = opened(page)
    typed(field, "rate(up)")
    expect(marked(page).first).to_be_visible()
    assert asked(page) == []


def test_what_prometheus_remarks_is_shown(page: Page) -> None:
    opened(page, f"/explore?expr={quote('rate(up[5m])')}")
    expect(page.get_by_test_id("problems")).to_contain_text("might not be a counter")


def test_several_queries_are_run_hidden_moved_and_removed(page: Page) -> None:
    opened(page, f"/explore?expr=up&A.legend={quote('{{service}}')}")
    page.get_by_role("button", name="Add query").click()
    second = editor(page, "Query B")
    expect(second).to_be_focused()
    page.keyboard.type("vector(42)")
    page.keyboard.press("Control+Enter")
    legend = page.get_by_test_id("legend")
    expect(legend).to_contain_text("vector(42)")
    expect(legend).to_contain_text("codegen")
    legend.get_by_role("button", name="vector(42)").click(modifiers=["Control"])
    expect(legend.get_by_role("button", name="vector(42)")).to_have_attribute("aria-pressed", "false")
    expect(legend.get_by_role("button", name="codegen")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Hide query A").click()
    expect(legend).not_to_contain_text("codegen")
    page.get_by_role("button", name="Hide query A").click()
    second.click()
    page.keyboard.press("Shift+Alt+ArrowUp")
    expect(editor(page)).to_have_text("vector(42)")
    assert asked(page) == ["vector(42)", "up"]
    assert asked(page, "B.legend") == ["{{service}}"]
    page.get_by_role("button", name="Remove query A").click()
    expect(editor(page)).to_have_text("up")
    assert asked(page) == ["up"]
    page.go_back()
    expect(editor(page)).to_have_text("vector(42)")


def test_a_query_is_formatted_as_the_server_formats_it(page: Page) -> None:
    field = opened(page, "/explore?expr=sum(up)by(job)")
    field.click()
    page.keyboard.press("Shift+Alt+f")
    expect(field).to_have_text("sum by (job) (up)")


def test_the_table_is_sorted_and_shows_raw_values(page: Page) -> None:
    expr = 'label_replace(vector(1234567), "n", "big", "", "") or vector(2)'
    opened(page, f"/explore?show=table&expr={quote(expr)}")
    values = page.get_by_test_id("values")
    rows = values.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(values).to_contain_text("1.23M")
    values.get_by_title("Sort by Value").click()
    expect(rows.first).to_contain_text("1.23M")
    values.get_by_title("Sort by Value").click()
    expect(rows.first).to_contain_text("2")
    expect(rows.last).to_contain_text("1.23M")
    values.get_by_role("button", name="Raw values").click()
    expect(rows.last).to_contain_text("1234567")
    assert asked(page, "sort") == ["value:asc"]


def test_a_shared_address_shows_the_same_elsewhere(page: Page, browser: Browser) -> None:
    opened(page, "/explore?expr=up&A.legend=" + quote("target {{service}}"))
    page.get_by_role("button", name="Stacked").click()
    page.get_by_label("Unit").select_option("percentunit")
    page.get_by_label("Threshold").fill("0.5")
    page.get_by_label("Threshold").press("Enter")
    expect(page).to_have_url(re.compile("threshold=0.5"))
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(page.url)
    expect(other.get_by_test_id("legend")).to_contain_text("target codegen")
    expect(other.get_by_test_id("legend")).to_contain_text("100 %")
    expect(other.get_by_role("button", name="Stacked")).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_label("Threshold")).to_have_value("0.5")
    elsewhere.close()


def test_a_drag_over_the_graph_zooms(page: Page) -> None:
    opened(page, "/explore?expr=up")
    over = page.get_by_test_id("graph").locator(".u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    assert asked(page) == ["up"]


def test_the_history_finds_what_was_run_and_keeps_favourites(page: Page) -> None:
    field = opened(page)
    for expr in ("vector(11)", "vector(22)"):
        field.click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(expr)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_test_id("legend")).to_contain_text(expr)
    page.go_back()
    expect(editor(page)).to_have_text("vector(11)")
    expect(page.get_by_text("not run yet")).to_have_count(0)
    page.reload()
    editor(page).wait_for()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("h")
    entries = page.get_by_test_id("history").locator("li")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("vector(22)")
    page.get_by_role("button", name="Favourite: vector(11)").click()
    expect(entries.first).to_contain_text("vector(11)")
    page.get_by_label("Search the history").fill("22")
    expect(entries).to_have_count(1)
    page.keyboard.press("Enter")
    expect(editor(page)).to_have_text("vector(22)")


def test_a_selector_is_built_in_the_browser_of_metrics(page: Page) -> None:
    opened(page)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("b")
    browser = page.get_by_test_id("metrics-browser")
    search = browser.get_by_label("Search the metrics")
    expect(search).to_be_focused()
    page.keyboard.type("errors_total")
    expect(browser.get_by_role("option", name=re.compile(f"^{ERRORS}"))).to_be_visible()
    browser.get_by_role("option", name=re.compile(f"^{ERRORS}")).click()
    browser.get_by_role("group", name="Labels").get_by_role("button", name=re.compile("^service")).click()
    browser.get_by_role("group", name="Values").get_by_role("button", name=re.compile("^codegen")).click()
    expect(browser.get_by_test_id("selector")).to_have_text(f'{ERRORS}{{service="codegen"}}')
    browser.get_by_role("button", name="Rate", exact=True).click()
    expect(editor(page)).to_have_text(f'rate({ERRORS}{{service="codegen"}}[5m])')
    expect(figures(page)).to_contain_text("series")


def test_keys_reach_the_editor_and_leave_it(page: Page) -> None:
    field = opened(page)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(field).to_be_focused()
    # What is typed there is no command of the page.
    page.keyboard.type("g t")
    expect(page).to_have_url(re.compile("/explore"))
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", level=1, name="Explore")).to_be_visible()


def test_time_that_runs_faster_is_said(page: Page) -> None:
    opened(page)
    expect(page.get_by_test_id("time-factor")).to_contain_text("40 times faster")


def test_lines_are_found_by_the_same_bar(page: Page) -> None:
    field = opened(page, "/explore?lang=logs", "Query of logs")
    typed(field, "serv")
    expect(page.get_by_role("option", name=re.compile("^service")).first).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("codeg")
    # The list is narrowed by what was typed.
    expect(page.locator(".cm-tooltip-autocomplete li")).to_have_text([re.compile("^codegen")])
    page.keyboard.press("Tab")
    expect(field).to_have_text(re.compile("service: codegen"))
    page.keyboard.type('and "cannot be reached"')
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("logs")).to_contain_text("cannot be reached")
    expect(page.get_by_test_id("log-histogram")).to_be_visible()
    page.get_by_role("link", name="Open in Logs").click()
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    assert asked(page, "query") == ['service: codegen and "cannot be reached"']


def test_an_error_in_a_query_of_logs_is_marked(page: Page, complaints: list[str]) -> None:
    opened(page, "/explore?lang=logs&query=" + quote("level: error and ("), "Query of logs")
    expect(page.get_by_test_id("problems")).to_contain_text("Error")
    expect(marked(page)).to_have_text("(")
    heed(complaints)


def test_traces_are_found_by_a_line_of_terms(page: Page) -> None:
    field = opened(page, "/explore?lang=traces", "Query of traces")
    typed(field, "service=code")
    expect(page.get_by_role("option", name="codegen")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("status=error")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("traces").get_by_role("link", name="POST /v1/generate").first).to_be_visible()
    page.get_by_role("link", name="Open in Traces").click()
    expect(page.get_by_role("heading", level=1, name="Traces")).to_be_visible()
    assert (asked(page, "service"), asked(page, "status")) == (["codegen"], ["error"])


def test_an_error_in_a_query_of_traces_is_marked(page: Page) -> None:
    opened(page, "/explore?lang=traces&query=" + quote("service=codegen minDuration=soon"), "Query of traces")
    expect(page.get_by_test_id("problems")).to_contain_text("250ms")
    expect(marked(page)).to_have_text("soon")
    # Each language has its own text, also when it is left and come back to.
    languages = page.get_by_role("navigation", name="Language")
    languages.get_by_role("link", name="Logs").click()
    editor(page, "Query of logs").wait_for()
    assert asked(page, "query") == []
    languages.get_by_role("link", name="Traces").click()
    expect(editor(page, "Query of traces")).to_have_text("service=codegen minDuration=soon")


def test_two_panes_show_two_languages_of_the_same_time(page: Page) -> None:
    opened(page, "/explore?expr=up&range=15m")
    page.get_by_role("button", name="Split").click()
    right = page.get_by_role("region", name="Right pane")
    right.get_by_role("link", name="Logs").click()
    expect(right.get_by_test_id("log-histogram")).to_be_visible()
    expect(page.get_by_role("region", name="Left pane").get_by_test_id("chart")).to_be_visible()
    assert (asked(page, "right.lang"), asked(page, "range")) == (["logs"], ["15m"])
    page.reload()
    expect(page.get_by_role("region", name="Right pane").get_by_test_id("log-histogram")).to_be_visible()


VIEWS = [
    "/explore",
    "/explore?split=1&expr=up&expr=nosuch(up)&B.legend=x&right.expr=up",
    "/explore?lang=logs&query=level:error",
    "/explore?lang=traces&query=" + quote("service=codegen"),
]


@pytest.mark.parametrize("address", VIEWS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(view: Page, address: str) -> None:
    view.goto(address)
    view.get_by_test_id("query-editor").first.wait_for()
    expect(view.get_by_text("Loading", exact=True)).to_have_count(0)
    found = Axe().run(view).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_axe_finds_nothing_while_completion_signature_and_browser_are_open(view: Page) -> None:
    field = opened(view)
    view.get_by_role("button", name="Metrics", exact=True).click()
    view.get_by_test_id("metrics-browser").get_by_role("option").first.wait_for()
    typed(field, "sum(rate(up")
    view.locator(".cm-tooltip-autocomplete").wait_for()
    # The arrows in the editor scroll the completions, and it names the one that is meant (aria-activedescendant).
    unasked = {"rules": {"scrollable-region-focusable": {"enabled": False}}}
    found = Axe().run(view, options=unasked).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
