"""What comes from outside is shown as text and never becomes a part of the page, whatever field it comes in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect
from tests.browser.hostile import ELSEWHERE, PLAIN, SEEN, Hostile, hostile_observatory

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Of an attack that has become a part of the page.
FOREIGN = """() => [
    ...document.querySelectorAll(
        ".owned, [xlink\\\\:href], [srcdoc], [formaction], iframe, object, embed, base, meta[http-equiv]"
    ),
    ...[...document.querySelectorAll("script, style")].filter((one) => !one.src && one.tagName === "SCRIPT"),
    ...[...document.querySelectorAll("*")].filter((one) => one.getAttributeNames().some((name) => /^on/i.test(name))),
    ...[...document.querySelectorAll("a[href], area[href], form[action], img[src]")].filter((one) => {
        const address = one.getAttribute("href") ?? one.getAttribute("action") ?? one.getAttribute("src");
        const protocol = new URL(address, location.href).protocol;
        return !["http:", "https:", "mailto:"].includes(protocol) && !(one.tagName === "IMG" && protocol === "data:");
    }),
].map((one) => one.outerHTML.slice(0, 300))"""
#: Milliseconds: dozens of panels are drawn.
PATIENCE = 60_000
_SEEN = quote(SEEN, safe="")
_TABS = ("targets", "inputs", "rules", "notifications", "configuration", "cardinality")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with hostile_observatory(tmp_path_factory.mktemp("hostile")) as hostile:
        yield hostile


@pytest.fixture
def page(browser: Browser, hostile: Hostile) -> Iterator[Page]:
    """Open a page without its policy, so that a script that gets into it does run; high, so that all is drawn."""
    context = browser.new_context(
        base_url=hostile.observatory.url, viewport={"width": 1440, "height": 2600}, bypass_csp=True
    )
    context.add_init_script("window.owned = () => { window.isOwned = true; };")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    yield page
    context.close()
    assert dialogs == []


def unharmed(page: Page) -> None:
    """Assert that nothing has run, and that no element is there that the page has not made."""
    assert page.evaluate(FOREIGN) == []
    assert page.evaluate("window.isOwned") is None
    assert page.get_by_role("main").is_visible()


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0, timeout=PATIENCE)


def test_the_check_itself_notices_an_attack_that_works(page: Page) -> None:
    page.goto("/status")
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", SEEN)
    page.wait_for_function("window.isOwned")
    assert page.evaluate(FOREIGN) != []


@pytest.mark.parametrize(
    "addresses",
    [
        ["/", "/d/hostile-0", "/d/hostile-1", "/d/hostile-2"],
        [
            "/traces",
            *(f"/trace/{{trace}}{tab}" for tab in ("", "?tab=flame", "?tab=operations", "?tab=logs")),
        ],
        ["/compare?a={trace}&b={trace}"],
        ["/services", f"/services?node={_SEEN}", "/services?tab=list", "/services?tab=calls"],
        ["/logs?columns=service,url.full", "/logs?view=patterns"],
        ["/alerts", f"/alerts/{_SEEN}", f"/alerts/{quote(ELSEWHERE, safe='')}"],
        ["/silences", "/silences?id={silence}"],
        ["/status", *(f"/status?tab={tab}" for tab in _TABS)],
        ["/explore?expr=owned", "/explore?lang=logs", "/explore?lang=traces"],
        ["/start"],
    ],
    ids=lambda addresses: addresses[0].partition("?")[0],
)
def test_no_field_becomes_a_part_of_the_page(page: Page, hostile: Hostile, addresses: list[str]) -> None:
    for address in addresses:
        opened(page, address.format(trace=hostile.trace_id, silence=hostile.silence_id))
        text = page.get_by_role("main").get_by_text("onerror=owned()").filter(visible=True).first
        expect(text, address).to_be_visible(timeout=PATIENCE)
        unharmed(page)


def test_no_detail_of_a_span_does(page: Page, hostile: Hostile) -> None:
    opened(page, f"/trace/{hostile.trace_id}")
    for number in range(12):
        page.get_by_test_id("span").nth(number).click()
        expect(page.get_by_test_id("span-details")).to_contain_text("owned.list")
        unharmed(page)


def test_no_detail_of_a_line_does(page: Page) -> None:
    opened(page, "/logs")
    page.get_by_test_id("log-fields").get_by_role("button", name="url.full", exact=True).click()
    expect(page.get_by_test_id("top-values")).to_contain_text("owned()")
    page.get_by_test_id("logs").get_by_text("onerror=owned()").first.click()
    details = page.get_by_test_id("log-details")
    expect(details).to_contain_text("owned.list")
    unharmed(page)
    details.get_by_role("button", name="Only url.full").click()
    expect(page).to_have_url(re.compile("filter="))
    unharmed(page)


def test_no_alert_that_is_silenced_does(page: Page) -> None:
    opened(page, f"/alerts/{_SEEN}")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog")).to_contain_text("owned()")
    unharmed(page)


def test_no_address_does(page: Page, hostile: Hostile) -> None:
    # A few that have no slash, in one text.
    text = quote(" ".join([attack for attack in PLAIN if "/" not in attack][:6]), safe="")
    for address in (
        f"/d/{text}",
        f"/d/hostile-0?var-owned={text}",
        f"/trace/{text}",
        f"/trace/{hostile.trace_id}?span={text}&q={text}",
        f"/compare?a={text}&b={text}",
        f"/alerts/{text}",
        f"/alerts?q={text}&severity={text}",
        f"/silences?q={text}&id={text}",
        f"/{text}",
        f"/logs?query={text}",
        f"/logs?service={text}&level={text}&range={text}",
        f"/logs?line={text}&columns={text}",
        f"/traces?service={text}&attribute={text}&min={text}",
        f"/services?q={text}&node={text}",
        f"/explore?expr={text}",
        f"/status?tab=targets&q={text}&refresh={text}&from={text}&to={text}",
        f"/start?way={text}",
    ):
        opened(page, address)
        unharmed(page)


def test_nothing_that_the_palette_finds_does(page: Page) -> None:
    opened(page, "/status")
    page.keyboard.press("Control+k")
    search = page.get_by_role("combobox", name="Search and commands")
    for attack in PLAIN[:8]:
        search.fill(attack)
        expect(page.get_by_role("option").filter(has_text="Search logs for").first).to_be_visible()
        unharmed(page)
