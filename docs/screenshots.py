"""Takes the pictures of README and docs from a running demo: every view, light and dark, wide and on a phone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from accelerapp.cli.demo.stage import Ports, Stage, set_up
from accelerapp.cli.demo.story import play, story

IMAGES = Path(__file__).parent / "images"
CHROMIUM = os.environ.get("ACCELERAPP_CHROMIUM", "/usr/bin/chromium")
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
FREE = Ports(0, 0, 0)


def main() -> None:
    """Play the story whole and again until its alerts were notified, then take the pictures.

    The README's goes into docs/images; with a folder as argument, one of every view, size and scheme goes there.
    """
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with set_up(FREE, 20) as stage, sync_playwright() as playwright:
        for _ in play(story(stage.observer, stage.window), stage.check_programs):
            pass
        for outcomes in play(story(stage.observer, stage.window), stage.check_programs):
            if next(o for o in outcomes if o.step.name == "notified: firing").passed:
                break
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        IMAGES.mkdir(exist_ok=True)
        _take(browser, f"{stage.url}/", IMAGES / "overview.png", "wide", "light")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for name, address in _views(stage).items():
                for size in SIZES:
                    for scheme in ("light", "dark"):
                        _take(browser, address, folder / f"{name}-{size}-{scheme}.png", size, scheme)
        browser.close()


def _views(stage: Stage) -> dict[str, str]:
    failed = stage.observer.traces(status="error", limit=1)[0]["trace_id"]
    return {
        "overview": f"{stage.url}/",
        "traces": f"{stage.url}/traces",
        "trace": f"{stage.url}/trace/{failed}",
        "logs": f"{stage.url}/logs",
        "alerts": f"{stage.url}/alerts",
        "alert": f"{stage.url}/alerts/HighErrorRate",
        "status": f"{stage.url}/status",
    }


def _take(browser: Browser, address: str, path: Path, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("main").wait_for()
    page.locator("[aria-busy=true]").first.wait_for(state="detached")
    # What is drawn on a canvas is there one frame after its data.
    page.wait_for_timeout(800)
    page.screenshot(path=path, full_page=size == "phone" or "alert" in path.name or "trace-" in path.name)
    context.close()


if __name__ == "__main__":
    main()
