"""The view of log lines as a person uses it."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LINES = 900
#: The line in the middle of all, with a trace of its own and a body in JSON.
TRACE = secrets.token_hex(16)
SPAN = secrets.token_hex(8)


def attribute(key: str, value: str | int) -> dict[str, Any]:
    kind = "intValue" if isinstance(value, int) else "stringValue"
    return {"key": key, "value": {kind: str(value)}}


def send(stage: Stage, service: str, records: list[dict[str, Any]]) -> None:
    resource = {"attributes": [attribute("service.name", service), attribute("host.name", "h1")]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    httpx.post(f"{stage.otlp_url}/v1/logs", json=body, trust_env=False).raise_for_status()


def record(at_ns: int, body: str, severity: int = 9, **attributes: str | int) -> dict[str, Any]:
    return {
        "timeUnixNano": str(at_ns),
        "severityNumber": severity,
        "body": {"stringValue": body},
        "attributes": [attribute(key, value) for key, value in attributes.items()],
    }


def arrived(stage: Stage, **wanted: Any) -> None:
    deadline = time.monotonic() + 20
    while not stage.observer.logs(**wanted):
        assert time.monotonic() < deadline, f"no line with {wanted} arrived"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shop(stage: Stage) -> str:
    """Send lines of a service, one each half second up to now, and return their address."""
    end = time.time_ns()
    lines = []
    for number in range(LINES):
        at = end - (LINES - number) * 500_000_000
        if number % 30 == 7:
            lines.append(record(at, f"payment {number} declined by bank", 17, bank=f"b{number % 2}"))
        else:
            lines.append(record(at, f"order {number} placed", 9, customer=f"c{number % 3}", total=number))
    middle = lines[LINES // 2]
    middle["body"] = {"stringValue": '{"event": "audited", "by": "anna"}'}
    middle |= {"traceId": TRACE, "spanId": SPAN}
    send(stage, "shop", lines)
    arrived(stage, trace_id=TRACE)
    return "/logs?service=shop"


def rows(page: Page) -> Locator:
    return page.get_by_test_id("logs").get_by_role("listitem")


def opened(page: Page, address: str) -> None:
    page.goto(address)
    expect(rows(page).first).to_be_visible()


def query_bar(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Query", exact=True)


def parameter(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def has_parameter(page: Page, name: str, value: str) -> None:
    page.wait_for_function(
        "([name, value]) => new URLSearchParams(location.search).get(name) === value", arg=[name, value]
    )


def test_a_shared_address_shows_the_same_elsewhere(page: Page, shop: str, browser: Browser) -> None:
    page.goto("/logs")
    # A service that sends lines alone, and no spans, can be chosen too.
    services = page.get_by_role("combobox", name="Service", exact=True)
    expect(services.get_by_role("option", name="shop", exact=True)).to_be_attached()
    page.get_by_role("combobox", name="Level", exact=True).select_option(label="ERROR and above")
    query_bar(page).fill('"cannot be reached" and service: codegen')
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_test_id("logs").first).to_contain_text("cannot be reached")
    elsewhere = browser.new_context()
    other = elsewhere.new_page()
    other.goto(page.url)
    expect(other.get_by_test_id("logs").first).to_contain_text("cannot be reached")
    expect(query_bar(other)).to_have_value('"cannot be reached" and service: codegen')
    expect(other.get_by_test_id("logs").get_by_text("POST /v1/generate 502")).to_have_count(0)
    elsewhere.close()


def test_the_query_is_completed_while_it_is_typed_and_what_it_wants_is_marked(page: Page, shop: str) -> None:
    opened(page, shop)
    page.keyboard.press("/")
    query = query_bar(page)
    expect(query).to_be_focused()
    query.press_sequentially("cust")
    suggestions = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(suggestions.filter(has_text="customer")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(query).to_have_value("customer: ")
    expect(suggestions.filter(has_text="c1")).to_be_visible()
    suggestions.filter(has_text="c1").click()
    expect(query).to_have_value("customer: c1 ")
    query.press_sequentially("and placed")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("query="))
    expect(rows(page).first.locator("mark")).to_have_text("placed")
    # The query is offered again later.
    query.fill("")
    query.press("ArrowDown")
    expect(suggestions.filter(has_text="customer: c1 and placed")).to_be_visible()


def test_what_is_wrong_with_a_query_is_told_at_its_place(
    page: Page, shop: str, complaints: list[str]
) -> None:
    opened(page, shop)
    query_bar(page).fill("😀 or level: (error")
    page.get_by_role("button", name="Search", exact=True).click()
    problem = page.get_by_role("alert").filter(has_text="this bracket is not closed")
    expect(problem.locator("mark")).to_have_text("(")
    problem.get_by_role("button", name="Column 13").click()
    query = query_bar(page)
    # The face before it is one character, and two units of the browser's texts.
    assert query.evaluate("input => [input.selectionStart, input.selectionEnd]") == [13, 14]
    # A 400 is noted by the browser; it is no complaint.
    complaints[:] = [text for text in complaints if "400" not in text]


def test_values_are_filtered_by_a_click_and_back_takes_it_away(page: Page, shop: str) -> None:
    opened(page, shop)
    rows(page).filter(has_text="placed").first.get_by_role("button").first.click()
    details = page.get_by_test_id("log-details")
    customer = details.locator(".field").filter(has_text="customer").locator(".value").inner_text()
    details.get_by_role("button", name=f"Without customer {customer}").click()
    chip = page.get_by_test_id("log-filters").get_by_text(f"not customer: {customer}")
    expect(chip).to_be_visible()
    has_parameter(page, "filter", f'not customer: "{customer}"')
    page.reload()
    expect(chip).to_be_visible()
    chip.click()
    expect(
        page.get_by_test_id("log-filters").get_by_text(f"customer: {customer}", exact=True)
    ).to_be_visible()
    page.go_back()
    expect(chip).to_be_visible()
    page.go_back()
    expect(chip).to_have_count(0)


def test_fields_tell_their_top_values_and_become_columns(page: Page, shop: str) -> None:
    opened(page, shop)
    fields = page.get_by_test_id("log-fields")
    fields.get_by_label("Find a field").fill("bank")
    fields.get_by_role("button", name="bank", exact=True).click()
    top = fields.get_by_test_id("top-values")
    expect(top).to_contain_text("b1")
    expect(top).to_contain_text("100 %")
    fields.get_by_role("button", name="bank as a column").click()
    has_parameter(page, "columns", "service,bank")
    top.get_by_role("button", name="Only lines with bank").click()
    expect(rows(page).first).to_contain_text("declined")
    expect(rows(page).first.locator(".cell").nth(1)).to_have_text("b1")
    page.get_by_role("button", name="Hide the column bank").click()
    expect(page.get_by_role("button", name="Hide the column bank")).to_have_count(0)


def test_the_histogram_zooms_by_drag_and_by_keyboard_and_is_a_table_too(page: Page, shop: str) -> None:
    opened(page, f"{shop}&range=15m")
    histogram = page.get_by_test_id("log-histogram")
    plot = histogram.get_by_role("application")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("from="))
    width = int(parameter(page, "to")) - int(parameter(page, "from"))
    assert 120_000 < width < 240_000
    expect(page.get_by_test_id("time-range")).to_contain_text(" to ")
    expect(rows(page).first).to_be_visible()
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(plot.get_by_role("status")).to_contain_text("lines")
    wide = page.url
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(wide)
    assert int(parameter(page, "to")) - int(parameter(page, "from")) < width
    histogram.get_by_role("button", name="As a table").click()
    expect(
        histogram.get_by_role("region", name="Lines over time, as a table").locator("td").first
    ).to_be_visible()


def test_older_lines_load_as_one_scrolls_and_few_are_drawn(page: Page, shop: str) -> None:
    opened(page, shop)
    logs = page.get_by_test_id("logs")
    deadline = time.monotonic() + 20
    while "order 0 placed" not in logs.inner_text():
        assert time.monotonic() < deadline, "the oldest line did not appear"
        logs.evaluate("box => box.scrollTo(0, box.scrollHeight)")
        assert rows(page).count() < 120
    expect(page.get_by_role("status").filter(has_text=f"{LINES} lines")).to_be_visible()
    # What is read does not move; a click goes back to what is new.
    page.get_by_role("button", name="To the newest").click()
    expect(rows(page).first).to_contain_text(f"order {LINES - 1} placed")


def test_lines_are_walked_by_keyboard(page: Page, shop: str) -> None:
    opened(page, shop)
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows(page).nth(1).get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows(page).nth(1).get_by_test_id("log-details")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("log-details")).to_have_count(0)
    # Whoever goes elsewhere and comes back finds the lines as they were left.
    page.keyboard.press("Enter")
    body = rows(page).nth(1).get_by_role("region", name="Body").inner_text()
    page.get_by_role("link", name="Traces", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Traces")).to_be_visible()
    page.go_back()
    expect(page.get_by_test_id("log-details").get_by_role("region", name="Body")).to_have_text(body)
    page.keyboard.press("w")
    has_parameter(page, "wrap", "1")
    # A line that is walked to is seen, also where the list goes beyond the window.
    for _ in range(30):
        page.keyboard.press("j")
    expect(page.locator("li :focus")).to_be_in_viewport(ratio=1)


def test_from_a_line_to_its_trace_and_to_the_lines_around_it(page: Page, shop: str) -> None:
    opened(page, f"{shop}&trace_id={TRACE}")
    rows(page).first.get_by_role("button").first.click()
    details = page.get_by_test_id("log-details")
    # A body that is JSON is indented.
    expect(details.get_by_role("region", name="Body")).to_contain_text('  "event": "audited",')
    link = details.get_by_role("link", name="Show its trace")
    expect(link).to_have_attribute("href", f"/trace/{TRACE}?span={SPAN}")
    details.get_by_role("button", name="Lines around it").click()
    around = page.get_by_test_id("log-context")
    expect(around).to_contain_text("50 newer, 50 older")
    around.get_by_role("button", name="Same service").click()
    expect(around.get_by_role("button", name="Same service")).to_have_attribute("aria-pressed", "true")
    middle = LINES // 2
    for body in (f"order {middle - 1} placed", f"order {middle + 1} placed"):
        expect(around.get_by_text(body)).to_be_visible()
    page.reload()
    around.get_by_test_id("logs").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    around.get_by_role("button", name="Older lines").click()
    expect(around).to_contain_text("50 newer, 250 older")
    around.get_by_role("button", name="Same trace").click()
    expect(around).to_contain_text("0 newer, 0 older")
    page.keyboard.press("j")
    expect(around.get_by_role("listitem").get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(around.get_by_test_id("log-details")).to_be_visible()
    page.keyboard.press("Escape")
    expect(around.get_by_test_id("log-details")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(around).to_have_count(0)
    expect(rows(page)).to_have_count(1)


def test_patterns_are_counted_and_lead_to_their_lines(page: Page, shop: str) -> None:
    page.goto(shop)
    page.get_by_role("button", name="Patterns").click()
    patterns = page.get_by_test_id("log-patterns").get_by_role("listitem")
    expect(patterns.first).to_contain_text("order <num> placed")
    expect(patterns.first).to_contain_text("INFO")
    declined = patterns.filter(has_text="payment <num> declined by bank")
    expect(declined).to_contain_text("30")
    expect(declined).to_contain_text("ERROR")
    declined.get_by_role("button", name="Only lines of the pattern").click()
    expect(rows(page).first).to_contain_text("declined by bank")
    expect(page.get_by_role("status").filter(has_text="30 lines")).to_be_visible()
    page.get_by_role("button", name="Remove the filter pattern").click()
    page.get_by_role("button", name="Patterns").click()
    patterns.first.get_by_role("button", name="Without the lines of the pattern").click()
    expect(patterns.filter(has_text="order <num> placed")).to_have_count(0)
    expect(declined).to_be_visible()


@pytest.fixture
def stream(stage: Stage) -> Iterator[Callable[[str], None]]:
    """Return a way to begin to send lines of a service, fifty a tenth of a second until the test ends."""
    ended = threading.Event()
    threads = []

    def start(service: str) -> None:
        def run() -> None:
            number = 0
            while not ended.wait(0.1):
                now = time.time_ns()
                send(stage, service, [record(now + i, f"tick {number + i}") for i in range(50)])
                number += 50

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)

    yield start
    ended.set()
    for thread in threads:
        thread.join()


def newest(page: Page) -> int:
    found = re.search(r"tick (\d+)", rows(page).first.inner_text())
    return int(found[1]) if found else -1


def test_what_arrives_is_followed_and_held_while_one_reads(page: Page, stream: Callable[[str], None]) -> None:
    service = f"ticker-{secrets.token_hex(3)}"
    page.goto(f"/logs?service={service}")
    expect(page.get_by_text("No logs")).to_be_visible()
    page.get_by_role("button", name="Live").click()
    bar = page.get_by_test_id("live-bar")
    expect(bar).to_contain_text("Following")
    stream(service)
    expect(rows(page).first).to_contain_text("tick")
    first = newest(page)
    page.wait_for_function(
        "was => Number(/tick (\\d+)/.exec(document.querySelector('[data-testid=logs] li')?.textContent)?.[1]) > was",
        arg=first + 100,
    )
    # Scrolled away from the newest, the list stands still and what arrives is counted.
    page.get_by_test_id("logs").evaluate("box => box.scrollTo(0, 100)")
    expect(bar).to_contain_text("Held, as you scrolled")
    held = page.get_by_test_id("logs").inner_text()
    expect(bar.get_by_role("button", name=re.compile(r"\d+ new"))).to_be_visible()
    assert page.get_by_test_id("logs").inner_text() == held
    bar.get_by_role("button", name="to the newest").click()
    expect(bar.get_by_role("button", name="Pause")).to_be_visible()
    bar.get_by_role("button", name="Pause").click()
    held = page.get_by_test_id("logs").inner_text()
    expect(bar.get_by_role("button", name=re.compile(r"\d+ new"))).to_be_visible()
    assert page.get_by_test_id("logs").inner_text() == held
    # The address tells that it is followed.
    page.reload()
    expect(bar).to_contain_text("Following")
    # Every line that arrives is shown: each has the number after the one below it.
    expect(rows(page).nth(20)).to_contain_text("tick")
    bar.get_by_role("button", name="Pause").click()
    numbers = [int(one) for one in re.findall(r"tick (\d+)", page.get_by_test_id("logs").inner_text())]
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))


def test_what_arrives_while_the_connection_is_lost_is_fetched(
    page: Page, stage: Stage, complaints: list[str]
) -> None:
    service = f"lost-{secrets.token_hex(3)}"
    send(stage, service, [record(time.time_ns(), "seen before")])
    arrived(stage, service=service)
    asked = 0

    def answer(route: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:  # an answer that ends at once
            route.fulfill(status=200, body=": following\n\n", content_type="text/event-stream")
        elif asked == 2:
            error = "16 readers follow the log lines already: close one of them"
            route.fulfill(status=503, body=json.dumps({"error": error}), content_type="application/json")
        else:
            route.fallback()

    page.route("**/api/accelerapp/v1/logs/tail*", answer)
    page.goto(f"/logs?service={service}&live=1")
    bar = page.get_by_test_id("live-bar")
    expect(rows(page)).to_contain_text(["seen before"])
    expect(bar).to_contain_text("16 readers follow the log lines already")
    expect(bar).to_contain_text("Again in")
    # It is shown where its time is, which is before what was seen.
    send(stage, service, [record(time.time_ns() - 60 * 10**9, "late")])
    arrived(stage, service=service, query="late")
    bar.get_by_role("button", name="Try now").click()
    expect(rows(page)).to_contain_text(["seen before", "late"])
    expect(bar).to_contain_text("Following")
    expect(bar).to_contain_text("Interrupted once; what came meanwhile is here")
    expect(page.get_by_test_id("live-received")).to_have_text("1 received")
    complaints[:] = [text for text in complaints if "503" not in text]


@pytest.mark.parametrize("form", ["JSON, one line each", "Text"])
def test_what_is_found_is_downloaded_whole(page: Page, shop: str, form: str, tmp_path: Path) -> None:
    opened(page, f"{shop}&query=placed")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=form, exact=True).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    lines = file.read_text().splitlines()
    expect(page.get_by_role("status").filter(has_text=f"{len(lines)} lines are in the file")).to_be_visible()
    bodies = [json.loads(one)["body"] if form != "Text" else one for one in lines]
    wanted = [number for number in reversed(range(LINES)) if number % 30 != 7 and number != LINES // 2]
    assert len(bodies) == len(wanted)
    assert all(body.endswith(f"order {number} placed") for body, number in zip(bodies, wanted, strict=True))


def test_what_comes_from_outside_is_text_in_every_part_of_the_view(page: Page, stage: Stage) -> None:
    attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    service = f"{attack}-{secrets.token_hex(3)}"
    line = record(time.time_ns(), f"\x1b[31m{attack}\x1b[0m") | {"attributes": [attribute(attack, attack)]}
    send(stage, service, [line])
    arrived(stage, service=service)
    page.goto(f"/logs?service={quote(service)}")
    # What colours the line in a terminal does here.
    expect(rows(page).first.locator(".red")).to_have_text(attack)
    rows(page).first.get_by_role("button").first.click()
    expect(page.get_by_test_id("log-details")).to_contain_text("<img src=x")
    page.get_by_test_id("log-fields").get_by_role("button", name="<img").first.click()
    expect(page.get_by_test_id("top-values")).to_contain_text("<img src=x")
    page.get_by_test_id("log-details").get_by_role("button", name="Only <img").first.click()
    expect(page.get_by_test_id("log-filters")).to_contain_text("<img src=x")
    page.get_by_role("button", name="Patterns").click()
    expect(page.get_by_test_id("log-patterns")).to_contain_text("<img src=x")
    assert page.evaluate("document.querySelectorAll('img[src=x], main script').length") == 0
    assert page.title() != "owned"


def accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_axe_finds_nothing_in_any_state_of_the_view(view: Page, shop: str) -> None:
    opened(view, f'{shop}&query=placed&filter=not customer: "c1"&columns=service,customer,total')
    rows(view).first.get_by_role("button").first.click()
    expect(view.get_by_test_id("log-details")).to_be_visible()
    if view.viewport_size and view.viewport_size["width"] < 900:
        view.get_by_role("button", name="Fields").click()
    view.get_by_test_id("log-fields").get_by_role("button", name="customer", exact=True).click()
    expect(view.get_by_test_id("top-values")).to_contain_text("c0")
    accessible(view)
    view.goto(f"{shop}&view=patterns")
    expect(view.get_by_test_id("log-patterns")).to_be_visible()
    accessible(view)
    opened(view, f"{shop}&live=1")
    accessible(view)
    rows(view).first.get_by_role("button").first.click()
    view.get_by_role("button", name="Lines around it").click()
    expect(view.get_by_test_id("log-context").get_by_test_id("logs")).to_be_visible()
    accessible(view)
    view.goto(f"{shop}&query=level:+(")
    expect(view.get_by_role("alert").filter(has_text="Column")).to_be_visible()
    accessible(view)
