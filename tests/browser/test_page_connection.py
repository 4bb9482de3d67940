"""The observatory goes away, comes back, and is upgraded, while somebody looks at it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Response, Route, expect
from tests.browser.observatory import Observatory, running
from tests.stack.programs import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def page(browser: Browser) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(20_000)
    return page


def test_it_is_said_while_it_is_away_and_what_failed_is_loaded_when_it_is_back(
    page: Page, tmp_path: Path
) -> None:
    main, lost = page.get_by_role("main"), page.get_by_test_id("lost")
    answered: list[str] = []
    page.on("requestfinished", lambda request: answered.append(urlsplit(request.url).path))
    with running(tmp_path) as observatory:
        # Nothing but the return has it loaded again.
        page.goto(f"{observatory.url}/logs?refresh=off")
        expect(main.get_by_text("No logs")).to_be_visible()
        page.get_by_role("link", name="Status", exact=True).click()
        expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    expect(lost).to_contain_text("does not answer")
    # The view's files are there already; its data cannot be had.
    page.go_back()
    expect(main.get_by_text("does not answer").first).to_be_visible()
    answered.clear()
    with running(tmp_path, port=observatory.port):
        expect(lost).to_have_count(0)
        expect(main.get_by_text("does not answer")).to_have_count(0)
        expect(main.get_by_text("No logs")).to_be_visible()
        # It looks whether the page is another one now, which it is not.
        until(lambda: page.evaluate("true") and "/" in answered, "the page is looked at")
        page.evaluate("fetch('/', {cache: 'no-store'}).then((answer) => answer.text())")
        expect(page.get_by_test_id("updated")).to_have_count(0)
    page.context.close()


def test_an_upgrade_asks_to_reload_the_page(page: Page, empty: Observatory) -> None:
    page.goto(f"{empty.url}/logs")
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    newer(page)
    page.route("**/api/accelerapp/v1/status", started_later)
    updated = page.get_by_test_id("updated")
    expect(updated).to_contain_text("was updated")
    page.unroute_all()
    with page.expect_navigation():
        updated.get_by_role("button", name="Reload").click()
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    expect(updated).to_have_count(0)
    page.context.close()


def started_later(route: Route) -> None:
    """Answer with the status of an observatory that was started a minute after the one that runs."""
    answer = route.fetch()
    body = answer.json()
    route.fulfill(response=answer, json=body | {"started_ms": body["started_ms"] + 60_000})


def test_a_view_whose_file_an_upgrade_removed_is_that_of_the_new_page(page: Page, empty: Observatory) -> None:
    page.goto(f"{empty.url}/logs")
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    newer(page)
    gone = re.compile(r"/assets/Status-.*\.js")
    page.route(gone, lambda route: route.fulfill(status=404))

    def reloaded(request: Request) -> bool:
        return request.is_navigation_request()

    with page.expect_request(reloaded) as reload:
        page.get_by_role("link", name="Status", exact=True).click()
    assert reload.value.url == f"{empty.url}/status"
    page.unroute_all()
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    page.context.close()


def newer(page: Page) -> None:
    """Have the page's own question after a newer page answered with one."""

    def other(route: Route) -> None:
        if route.request.is_navigation_request():
            route.continue_()
            return
        text = httpx.get(route.request.url, headers={"accept": "text/html"}, trust_env=False).text
        route.fulfill(
            body=re.sub(r"/assets/index-[\w-]+\.js", "/assets/index-newer000.js", text),
            content_type="text/html",
        )

    page.route(re.compile(r"^http://[^/]+/$"), other)


def test_files_that_are_named_by_their_content_are_kept_by_the_browser(
    page: Page, empty: Observatory
) -> None:
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response))
    page.goto(f"{empty.url}/status")
    expect(page.get_by_role("heading", level=1, name="Status")).to_be_visible()
    page.context.close()
    scripts = [one for one in answers if re.search(r"/assets/.*-[\w-]{8}\.(js|css)$", one.url)]
    assert len(scripts) > 1
    assert {one.headers["cache-control"] for one in scripts} == {"public, max-age=31536000, immutable"}
    assert {
        one.headers.get("content-encoding") for one in scripts if int(one.headers["content-length"]) > 1024
    } == {"gzip"}
