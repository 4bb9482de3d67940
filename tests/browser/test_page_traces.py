"""Searching for traces and reading one, as a person does."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MS = 1_000_000
STACK = 'Traceback (most recent call last):\n  File "shop.py", line 7, in render\nTemplateError: no such page'


def attribute(key: str, value: str | int) -> dict[str, Any]:
    return {
        "key": key,
        "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)},
    }


def span(
    trace_id: str, span_id: str, parent: str, name: str, start: int, end: int, **more: Any
) -> dict[str, Any]:
    return {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        **more,
    }


def resource(service: str) -> dict[str, Any]:
    return {"attributes": [attribute("service.name", service), attribute("host.name", "till-7")]}


def send(stage: Stage, path: str, body: dict[str, Any]) -> None:
    httpx.post(f"{stage.otlp_url}/v1/{path}", json=body, trust_env=False).raise_for_status()


def send_spans(stage: Stage, by_service: dict[str, list[dict[str, Any]]]) -> None:
    spans = [
        {"resource": resource(service), "scopeSpans": [{"scope": {"name": "till"}, "spans": some}]}
        for service, some in by_service.items()
    ]
    send(stage, "traces", {"resourceSpans": spans})


def arrived(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not found():
        assert time.monotonic() < deadline, "what was sent did not arrive"
        time.sleep(0.05)


@dataclass(frozen=True)
class Made:
    """A trace whose spans are known, by their names."""

    trace_id: str
    ids: dict[str, str]


@pytest.fixture(scope="module")
def made(stage: Stage) -> Made:
    """Send a request of a second: a query, a failed page, a mail that nobody waits for, and a lost span."""
    trace_id = secrets.token_hex(16)
    names = ("GET /shop", "load", "query", "cache", "render", "mail", "lost")
    ids = {name: secrets.token_hex(8) for name in names}
    begin = time.time_ns() - 5_000 * MS

    def at(name: str, parent: str, start: int, end: int, **more: Any) -> dict[str, Any]:
        above = ids.get(parent, "")
        return span(trace_id, ids[name], above, name, begin + start * MS, begin + end * MS, **more)

    failed = {
        "timeUnixNano": str(begin + 850 * MS),
        "name": "exception",
        "attributes": [
            attribute("exception.type", "TemplateError"),
            attribute("exception.message", "no such page"),
            attribute("exception.stacktrace", STACK),
        ],
    }
    link = {"traceId": "ab" * 16, "spanId": "cd" * 8}
    order = [attribute("order.id", f"order-{trace_id[:8]}"), attribute("order.items", 3)]
    send_spans(
        stage,
        {
            "till": [
                at("GET /shop", "", 0, 1000, attributes=order, kind=2),
                at("load", "GET /shop", 100, 500),
                at("cache", "load", 120, 200),
                at(
                    "render",
                    "GET /shop",
                    500,
                    900,
                    status={"code": 2, "message": "broken page"},
                    events=[failed],
                ),
                at("lost", "", 700, 720) | {"parentSpanId": "ef" * 8},
            ],
            "ledger": [
                at(
                    "query",
                    "load",
                    200,
                    480,
                    attributes=[attribute("db.statement", "select 1")],
                    links=[link],
                ),
                at("mail", "GET /shop", 800, 2000),
            ],
            # Another trace, which links to this one.
            "post": [
                span(
                    *(secrets.token_hex(16), secrets.token_hex(8), "", "deliver", begin, begin + MS),
                    links=[{"traceId": trace_id, "spanId": ids["mail"]}],
                )
            ],
        },
    )
    record = {
        "timeUnixNano": str(begin + 300 * MS),
        "traceId": trace_id,
        "spanId": ids["query"],
        "severityText": "WARN",
        "severityNumber": 13,
        "body": {"stringValue": "the query was slow"},
    }
    logs = [{"resource": resource("ledger"), "scopeLogs": [{"logRecords": [record]}]}]
    send(stage, "logs", {"resourceLogs": logs})
    arrived(lambda: len(stage.observer.traces(service="till", name="GET /shop")) > 0)
    arrived(lambda: stage.observer.logs(trace_id=trace_id))
    return Made(trace_id, ids)


def settled(page: Page) -> None:
    """Wait until a view shows its content."""
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)


def row(page: Page, name: str) -> Locator:
    return page.get_by_test_id("span").filter(has=page.get_by_text(name, exact=False)).first


def drag(page: Page, over: Locator, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the mouse between two places, given as shares of an element's width and height."""
    box = over.bounding_box()
    assert box is not None
    first, last = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begin, end))
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=4)
    page.mouse.up()


# Searching


def test_from_the_failed_trace_to_its_span_and_its_line(page: Page) -> None:
    page.goto("/traces")
    page.get_by_label("Service").select_option("codegen")
    page.get_by_label("Status").select_option("error")
    page.get_by_label("Kind").select_option("client")  # a call to the model that failed
    expect(page).to_have_url(re.compile("status=error&kind=client"))
    expect(page.get_by_role("region", name="Traces found")).to_have_attribute("aria-busy", "false")
    page.get_by_test_id("traces").get_by_role("link", name="POST /v1/generate").first.click()
    settled(page)
    page.get_by_test_id("waterfall").press("e")
    expect(page.locator("[data-testid=span].active")).to_have_attribute("aria-label", re.compile(", error"))
    page.get_by_test_id("span").filter(has_text="chat").first.click()
    expect(page.get_by_test_id("span-details")).to_contain_text("gen_ai.request.model")
    page.get_by_role("navigation", name="Of this trace").get_by_role("link", name="Logs").click()
    expect(page.get_by_test_id("logs").first).to_contain_text("code generation failed")


def test_attributes_are_chips_that_are_in_the_address(page: Page, made: Made) -> None:
    page.goto("/traces?service=till")
    settled(page)
    page.keyboard.press("/")
    field = page.get_by_label("Attribute or trace id")
    expect(field).to_be_focused()
    # Names and values are offered from what was found.
    expect(page.locator("#trace-attributes option[value='order.items=']")).to_be_attached()
    for text in ("order.items=3", f"order.id=order-{made.trace_id[:8]}"):
        field.fill(text)
        field.press("Enter")
    expect(page).to_have_url(re.compile(r"attribute=order\.items%3D3&attribute=order\.id%3D"))
    expect(page.get_by_test_id("traces").get_by_role("link", name="GET /shop")).to_have_count(1)
    page.reload()
    expect(page.get_by_test_id("traces").get_by_role("link", name="GET /shop")).to_have_count(1)
    field.fill("order.items=4")
    field.press("Enter")
    expect(page.get_by_text("No traces")).to_be_visible()
    page.get_by_role("button", name="Remove order.items=4").click()
    expect(page.get_by_test_id("traces").get_by_role("link", name="GET /shop")).to_have_count(1)
    field.fill("nonsense")
    field.press("Enter")
    expect(page.get_by_text("Write name=value, or paste a trace id")).to_be_visible()


def test_a_drag_over_the_histogram_asks_for_durations_and_back_undoes_it(page: Page, made: Made) -> None:
    page.goto("/traces?service=ledger")
    settled(page)
    bars = page.get_by_role("group", name=re.compile("^Spans by duration"))
    expect(bars.get_by_role("button").first).to_be_attached()
    drag(page, bars, (0.6, 0.5), (0.99, 0.5))
    expect(page).to_have_url(re.compile(r"min=[\d.]+(ms|s)"))
    shortest = page.get_by_label("Span takes at least")
    expect(shortest).to_have_value(re.compile(r"^[\d.]+(ms|s)$"))
    # The mail of 1.2 s is left, the query of 280 ms is not.
    expect(page.get_by_test_id("operations").get_by_role("link", name="mail")).to_be_visible()
    expect(page.get_by_test_id("operations").get_by_role("link", name="query")).to_have_count(0)
    page.go_back()
    expect(shortest).to_have_value("")
    expect(page.get_by_test_id("operations").get_by_role("link", name="query")).to_be_visible()
    # By the keyboard: one bar.
    bars.get_by_role("button").last.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"min=1s"))


def test_the_scatter_opens_spans_and_a_box_over_it_zooms(page: Page, made: Made) -> None:
    page.goto("/traces?service=ledger")
    settled(page)
    scatter = page.get_by_test_id("scatter").get_by_role("group")
    expect(scatter).to_have_attribute("aria-label", re.compile(r"^[2-9]\d* spans"))
    drag(page, scatter, (0.5, 0.0), (1.0, 1.0))
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+&min=[\d.]+\w+&max=[\d.]+\w+"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("from="))
    scatter.focus()
    page.keyboard.press("End")
    expect(page.get_by_test_id("scatter").get_by_role("status")).to_contain_text("ledger: ")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/trace/[0-9a-f]{32}\?span=[0-9a-f]{16}"))
    expect(page.get_by_test_id("span-details")).to_be_visible()


def test_charts_can_be_read_as_tables(page: Page, made: Made) -> None:
    page.goto("/traces?service=ledger")
    settled(page)
    page.get_by_role("button", name="Show Spans over time as a table").click()
    # The longest first.
    expect(page.get_by_role("region", name="Spans over time").get_by_role("link").first).to_have_text(
        "ledger: mail"
    )
    page.get_by_role("button", name="Show Duration as a table").click()
    page.get_by_role("button", name="Spans longer than 1 s").click()
    expect(page).to_have_url(re.compile("min=1s&max=2s"))


def test_a_pasted_trace_id_opens_the_trace(page: Page, made: Made) -> None:
    page.goto("/traces")
    settled(page)
    page.get_by_label("Attribute or trace id").fill(made.trace_id.upper())
    page.get_by_label("Attribute or trace id").press("Enter")
    expect(page).to_have_url(re.compile(f"/trace/{made.trace_id}"))
    page.go_back()
    settled(page)
    # Anywhere in the view, without looking for a field.
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.setData("text", text);
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        f" {made.trace_id}\n",
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("till: GET /shop")


def test_pages_follow_and_new_traces_wait_while_the_list_is_read(page: Page, stage: Stage) -> None:
    service = f"pages-{secrets.token_hex(3)}"

    def send_traces(first: int, count: int) -> None:
        now = time.time_ns() - 2_000 * MS
        spans = [
            span(
                secrets.token_hex(16),
                secrets.token_hex(8),
                "",
                f"number {n}",
                now + n * MS,
                now + (n + (5 if n else 500)) * MS,
            )
            for n in range(first, first + count)
        ]
        send_spans(stage, {service: spans})

    send_traces(0, 60)
    arrived(lambda: len(stage.observer.traces(service=service, limit=100)) == 60)
    page.goto(f"/traces?service={service}")
    links = page.get_by_test_id("traces").locator("a[data-trace]")
    expect(links).to_have_count(50)
    # The longest of all, not of those that were shown.
    order = page.get_by_label("Order", exact=True)
    order.select_option("Longest first")
    expect(links.first).to_have_text("number 0")
    expect(page).to_have_url(re.compile("sort=duration"))
    page.reload()
    expect(order).to_have_value("duration")
    expect(links.first).to_have_text("number 0")
    order.select_option("Newest first")
    expect(links.first).to_have_text("number 59")
    page.get_by_role("button", name="More traces").click()
    expect(links).to_have_count(60)
    expect(links.last).to_have_text("number 0")
    expect(page.get_by_role("button", name="More traces")).to_have_count(0)
    links.nth(3).focus()
    before = links.all_inner_texts()
    send_traces(60, 2)
    waiting = page.get_by_role("button", name="Show 2 newer")
    expect(waiting).to_be_visible()
    assert links.all_inner_texts() == before
    waiting.click()
    expect(links.first).to_have_text("number 61")
    expect(links).to_have_count(62)


def test_two_traces_are_selected_to_be_compared(page: Page, made: Made) -> None:
    page.goto("/traces?service=codegen")
    settled(page)
    links = page.get_by_test_id("traces").locator("a[data-trace]")
    page.keyboard.press("j")
    expect(links.first).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    ids = [links.nth(i).get_attribute("data-trace") for i in (0, 1)]
    expect(page.get_by_role("link", name="Compare", exact=True)).to_have_attribute(
        "href", f"/compare?a={ids[0]}&b={ids[1]}"
    )


# One trace


def test_the_waterfall_is_worked_by_keyboard(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    spans = page.get_by_test_id("span")
    expect(spans).to_have_count(7)
    tree = page.get_by_test_id("waterfall")
    tree.focus()
    page.keyboard.press("ArrowLeft")
    expect(spans).to_have_count(2)  # the root, and the lost one
    page.keyboard.press("ArrowRight")
    expect(spans).to_have_count(7)
    page.keyboard.press("ArrowDown")
    expect(tree).to_have_attribute("aria-activedescendant", "span-1")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("span-details").get_by_role("heading", level=2)).to_have_text("load")
    expect(page).to_have_url(re.compile(f"span={made.ids['load']}"))
    # With the details open these follow the arrows.
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("span-details").get_by_role("heading", level=2)).to_have_text("cache")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("span-details")).to_have_count(0)
    page.keyboard.press("<")
    expect(page.get_by_test_id("levels")).to_have_text("2 of 3")
    expect(spans).to_have_count(5)
    page.keyboard.press("e")
    expect(tree).to_have_attribute("aria-activedescendant", f"span-{spans_index(page, 'render')}")


def spans_index(page: Page, name: str) -> str:
    return row(page, name).get_attribute("data-index") or ""


def test_the_search_within_a_trace_goes_through_its_matches_and_opens_what_hides_them(
    page: Page, made: Made
) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    page.keyboard.press("C")
    expect(page.get_by_test_id("span")).to_have_count(2)
    page.keyboard.press("/")
    search = page.get_by_label("Search in this trace")
    expect(search).to_be_focused()
    search.fill("db.statement=select")
    expect(page).to_have_url(re.compile("q=db.statement"))
    search.press("Enter")
    expect(page.get_by_text("1 of 1 match")).to_be_visible()
    expect(row(page, "query")).to_be_visible()
    search.fill("ledger")
    page.get_by_test_id("waterfall").focus()
    page.keyboard.press("n")
    expect(page.get_by_text("2 of 2 matches")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("1 of 2 matches")).to_be_visible()
    page.keyboard.press("N")
    expect(page.get_by_text("2 of 2 matches")).to_be_visible()
    # Of all seven spans: on from the mail, and back.
    search.fill("host.name=till-7")
    page.get_by_test_id("waterfall").focus()
    page.keyboard.press("n")
    expect(page.get_by_text("7 of 7 matches")).to_be_visible()
    page.keyboard.press("N")
    expect(page.get_by_text("6 of 7 matches")).to_be_visible()


def test_what_the_trace_waited_for_is_marked_and_c_hides_it(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    marked = page.get_by_test_id("span").filter(has=page.get_by_test_id("critical"))
    # The mail is still under way when the request ends, so that what ran beside it was not waited for.
    expect(marked).to_have_count(5)
    expect(row(page, "query")).to_have_attribute("aria-label", re.compile("on the critical path"))
    for name in ("render", "lost"):
        expect(row(page, name)).not_to_have_attribute("aria-label", re.compile("on the critical path"))
    page.keyboard.press("c")
    expect(marked).to_have_count(0)
    expect(page).to_have_url(re.compile("critical=0"))


def test_odd_spans_are_said(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    notices = page.get_by_test_id("notices")
    expect(notices).to_contain_text("One span names a parent that is not stored")
    expect(notices).to_contain_text("One span goes on when their parent has ended")
    expect(row(page, "lost")).to_have_attribute("aria-label", re.compile("is not stored"))
    expect(row(page, "load")).to_have_attribute("aria-label", re.compile("self 40 ms"))


def test_a_span_tells_its_failure_its_lines_and_finds_its_like(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}?span={made.ids['render']}")
    details = page.get_by_test_id("span-details")
    expect(details).to_contain_text("broken page")
    expect(details).to_contain_text("TemplateError")
    expect(details.get_by_role("region", name="Stack trace")).to_have_text(STACK)
    row(page, "query").click()
    expect(details.get_by_role("heading", level=2)).to_have_text("query")
    expect(details.get_by_test_id("logs")).to_contain_text("the query was slow")
    expect(details.get_by_role("link", name="ab" * 16)).to_have_attribute(
        "href", f"/trace/{'ab' * 16}?span={'cd' * 8}"
    )
    expect(details.get_by_role("link", name="Show in Logs")).to_have_attribute(
        "href", re.compile(f"/logs\\?trace_id={made.trace_id}")
    )
    details.get_by_role("button", name="till: load").click()
    expect(page).to_have_url(re.compile(f"span={made.ids['load']}"))
    row(page, "GET /shop").click()
    details.get_by_role("link", name=f"Find spans with order.id=order-{made.trace_id[:8]}").click()
    expect(page).to_have_url(re.compile(r"/traces\?attribute=order\.id%3Dorder-"))
    expect(page.get_by_test_id("traces").get_by_role("link", name="GET /shop")).to_have_count(1)


def test_links_between_traces_lead_both_ways(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    page.get_by_test_id("linked-from").get_by_role("link", name="post: deliver").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("post: deliver")
    row(page, "deliver").click()
    page.get_by_test_id("span-details").get_by_role("link", name=made.trace_id).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("till: GET /shop")
    expect(page.get_by_test_id("span-details").get_by_role("heading", level=2)).to_have_text("mail")


def test_the_time_is_zoomed_by_a_drag_and_shared(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    drag(page, page.get_by_test_id("minimap"), (0.5, 0.5), (1.0, 0.5))
    expect(page).to_have_url(re.compile(r"zoom=(9|10)\d\d\.?\d*-2000"))
    # The query had ended by then.
    expect(row(page, "query").get_by_title("Outside of the time that is shown")).to_be_visible()
    page.reload()
    expect(row(page, "query").get_by_title("Outside of the time that is shown")).to_be_visible()
    page.get_by_role("button", name="Whole trace").click()
    expect(page).not_to_have_url(re.compile("zoom="))
    # By the keyboard: the ends of the minimap's window.
    page.get_by_role("slider", name="Begin of the time shown").press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(r"zoom=200\.?0*-2000"))


def test_the_flame_graph_zooms_and_leads_back_to_the_spans(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("tab=flame"))
    graph = page.get_by_test_id("flame")
    load = graph.get_by_role("button", name=re.compile("^till: load"))
    load.click()
    expect(page).to_have_url(re.compile(r"frame=0\.\d"))
    whole = graph.bounding_box()
    zoomed = load.bounding_box()
    assert whole is not None
    assert zoomed is not None
    assert zoomed["width"] > whole["width"] * 0.99
    load.press("ArrowDown")
    expect(graph.get_by_role("button", name=re.compile("^ledger: query"))).to_be_focused()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("frame="))
    page.get_by_role("button", name="Table", exact=True).click()
    expect(page.get_by_test_id("flame-table")).to_contain_text("query")
    page.get_by_role("button", name="Table", exact=True).click()
    graph.get_by_role("button", name=re.compile("^ledger: query")).focus()
    page.get_by_role("button", name="Show in the waterfall").click()
    expect(page.get_by_label("Search in this trace")).to_have_value('"query" "ledger"')


def test_the_operations_of_a_trace_are_sorted_by_any_column(page: Page, made: Made) -> None:
    page.goto(f"/trace/{made.trace_id}?tab=operations")
    settled(page)
    first = page.get_by_test_id("span-table").locator("tbody tr").first
    expect(first).to_contain_text("mail")  # 1.2 s of its own
    page.get_by_role("columnheader", name="Operation").get_by_role("button").click()
    expect(first).to_contain_text("GET /shop")
    page.get_by_role("columnheader", name="Errors").get_by_role("button").click()
    expect(first).to_contain_text("render")
    expect(page).to_have_url(re.compile("sort=errors"))


def test_a_trace_is_downloaded_as_otlp_and_jaeger_have_it(page: Page, made: Made, tmp_path: Path) -> None:
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    for name, held in (("OTLP JSON", "resourceSpans"), ("Jaeger JSON", "data")):
        page.locator("summary", has_text="Download").click()
        with page.expect_download() as download:
            page.get_by_text(name).click()
        file = tmp_path / name
        download.value.save_as(file)
        assert made.trace_id in file.read_text()
        assert held in json.loads(file.read_text())
        page.locator("summary", has_text="Download").click()


@pytest.fixture(scope="module")
def large(stage: Stage) -> str:
    """Send a trace of 10,000 spans, the last of which failed."""
    trace_id, ids, begin = (
        secrets.token_hex(16),
        [secrets.token_hex(8) for _ in range(10_000)],
        time.time_ns(),
    )
    spans = [
        span(
            trace_id,
            span_id,
            ids[(n - 1) // 10] if n else "",
            f"step {n}",
            begin + n * MS // 10,
            begin + (n // 10 + 1000) * MS,
            status={"code": 2 if n == 9_999 else 0},
        )
        for n, span_id in enumerate(ids)
    ]
    for first in range(0, len(spans), 2_000):
        send_spans(stage, {"large": spans[first : first + 2_000]})
    url = f"{stage.url}/api/accelerapp/v1/traces/{trace_id}"
    arrived(lambda: len(httpx.get(url, trust_env=False).json().get("spans", ())) == len(ids))
    return trace_id


def test_a_trace_of_ten_thousand_spans_draws_only_what_is_seen(page: Page, large: str) -> None:
    page.goto(f"/trace/{large}")
    expect(page.get_by_text("10000", exact=True).first).to_be_visible()
    spans = page.get_by_test_id("span")
    expect(spans.first).to_be_visible()
    assert spans.count() < 150
    page.get_by_test_id("waterfall").focus()
    page.keyboard.press("End")
    # The last child of the last child, as they are in depth-first order.
    expect(row(page, "step 1110")).to_be_in_viewport()
    assert spans.count() < 150
    page.keyboard.press("Home")
    expect(row(page, "step 0")).to_be_in_viewport()
    page.keyboard.press("e")
    expect(row(page, "step 9999")).to_be_in_viewport()


# Every screen


def test_axe_finds_nothing_in_any_form_of_a_trace(view: Page, made: Made) -> None:
    for address in (
        "/traces?service=till&min=1ms&attribute=order.items%3D3",
        f"/trace/{made.trace_id}?span={made.ids['render']}&q=load",
        f"/trace/{made.trace_id}?tab=flame",
        f"/trace/{made.trace_id}?tab=operations",
        f"/trace/{made.trace_id}?tab=logs",
    ):
        view.goto(address)
        settled(view)
        found = Axe().run(view).response["violations"]
        assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == [], address
        assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address


def test_on_a_phone_names_are_above_their_bars(browser: Browser, stage: Stage, made: Made) -> None:
    context = browser.new_context(base_url=stage.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"/trace/{made.trace_id}")
    settled(page)
    box = row(page, "GET /shop")
    name, bar = box.get_by_text("GET /shop").bounding_box(), box.locator(".bar").bounding_box()
    assert name is not None
    assert bar is not None
    assert name["y"] + name["height"] <= bar["y"] + 2
    assert bar["width"] > 100
    box.click()
    expect(page.get_by_test_id("span-details")).to_be_in_viewport()
    context.close()
