"""From an alert to the slow request, to its slow span and to the line that says why: of a shop that is really slow."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.conftest import guarded
from tests.browser.observatory import Observatory, running
from tests.stack.programs import Program, free_port, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_TIMES_FASTER = "40"
_BUYERS = 4
_SHOP = Path(__file__).with_name("shop.py")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """Yield an observatory in which SlowResponseTime fires for the shop."""
    folder = tmp_path_factory.mktemp("slow")
    with running(folder, arguments=("--time-factor", _TIMES_FASTER)) as observatory:
        port = free_port()
        shop = Program(
            [sys.executable, _SHOP, str(port)],
            folder / "shop.log",
            f"http://127.0.0.1:{port}/metrics",
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{observatory.ports['otlp_http']}",
                "OTEL_BSP_SCHEDULE_DELAY": "500",
                "OTEL_BLRP_SCHEDULE_DELAY": "500",
            },
        )
        shop.start()
        target = {"targets": [f"127.0.0.1:{port}"], "labels": {"job": "shop", "service": "shop"}}
        (observatory.targets_dir / "shop.json").write_text(json.dumps([target]))
        ended = threading.Event()
        buyers = [threading.Thread(target=_buy, args=(port, ended)) for _ in range(_BUYERS)]
        for buyer in buyers:
            buyer.start()
        try:
            until(lambda: _firing(observatory), "SlowResponseTime fires for the shop")
            yield observatory
        finally:
            ended.set()
            for buyer in buyers:
                buyer.join()
            shop.stop()


def _buy(port: int, ended: threading.Event) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        while not ended.wait(0.1):
            client.post("/orders")


def _firing(observatory: Observatory) -> bool:
    alerts = httpx.get(f"{observatory.url}/api/v1/alerts", trust_env=False).json()["data"]["alerts"]
    return any(
        one["labels"]["alertname"] == "SlowResponseTime" and one["state"] == "firing" for one in alerts
    )


@pytest.fixture
def context(browser: Browser, slow: Observatory, complaints: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=slow.url, viewport={"width": 1440, "height": 900})
    yield from guarded(context, complaints)


def test_from_the_slow_alert_to_the_slow_span_to_its_line(page: Page) -> None:
    page.goto("/alerts")
    page.locator("[data-alert=SlowResponseTime]").get_by_role("link", name="SlowResponseTime").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("SlowResponseTime")
    evidence = page.get_by_test_id("evidence")
    expect(evidence.get_by_role("button", name="Slower than 1 s")).to_have_attribute("aria-pressed", "true")
    slowest = evidence.get_by_test_id("alert-traces").get_by_role("link", name="POST /orders").first
    slowest.click()

    expect(page).to_have_url(re.compile("/trace/[0-9a-f]{32}"))
    lock = page.get_by_test_id("span").filter(has_text="lock the stock")
    expect(lock).to_contain_text(re.compile(r"1\.\d+ s"))
    lock.click()
    details = page.get_by_test_id("span-details")
    expect(details.get_by_test_id("logs")).to_contain_text("waited 1.4 s for the lock on the stock")
    details.get_by_role("link", name="Show in Logs").click()
    expect(page).to_have_url(re.compile("/logs\\?trace_id="))
    expect(page.get_by_role("main")).to_contain_text("waited 1.4 s for the lock on the stock")
