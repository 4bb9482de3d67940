"""The status, as an operator reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from tests.browser.conftest import guarded
from tests.browser.observatory import Observatory, running
from tests.stack.programs import until

from accelerapp.cli.demo.stage import Stage
from accelerapp.shipped import shipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TABS = (
    *("", "targets", "inputs", "storage", "limits", "rules", "notifications", "configuration", "health"),
    "cardinality",
)


def settled(page: Page) -> None:
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)


def test_status_names_what_is_not_configured_and_how_fast_time_runs(page: Page) -> None:
    page.goto("/status?tab=notifications")
    settled(page)
    main = page.get_by_role("main")
    expect(main).to_contain_text("40× faster")
    expect(main).to_contain_text("not configured")
    expect(main).to_contain_text("slack-webhook-url")


def test_targets_are_told_by_job_and_filtered_by_the_address(page: Page) -> None:
    page.goto("/status?tab=targets")
    settled(page)
    codegen = page.get_by_role("region", name="Job accelerapp", exact=True)
    expect(codegen).to_contain_text("1 of 1 up")
    expect(codegen).to_contain_text("service=codegen")
    page.keyboard.press("/")
    page.keyboard.type("node-exporter")
    expect(page).to_have_url(re.compile("q=node-exporter"))
    expect(codegen).to_have_count(0)
    expect(page.get_by_role("region", name="Job node-exporter", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(codegen).to_be_visible()


def test_what_an_input_refused_is_told_with_the_last_offender(page: Page, stage: Stage) -> None:
    url = f"{stage.otlp_url}/v1/traces"
    answer = httpx.post(
        url, content=b"no protobuf", headers={"Content-Type": "application/x-protobuf"}, trust_env=False
    )
    assert answer.status_code == 400
    page.goto("/status?tab=inputs")
    settled(page)
    otlp = page.get_by_test_id("inputs").get_by_role("row").filter(has_text="OTLP over HTTP")
    expect(otlp).to_contain_text(re.compile("\\d malformed"))
    expect(otlp).to_contain_text("from 127.0.0.1")
    expect(otlp).to_contain_text("spans")
    page.goto("/status?tab=limits&state=bitten")
    settled(page)
    limit = page.get_by_test_id("limits").get_by_role("row").filter(has_text="What can be read")
    expect(limit).to_contain_text("127.0.0.1")
    expect(limit).to_contain_text("otlp_http")


def test_storage_tells_what_each_signal_holds_and_how_full_it_is(page: Page) -> None:
    page.goto("/status?tab=storage")
    settled(page)
    held = page.get_by_test_id("storage")
    for signal, items in (("Traces", "spans"), ("Logs", "lines"), ("Metrics", "samples")):
        row = held.get_by_role("row").filter(has_text=signal)
        expect(row.get_by_role("cell").first).to_have_text(re.compile(rf"^\s*[1-9][\d.]*[kMG]? {items}"))
    expect(page.get_by_role("meter", name="Retention by size")).to_have_attribute(
        "aria-valuetext", re.compile("of 10 GiB")
    )
    expect(page.get_by_role("region", name="Damage and failures")).to_contain_text("Files set aside")


def test_rules_are_sorted_by_how_long_they_take_and_the_slowest_is_marked(page: Page) -> None:
    page.goto("/status?tab=rules")
    settled(page)
    rules = page.get_by_test_id("rules")
    expect(rules.get_by_text("slowest")).to_have_count(1)
    expect(rules.locator("tbody tr").first).to_contain_text("slowest")
    page.get_by_role("button", name="Rule", exact=True).click()
    expect(page).to_have_url(re.compile("sort=rule"))
    names = rules.locator("tbody tr td:first-child b").all_inner_texts()
    assert names[0] == "CodeGenerationFailures"
    page.get_by_role("button", name="Rule", exact=True).click()
    expect(rules.locator("tbody tr td:first-child b").last).to_have_text("CodeGenerationFailures")
    # The counters are scraped, so that the first of them comes with the next turn.
    missed = page.get_by_test_id("groups").locator("tbody tr").first.get_by_text(re.compile(r"\d+ of \d+"))
    expect(missed).to_be_visible(timeout=20_000)
    rules.get_by_role("link", name="HighErrorRate").click()
    expect(page).to_have_url(re.compile("/alerts/HighErrorRate$"))


def test_settings_tell_where_they_are_from(page: Page) -> None:
    page.goto("/status?tab=configuration&state=given")
    settled(page)
    factor = page.get_by_test_id("settings").get_by_role("row").filter(has_text="ACCELERAPP_TIME_FACTOR")
    expect(factor).to_contain_text("40")
    expect(factor).to_contain_text("default 1")
    expect(page.get_by_test_id("settings").get_by_text("max_series")).to_have_count(0)
    page.get_by_text("What is scraped (prometheus.yml)").click()
    expect(page.get_by_test_id("text-scrape")).to_contain_text("scrape_configs")


def test_the_graphs_of_its_own_health_are_drawn_and_are_tables(page: Page) -> None:
    def twice(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        before = [
            one | {"metric": one["metric"] | {"instance": "127.0.0.1:1"}} for one in body["data"]["result"]
        ]
        body["data"]["result"] += before
        route.fulfill(response=answer, json=body)

    # As after it was run at another port.
    page.route("**/api/v1/query_range*", twice)
    page.goto("/status?tab=health&range=15m")
    settled(page)
    memory = page.get_by_test_id("health-graph").filter(has=page.get_by_role("heading", name="Memory"))
    expect(memory).to_contain_text("MiB", timeout=20_000)
    expect(memory).to_contain_text("resident, 127.0.0.1:1")
    memory.get_by_role("button", name="Show Memory as a table").click()
    expect(memory.get_by_role("region").locator("td").first).to_contain_text("MiB")
    loop = page.get_by_test_id("health-graph").filter(has=page.get_by_role("heading", name="Event loop"))
    expect(loop).to_contain_text("late")


def test_the_version_is_told_for_a_report(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/status")
    settled(page)
    version = page.get_by_test_id("version")
    expect(version).to_contain_text("CPython")
    version.get_by_role("button", name="Copy the version").click()
    expect(version.get_by_role("status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Accelerapp observatory" in copied
    assert "duckdb" in copied


def test_tabs_are_in_the_address_and_have_keys(page: Page) -> None:
    page.goto("/status?tab=targets&q=x")
    settled(page)
    page.keyboard.press("5")
    expect(page.get_by_test_id("limits")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/status\?tab=limits$"))
    page.go_back()
    expect(page).to_have_url(re.compile("tab=targets"))


def test_what_could_not_be_asked_for_is_not_taken_for_well(page: Page, complaints: list[str]) -> None:
    page.route(
        "**/api/v1/targets*", lambda route: route.fulfill(status=503, json={"error": "too many queries"})
    )
    page.goto("/status")
    attention = page.get_by_test_id("attention")
    attention.get_by_role("link", name="The targets could not be asked for").click()
    expect(page.get_by_role("main")).to_contain_text("too many queries")
    # It asks again and again; what it is refused from now on is no complaint of another time.
    page.close()
    complaints[:] = [text for text in complaints if "503" not in text]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Observatory, Path]]:
    """Yield an observatory whose dashboards a test may change."""
    folder = tmp_path_factory.mktemp("status")
    dashboards = folder / "dashboards"
    dashboards.mkdir()
    source = shipped("observability") / "grafana" / "dashboard-system-overview.json"
    (dashboards / "overview.json").write_text(source.read_text())
    # Scraped more often than usual, so that nobody waits for a target that is down.
    faster = ("--time-factor", "20")
    with running(folder, arguments=faster, settings={"dashboards_dir": str(dashboards)}) as observatory:
        yield observatory, dashboards / "overview.json"


@pytest.fixture
def alone(browser: Browser, own: tuple[Observatory, Path], complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=own[0].url, viewport={"width": 1440, "height": 900})
    for opened in guarded(context, complaints):
        page = opened.new_page()
        page.set_default_timeout(15_000)
        yield page


def test_a_file_that_was_changed_is_told_and_read_again(
    alone: Page, own: tuple[Observatory, Path], complaints: list[str]
) -> None:
    _, dashboard = own
    good = dashboard.read_text()
    alone.goto("/status?tab=configuration")
    settled(alone)
    files = alone.get_by_test_id("files")
    row = files.get_by_role("row").filter(has_text="overview.json")
    expect(row).not_to_contain_text("changed since")
    dashboard.write_text("{")
    alone.keyboard.press("r")
    expect(row).to_contain_text("changed since")
    alone.get_by_role("button", name="Read the files again").click()
    region = alone.get_by_role("region", name="Read again")
    expect(region.get_by_role("status")).to_contain_text("overview.json")
    expect(region).to_contain_text("what ran before goes on")
    alone.goto("/status")
    settled(alone)
    attention = alone.get_by_test_id("attention")
    expect(attention).to_contain_text("The configuration could not be read again")
    attention.get_by_role("link", name=re.compile("could not be read again")).click()
    changed = json.loads(good)
    changed["title"] = "Another title"
    dashboard.write_text(json.dumps(changed))
    alone.get_by_role("button", name="Read the files again").click()
    expect(region.get_by_role("status")).to_have_text("The files were read again.")
    expect(row).not_to_contain_text("changed since")
    # The refused reload is an error in the browser's console as well.
    complaints[:] = [text for text in complaints if "500" not in text]


def test_a_target_that_is_down_needs_attention(alone: Page, own: tuple[Observatory, Path]) -> None:
    observatory, _ = own
    (observatory.targets_dir / "mine.yml").write_text(
        "- targets: ['127.0.0.1:1']\n  labels: {service: mine}\n"
    )

    def down() -> bool:
        answer = httpx.get(f"{observatory.url}/api/v1/targets", trust_env=False).json()
        return any(
            one["scrapeUrl"] == "http://127.0.0.1:1/metrics" and one["health"] == "down"
            for one in answer["data"]["activeTargets"]
        )

    until(down, "the target is down")
    alone.goto("/status")
    attention = alone.get_by_test_id("attention")
    attention.get_by_role("link", name="1 target is down").click()
    mine = alone.get_by_test_id("targets").get_by_role("row").filter(has_text="127.0.0.1:1/metrics")
    expect(mine).to_contain_text("down")
    # Those that were discovered are in the first cell.
    expect(mine.get_by_role("cell").nth(2)).to_contain_text("service=mine")


def test_axe_finds_nothing_on_any_tab(view: Page) -> None:
    view.goto("/status")
    found: list[tuple[str, str, list[str]]] = []
    for tab in TABS:
        view.locator(f"[data-tab='{tab}']").click()
        settled(view)
        violations = Axe().run(view).response["violations"]
        found += [(tab, one["id"], [node["html"][:200] for node in one["nodes"]]) for one in violations]
        if view.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append((tab, "wider than the screen", []))
    assert found == []
