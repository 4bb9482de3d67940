"""The first run: what is shown to paste is run as it stands, and what arrives is noticed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.conftest import guarded
from tests.browser.observatory import Observatory, running
from tests.stack.programs import free_port, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CURLS = {"curl-span": "spans", "curl-line": "lines", "curl-sample": "samples"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Observatory]:
    # Nothing but what is put into the folder is scraped: the shipped file has this project's service, which may run.
    scraped = tmp_path / "prometheus.yml"
    scraped.write_text("scrape_configs: []\n")
    settings = {"prometheus_file": str(scraped)}
    # More often than usual, so that nobody waits for a target.
    faster = ("--time-factor", "20")
    with running(
        tmp_path, "logstash_tcp", "logstash_http", arguments=faster, settings=settings
    ) as observatory:
        yield observatory


@pytest.fixture
def context(browser: Browser, fresh: Observatory, complaints: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=fresh.url, viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield from guarded(context, complaints)


def snippet(page: Page, way: str, name: str) -> str:
    page.get_by_test_id(f"way-{way}").click()
    return page.get_by_test_id(f"snippet-{name}").text_content() or ""


def run(*command: str, given: str | None = None, folder: Path | None = None) -> None:
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_curl_sends_is_noticed_signal_by_signal(page: Page) -> None:
    page.goto("/start")
    for signal in CURLS.values():
        expect(page.get_by_test_id(f"arrival-{signal}")).to_contain_text("so far")
    for name, signal in CURLS.items():
        run("sh", "-c", snippet(page, "curl", name))
        expect(page.get_by_test_id(f"arrival-{signal}")).to_contain_text("The first")
        expect(page.get_by_test_id(f"arrival-{signal}")).to_contain_text("from shop")
    expect(
        page.get_by_role("status").filter(has_text="The first span has arrived, from shop.")
    ).to_have_count(1)
    page.get_by_test_id("arrival-spans").get_by_role("link").click()
    expect(page.get_by_test_id("span").first).to_contain_text("place order")


def test_the_python_of_this_project_s_library_sends_a_span_and_a_line(page: Page, tmp_path: Path) -> None:
    page.goto("/start")
    run(sys.executable, "-", given=snippet(page, "python", "python-own"), folder=tmp_path)
    for signal in ("spans", "lines"):
        expect(page.get_by_test_id(f"arrival-{signal}")).to_contain_text("from shop")
    page.get_by_test_id("arrival-lines").get_by_role("link").click()
    expect(page.get_by_test_id("logs").first).to_contain_text("sold out")


def test_lines_arrive_as_to_logstash(page: Page, tmp_path: Path) -> None:
    page.goto("/start")
    run("sh", "-c", snippet(page, "curl", "curl-logstash"))
    expect(page.get_by_test_id("arrival-lines")).to_contain_text("from shop")
    run(sys.executable, "-", given=snippet(page, "logstash", "logstash-python"), folder=tmp_path)
    page.goto("/logs?service=shop")
    expect(page.get_by_test_id("logs").get_by_text("sold out")).to_have_count(2)


def test_a_target_is_scraped_from_the_folder_that_is_shown(
    page: Page, fresh: Observatory, tmp_path: Path
) -> None:
    page.goto("/start")
    target = snippet(page, "prometheus", "prometheus-target")
    assert f"{fresh.targets_dir}/shop.yml" in target
    # Another program may have the port that is shown.
    port = str(free_port())
    run("sh", "-c", target.replace("localhost:8000", f"127.0.0.1:{port}"))
    client = snippet(page, "prometheus", "prometheus-client").replace("8000", port)
    with subprocess.Popen([sys.executable, "-c", client], cwd=tmp_path) as program:
        try:
            expect(page.get_by_test_id("arrival-samples")).to_contain_text("from shop", timeout=40_000)
        finally:
            program.terminate()
    port = str(free_port())
    with subprocess.Popen(
        [sys.executable, "-c", snippet(page, "python", "python-metrics").replace("8000", port)], cwd=tmp_path
    ) as program:
        try:
            until(
                lambda: "orders_total{" in _get(f"http://127.0.0.1:{port}/metrics"), "the orders are served"
            )
        finally:
            program.terminate()


def _get(url: str) -> str:
    return httpx.get(url, trust_env=False).text


@pytest.fixture
def idle(browser: Browser, empty: Observatory, complaints: list[str]) -> Iterator[Page]:
    """Yield a page of an observatory that nothing is sent to."""
    context = browser.new_context(base_url=empty.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    for opened in guarded(context, complaints):
        yield opened.new_page()


def test_the_ports_are_those_that_are_open_and_what_is_off_is_said(idle: Page, empty: Observatory) -> None:
    idle.goto("/start?way=otel")
    expect(idle.get_by_test_id("port-otlp_http")).to_have_text(str(empty.ports["otlp_http"]))
    expect(idle.get_by_test_id("port-otlp_grpc")).to_have_text("off")
    expect(idle.get_by_test_id("closed")).to_have_count(1)
    expect(idle.get_by_test_id("closed")).to_contain_text("OTLP over gRPC is off")
    expect(idle.get_by_test_id("snippet-otel-http")).to_contain_text(f"127.0.0.1:{empty.ports['otlp_http']}")


def test_a_snippet_is_copied_whole(idle: Page) -> None:
    idle.goto("/start?way=otel")
    shown = idle.get_by_test_id("snippet-otel-http").text_content()
    idle.get_by_role("button", name="Copy Any SDK").click()
    expect(idle.get_by_role("button", name="Copy Any SDK")).to_have_text("Copied")
    assert idle.evaluate("navigator.clipboard.readText()") == shown
