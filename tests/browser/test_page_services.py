"""The map of services and two traces compared, as a person uses them."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MS = 1_000_000
KINDS = {"internal": 1, "server": 2, "client": 3}
#: number, number of the parent, service, name, kind, begin and end in milliseconds, failed, attributes
Made = tuple[int, int, str, str, str, int, int, bool, dict[str, str]]

QUICK: list[Made] = [
    (1, 0, "kiosk", "POST /cart", "server", 0, 100, False, {"cart.items": "2", "shown": "same"}),
    (2, 1, "kiosk", "call gate", "client", 10, 60, False, {}),
    (3, 2, "turnstile", "pay", "server", 15, 55, False, {"card": "visa"}),
    (
        4,
        3,
        "turnstile",
        "SELECT",
        "client",
        20,
        30,
        False,
        {"db.system.name": "postgresql", "db.namespace": "gates"},
    ),
    (5, 1, "kiosk", "print", "internal", 70, 90, False, {}),
]
SLOW: list[Made] = [
    (1, 0, "kiosk", "POST /cart", "server", 0, 900, True, {"cart.items": "7", "shown": "same"}),
    (2, 1, "kiosk", "call gate", "client", 10, 860, True, {}),
    (3, 2, "turnstile", "pay", "server", 15, 855, True, {"card": "amex"}),
    (
        4,
        3,
        "turnstile",
        "SELECT",
        "client",
        20,
        30,
        False,
        {"db.system.name": "postgresql", "db.namespace": "gates"},
    ),
    (
        5,
        3,
        "turnstile",
        "SELECT",
        "client",
        40,
        50,
        False,
        {"db.system.name": "postgresql", "db.namespace": "gates"},
    ),
    (6, 3, "turnstile", "retry", "internal", 60, 850, False, {}),
]


def send(stage: Stage, begin: int, spans: list[Made]) -> str:
    """Send a trace that begins at a time in nanoseconds, and return its id."""
    trace_id = secrets.token_hex(16)
    told: list[dict[str, Any]] = []
    for number, parent, service, name, kind, start, end, failed, attributes in spans:
        span = {
            "traceId": trace_id,
            "spanId": f"{number:016x}",
            "parentSpanId": f"{parent:016x}" if parent else "",
            "name": name,
            "kind": KINDS[kind],
            "startTimeUnixNano": str(begin + start * MS),
            "endTimeUnixNano": str(begin + end * MS),
            "status": {"code": 2} if failed else {},
            "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()],
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
        told.append({"resource": resource, "scopeSpans": [{"spans": [span]}]})
    url = f"{stage.otlp_url}/v1/traces"
    httpx.post(url, json={"resourceSpans": told}, trust_env=False, timeout=60).raise_for_status()
    return trace_id


def read(stage: Stage, path: str, **params: str) -> Any:
    answer = httpx.get(f"{stage.url}/api/accelerapp/v1/{path}", params=params, trust_env=False, timeout=60)
    return answer.json() if answer.is_success else {}


@pytest.fixture(scope="module")
def traces(stage: Stage) -> dict[str, str]:
    """Send a quick trace and a slow one of the same request, and wait until both can be read."""
    now = time.time_ns()
    ids = {
        "quick": send(stage, now - 20_000 * MS, QUICK),
        "slow": send(stage, now - 10_000 * MS, SLOW),
    }
    deadline = time.monotonic() + 20
    for name, spans in (("quick", QUICK), ("slow", SLOW)):
        while len(read(stage, f"traces/{ids[name]}").get("spans", [])) < len(spans):
            assert time.monotonic() < deadline, "the spans did not arrive"
            time.sleep(0.1)
    return ids


def settled(page: Page) -> None:
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)


def node(page: Page, name: str) -> Locator:
    return page.get_by_test_id("service-map").get_by_role("button", name=re.compile(f"^{name}: "))


def test_the_map_tells_who_calls_whom_and_what_sends_no_spans(page: Page, traces: dict[str, str]) -> None:
    page.goto("/services?range=1h&q=turnstile")
    settled(page)
    expect(node(page, "turnstile")).to_have_accessible_name(re.compile(r"errors 50\.0 %, p50 .* p95"))
    expect(node(page, "kiosk")).to_be_visible()
    expect(node(page, "database postgresql gates")).to_be_visible()
    edges = page.get_by_test_id("service-map").locator("[data-edge]")
    expect(edges).to_have_count(2)
    # What the filter does not name and is no neighbour is not there.
    expect(node(page, "codegen")).to_have_count(0)
    page.get_by_role("searchbox", name="Filter the services").fill("")
    expect(node(page, "codegen")).to_be_visible()


def test_a_service_opens_its_figures_its_calls_and_what_leads_on(page: Page, traces: dict[str, str]) -> None:
    page.goto("/services?range=1h&q=turnstile")
    settled(page)
    node(page, "turnstile").click()
    expect(page).to_have_url(re.compile("node=turnstile"))
    details = page.get_by_test_id("service-details")
    expect(details.get_by_role("heading", name="turnstile")).to_be_visible()
    expect(details.get_by_role("region", name="Operations, a table")).to_contain_text("pay")
    details.get_by_role("button", name="kiosk").click()
    expect(page).to_have_url(re.compile("caller=kiosk&callee=turnstile"))
    expect(details).to_contain_text("50.0 % (1)")
    details.get_by_role("link", name="Failed").click()
    settled(page)
    expect(page).to_have_url(re.compile(r"/traces\?service=turnstile&caller=kiosk&status=error&range=1h"))
    expect(page.get_by_role("main")).to_contain_text("POST /cart")
    # As many as the map says.
    expect(page.get_by_test_id("figures")).to_contain_text("Errors 1")
    page.go_back()
    expect(details).to_contain_text("50.0 % (1)")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)


def test_the_map_is_worked_by_keyboard(page: Page, traces: dict[str, str]) -> None:
    page.goto("/services?range=1h&q=turnstile")
    settled(page)
    page.keyboard.press("m")
    expect(node(page, "kiosk")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(node(page, "turnstile")).to_be_focused()
    page.keyboard.press("Enter")
    expect(node(page, "turnstile")).to_have_attribute("aria-pressed", "true")
    drawn = page.get_by_test_id("service-map").locator("svg > g")
    before = drawn.get_attribute("transform") or ""
    page.keyboard.press("i")
    expect(drawn).not_to_have_attribute("transform", before)
    page.keyboard.press("f")
    expect(drawn).to_have_attribute("transform", before)


def test_a_refresh_moves_nothing(page: Page, stage: Stage, traces: dict[str, str]) -> None:
    page.goto("/services?range=1h&q=turnstile")
    settled(page)
    place = node(page, "turnstile").get_attribute("transform")
    name = node(page, "turnstile").get_attribute("aria-label") or ""
    send(stage, time.time_ns() - 5_000 * MS, QUICK)
    expect(node(page, "turnstile")).not_to_have_attribute("aria-label", name, timeout=20_000)
    assert node(page, "turnstile").get_attribute("transform") == place


def test_the_list_is_sorted_by_any_column_and_the_address_keeps_it(
    page: Page, traces: dict[str, str]
) -> None:
    # Only services whose times are known: those of the running ones change.
    page.goto("/services?tab=list&range=1h&q=turnstile")
    settled(page)
    names = page.get_by_test_id("services").locator("tbody tr th button")
    slowest = ["kiosk", "turnstile", "postgresql gates"]
    page.get_by_role("button", name="p95").click()
    expect(page).to_have_url(re.compile("sort=-p95"))
    expect(names).to_have_text(slowest)
    page.reload()
    expect(names).to_have_text(slowest)
    page.get_by_role("button", name="p95").click()
    expect(page.get_by_role("columnheader", name="p95")).to_have_attribute("aria-sort", "ascending")
    expect(names).to_have_text(slowest[::-1])
    page.keyboard.press("j")
    expect(names.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(names.nth(1)).to_be_focused()


def test_calls_are_a_table_too(page: Page, traces: dict[str, str]) -> None:
    page.goto("/services?tab=calls&range=1h&state=errors&q=turnstile")
    settled(page)
    rows = page.get_by_test_id("calls").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("kiosk")


def compared(page: Page, name: str) -> Locator:
    return page.get_by_role("treeitem", name=re.compile(f"^{name}, "))


def test_two_traces_are_matched_by_their_calls(page: Page, traces: dict[str, str]) -> None:
    page.goto(f"/compare?a={traces['quick']}&b={traces['slow']}")
    settled(page)
    summary = page.get_by_test_id("compare-summary")
    expect(summary).to_contain_text("+800 ms")
    causes = summary.get_by_test_id("causes").get_by_role("listitem")
    expect(causes.first).to_contain_text("retry")
    expect(causes.first).to_contain_text("+790 ms")
    expect(compared(page, "turnstile: SELECT")).to_have_accessible_name(re.compile("1 → 2 spans"))
    expect(compared(page, "turnstile: retry")).to_have_accessible_name(re.compile("A none.* only in B"))
    expect(compared(page, "kiosk: print")).to_have_accessible_name(re.compile("B none.* only in A"))
    expect(compared(page, "turnstile: pay")).to_have_accessible_name(
        re.compile(r"A 40 ms, B 840 ms, difference \+800 ms, errors 0 → 1")
    )
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(f"a={traces['slow']}&b={traces['quick']}"))
    expect(summary).to_contain_text("−800 ms")


def test_what_differs_in_a_pair_of_spans_is_side_by_side(page: Page, traces: dict[str, str]) -> None:
    page.goto(f"/compare?a={traces['quick']}&b={traces['slow']}")
    settled(page)
    compared(page, "kiosk: POST .cart").click()
    pair = page.get_by_test_id("pair")
    items = pair.get_by_role("row").filter(has_text="cart.items")
    expect(items).to_contain_text("2")
    expect(items).to_contain_text("7")
    expect(pair.get_by_text("shown")).to_have_count(0)
    pair.get_by_role("button", name="Also what is equal").click()
    expect(pair.get_by_text("shown")).to_be_visible()
    page.reload()
    expect(items).to_contain_text("7")
    pair.get_by_role("link", name="Open in B").click()
    expect(page).to_have_url(re.compile(f"/trace/{traces['slow']}\\?span=0{{15}}1"))


def test_differences_alone_are_shown_and_the_tree_is_worked_by_keyboard(
    page: Page, traces: dict[str, str]
) -> None:
    page.goto(f"/compare?a={traces['quick']}&b={traces['quick']}")
    settled(page)
    expect(page.get_by_text("Both are the same trace")).to_be_visible()
    page.goto(f"/compare?a={traces['quick']}&b={traces['slow']}")
    settled(page)
    tree = page.get_by_test_id("compared")
    rows = tree.get_by_role("treeitem")
    expect(rows).to_have_count(6)
    tree.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(6)
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("only=differences"))
    expect(tree).to_be_visible()


def test_with_one_trace_those_like_it_are_offered(page: Page, traces: dict[str, str]) -> None:
    page.goto(f"/compare?a={traces['slow']}")
    settled(page)
    choose = page.get_by_test_id("choose-b")
    choose.get_by_role("textbox").fill("not an id")
    choose.get_by_role("button", name="Compare", exact=True).click()
    expect(choose.get_by_role("alert")).to_contain_text("16 or 32 hexadecimal digits")
    choose.get_by_role("button", name=re.compile("one before it without errors")).click()
    expect(page).to_have_url(re.compile(f"a={traces['slow']}&b={traces['quick']}"))
    expect(page.get_by_test_id("compare-summary")).to_contain_text("−800 ms")


def test_a_trace_that_is_not_there_is_said_and_can_be_chosen_anew(
    page: Page, traces: dict[str, str], complaints: list[str]
) -> None:
    page.goto(f"/compare?a={'0' * 31}1&b={traces['quick']}")
    expect(page.get_by_text("There is no such trace A")).to_be_visible()
    page.get_by_test_id("choose-a").get_by_role("textbox").fill(f"http://x/trace/{traces['slow']}?span=1")
    page.get_by_test_id("choose-a").get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_test_id("compare-summary")).to_contain_text("−800 ms")
    complaints[:] = [text for text in complaints if "404" not in text]


@pytest.fixture(scope="module")
def large(stage: Stage) -> list[str]:
    """Send two traces of ten thousand spans, and wait until both can be read."""

    def spans(longer: int) -> list[Made]:
        root: Made = (1, 0, "mill", "grind", "server", 0, 11_000, False, {})
        return [
            root,
            *(
                (
                    i,
                    max(1, i // 4),
                    "mill",
                    f"step {i % 97}",
                    "internal",
                    i,
                    i + 5 + longer * (i % 3),
                    False,
                    {},
                )
                for i in range(2, 10_001)
            ),
        ]

    ids = [send(stage, time.time_ns() - 60_000 * MS, spans(longer)) for longer in (0, 1)]
    deadline = time.monotonic() + 60
    for one in ids:
        while len(read(stage, f"traces/{one}").get("spans", [])) < 10_000:
            assert time.monotonic() < deadline, "the spans did not arrive"
            time.sleep(0.3)
    return ids


def test_ten_thousand_spans_of_each_are_compared_and_only_what_is_seen_is_drawn(
    page: Page, large: list[str]
) -> None:
    page.goto(f"/compare?a={large[0]}&b={large[1]}")
    expect(page.get_by_test_id("compare-summary")).to_contain_text("10000", timeout=30_000)
    rows = page.get_by_test_id("compared").get_by_role("treeitem")
    expect(rows.first).to_be_visible()
    assert rows.count() < 200
    page.get_by_test_id("compared").focus()
    page.keyboard.press("End")
    expect(page.get_by_test_id("compared").locator(".row.active")).to_be_in_viewport()


@pytest.mark.parametrize(
    "address",
    [
        "/services?range=1h&node=turnstile",
        "/services?tab=list&range=1h",
        "/services?tab=calls&range=1h",
        "/compare?a={quick}&b={slow}",
        "/compare?a={quick}",
    ],
)
def test_axe_finds_nothing_in_services_and_comparisons(
    view: Page, traces: dict[str, str], address: str
) -> None:
    view.goto(address.format(**traces))
    settled(view)
    found = Axe().run(view).response["violations"]
    assert [(v["id"], [one["html"][:200] for one in v["nodes"]]) for v in found] == []
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
