"""One scrape file, one target and one rule file in the real Prometheus and in the observatory: what both tell of them.

The real promtool asks both the same things.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.programs import LocalServer, Program, free_port, until

pytestmark = pytest.mark.stack

#: Two metrics with metadata and an exemplar, whose time does not change.
EXPOSED = """\
# HELP shop_orders Orders taken.
# TYPE shop_orders counter
shop_orders_total{{kind="new"}} 5 # {{trace_id="abc"}} 1.5 {now}
shop_orders_total{{kind="old"}} 3
# HELP shop_size_bytes How large it is.
# TYPE shop_size_bytes gauge
# UNIT shop_size_bytes bytes
shop_size_bytes 7.5
# EOF
"""
SCRAPE = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
  external_labels: {{site: here}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    scrape_timeout: 900ms
    static_configs:
      - targets: ["{target}", "dropped.invalid:1"]
        labels: {{team: a}}
    relabel_configs:
      - {{source_labels: [__address__], regex: "dropped.*", action: drop}}
  - job_name: away
    static_configs:
      - targets: ["127.0.0.1:1"]
"""
RULES = """\
groups:
  - name: first
    rules:
      - {alert: Small, expr: shop_size_bytes < 10, labels: {severity: page}, annotations: {summary: 'at {{ $value }}'}}
      - {record: orders, expr: sum(shop_orders_total), labels: {team: a}}
  - name: second
    limit: 5
    rules:
      - {alert: Never, expr: shop_size_bytes > 10, for: 1h, keep_firing_for: 5m}
  - name: third
    rules:
      - record: orders:new
        expr: shop_orders_total{kind="new"}
"""

#: By which both are reached from elsewhere.
EXTERNAL = "http://watch.example:1234/here"

Both = dict[str, httpx.Client]


class Exposition(BaseHTTPRequestHandler):
    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def both(prometheus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    home = tmp_path_factory.mktemp("both")
    Exposition.content = EXPOSED.format(now=int(time.time())).encode()
    ports = {"prometheus": free_port(), "observatory": free_port()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    with LocalServer(Exposition) as target:
        (home / "prometheus.yml").write_text(SCRAPE.format(target=target.url.removeprefix("http://")))
        (home / "rules.yml").write_text(RULES)
        (home / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
        commands: dict[str, list[str | Path]] = {
            "prometheus": [
                prometheus,
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
                "--enable-feature=exemplar-storage",
                f"--web.external-url={EXTERNAL}",
                "--web.route-prefix=/",
            ],
            "observatory": [
                *(sys.executable, "-m", "accelerapp.cli", "up", "--port", str(ports["observatory"])),
                *("--otlp-http-port", "0", "--data-dir", home / "observatory"),
                *("--prometheus-file", home / "prometheus.yml"),
                *("--alertmanager-file", home / "alertmanager.yml"),
            ],
        }
        programs = [
            Program(
                command, home / f"{name}.log", f"{urls[name]}/-/ready", {"ACCELERAPP_EXTERNAL_URL": EXTERNAL}
            )
            for name, command in commands.items()
        ]
        clients = {name: httpx.Client(base_url=url, timeout=30) for name, url in urls.items()}
        try:
            for program in programs:
                program.start()
            for name, client in clients.items():
                until(lambda client=client: settled(client), f"{name} has scraped and evaluated")  # type: ignore[misc]
            yield clients
        finally:
            for program in programs:
                program.kill()
            for client in clients.values():
                client.close()


def settled(client: httpx.Client) -> bool:
    def found(query: str) -> bool:
        return bool(client.get("/api/v1/query", params={"query": query}).json()["data"]["result"])

    return all(map(found, ('ALERTS{alertstate="firing"}', "orders:new", 'up{job="away"} == 0')))


def comparable(path: str, data: Any) -> Any:
    """Leave out what is a time, and what the observatory scrapes of itself."""
    if path == "scrape_pools":
        return [pool for pool in data["scrapePools"] if pool in ("shop", "away")]
    if path.startswith("targets/metadata"):
        return sorted((one for one in data if one["target"].get("job") == "shop"), key=str)
    if path.startswith("metadata"):
        return {name: told for name, told in data.items() if name.startswith("shop_")}
    if path.startswith("targets"):
        active = []
        for target in data["activeTargets"]:
            if target["scrapePool"] in ("shop", "away"):
                assert target.pop("lastScrape") > "2026"
                assert target.pop("lastScrapeDuration") >= 0
                target["lastError"] = bool(target["lastError"])
                active.append(target)
        dropped = [one for one in data["droppedTargets"] if one["scrapePool"] == "shop"]
        for one in [*active, *dropped]:
            # Native histograms are scraped in Protobuf alone, which the observatory does not ask for.
            one["discoveredLabels"].pop("__always_scrape_classic_histograms__", None)
            one["discoveredLabels"].pop("__convert_classic_histograms_to_nhcb__", None)
            one["discoveredLabels"].pop("__scrape_native_histograms__", None)
        counts = data["droppedTargetCounts"]
        counts = counts and {job: count for job, count in counts.items() if job in ("shop", "away")}
        return {"active": active, "dropped": dropped, "counts": counts}
    if path.startswith("rules"):
        for group in data["groups"]:
            del group["evaluationTime"], group["lastEvaluation"]
            for rule in group["rules"]:
                del rule["evaluationTime"], rule["lastEvaluation"]
                for alert in rule.get("alerts") or ():
                    del alert["activeAt"]
    return data


@pytest.mark.parametrize(
    "path",
    [
        "metadata",
        "metadata?metric=shop_size_bytes",
        "metadata?metric=none",
        "metadata?limit=0",
        "metadata?metric=shop_orders&limit_per_metric=1",
        "targets/metadata",
        "targets/metadata?metric=shop_orders",
        'targets/metadata?match_target={job="shop"}',
        'targets/metadata?match_target={job!="shop"}',
        "targets/metadata?limit=0",
        "scrape_pools",
        "targets",
        "targets?state=active",
        "targets?state=Dropped",
        "targets?state=any&scrapePool=shop",
        "targets?scrapePool=none",
        "targets?state=else",
        "rules",
        "rules?type=alert",
        "rules?type=record",
        "rules?rule_name[]=Never&rule_name[]=orders",
        "rules?rule_group[]=third",
        "rules?file[]=none.yml",
        "rules?exclude_alerts=true",
        'rules?match[]={team="a"}',
        'rules?match[]={severity=~"p.*"}&match[]={team="a"}',
        "rules?group_limit=2",
        "rules?group_limit=3",
        "rules?group_limit=1&rule_group[]=second",
    ],
)
def test_the_same_is_told(both: Both, path: str) -> None:
    answers = {name: client.get(f"/api/v1/{path}") for name, client in both.items()}
    told = {name: comparable(path, answer.json()["data"]) for name, answer in answers.items()}
    assert told["observatory"] == told["prometheus"]
    assert answers["observatory"].status_code == answers["prometheus"].status_code == 200


def test_pages_of_groups_lead_through_all(both: Both) -> None:
    pages: dict[str, list[list[str]]] = {}
    for name, client in both.items():
        pages[name] = []
        asked = {"group_limit": "1"}
        while True:
            data = client.get("/api/v1/rules", params=asked).json()["data"]
            pages[name].append([group["name"] for group in data["groups"]])
            if "groupNextToken" not in data:
                break
            asked["group_next_token"] = data["groupNextToken"]
    assert pages["observatory"] == pages["prometheus"] == [["first"], ["second"], ["third"]]


def test_exemplars_are_the_same(both: Both) -> None:
    def asked(client: httpx.Client, query: str) -> Any:
        return client.get("/api/v1/query_exemplars", params={"query": query}).json()["data"]

    for query in (
        "shop_orders_total",
        'rate(shop_orders_total{kind="new"}[5m]) + shop_size_bytes',
        "shop_size_bytes",
    ):
        ours, theirs = (asked(both[name], query) for name in ("observatory", "prometheus"))
        assert ours == theirs
    assert asked(both["observatory"], "shop_orders_total")[0]["exemplars"][0]["labels"] == {"trace_id": "abc"}


def test_the_status_has_the_same_fields(both: Both) -> None:
    for path in ("runtimeinfo", "buildinfo", "tsdb", "config", "walreplay"):
        ours, theirs = (
            both[name].get(f"/api/v1/status/{path}").json()["data"] for name in ("observatory", "prometheus")
        )
        types = {key: type(value) for key, value in theirs.items()}
        assert {key: type(value) for key, value in ours.items() if key in types} == types, path
    ours, theirs = (
        both[name].get("/api/v1/status/flags").json()["data"] for name in ("observatory", "prometheus")
    )
    assert ours.keys() <= theirs.keys()
    assert ours["query.lookback-delta"] == theirs["query.lookback-delta"]
    ours, theirs = (
        both[name].get("/api/v1/status/tsdb").json()["data"] for name in ("observatory", "prometheus")
    )
    of_shop = [
        {
            one["name"]: one["value"]
            for one in told["seriesCountByMetricName"]
            if one["name"].startswith("shop_")
        }
        for told in (ours, both["prometheus"].get("/api/v1/status/tsdb?limit=100").json()["data"])
    ]
    more = (
        both["observatory"].get("/api/v1/status/tsdb?limit=10000").json()["data"]["seriesCountByMetricName"]
    )
    of_shop[0] = {one["name"]: one["value"] for one in more if one["name"].startswith("shop_")}
    assert of_shop[0] == of_shop[1] == {"shop_orders_total": 2, "shop_size_bytes": 1}
    assert len(ours["seriesCountByMetricName"]) == 10


PROMTOOL: list[list[str]] = [
    ["query", "instant", "{url}", "sum by (kind) (shop_orders_total)"],
    ["query", "instant", "-o", "json", "{url}", "shop_size_bytes * 2"],
    ["query", "instant", "{url}", "'text'"],
    ["query", "instant", "{url}", "shop_orders_total[2s] * 0"],
    ["query", "series", "--match=shop_size_bytes", "{url}"],
    ["query", "series", "--match=none", "{url}"],
    ["query", "labels", "--match=shop_orders_total", "{url}", "kind"],
    ["query", "labels", "{url}", "severity"],
    ["check", "healthy", "--url={url}"],
    ["check", "ready", "--url={url}"],
]


@pytest.mark.parametrize("arguments", PROMTOOL, ids=lambda arguments: " ".join(arguments)[:70])
def test_promtool_says_the_same_of_both(both: Both, promtool: Path, arguments: list[str]) -> None:
    said = {}
    for name, client in both.items():
        url = str(client.base_url).rstrip("/")
        command: list[str | Path] = [promtool, *(argument.replace("{url}", url) for argument in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        text = (done.stdout + done.stderr).replace(url, "<url>")
        lines = (
            re.sub("Prometheus Server is (Healthy|Ready)", r"The observatory is \1", text)
            .lower()
            .splitlines()
        )
        said[name] = done.returncode, sorted(map(undated, lines))
    assert said["observatory"] == said["prometheus"]


def undated(line: str) -> str:
    """Leave out the time of a sample, behind @ or the first of a pair in JSON."""
    if line.startswith("[{"):
        return str(sorted((str(sorted(one["metric"].items())), one["value"][1]) for one in json.loads(line)))
    return line.partition(" @[")[0]


def test_promtool_queries_a_range(both: Both, promtool: Path) -> None:
    said = []
    end = int(time.time())
    for client in both.values():
        times = [f"--start={end - 1}", f"--end={end}", "--step=500ms"]
        command: list[str | Path] = [
            promtool,
            "query",
            "range",
            *times,
            str(client.base_url),
            "vector(1) + 1",
        ]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert said[0] == said[1] != ""


def test_promtool_analyses_the_buckets_of_a_histogram(both: Both, promtool: Path) -> None:
    """Of what has none it says so, in the same words."""
    said = []
    for client in both.values():
        command: list[str | Path] = [
            promtool,
            "query",
            "analyze",
            f"--server={client.base_url}",
            "--type=histogram",
        ]
        command += ["--match=shop_size_bytes", "--duration=1m"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0] == said[1]
