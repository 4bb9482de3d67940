"""Measures the page in a headless Chromium: what a person waits for, and whether its memory stays flat.

`python -m benchmarks.page [NAME …]` runs some of the measurements, without a name all, in a quarter of an hour. Each is
made five times in a browser profile of its own; the observatory, the browser and this program share the machine.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import secrets
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator

import httpx
from benchmarks.report import Figure, machine, note, table, write
from benchmarks.server import Served, observatory
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from accelerapp.server.api.page import PAGE

_RUNS = 5
_PANELS, _SERIES, _POINTS = 20, 10, 1000
_STEP_SECONDS = 15
_SPANS = 10_000
_LINES_A_SECOND = 1000
_TAIL_SECONDS = 30
_FLAT_MINUTES = 10
_CHROMIUM = os.environ.get("ACCELERAPP_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

Row = tuple[str, object, str]
#: Notes each task of the main thread that took longer than 50 ms.
_WATCH_TASKS = """
window.__tasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.__tasks.push(entry.duration);
}).observe({ type: "longtask" });
"""


def first_paint(browser: Browser, served: Served) -> list[Row]:
    times = []
    for _ in range(_RUNS):
        with _page(browser, served) as page:
            page.goto("/")
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            times.append(
                page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
            )
    return [("first contentful paint", Figure(times, "s"), "0.5 s")]


def initial_script(browser: Browser, served: Served) -> list[Row]:
    """Add up the scripts that the first page names and their static imports, and all that a dashboard loads."""
    index = httpx.get(served.url("page", "/")).text
    waiting = re.findall(r'(?:src|href)="(/assets/[^"]+\.js)"', index)
    seen: dict[str, int] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        text = (PAGE / path.lstrip("/")).read_bytes()
        seen[path] = len(gzip.compress(text, 9))
        imports = re.findall(r'(?:from|import)\s*"\./([\w.-]+\.js)"', text.decode())
        waiting += [f"/assets/{name}" for name in imports]
    with _page(browser, served) as page:
        page.goto("/d/bench-page?range=3h")
        page.locator("[data-testid=panel] canvas").first.wait_for()
        loaded = page.evaluate(
            """performance.getEntriesByType("resource").filter((one) => one.name.endsWith(".js"))
               .map((one) => one.encodedBodySize)"""
        )
    return [
        ("initial JavaScript, gzipped", _sizes(list(seen.values())), "120 KB"),
        ("all JavaScript until a dashboard has its charts, as sent", _sizes(loaded), ""),
    ]


def _sizes(sizes: list[int]) -> str:
    return f"{sum(sizes) / 1024:.1f} KiB in {len(sizes)} files"


def panels(browser: Browser, served: Served) -> list[Row]:
    address = "/d/bench-page?range=3h"
    drawn, again = [], []
    for _ in range(_RUNS):
        with _page(browser, served, height=4000) as page:
            page.goto(address)
            drawn.append(_until_drawn(page))
            again.append(_redraw(page))
    what = f"{_PANELS} panels × {_SERIES} series × {_POINTS} points"
    return [
        (f"{what}, from the address to the last chart", Figure(drawn, "s"), "1.5 s"),
        ("the same redrawn at another width of the window", Figure(again, "s"), "0.2 s"),
    ]


def _until_drawn(page: Page) -> float:
    """Return the seconds from the navigation until every panel has its chart on the screen."""
    found: float = page.evaluate(
        """(count) => new Promise((resolve) => {
          const look = () => {
            const charts = document.querySelectorAll("[data-testid=panel] canvas").length;
            if (charts >= count) requestAnimationFrame(() => resolve(performance.now()));
            else requestAnimationFrame(look);
          };
          look();
        })""",
        _PANELS,
    )
    return found / 1000


def _redraw(page: Page) -> float:
    """Return the seconds of main thread that it takes to draw every chart anew, in another size."""
    page.wait_for_timeout(500)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _task_seconds(session)
    page.set_viewport_size({"width": 1300, "height": 4000})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_timeout(300)
    return _task_seconds(session) - before


def _task_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def trace(browser: Browser, served: Served) -> list[Row]:
    trace_id = _large_trace(served)
    opened, longest = [], []
    for _ in range(_RUNS):
        with _page(browser, served) as page:
            page.add_init_script(_WATCH_TASKS)
            page.goto(f"/trace/{trace_id}")
            page.get_by_test_id("span").nth(5).wait_for()
            opened.append(page.evaluate("performance.now()") / 1000)
            page.wait_for_timeout(1000)
            page.evaluate("window.__tasks.length = 0")
            page.mouse.move(700, 600)
            for _ in range(120):
                page.mouse.wheel(0, 900)
                page.wait_for_timeout(16)
            tasks = page.evaluate("window.__tasks")
            longest.append(max(tasks, default=0.0))
    return [
        (f"a trace of {_SPANS:,} spans, from the address to its spans", Figure(opened, "s"), "1 s"),
        ("the longest task while it scrolls (0: none above 50 ms)", Figure(longest, "ms"), "100 ms"),
    ]


def live_tail(browser: Browser, served: Served) -> list[Row]:
    """Send lines at a steady rate, and see how late the newest one on the screen is."""
    lags, longest = [], []
    for _ in range(_RUNS):
        with _page(browser, served) as page, _sending(served):
            page.add_init_script(_WATCH_TASKS)
            page.goto("/logs?live=1")
            page.get_by_test_id("logs").get_by_text(re.compile("tick ")).first.wait_for()
            late = []
            ends = time.monotonic() + _TAIL_SECONDS / _RUNS
            while time.monotonic() < ends:
                page.wait_for_timeout(500)
                texts = page.get_by_test_id("logs").first.inner_text()
                newest = max((int(found) for found in re.findall(r"tick (\d+)", texts)), default=0)
                late.append(time.time() - newest / 1000)
            lags.append(statistics.median(late))
            longest.append(max(page.evaluate("window.__tasks"), default=0.0))
    return [
        (
            f"live tail at {_LINES_A_SECOND:,} lines a second: age of the newest line shown",
            Figure(lags, "s"),
            "does not grow",
        ),
        ("its longest task (0: none above 50 ms)", Figure(longest, "ms"), ""),
    ]


def memory(browser: Browser, served: Served) -> list[Row]:
    """Leave the twenty panels to their auto-refresh, and look at the heap after a collection each minute."""
    heaps = []
    with _page(browser, served, height=4000) as page:
        page.goto("/d/bench-page?range=3h&refresh=5s")
        _until_drawn(page)
        session = page.context.new_cdp_session(page)
        for minute in range(_FLAT_MINUTES + 1):
            note(f"minute {minute}")
            session.send("HeapProfiler.collectGarbage")
            heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / 2**20)
            if minute < _FLAT_MINUTES:
                page.wait_for_timeout(60_000)
    # The first minute fills caches.
    told = f"{heaps[1]:.1f} MiB after a minute, {heaps[-1]:.1f} MiB after {_FLAT_MINUTES}"
    return [(f"heap over {_FLAT_MINUTES} minutes of auto-refresh every 5 s", told, "flat")]


_MEASUREMENTS: dict[str, Callable[[Browser, Served], list[Row]]] = {
    "paint": first_paint,
    "script": initial_script,
    "panels": panels,
    "trace": trace,
    "tail": live_tail,
    "memory": memory,
}


@contextlib.contextmanager
def _page(browser: Browser, served: Served, height: int = 900) -> Iterator[Page]:
    context = browser.new_context(base_url=served.url("page"), viewport={"width": 1440, "height": height})
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        yield page
    finally:
        context.close()


def _dashboard() -> dict[str, object]:
    def panel(number: int) -> dict[str, object]:
        return {
            "id": number + 1,
            "title": f"Panel {number + 1}",
            "type": "timeseries",
            "gridPos": {"x": number % 4 * 6, "y": number // 4 * 6, "w": 6, "h": 6},
            "maxDataPoints": _POINTS,
            "targets": [
                {"refId": "A", "expr": f'bench_page{{panel="{number}"}}', "legendFormat": "{{series}}"}
            ],
        }

    return {
        "uid": "bench-page",
        "title": "Twenty panels",
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "5s",
        "panels": [panel(number) for number in range(_PANELS)],
    }


def _fill(served: Served) -> None:
    """Send the samples of the panels: four hours and a little, one every 15 s."""
    now = int(time.time())
    times = range(now - _POINTS * _STEP_SECONDS - 600, now + 1800, _STEP_SECONDS)
    for panel in range(_PANELS):
        metrics = []
        for number in range(_SERIES):
            attributes = [
                {"key": "panel", "value": {"stringValue": str(panel)}},
                {"key": "series", "value": {"stringValue": f"series {number}"}},
            ]
            points = [
                {
                    "attributes": attributes,
                    "timeUnixNano": str(at * 10**9),
                    "asDouble": 50 + (at // _STEP_SECONDS * (number + 3)) % 97 / 10,
                }
                for at in times
            ]
            metrics.append({"name": "bench_page", "gauge": {"dataPoints": points}})
        _post(served, "metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})


def _large_trace(served: Served) -> str:
    trace_id, begin = secrets.token_hex(16), time.time_ns() - 60 * 10**9
    ids = [secrets.token_hex(8) for _ in range(_SPANS)]
    spans = [
        {
            "traceId": trace_id,
            "spanId": ids[number],
            "parentSpanId": ids[(number - 1) // 4] if number else "",
            "name": f"step {number % 37}",
            "kind": 1,
            "startTimeUnixNano": str(begin + number * 1_000_000),
            "endTimeUnixNano": str(begin + (number + 20 if number else _SPANS + 100) * 1_000_000),
            "attributes": [{"key": "step", "value": {"intValue": str(number)}}],
            "status": {"code": 2} if number % 997 == 5 else {},
        }
        for number in range(_SPANS)
    ]
    for first in range(0, _SPANS, 1000):
        service = [{"key": "service.name", "value": {"stringValue": f"service-{first // 1000 % 5}"}}]
        scopes = [{"spans": spans[first : first + 1000]}]
        _post(
            served, "traces", {"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": scopes}]}
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = httpx.get(served.url("page", f"/api/accelerapp/v1/traces/{trace_id}"), timeout=30)
        if found.status_code == 200 and len(found.json()["spans"]) == _SPANS:
            return trace_id
        time.sleep(0.2)
    raise SystemExit("the large trace did not arrive")


@contextlib.contextmanager
def _sending(served: Served) -> Iterator[None]:
    """Send lines that tell when they were made, in Unix milliseconds, ten times a second."""
    ended = threading.Event()

    def send() -> None:
        due = time.monotonic()
        while not ended.wait(max(0.0, due - time.monotonic())):
            due += 0.1
            now = time.time_ns()
            records = [
                {
                    "timeUnixNano": str(now),
                    "severityNumber": 9,
                    "body": {"stringValue": f"tick {now // 10**6} of line {number}"},
                }
                for number in range(_LINES_A_SECOND // 10)
            ]
            _post(served, "logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})

    thread = threading.Thread(target=send, name="lines", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)


def _post(served: Served, signal: str, body: object) -> None:
    httpx.post(served.url("otlp_http", f"/v1/{signal}"), json=body, timeout=60).raise_for_status()


def main() -> None:
    names = sys.argv[1:] or list(_MEASUREMENTS)
    unknown = [name for name in names if name not in _MEASUREMENTS]
    if unknown:
        raise SystemExit(f"no measurement {unknown[0]!r}; there are {', '.join(_MEASUREMENTS)}")
    rows: list[Row] = []
    with observatory("otlp_http", dashboard=_dashboard()) as served, sync_playwright() as playwright:
        _fill(served)
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        for name in names:
            note(name)
            rows += _MEASUREMENTS[name](browser, served)
        browser.close()
    text = table(["What", "Measured", "Aim"], rows)
    note(text)
    if len(names) == len(_MEASUREMENTS):
        write("page", f"Chromium without a screen, {machine()}.\n\n{text}")


if __name__ == "__main__":
    main()
