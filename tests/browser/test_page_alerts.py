"""Alerts on the page, as the one on call uses them: from the header to the cause, and silences."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from accelerapp.cli.demo.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ATTACK = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'


@pytest.fixture(autouse=True)
def _silences_end(stage: Stage) -> Iterator[None]:
    """Let no silence of a test be there for the next."""
    yield
    for silence in httpx.get(f"{stage.url}/api/v2/silences").json():
        if silence["status"]["state"] != "expired":
            httpx.delete(f"{stage.url}/api/v2/silence/{silence['id']}").raise_for_status()


@pytest.fixture(autouse=True, scope="module")
def _patience() -> Iterator[None]:
    """Wait longer than usual: an alert's page asks much of an observatory that shares its machine with a browser."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


def moment(seconds: float) -> str:
    """Return when so many seconds have passed, as Alertmanager writes times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def opened(page: Page, address: str) -> Locator:
    """Open a view, and return its content when it is there."""
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_text("Loading", exact=True)).to_have_count(0)
    return page.get_by_role("main")


def silence_form(page: Page) -> Locator:
    form = page.get_by_test_id("silence-form")
    expect(form).to_be_visible()
    return form


def test_the_list_tells_firing_alerts_from_heartbeats_and_quiet_ones(page: Page) -> None:
    main = opened(page, "/alerts")
    firing = main.get_by_role("region", name="Firing")
    row = firing.locator("[data-alert=HighErrorRate]")
    expect(row).to_contain_text("critical")
    expect(row).to_contain_text("critical-alerts")
    expect(row).to_contain_text(re.compile(r"\d %"))
    expect(firing.locator("[data-alert=Watchdog]")).to_have_count(0)
    expect(main.get_by_role("region", name="Heartbeats").locator("[data-alert=Watchdog]")).to_contain_text(
        "heartbeat"
    )
    expect(main.get_by_role("region", name="Quiet").locator("[data-alert=ServiceDown]")).to_be_visible()
    # More than once, where a scrape is lost on a busy machine.
    expect(
        page.get_by_test_id("timeline").locator("[data-track=HighErrorRate] rect.firing").first
    ).to_be_visible()
    expect(page.get_by_test_id("notifications")).to_contain_text("webhook")


def test_what_is_filtered_is_in_the_address(page: Page) -> None:
    opened(page, "/alerts")
    # Slowly, as a person does: what is typed stays as it is.
    page.get_by_label("Text or label").fill("service=codegen ")
    expect(page).to_have_url(re.compile("q=service%3Dcodegen"))
    page.get_by_label("Text or label").press_sequentially("fail")
    page.get_by_label("Severity").select_option("high")
    rows = page.get_by_test_id("alerts").locator("[data-alert]")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("severity=high"))
    page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_have_attribute("data-alert", "CodeGenerationFailures")
    expect(page.get_by_label("Text or label")).to_have_value("service=codegen fail")


def test_the_list_is_worked_by_keyboard(page: Page) -> None:
    main = opened(page, "/alerts?state=firing")
    first, second = (main.locator("[data-row]").nth(place) for place in (0, 1))
    page.keyboard.press("j")
    expect(first).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_test_id("selection")).to_contain_text("2 alerts")
    page.keyboard.press("s")
    form = silence_form(page)
    expect(form.get_by_label("Operator of alertname")).to_have_value("=~")
    expect(form.get_by_label("Value of service")).to_have_value(re.compile("codegen"))
    expect(page.get_by_test_id("silence-preview")).to_contain_text("2 alerts")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("selection")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Text or label")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    name = second.inner_text()
    second.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_an_alert_is_silenced_from_its_page_and_the_silence_expired(page: Page) -> None:
    opened(page, "/alerts/CodeGenerationFailures")
    head = page.get_by_test_id("alert-head")
    head.get_by_role("button", name="Silence…").click()
    form = silence_form(page)
    form.get_by_role("button", name="Drop the matcher of severity").click()
    expect(form.get_by_label("Value of alertname")).to_have_value("CodeGenerationFailures")
    preview = form.get_by_test_id("silence-preview")
    expect(preview).to_contain_text("1 alert: 1 firing, 0 pending")
    expect(preview).to_contain_text("1 rule may raise alerts that match, by their service")
    form.get_by_role("button", name="Drop the matcher of service").click()
    expect(preview.get_by_test_id("matching-rules")).to_contain_text("CodeGenerationFailures")
    form.get_by_role("button", name="1 h", exact=True).click()
    form.get_by_label("Your name").fill("Ann")
    form.get_by_label("Why").fill("the model is being moved")
    form.get_by_role("button", name="Silence", exact=True).click()

    silenced = page.get_by_test_id("silenced")
    expect(silenced).to_contain_text("Silenced by Ann from 127.0.0.1")
    expect(silenced).to_contain_text("the model is being moved")
    expect(silenced).not_to_contain_text("severity")
    # Others may begin to fire at any time.
    expect(page.get_by_test_id("firing-count")).to_have_attribute(
        "title", re.compile(r"[1-9]\d* firing but silenced")
    )

    # The list has it among what fires, and says that nobody is told.
    page.get_by_role("link", name="Alerts", exact=True).first.click()
    row = page.locator("[data-alert=CodeGenerationFailures]")
    expect(row).to_contain_text("silenced by Ann until")
    row.get_by_role("link", name=re.compile("silenced by Ann")).click()

    one = page.locator("[data-silence]")
    expect(one).to_have_count(1)
    expect(one).to_contain_text("ends in")
    expect(page.get_by_test_id("silence-changes")).to_contain_text("created by Ann from 127.0.0.1")
    expect(one.get_by_role("link", name="CodeGenerationFailures")).to_be_visible()
    one.get_by_role("button", name="Expire").click()
    one.get_by_role("button", name="No").click()
    expect(one).to_have_attribute("data-state", "active")
    one.get_by_role("button", name="Expire").click()
    one.get_by_role("button", name="Yes, expire").click()
    expect(one).to_have_attribute("data-state", "expired")
    expect(page.get_by_test_id("silence-changes")).to_contain_text("expired from 127.0.0.1")
    # Whoever silences again need not say who they are.
    one.get_by_role("button", name="Silence again").click()
    expect(silence_form(page).get_by_label("Your name")).to_have_value("Ann")


def test_a_silence_is_extended_and_changed(page: Page, stage: Stage) -> None:
    body = {
        "matchers": [{"name": "alertname", "value": "Later", "isRegex": False, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": moment(3600),
        "createdBy": "Bob",
        "comment": "soon",
    }
    made = httpx.post(f"{stage.url}/api/v2/silences", json=body).json()["silenceID"]
    opened(page, f"/silences?id={made}")
    one = page.locator("[data-silence]")
    expect(one).to_contain_text(re.compile("ends in 59 min|ends in 1 h"))
    one.get_by_role("button", name="+1 h").click()
    expect(one).to_contain_text(re.compile("ends in (1 h 59 min|2 h)"))
    one.get_by_role("button", name="Edit").click()
    form = silence_form(page)
    form.get_by_label("Why").fill("later than that")
    form.get_by_role("button", name="Change it").click()
    expect(one).to_contain_text("later than that")
    assert httpx.get(f"{stage.url}/api/v2/silence/{made}").json()["comment"] == "later than that"
    # With other matchers it is another silence, and whoever changed it sees that one.
    one.get_by_role("button", name="Edit").click()
    form.get_by_label("Value of alertname").fill("Other")
    form.get_by_role("button", name="Change it").click()
    expect(one).to_contain_text('alertname="Other"')
    expect(one).to_have_attribute("data-state", "active")
    expect(page).not_to_have_url(re.compile(made))


def test_a_silence_is_planned(page: Page) -> None:
    opened(page, "/silences")
    page.get_by_role("button", name="New silence").click()
    form = silence_form(page)
    form.get_by_role("button", name="Add a matcher").click()
    form.get_by_label("Label 1", exact=True).fill("alertname")
    form.get_by_label("Value of alertname").fill("Nightly")
    form.get_by_label("From").fill(moment(7200))
    form.get_by_role("button", name="1 h", exact=True).click()
    form.get_by_label("Your name").fill("Ann")
    form.get_by_label("Why").fill("the nightly move")
    form.get_by_role("button", name="Silence", exact=True).click()
    one = page.locator("[data-silence]").filter(has_text="the nightly move")
    expect(one).to_have_attribute("data-state", "pending")
    expect(one).to_contain_text(re.compile("begins in (1 h 59 min|2 h)"))


def test_what_is_wrong_with_a_silence_is_said(page: Page, complaints: list[str]) -> None:
    opened(page, "/silences")
    page.keyboard.press("n")
    form = silence_form(page)
    form.get_by_label("Your name").fill("Ann")
    form.get_by_label("Why").fill("to see")
    form.get_by_role("button", name="Silence", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("needs a matcher")
    form.get_by_role("button", name="Add a matcher").click()
    form.get_by_label("Label 1", exact=True).fill("alertname")
    form.get_by_label("Operator of alertname").select_option("=~")
    form.get_by_label("Value of alertname").fill("a(")
    expect(page.get_by_test_id("silence-preview")).to_contain_text("not valid RE2")
    form.get_by_label("From").fill("soon")
    form.get_by_role("button", name="Silence", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("The beginning is not a time")
    form.get_by_label("From").fill("")
    form.get_by_label("Until").fill("tomorrow")
    form.get_by_role("button", name="Silence", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("not a time")
    form.get_by_role("button", name="30 min").click()
    form.get_by_role("button", name="Silence", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("invalid regular expression")
    # The browser notes the answers of 400; they are what is tested.
    complaints[:] = [text for text in complaints if "400" not in text]


def test_from_the_header_to_the_alert_its_graph_and_its_changes_of_state(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("firing-count").click()
    page.get_by_test_id("alerts").get_by_role("link", name="HighErrorRate").click()
    graph = page.get_by_test_id("rule-graph")
    expect(graph.get_by_test_id("chart")).to_have_attribute(
        "aria-label", re.compile(r"its threshold: > 5 %; [1-9]\d* changes of state are marked")
    )
    graph.get_by_role("button", name="Show HighErrorRate as a table").click()
    expect(graph.locator("td").first).to_contain_text("%")
    changes = page.get_by_test_id("transitions").locator("tbody tr")
    expect(changes.filter(has_text="pending")).not_to_have_count(0)
    expect(changes.filter(has_text="firing")).not_to_have_count(0)
    told = page.get_by_test_id("notifications").locator("tbody tr").filter(has_text="webhook")
    expect(told.first).to_contain_text("critical-alerts")
    expect(told.first).to_contain_text("sent")
    expect(told.first).to_contain_text("alertname=HighErrorRate")
    expect(page.get_by_test_id("routes")).to_contain_text('{}/{severity="critical"}')
    expect(page.get_by_test_id("expr")).to_contain_text("increase(accelerapp_errors_total[5m])")


def test_the_graph_of_a_latency_has_requests_that_open_their_traces(page: Page) -> None:
    opened(page, "/alerts/SlowResponseTime")
    graph = page.get_by_test_id("rule-graph")
    expect(graph.get_by_test_id("chart")).to_have_attribute("aria-label", re.compile(r"[1-9]\d* exemplars"))
    graph.get_by_role("button", name="Show SlowResponseTime as a table").click()
    graph.get_by_role("list", name="Exemplars").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/trace/[0-9a-f]{32}\?span=[0-9a-f]{16}"))


def test_a_graph_is_zoomed_by_dragging_and_the_range_is_of_all_that_is_shown(page: Page) -> None:
    opened(page, "/alerts/HighErrorRate")
    box = page.get_by_test_id("rule-graph").locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    href = page.get_by_test_id("evidence").get_by_role("link", name="Show them all").get_attribute("href")
    assert href is not None
    assert re.search(r"/traces\?service=codegen&status=error.*from=\d+&to=\d+", href)


def test_what_changed_before_it_has_the_deployment(page: Page) -> None:
    opened(page, "/alerts/HighErrorRate")
    deployed = page.get_by_test_id("changes").locator("li.deployment").filter(has_text="codegen")
    expect(deployed.first).to_contain_text("version")


def test_from_the_alert_to_the_failed_request_its_span_and_its_line(page: Page) -> None:
    opened(page, "/alerts/HighErrorRate")
    page.get_by_test_id("evidence").get_by_test_id("alert-traces").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/trace/[0-9a-f]{32}"))
    page.go_back()
    expect(page.get_by_test_id("alert-lines").first).to_contain_text("code generation failed")
    page.get_by_test_id("alert-lines").first.get_by_role("link", name="Trace of the line").first.click()
    expect(page).to_have_url(re.compile(r"/trace/[0-9a-f]{32}\?span=[0-9a-f]{16}"))


def test_the_blocks_of_a_playbook_run_with_the_labels_of_the_alert(page: Page) -> None:
    opened(page, "/alerts/HighErrorRate")
    blocks = page.get_by_test_id("playbook").get_by_test_id("block")
    first = blocks.first
    first.scroll_into_view_if_needed()
    expect(first).to_have_attribute("data-state", "run")
    expect(first.get_by_test_id("chart")).to_be_visible()
    traces = blocks.and_(page.locator("[data-lang=traces]")).first
    # Not before it is seen.
    expect(traces).to_have_attribute("data-state", "waiting")
    traces.scroll_into_view_if_needed()
    expect(traces).to_contain_text("service=codegen status=error")
    expect(traces.get_by_role("link", name=re.compile("codegen")).first).to_be_visible()
    lines = blocks.and_(page.locator("[data-lang=logs]")).first
    lines.scroll_into_view_if_needed()
    expect(lines).to_contain_text("code generation failed")
    assert "lang=logs&query=service%3A+codegen" in (
        lines.get_by_role("link", name="Explore").get_attribute("href") or ""
    )


def test_a_link_of_a_playbook_opens_the_other_one_in_its_place(page: Page) -> None:
    opened(page, "/alerts/CodeGenerationFailures")
    playbook = page.get_by_test_id("playbook")
    playbook.get_by_role("link", name="High error rate").click()
    expect(playbook.get_by_role("heading", level=2).first).to_have_text("High error rate")
    expect(playbook.get_by_test_id("block").first).to_contain_text("accelerapp_errors_total")
    page.reload()
    expect(playbook.get_by_role("heading", level=2).first).to_have_text("High error rate")
    page.go_back()
    expect(playbook.get_by_role("heading", level=2).first).to_have_text("Code generation failures")
    page.go_forward()
    playbook.get_by_role("link", name="Back to the alert's own").click()
    expect(playbook.get_by_role("heading", level=2).first).to_have_text("Code generation failures")


def test_a_playbook_that_no_alert_names_is_found_by_the_palette_and_in_the_list(page: Page) -> None:
    opened(page, "/alerts")
    page.keyboard.press("Control+k")
    page.keyboard.type("database issues")
    listed = page.get_by_role("listbox", name="What was found").get_by_role("option")
    expect(listed.first).to_contain_text("Database issues")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/playbooks/database-issues"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Database issues")
    expect(page.get_by_role("main")).to_contain_text("No alert names it.")
    expect(page.get_by_test_id("block").first).to_have_attribute("data-state", "run")
    page.get_by_test_id("playbook").get_by_role("link", name="Disk space low").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Disk space low")
    page.get_by_role("link", name="Playbooks").click()
    playbooks = page.get_by_test_id("playbooks").get_by_role("listitem")
    expect(playbooks.filter(has_text="Resource exhaustion")).to_contain_text("No alert names it.")
    playbooks.filter(has_text="High error rate").get_by_role("link", name="HighErrorRate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("HighErrorRate")


def test_a_block_can_be_changed_and_what_is_wrong_with_it_is_said_in_its_place(
    page: Page, complaints: list[str]
) -> None:
    opened(page, "/alerts/HighErrorRate")
    block = page.get_by_test_id("block").first
    block.get_by_role("button", name="Edit").click()
    block.get_by_role("textbox").fill("vector(42)")
    page.keyboard.press("Control+Enter")
    expect(block.get_by_test_id("legend")).to_contain_text("42")
    block.get_by_role("button", name="Edit").click()
    block.get_by_role("textbox").fill("sum(")
    block.get_by_role("button", name="Run").click()
    expect(block.get_by_role("alert")).to_contain_text("unclosed left parenthesis")
    block.get_by_role("button", name="As in the playbook").click()
    expect(block).to_contain_text("accelerapp_errors_total")
    expect(block).to_have_attribute("data-state", "run")
    complaints[:] = [text for text in complaints if "400" not in text]


def test_an_alert_of_another_program_is_shown_as_text_and_can_be_silenced(page: Page, stage: Stage) -> None:
    labels = {"alertname": ATTACK, "severity": ATTACK, "service": "elsewhere"}
    annotations = {"summary": ATTACK, "link": "javascript:alert(1)", "page": "https://example.com/x"}
    alert = {"labels": labels, "annotations": annotations, "endsAt": moment(3600)}
    httpx.post(f"{stage.url}/api/v2/alerts", json=[alert]).raise_for_status()
    try:
        main = opened(page, "/alerts")
        row = main.get_by_role("region", name="From elsewhere").locator("li")
        expect(row).to_contain_text("<img src=x")
        row.get_by_role("checkbox").check()
        page.keyboard.press("s")
        expect(silence_form(page).get_by_label("Value of alertname")).to_have_value(ATTACK)
        expect(page.get_by_test_id("silence-preview")).to_contain_text("1 alert")
        page.keyboard.press("Escape")
        opened(page, f"/alerts/{quote(ATTACK, safe='')}")
        shown = page.get_by_test_id("annotations")
        expect(shown).to_contain_text("javascript:alert(1)")
        expect(shown.get_by_role("link")).to_have_count(1)
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
        assert page.title() != "owned"
    finally:
        over = {**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2020-01-01T00:00:00Z"}
        httpx.post(f"{stage.url}/api/v2/alerts", json=[over]).raise_for_status()


def test_an_alert_from_elsewhere_is_not_the_one_here_of_its_name(page: Page, stage: Stage) -> None:
    labels = {"alertname": "HighErrorRate", "service": "elsewhere"}
    alert = {"labels": labels, "endsAt": moment(3600)}
    httpx.post(f"{stage.url}/api/v2/alerts", json=[alert]).raise_for_status()
    try:
        main = opened(page, "/alerts")
        main.get_by_role("region", name="From elsewhere").get_by_role("link", name="HighErrorRate").click()
        head = page.get_by_test_id("alert-head")
        expect(head).to_contain_text("elsewhere")
        expect(page.get_by_test_id("rule-graph")).to_have_count(0)
        page.get_by_role("link", name="rule here has the same name").click()
        expect(page.get_by_test_id("rule-graph")).to_be_visible()
        expect(head).to_contain_text("codegen")
    finally:
        over = {**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2020-01-01T00:00:00Z"}
        httpx.post(f"{stage.url}/api/v2/alerts", json=[over]).raise_for_status()


def test_axe_finds_nothing_in_the_form_of_a_silence_and_on_the_silences(page: Page, stage: Stage) -> None:
    body = {
        "matchers": [{"name": "alertname", "value": "HighErrorRate|x", "isRegex": True, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": moment(3600),
        "createdBy": "Bob",
        "comment": "x" * 300,
    }
    made = httpx.post(f"{stage.url}/api/v2/silences", json=body).json()["silenceID"]
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, f"/silences?id={made}")
    expect(page.get_by_test_id("silence-changes")).to_contain_text("created by Bob")
    page.get_by_role("button", name="Edit").click()
    expect(silence_form(page).get_by_test_id("silence-preview")).to_contain_text("HighErrorRate")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
