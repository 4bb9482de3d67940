"""Takes pictures of every view, light and dark, wide and on a phone, from a running demo; the docs show a few."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, expect, sync_playwright

from accelerapp.cli.demo.observer import Observer
from accelerapp.cli.demo.stage import Ports, set_up
from accelerapp.cli.demo.story import play, story

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
CHROMIUM = os.environ.get("ACCELERAPP_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
_TALLEST = 4000  # pixels of a picture
#: Shown by README and docs: wide and light.
IN_DOCS = ("overview", "explore", "trace", "logs", "alert")


@dataclass(frozen=True)
class View:
    """A view to be taken: its address, and what to do before."""

    address: str
    prepare: Callable[[Page], None] = lambda page: None
    whole: bool = False


def main() -> None:
    """Play the demo until its alerts were notified, or look at what runs, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "out", nargs="?", type=Path, default=ROOT / "build" / "screenshots", help="folder of the pictures"
    )
    parser.add_argument(
        "--url", help="an observatory that runs, instead of the demo; the docs' pictures stay as they are"
    )
    parser.add_argument("--only", help="the views to take, by their names with commas between them")
    options = parser.parse_args()
    only = options.only.split(",") if options.only else None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        if options.url:
            with Observer(options.url, options.url, options.url, "") as observer:
                take_all(browser, options.url, observer, options.out, only)
        else:
            with set_up(Ports(0, 0, 0), 20) as stage:
                for _ in play(story(stage.observer, stage.window), stage.check_programs):
                    pass
                for outcomes in play(story(stage.observer, stage.window), stage.check_programs):
                    if next(o for o in outcomes if o.step.name == "notified: firing").passed:
                        break
                take_all(browser, stage.url, stage.observer, options.out, only)
            IMAGES.mkdir(exist_ok=True)
            for name in IN_DOCS:
                taken = options.out / f"{name}-wide-light.png"
                if taken.is_file():
                    shutil.copyfile(taken, IMAGES / f"{name}.png")
        browser.close()


def take_all(browser: Browser, url: str, observer: Observer, folder: Path, only: list[str] | None) -> None:
    """Take every view, or those that are named, in every size and scheme."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, view in _views(observer).items():
        if only is None or name in only:
            for size, scheme in _appearances():
                _take(browser, url, view, folder / f"{name}-{size}-{scheme}.png", size, scheme)


def _appearances() -> Iterator[tuple[str, str]]:
    for size in SIZES:
        for scheme in SCHEMES:
            yield size, scheme


def _views(observer: Observer) -> dict[str, View]:
    failed = [trace for trace in observer.traces(status="error", limit=20) if not trace["orphan_count"]]
    trace = failed[0]["trace_id"] if failed else observer.traces(limit=1)[0]["trace_id"]
    healthy = [one for one in observer.traces(status="unset", limit=100) if not one["error_count"]]
    other = healthy[0]["trace_id"] if healthy else trace
    query = quote("sum by (route, code) (rate(accelerapp_requests_total[30s]))")
    return {
        "overview": View("/"),
        "explore": View(f"/explore?expr={query}&range=3m"),
        "traces": View("/traces"),
        "trace": View(f"/trace/{trace}"),
        "trace-span": View(f"/trace/{trace}", _open_span),
        "trace-flame": View(f"/trace/{trace}?tab=flame"),
        "compare": View(f"/compare?a={other}&b={trace}"),
        "services": View("/services"),
        "services-table": View("/services?tab=list"),
        "logs": View("/logs"),
        "logs-patterns": View("/logs", lambda page: page.get_by_role("button", name="Patterns").click()),
        "logs-line": View("/logs", _open_line),
        "alerts": View("/alerts"),
        "alert": View("/alerts/HighErrorRate"),
        "alert-silence": View(
            "/alerts/HighErrorRate", lambda page: page.get_by_role("button", name="Silence…").first.click()
        ),
        "silences": View("/silences"),
        "playbooks": View("/playbooks"),
        "playbook": View("/playbooks/high-error-rate"),
        "status": View("/status", whole=True),
        **{
            f"status-{tab}": View(f"/status?tab={tab}", whole=True)
            for tab in (
                "targets",
                "inputs",
                "storage",
                "limits",
                "rules",
                "notifications",
                "cardinality",
                "configuration",
                "health",
            )
        },
        "start": View("/start"),
        "open": View("/open"),
        "not-found": View("/nothing/here"),
        "palette": View("/status", lambda page: page.keyboard.press("Control+k")),
        "shortcuts": View("/logs", lambda page: page.keyboard.press("?")),
        "settings": View(
            "/status", lambda page: page.get_by_role("button", name="Settings of this page").click()
        ),
        "time": View("/traces", lambda page: page.keyboard.press("t")),
    }


def _open_span(page: Page) -> None:
    page.get_by_test_id("span").nth(1).click()


def _open_line(page: Page) -> None:
    page.get_by_test_id("logs").first.locator("button.toggle").first.click()


def _take(browser: Browser, url: str, view: View, path: Path, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(view.address)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0, timeout=30_000)
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    if view.whole or size == "phone":
        # What is out of the window is not loaded.
        tall = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(tall, height), _TALLEST)})
        expect(page.get_by_text("Loading", exact=True)).to_have_count(0, timeout=30_000)
    view.prepare(page)
    # What is drawn on a canvas is there one frame after its data.
    page.wait_for_timeout(800)
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    main()
