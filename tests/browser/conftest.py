"""A real Chromium on a running demo whose alerts have fired; every request that leaves the machine is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from tests.browser.observatory import Observatory, running

from accelerapp.cli.demo.stage import Ports, Stage, set_up
from accelerapp.cli.demo.story import play, story
from accelerapp.server.api.page import PAGE

CHROMIUM = os.environ.get("ACCELERAPP_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    # Nothing leaves the machine, whatever a page asks for. A route that refuses it would take every request through
    # this process, and turn the browser's cache off.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--no-proxy-server",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Of the module and no longer: the driver holds the event loop of the main thread, which other tests need.
    missing = ""
    if not shutil.which(CHROMIUM):
        missing = (
            f"no Chromium at {CHROMIUM}: install Debian's chromium, or name one with ACCELERAPP_CHROMIUM"
        )
    elif not (PAGE / "index.html").is_file():
        missing = "the page is not built: run `make page`"
    if missing:
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """Yield the demo at the moment when both alerts have fired and the webhook was told.

    It is shared by all modules, so a test leaves it as it found it: what it silences it expires, and what it must
    change for good it does to an observatory of its own.
    """
    with set_up(Ports(0, 0, 0), 40) as stage:
        for outcomes in play(story(stage.observer, stage.window), stage.check_programs):
            told = next(o for o in outcomes if o.step.name == "notified: firing")
            if told.passed:
                break
        else:
            pytest.fail(f"the story did not come to its alerts: {[(o.step.name, o.seen) for o in outcomes]}")
        yield stage


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: errors in its console, refused requests, policy violations."""
    return []


@pytest.fixture
def context(browser: Browser, stage: Stage, complaints: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=stage.url, viewport={"width": 1440, "height": 900})
    yield from guarded(context, complaints)


def guarded(context: BrowserContext, complaints: list[str]) -> Iterator[BrowserContext]:
    """Note every request to another machine, all of which the browser refuses, and what the console says of errors."""

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.hostname != "127.0.0.1":
            complaints.append(f"asked for {request.url}")

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    context.on("request", note)
    context.on("console", listen)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


@pytest.fixture(scope="package")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """Yield an observatory that nothing was sent to, for tests that send it nothing either."""
    with running(tmp_path_factory.mktemp("empty")) as observatory:
        yield observatory


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["wide", "phone"])
def view(request: pytest.FixtureRequest, browser: Browser, stage: Stage) -> Iterator[Page]:
    """Yield a page as wide as a desk's or a phone's screen, each in one of the two colour schemes."""
    width, scheme = request.param
    context = browser.new_context(
        base_url=stage.url,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        # What is half faded in has less contrast than it will have.
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()
