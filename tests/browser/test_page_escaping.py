"""What comes from outside is shown as text and never becomes a part of the page, whatever field it comes in."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect
from tests.browser.observatory import Observatory, running
from tests.stack.programs import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CORPUS = Path(__file__).parents[1] / "corpus" / "xss.txt"
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


def _read(line: str) -> str:
    return line.replace("\\t", "\t").replace("\\n", "\n").replace("\\0", "\0")


ATTACKS = [
    _read(line) for line in CORPUS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
#: Where a null cannot be: YAML, file names, addresses.
PLAIN = [attack for attack in ATTACKS if "\0" not in attack]
#: Milliseconds: dozens of panels are drawn.
PATIENCE = 60_000
#: The first, which every view is to show as a text, so that what is tested is there at all.
SEEN = ATTACKS[0]


@dataclass(frozen=True)
class Hostile:
    """An observatory whose every field is an attack, and the trace in it."""

    observatory: Observatory
    trace_id: str


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    for write in (_write_rules, _write_routes, _write_dashboards, _write_playbooks):
        write(folder)
    settings = {
        "prometheus_file": str(folder / "prometheus.yml"),
        "alertmanager_file": str(folder / "alertmanager.yml"),
        "dashboards_dir": str(folder / "dashboards"),
        "playbooks_dir": str(folder / "playbooks"),
    }
    with running(folder, settings=settings) as observatory:
        trace_id = _send(observatory)
        _silence(observatory)
        yield Hostile(observatory, trace_id)


def _yaml(path: Path, value: object) -> None:
    # JSON is YAML.
    path.write_text(json.dumps(value), encoding="utf-8")


def _write_rules(folder: Path) -> None:
    rules: list[dict[str, Any]] = []
    for attack in PLAIN:
        # In labels and annotations of rules two braces begin a template.
        text = attack.replace("{{", "{ {")
        labels = {"severity": text, "service": text}
        annotations = {"summary": text, "description": text, "runbook_url": text}
        rules.append({"alert": attack, "expr": "vector(1)", "labels": labels, "annotations": annotations})
    rules[0]["annotations"]["runbook_url"] = "/user/hostile.md"
    _yaml(folder / "rules.yml", {"groups": [{"name": SEEN, "interval": "1s", "rules": rules}]})
    targets = [
        {"targets": [f"127.0.0.1:{index + 1}"], "labels": {"service": attack, "owned": attack}}
        for index, attack in enumerate(PLAIN)
    ]
    _yaml(
        folder / "prometheus.yml",
        {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": SEEN, "static_configs": targets}],
        },
    )


def _write_routes(folder: Path) -> None:
    webhook = [{"url": "http://127.0.0.1:1/"}]
    _yaml(
        folder / "alertmanager.yml",
        {
            "route": {"receiver": PLAIN[0], "group_wait": "1s", "group_by": ["alertname"]},
            "receivers": [{"name": attack, "webhook_configs": webhook} for attack in PLAIN[:6]],
        },
    )


def _write_dashboards(folder: Path) -> None:
    (folder / "dashboards").mkdir()
    texts: list[dict[str, Any]] = [
        {"type": "text", "options": {"mode": ("html", "markdown")[index % 2], "content": attack}}
        for index, attack in enumerate(PLAIN)
    ]
    values: list[dict[str, Any]] = [
        {
            "type": ("stat", "timeseries", "table", "bargauge")[index % 4],
            "targets": [{"expr": "vector(1)", "legendFormat": attack, "refId": "A"}],
            "fieldConfig": {
                "defaults": {"links": _links(attack), "displayName": attack, "noValue": attack},
                "overrides": [],
            },
        }
        for index, attack in enumerate(PLAIN[::3])
    ]
    names = [attack for attack in PLAIN if "," not in attack and ":" not in attack]
    variable = {"type": "custom", "name": "owned", "label": SEEN, "query": ",".join(names)}
    for number, panels in enumerate((texts, values)):
        for index, panel in enumerate(panels):
            place = {"x": index * 4 % 24, "y": index // 6 * 4, "w": 4, "h": 4}
            attack = PLAIN[index]
            panel |= {"id": index + 1, "title": attack, "description": attack, "gridPos": place}
            panel["links"] = _links(attack)
        board = {
            "uid": f"hostile-{number}",
            "title": f"{SEEN} {number}",
            "description": SEEN,
            "links": [{"type": "link", "title": attack, "url": attack} for attack in PLAIN],
            "templating": {"list": [variable]},
            "panels": panels,
        }
        _yaml(folder / "dashboards" / f"{number} <img src=x class=owned>.json", board)


def _links(attack: str) -> list[dict[str, str]]:
    return [{"title": attack, "url": attack}, {"title": attack, "url": "javascript:owned()"}]


def _write_playbooks(folder: Path) -> None:
    (folder / "playbooks").mkdir()
    text = "\n\n".join(["# " + SEEN, *PLAIN, "```promql", SEEN, "```", "```logs", SEEN, "```"])
    (folder / "playbooks" / "hostile.md").write_text(text, encoding="utf-8")


def _values(attack: str) -> list[dict[str, Any]]:
    return [
        {"key": attack, "value": {"stringValue": attack}},
        {"key": "url.full", "value": {"stringValue": attack}},
        {"key": "exception.stacktrace", "value": {"stringValue": attack}},
        {"key": "owned.list", "value": {"arrayValue": {"values": [{"stringValue": attack}]}}},
    ]


def _send(observatory: Observatory) -> str:
    """Send a trace, lines and samples with an attack in each field; return the trace's id once all is there."""
    trace_id, root = secrets.token_hex(16), secrets.token_hex(8)
    now = time.time_ns()
    spans, lines, metrics = [], [], []
    for index, attack in enumerate(ATTACKS):
        span_id = root if index == 0 else secrets.token_hex(8)
        resource = {
            "attributes": [{"key": "service.name", "value": {"stringValue": attack}}, *_values(attack)]
        }
        scope = {"name": attack, "version": attack, "attributes": _values(attack)}
        span = {
            "traceId": trace_id,
            "spanId": span_id,
            "parentSpanId": "" if index == 0 else root,
            "traceState": "a=b",
            "name": attack,
            "kind": 2,
            "startTimeUnixNano": str(now + index * 1_000_000),
            "endTimeUnixNano": str(now + index * 1_000_000 + 50_000_000),
            "attributes": _values(attack),
            "status": {"code": 2, "message": attack},
            "events": [{"timeUnixNano": str(now), "name": attack, "attributes": _values(attack)}],
            "links": [{"traceId": trace_id, "spanId": root, "attributes": _values(attack)}],
        }
        record = {
            "timeUnixNano": str(now + index),
            "traceId": trace_id,
            "spanId": span_id,
            "severityText": attack,
            "severityNumber": 17,
            "body": {"stringValue": attack},
            "attributes": [*_values(attack), {"key": "correlation_id", "value": {"stringValue": attack}}],
        }
        point = {"timeUnixNano": str(now), "asDouble": 1, "attributes": _values(attack)}
        metric = {"name": "owned", "description": attack, "gauge": {"dataPoints": [point]}}
        spans.append({"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]})
        lines.append({"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]})
        metrics.append({"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]})
    otlp = f"http://127.0.0.1:{observatory.ports['otlp_http']}/v1"
    for path, body in (
        ("traces", {"resourceSpans": spans}),
        ("logs", {"resourceLogs": lines}),
        ("metrics", {"resourceMetrics": metrics}),
    ):
        httpx.post(f"{otlp}/{path}", json=body, trust_env=False).raise_for_status()

    def loaded() -> bool:
        asked = httpx.get(
            f"{observatory.url}/api/accelerapp/v1/logs",
            params={"trace_id": trace_id, "limit": 1000},
            trust_env=False,
        )
        return len(asked.json()["logs"]) == len(ATTACKS)

    until(loaded, "every line is loaded")
    return trace_id


def _silence(observatory: Observatory) -> None:
    for attack in PLAIN[1:8]:
        silence = {
            "matchers": [{"name": "alertname", "value": attack, "isRegex": False, "isEqual": True}],
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)),
            "createdBy": attack,
            "comment": attack,
        }
        httpx.post(f"{observatory.url}/api/v2/silences", json=silence, trust_env=False).raise_for_status()


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
    "address",
    [
        "/",
        "/d/hostile-0",
        "/d/hostile-1",
        "/traces",
        "/trace/{trace}",
        "/logs",
        "/alerts",
        f"/alerts/{quote(SEEN, safe='')}",
        "/silences",
        "/status",
        "/explore?expr=owned",
    ],
)
def test_no_field_becomes_a_part_of_the_page(page: Page, hostile: Hostile, address: str) -> None:
    opened(page, address.format(trace=hostile.trace_id))
    text = page.get_by_role("main").get_by_text("onerror=owned()").filter(visible=True).first
    expect(text).to_be_visible(timeout=PATIENCE)
    unharmed(page)


def test_no_detail_of_a_span_does(page: Page, hostile: Hostile) -> None:
    opened(page, f"/trace/{hostile.trace_id}")
    for number in range(12):
        page.get_by_test_id("span").nth(number).click()
        expect(page.get_by_test_id("span-details")).to_contain_text("owned.list")
        unharmed(page)


def _of_addresses() -> list[str]:
    """Return a few attacks that have no slash, three in one text."""
    few = [attack for attack in PLAIN if "/" not in attack][:6]
    return [" ".join(few[:3]), " ".join(few[3:])]


@pytest.mark.parametrize("attacks", _of_addresses())
def test_no_address_does(page: Page, attacks: str) -> None:
    text = quote(attacks, safe="")
    for address in (
        f"/d/{text}",
        f"/trace/{text}",
        f"/alerts/{text}",
        f"/{text}",
        f"/logs?query={text}",
        f"/logs?service={text}&level={text}&range={text}",
        f"/traces?service={text}&attribute={text}&min={text}",
        f"/explore?expr={text}",
        f"/status?refresh={text}&from={text}&to={text}",
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
