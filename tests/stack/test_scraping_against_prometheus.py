"""The observatory and a real Prometheus scrape the same targets: same targets, requests, series, ends and errors.

The cases are in tests/corpus/scraping.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML
from tests.stack.conftest import RunningPrometheus, start_prometheus
from tests.stack.programs import LocalServer, until

from accelerapp.server.ingest import Scraper, load_scrape_file
from accelerapp.server.signals import Labels, Matcher, MatchType, is_stale, make_labels
from accelerapp.server.storage import Storage, StorageSettings
from accelerapp.server.times import format_duration

pytestmark = pytest.mark.stack

CORPUS = Path(__file__).parents[1] / "corpus" / "scraping"
CASES: list[dict[str, Any]] = YAML(typ="safe").load(CORPUS / "expositions.yml")
JOBS: dict[str, Any] = YAML(typ="safe").load(CORPUS / "jobs.yml")
NAMES = [case["name"] for case in CASES]
JOB_NAMES = [job["job_name"] for job in JOBS["scrape_configs"]]

TYPES = {"om": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
TEXT = "text/plain; version=0.0.4; charset=utf-8"
#: As often every target is scraped before the two are compared.
SCRAPES = 5
#: Flags of native histograms, which are not scraped here.
NATIVE = (
    "__always_scrape_classic_histograms__",
    "__convert_classic_histograms_to_nhcb__",
    "__scrape_native_histograms__",
)
#: What every scrape reports, but for its duration.
REPORTS = ("up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added")
#: What a request says; the rest of its headers is the HTTP library's.
HEADERS = ("Accept", "Accept-Encoding", "Authorization", "X-Scope", "X-Secret")
#: Where every scrape fails at a line, Prometheus never ends the series of the lines before; here a failed scrape does.
KEPT_ALIVE = {"wrong-line"}
#: Jobs whose last error must have Prometheus' own words.
WORDED = (
    "metric-without-a-name",
    "sample-limit",
    "label-limit",
    "label-name-length-limit",
    "label-value-length-limit",
    "body-size-limit",
    "target-limit",
    "not-redirected",
)

Values = Mapping[Labels, list[tuple[int, str]]]  # by series: Unix milliseconds and the value's text


class Target(NamedTuple):
    """What is told of a target, but for its last error."""

    labels: Labels
    discovered_labels: Labels
    url: str
    health: str
    interval: str
    timeout: str


@dataclass
class Side:
    """What one of the two made of the targets."""

    series: Values = field(default_factory=dict)
    alive: set[Labels] = field(default_factory=set)
    targets: dict[str, dict[Target, str]] = field(default_factory=dict)  # by job, with the last error
    dropped: list[Labels] = field(default_factory=list)
    metadata: set[tuple[str, str, str, str, str]] = field(default_factory=set)
    exemplars: list[tuple[Labels, Labels, str, int | None]] = field(default_factory=list)
    requests: set[tuple[str, ...]] = field(default_factory=set)


class Targets(LocalServer):
    """Answers the requests of both, each with the answer of its own count, and remembers what was asked."""

    def __init__(self, started: float) -> None:
        self.requests: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        counts: Counter[tuple[str, str]] = Counter()
        lock = threading.Lock()
        cases = {case["name"]: case for case in CASES}
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                agent = self.headers["User-Agent"].partition("/")[0].lower()
                path = self.path.partition("?")[0]
                with lock:
                    count = counts[agent, self.path]
                    counts[agent, self.path] += 1
                    asked = (self.path, *(self.headers.get(name, "") for name in HEADERS))
                    requests[agent].add(asked)
                if path == "/redirect":
                    self.send_response(302)
                    self.send_header("Location", "/answer")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif path.startswith("/case/"):
                    case = cases[path.removeprefix("/case/")]
                    answers = case["answers"]
                    kind = case.get("type", TEXT)
                    self.answer(answers[min(count, len(answers) - 1)], TYPES.get(kind, kind))
                else:
                    self.answer(JOBS["sample"], "" if path == "/without-type" else TEXT)

            def answer(self, text: str, kind: str) -> None:
                status = int(text) if text in ("500", "404") else 200
                body = with_times(text, started).encode()
                self.send_response(status)
                if kind:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)


def with_times(text: str, started: float) -> str:
    def time_of(match: re.Match[str]) -> str:
        at = started + float(match[1])
        return f"{at:.3f}" if "." in match[1] else str(round(at * 1000))

    return re.sub(r"@(-?[0-9.]+)s@", time_of, text)


@pytest.fixture(scope="module")
def both(prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """Return our side and Prometheus' after each has scraped every target often enough."""
    home = tmp_path_factory.mktemp("scraping")
    with Targets(round(time.time(), 1)) as targets:
        address = targets.url.removeprefix("http://")
        for name, text in JOBS["files"].items():
            (home / name).parent.mkdir(exist_ok=True)
            (home / name).write_text(text.replace("@ADDRESS@", address), encoding="utf-8")
        file = home / "prometheus.yml"
        file.write_text(configuration(address, home), encoding="utf-8")
        with start_prometheus(prometheus, home, "--enable-feature=exemplar-storage") as server:
            ours = asyncio.run(scrape(file, home / "ours"))
            theirs = prometheus_side(server)
        ours.requests, theirs.requests = targets.requests["accelerapp"], targets.requests["prometheus"]
        yield ours, theirs


def configuration(address: str, home: Path) -> str:
    """Return a file that both read: the jobs of the corpus, and one with a target for every exposition."""
    groups = [
        {"targets": [address], "labels": {"case": name, "__metrics_path__": f"/case/{name}"}}
        for name in NAMES
    ]
    jobs = [*JOBS["scrape_configs"], {"job_name": "cases", "static_configs": groups}]
    text = json.dumps({"global": {"scrape_interval": "3s", "scrape_timeout": "3s"}, "scrape_configs": jobs})
    return text.replace("@ADDRESS@", address).replace("@FOLDER@", str(home))


async def scrape(file: Path, folder: Path) -> Side:
    """Scrape with our own scraper into a storage, and return what it made of the targets."""
    storage = Storage.open(folder, StorageSettings(retention_seconds=0))
    scraper = Scraper(load_scrape_file(file).jobs, storage)
    await scraper.start()
    up = [Matcher("__name__", MatchType.EQUAL, "up")]
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(0.2)
            found = storage.metrics.select(up, 0, 2**62)
            scraped = found.offsets[1:] - found.offsets[:-1]
            if len(found.labels) == len(scraper.targets()) and scraped.min() >= SCRAPES:
                break
    statuses, dropped = scraper.targets(), scraper.dropped()
    await scraper.stop()
    await storage.wait_loaded()
    everything = storage.metrics.select([], 0, 2**62)
    side = Side(dropped=sorted(one.discovered_labels for one in dropped))
    series: dict[Labels, list[tuple[int, str]]] = {}
    for index, labels in enumerate(everything.labels):
        rows = slice(everything.offsets[index], everything.offsets[index + 1])
        times, values = everything.timestamps[rows].tolist(), everything.values[rows]
        stale = is_stale(values).tolist()
        samples = zip(times, values.tolist(), stale, strict=True)
        series[labels] = [(at, repr(value)) for at, value, ended in samples if not ended]
        if not stale[-1]:
            side.alive.add(labels)
    side.series = series
    side.metadata = {
        (dict(labels).get("case", ""), metric, one.type, one.help, one.unit)
        for labels, metrics in storage.metadata.of_targets().items()
        for metric, one in metrics.items()
    }
    side.exemplars = [
        (one.series, one.labels, repr(one.value), one.time_ms)
        for one in storage.exemplars.select([Matcher("job", MatchType.EQUAL, "cases")], 0, 2**62)
    ]
    for one in statuses:
        about = Target(
            one.labels,
            one.discovered_labels,
            one.scrape_url,
            one.health,
            format_duration(one.interval_seconds),
            format_duration(one.timeout_seconds),
        )
        side.targets.setdefault(one.job, {})[about] = one.last_error
    await storage.close()
    return side


def prometheus_side(server: RunningPrometheus) -> Side:
    """Wait until Prometheus has scraped every target often enough, and return what it made of them."""

    def get(path: str, **parameters: str) -> Any:
        answer = server.get(f"/api/v1/{path}", parameters)
        assert answer["status"] == "success", answer
        return answer["data"]

    def result(query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = get("query", query=query)["result"]
        return found

    def scraped() -> bool:
        counts = [int(one["value"][1]) for one in result("count_over_time(up[10m])")]
        targets = server.client.get("/api/v1/targets?state=active").json()["data"]["activeTargets"]
        return len(counts) == len(targets) and min(counts) >= SCRAPES

    until(scraped, "Prometheus has scraped every target")
    side = Side()
    side.series = {
        make_labels(one["metric"]): [(round(at * 1000), repr(float(value))) for at, value in one["values"]]
        for one in result('{__name__=~".+"}[10m]')
    }
    side.alive = {make_labels(one["metric"]) for one in result('{__name__=~".+"}')}
    found = server.client.get("/api/v1/targets").json()["data"]
    for one in found["activeTargets"]:
        about = Target(
            make_labels(one["labels"]),
            without_native(one["discoveredLabels"]),
            one["scrapeUrl"],
            one["health"],
            one["scrapeInterval"],
            one["scrapeTimeout"],
        )
        side.targets.setdefault(one["scrapePool"], {})[about] = one["lastError"]
    side.dropped = sorted(without_native(one["discoveredLabels"]) for one in found["droppedTargets"])
    side.metadata = {
        (one["target"].get("case", ""), one["metric"], one["type"], one["help"], one["unit"])
        for one in server.client.get("/api/v1/targets/metadata").json()["data"]
    }
    exemplars = get("query_exemplars", query='{job="cases"}', start="0", end=str(time.time() + 3600))
    side.exemplars = [
        (
            make_labels(one["seriesLabels"]),
            make_labels(exemplar["labels"]),
            repr(float(exemplar["value"])),
            round(exemplar["timestamp"] * 1000),
        )
        for one in exemplars
        for exemplar in one["exemplars"]
    ]
    return side


def without_native(labels: Mapping[str, str]) -> Labels:
    return make_labels({name: value for name, value in labels.items() if name not in NATIVE})


def of(side: Side, label: str, value: str) -> dict[Labels, list[str]]:
    """Return the series of a case or a job: reports as they were at first, others as they changed."""
    found: dict[Labels, list[str]] = {}
    for labels, samples in side.series.items():
        name = dict(labels)["__name__"]
        if (label, value) not in labels or name == "scrape_duration_seconds":
            continue
        values = [text for _, text in samples]
        if name in REPORTS:
            found[labels] = values[:SCRAPES]
        else:
            found[labels] = [text for at, text in enumerate(values) if at == 0 or text != values[at - 1]]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_an_exposition_becomes_the_same_series(both: tuple[Side, Side], name: str) -> None:
    ours, theirs = both
    assert of(ours, "case", name) == of(theirs, "case", name)
    alive = [{labels for labels in side.alive if ("case", name) in labels} for side in both]
    if name in KEPT_ALIVE:
        assert alive[0] == {
            labels for labels in alive[1] if dict(labels)["__name__"].startswith(("up", "scrape_"))
        }
    else:
        assert alive[0] == alive[1]


def test_samples_with_a_time_of_their_own_have_the_same(both: tuple[Side, Side]) -> None:
    def times(side: Side) -> dict[Labels, list[int]]:
        return {
            labels: sorted({at for at, _ in samples})
            for labels, samples in side.series.items()
            if dict(labels).get("case", "").endswith(("own-time", "own-time-again", "own-time-backwards"))
            and dict(labels)["__name__"] == "a"
        }

    assert len(times(both[0])) == 4
    assert times(both[0]) == times(both[1])


@pytest.mark.parametrize("job", JOB_NAMES)
def test_a_job_makes_the_same_targets(both: tuple[Side, Side], job: str) -> None:
    ours, theirs = both
    assert sorted(ours.targets.get(job, {})) == sorted(theirs.targets.get(job, {}))


@pytest.mark.parametrize("job", JOB_NAMES)
def test_a_job_writes_the_same_series(both: tuple[Side, Side], job: str) -> None:
    renamed = {"other-instance-and-job": "renamed"}.get(job, job)
    ours, theirs = (of(side, "job", renamed) for side in both)
    assert ours == theirs


def test_the_same_targets_are_dropped(both: tuple[Side, Side]) -> None:
    assert both[0].dropped
    assert both[0].dropped == both[1].dropped


def test_targets_are_asked_in_the_same_way(both: tuple[Side, Side]) -> None:
    ours, theirs = both
    assert len(theirs.requests) > len(CASES)
    assert ours.requests == theirs.requests


@pytest.mark.parametrize("job", WORDED)
def test_an_error_has_the_words_of_prometheus(both: tuple[Side, Side], job: str) -> None:
    ours, theirs = (sorted(side.targets[job].values()) for side in both)
    assert theirs
    for mine, wanted in zip(ours, theirs, strict=True):
        assert wanted
        assert wanted in mine


def test_what_is_known_of_metrics_is_the_same(both: tuple[Side, Side]) -> None:
    ours, theirs = both
    up = {dict(labels).get("case", "") for labels in ours.alive if ("__name__", "up") in labels}
    refused = {
        dict(about.labels).get("case", "") for about in ours.targets["cases"] if about.health == "down"
    }
    kept = up - refused
    assert {one for one in ours.metadata if one[0] in kept} == {
        one for one in theirs.metadata if one[0] in kept
    }


def test_exemplars_are_the_same(both: tuple[Side, Side]) -> None:
    ours, theirs = both

    def told(side: Side) -> list[tuple[Labels, Labels, str]]:
        return sorted((series, labels, value) for series, labels, value, _ in side.exemplars)

    assert len(told(theirs)) >= 3
    assert told(ours) == told(theirs)
    # One without a time of its own has that of the scrape, in which the two differ.
    timed = [{one for one in side.exemplars if ("trace_id", "one") not in one[1]} for side in both]
    assert timed[0] == timed[1]
