"""The page as a person uses it, on real telemetry."""

from __future__ import annotations

import re

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, expect

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Those that the files of their own do not have in several states.
VIEWS = [
    "/",
    "/trace/{failed}",
    "/alerts",
    "/alerts/HighErrorRate",
    "/silences",
    "/playbooks/database-issues",
    "/open",
    "/start",
    "/nothing/here",
]
#: What opens over a view: the key that opens it.
OPENED = {"/status": "Control+k", "/logs": "?", "/traces": "t"}


@pytest.fixture(scope="module")
def failed_trace(stage: Stage) -> str:
    found = stage.observer.traces(service="codegen", status="error", limit=20)
    # The root is sent last: the newest trace may still be on its way.
    whole: str = next(trace["trace_id"] for trace in found if not trace["orphan_count"])
    return whole


def settled(page: Page) -> None:
    """Wait until a view shows its content."""
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0, timeout=30_000)


@pytest.mark.parametrize("host", ["observatory.example", "192.0.2.1", "[2001:db8::1]"])
def test_the_check_itself_notices_and_refuses_what_leaves_the_machine(
    page: Page, complaints: list[str], host: str
) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(f"http://{host}/")
    assert complaints[0] == f"asked for http://{host}/"
    complaints.clear()


def test_a_chart_can_be_read_as_a_table(page: Page) -> None:
    page.goto("/")
    settled(page)
    page.get_by_role("button", name="Show Error rate as a table").click()
    expect(page.get_by_role("region", name="Error rate, as a table").locator("td").first).to_be_visible()


def test_back_and_forward_go_through_the_views(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Traces", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Traces")).to_be_visible()
    page.get_by_role("link", name="Status", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Traces")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()


@pytest.mark.parametrize(
    "address", ["/nothing/here", "/trace/00000000000000000000000000000001", "/alerts/None"]
)
def test_what_does_not_exist_is_said_with_a_way_back(page: Page, address: str, complaints: list[str]) -> None:
    page.goto(address)
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("no ", ignore_case=True)
    # That a trace is unknown is told by a 404, which the browser notes; it is no complaint.
    complaints[:] = [text for text in complaints if "404" not in text]


def assert_accessible(view: Page) -> None:
    """Assert that axe finds nothing, and that nothing is wider than the screen."""
    found = Axe().run(view).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("address", VIEWS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    view: Page, failed_trace: str, address: str
) -> None:
    # Panels begin to ask once they are in view, a moment after the heading.
    view.goto(address.format(failed=failed_trace), wait_until="networkidle")
    settled(view)
    assert_accessible(view)


@pytest.mark.parametrize(("address", "key"), OPENED.items())
def test_axe_finds_nothing_in_what_opens_over_a_view(view: Page, address: str, key: str) -> None:
    view.goto(address)
    settled(view)
    view.keyboard.press(key)
    expect(view.get_by_role("dialog").or_(view.get_by_role("group", name="Time range"))).to_be_visible()
    assert_accessible(view)


def test_axe_finds_nothing_in_the_settings(view: Page) -> None:
    view.goto("/status")
    settled(view)
    view.get_by_role("button", name="Settings of this page").click()
    expect(view.get_by_role("dialog")).to_be_visible()
    assert_accessible(view)


def test_a_page_of_another_site_changes_nothing_through_the_reader_s_browser(
    browser: Browser, stage: Stage
) -> None:
    def refused() -> float:
        told = httpx.get(f"{stage.url}/metrics", trust_env=False).text
        found = re.search(r'page_refused_total\{reason="cross_site"\} (\d+)', told)
        return int(found[1]) if found else 0

    before = refused()
    elsewhere = "http://127.0.0.1:1/"
    context = browser.new_context()
    page = context.new_page()
    page.route(elsewhere, lambda route: route.fulfill(body="<p>Elsewhere", content_type="text/html"))
    page.goto(elsewhere)
    page.evaluate(
        """url => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = url;
            document.body.append(form);
            form.submit();
        }""",
        f"{stage.url}/api/accelerapp/v1/storage/backup",
    )
    expect(page.get_by_text("a page of http://127.0.0.1:1 may not ask for POST")).to_be_visible()
    assert refused() == before + 1
    context.close()
