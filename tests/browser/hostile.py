"""An observatory whose every field that comes from outside is an attack: those of tests/corpus/xss.txt."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
from tests.browser.observatory import Observatory, running
from tests.stack.programs import LocalServer, until

CORPUS = Path(__file__).parents[1] / "corpus" / "xss.txt"


def _read(line: str) -> str:
    return line.replace("\\t", "\t").replace("\\n", "\n").replace("\\0", "\0")


ATTACKS = [
    _read(line) for line in CORPUS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
#: Where a null cannot be: YAML, file names, addresses.
PLAIN = [attack for attack in ATTACKS if "\0" not in attack]
#: The first, which every view is to show as a text, so that what is tested is there at all.
SEEN = ATTACKS[0]
#: An alert that another Prometheus has sent.
ELSEWHERE = f"elsewhere {SEEN}"

_PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
_LINES = {"type": "elasticsearch", "uid": "elasticsearch"}
_TRACES = {"type": "jaeger", "uid": "jaeger"}
_TYPES = (
    *("stat", "timeseries", "table", "bargauge", "gauge", "piechart", "barchart", "heatmap"),
    *("state-timeline", "status-history"),
)
#: The attributes that tell what a call is to.
_PEERS = (
    "peer.service",
    "db.system.name",
    "messaging.destination.name",
    "gen_ai.provider.name",
    "server.address",
)


@dataclass(frozen=True)
class Hostile:
    """One that runs, and what is to be found in it by its id."""

    observatory: Observatory
    trace_id: str
    silence_id: str


@contextlib.contextmanager
def hostile_observatory(folder: Path) -> Iterator[Hostile]:
    """Start it, with what it scrapes and notifies, and send it telemetry, silences and an alert."""
    with LocalServer(_Outside) as outside:
        _write_rules(folder, outside.url)
        _write_routes(folder, outside.url)
        _write_dashboards(folder)
        _write_playbooks(folder)
        settings = {
            "prometheus_file": str(folder / "prometheus.yml"),
            "alertmanager_file": str(folder / "alertmanager.yml"),
            "dashboards_dir": str(folder / "dashboards"),
            "playbooks_dir": str(folder / "playbooks"),
        }
        with running(folder, settings=settings) as observatory:
            trace_id = _send(observatory)
            _alert(observatory)
            yield Hostile(observatory, trace_id, _silence(observatory))


class _Outside(BaseHTTPRequestHandler):
    """What is scraped, well-formed and not, and a receiver that refuses what it is told, in words of its own."""

    def do_GET(self) -> None:
        if self.path == "/served":
            labels = ",".join(
                f'{name}="{_quoted(attack)}"' for name, attack in zip("abc", PLAIN[:3], strict=True)
            )
            text = f"# HELP owned_served {SEEN}\n# TYPE owned_served gauge\nowned_served{{{labels}}} 1\n"
        else:
            text = f"owned_here 1 {SEEN}\n"
        self._answer(200, "text/plain; version=0.0.4", text)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(400, "text/html", SEEN)

    def _answer(self, status: int, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _yaml(path: Path, value: object) -> None:
    # JSON is YAML.
    path.write_text(json.dumps(value), encoding="utf-8")


def _write_rules(folder: Path, outside: str) -> None:
    rules: list[dict[str, Any]] = []
    for attack in PLAIN:
        # In labels and annotations of rules two braces begin a template.
        text = attack.replace("{{", "{ {")
        labels = {"severity": text, "service": text}
        annotations = {"summary": text, "description": text, "runbook_url": text}
        expression = f'vector(1) or absent({{owned="{_quoted(attack)}"}})'
        rules.append({"alert": attack, "expr": expression, "labels": labels, "annotations": annotations})
    rules[0]["annotations"]["runbook_url"] = "/user/hostile.md"
    _yaml(folder / "rules.yml", {"groups": [{"name": SEEN, "interval": "1s", "rules": rules}]})
    targets = [
        {"targets": [f"127.0.0.1:{index + 1}"], "labels": {"service": attack, "owned": attack}}
        for index, attack in enumerate(PLAIN)
    ]
    jobs: list[dict[str, Any]] = [{"job_name": SEEN, "static_configs": targets}]
    for path in ("/served", "/unreadable"):
        served = [{"targets": [outside.removeprefix("http://")]}]
        jobs.append({"job_name": f"{SEEN}{path}", "metrics_path": path, "static_configs": served})
    _yaml(
        folder / "prometheus.yml",
        {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": jobs,
        },
    )


def _write_routes(folder: Path, outside: str) -> None:
    webhook = [{"url": f"{outside}/"}]
    muted = {"receiver": PLAIN[1], "matchers": [f'alertname="{_quoted(PLAIN[1])}"']}
    _yaml(
        folder / "alertmanager.yml",
        {
            "route": {
                "receiver": PLAIN[0],
                "group_wait": "1s",
                "group_by": ["alertname"],
                "routes": [muted | {"mute_time_intervals": [SEEN]}],
            },
            "time_intervals": [{"name": SEEN, "time_intervals": [{}]}],
            "receivers": [{"name": attack, "webhook_configs": webhook} for attack in PLAIN[:6]],
        },
    )


def _write_dashboards(folder: Path) -> None:
    (folder / "dashboards").mkdir()
    texts: list[dict[str, Any]] = [
        {"type": "text", "options": {"mode": ("html", "markdown")[index % 2], "content": attack}}
        for index, attack in enumerate(PLAIN)
    ]
    names = [attack for attack in PLAIN if "," not in attack and ":" not in attack]
    variables = [
        {"type": "custom", "name": "owned", "label": SEEN, "description": SEEN, "query": ",".join(names)},
        {
            "type": "query",
            "name": "asked",
            "label": SEEN,
            "query": "label_values(owned, url_full)",
            "multi": True,
            "includeAll": True,
        },
    ]
    annotation = {
        "name": SEEN,
        "datasource": _PROMETHEUS,
        "enable": True,
        "expr": "owned",
        "iconColor": SEEN,
        "titleFormat": "{{url_full}}",
        "textFormat": SEEN,
        "tagKeys": "url_full",
    }
    for number, panels in enumerate((texts, _values(), _of_every_type())):
        for index, panel in enumerate(panels):
            place = {"x": index * 4 % 24, "y": index // 6 * 4, "w": 4, "h": 4}
            attack = PLAIN[index % len(PLAIN)]
            panel |= {"id": index + 1, "title": attack, "description": attack, "gridPos": place}
            panel["links"] = _links(attack)
        board = {
            "uid": f"hostile-{number}",
            "title": f"{SEEN} {number}",
            "description": SEEN,
            "tags": [SEEN],
            "links": [
                *({"type": "link", "title": attack, "url": attack, "tooltip": attack} for attack in PLAIN),
                {"type": "dashboards", "title": SEEN, "tags": [SEEN], "asDropdown": False},
            ],
            "templating": {"list": variables},
            "annotations": {"list": [annotation]},
            "panels": panels,
        }
        _yaml(folder / "dashboards" / f"{number} {SEEN}.json", board)


def _links(attack: str) -> list[dict[str, str]]:
    return [{"title": attack, "url": attack}, {"title": attack, "url": "javascript:owned()"}]


def _values() -> list[dict[str, Any]]:
    """Return panels of values that an attack names, is shown in place of, and is where they lead."""
    return [
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


def _of_every_type() -> list[dict[str, Any]]:
    """Return a panel of each type, whose labels, units, mappings and colours are attacks."""
    few = 'topk(3, owned) or owned{url_full="' + _quoted(SEEN) + '"}'
    defaults = {
        "unit": f"suffix:{SEEN}",
        "color": {"mode": "fixed", "fixedColor": SEEN},
        "mappings": [{"type": "value", "options": {"1": {"text": SEEN, "color": SEEN}}}],
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": SEEN}]},
        "custom": {"axisLabel": SEEN},
    }
    return [
        *(
            {
                "type": kind,
                "datasource": _PROMETHEUS,
                "targets": [{"expr": few, "legendFormat": "{{url_full}}", "refId": "A"}],
                "fieldConfig": {"defaults": defaults, "overrides": []},
            }
            for kind in _TYPES
        ),
        {"type": "logs", "datasource": _LINES, "targets": [{"query": "*", "refId": "A"}]},
        {"type": "traces", "datasource": _TRACES, "targets": [{"queryType": "search", "refId": "A"}]},
        {"type": SEEN, "targets": [{"datasource": {"type": SEEN}, "expr": SEEN, "refId": SEEN}]},
        {"type": "row", "collapsed": False},
    ]


def _write_playbooks(folder: Path) -> None:
    (folder / "playbooks").mkdir()
    text = "\n\n".join(["# " + SEEN, *PLAIN, "```promql", SEEN, "```", "```logs", SEEN, "```"])
    (folder / "playbooks" / "hostile.md").write_text(text, encoding="utf-8")


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _attributes(attack: str) -> list[dict[str, Any]]:
    return [
        _attribute(attack, attack),
        _attribute("url.full", attack),
        _attribute("exception.stacktrace", attack),
        {"key": "owned.list", "value": {"arrayValue": {"values": [{"stringValue": attack}]}}},
    ]


def _send(observatory: Observatory) -> str:
    """Send a trace, lines and samples with an attack in each field; return the trace's id once all is there."""
    trace_id, root = secrets.token_hex(16), secrets.token_hex(8)
    now = time.time_ns()
    spans, lines, metrics = [], [], []
    for index, attack in enumerate(ATTACKS):
        span_id = root if index == 0 else secrets.token_hex(8)
        values = _attributes(attack)
        resource = {"attributes": [_attribute("service.name", attack), *values]}
        scope = {"name": attack, "version": attack, "attributes": values}
        exception = [*values, _attribute("exception.type", attack), _attribute("exception.message", attack)]
        own = {
            "traceId": trace_id,
            "spanId": span_id,
            "parentSpanId": "" if index == 0 else root,
            "traceState": attack,
            "name": attack,
            "kind": 2,
            "startTimeUnixNano": str(now + index * 1_000_000),
            "endTimeUnixNano": str(now + index * 1_000_000 + 50_000_000),
            "attributes": values,
            "status": {"code": 2, "message": attack},
            "events": [
                {"timeUnixNano": str(now), "name": attack, "attributes": values},
                {"timeUnixNano": str(now), "name": "exception", "attributes": exception},
            ],
            "links": [
                {"traceId": trace_id, "spanId": root, "traceState": attack, "attributes": values},
                {"traceId": secrets.token_hex(16), "spanId": root, "attributes": values},
            ],
        }
        call = own | {
            "spanId": secrets.token_hex(8),
            "parentSpanId": span_id,
            "kind": 3,
            "attributes": [*values, _attribute(_PEERS[index % len(_PEERS)], attack)],
            "events": [],
            "links": [],
        }
        record = {
            "timeUnixNano": str(now + index),
            "traceId": trace_id,
            "spanId": span_id,
            "severityText": attack,
            "severityNumber": 17,
            "body": {"stringValue": attack},
            "attributes": [*values, _attribute("correlation_id", attack), _attribute("host.name", attack)],
        }
        point = {"timeUnixNano": str(now), "asDouble": 1, "attributes": values}
        metric = {"name": "owned", "description": attack, "gauge": {"dataPoints": [point]}}
        spans.append({"resource": resource, "scopeSpans": [{"scope": scope, "spans": [own, call]}]})
        lines.append({"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": [record]}]})
        metrics.append({"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": [metric]}]})
    otlp = f"http://127.0.0.1:{observatory.ports['otlp_http']}/v1"
    for path, body in (
        ("traces", {"resourceSpans": spans}),
        ("logs", {"resourceLogs": lines}),
        ("metrics", {"resourceMetrics": metrics}),
    ):
        httpx.post(f"{otlp}/{path}", json=body, trust_env=False).raise_for_status()
    # Refused, and told with its type.
    refused = httpx.post(f"{otlp}/traces", content=b"x", headers={"Content-Type": SEEN}, trust_env=False)
    assert refused.status_code == 415

    def loaded() -> bool:
        asked = httpx.get(
            f"{observatory.url}/api/accelerapp/v1/logs",
            params={"trace_id": trace_id, "limit": 1000},
            trust_env=False,
        )
        return len(asked.json()["logs"]) == len(ATTACKS)

    until(loaded, "every line is loaded")
    return trace_id


def _alert(observatory: Observatory) -> None:
    """Send alerts as another Prometheus does."""
    alerts = [
        {
            "labels": {"alertname": ELSEWHERE, "severity": attack, "owned": attack},
            "annotations": {"summary": attack, "owned": attack},
            "generatorURL": f"http://127.0.0.1:1/{attack}",
        }
        for attack in PLAIN[:3]
    ]
    httpx.post(f"{observatory.url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()


def _silence(observatory: Observatory) -> str:
    """Make a few silences; return the id of one that is about the alert that was sent."""
    ids: list[str] = []
    for attack, about in ((SEEN, ELSEWHERE), *((attack, attack) for attack in PLAIN[1:8])):
        silence = {
            "matchers": [{"name": "alertname", "value": about, "isRegex": False, "isEqual": True}],
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)),
            "createdBy": attack,
            "comment": attack,
        }
        made = httpx.post(f"{observatory.url}/api/v2/silences", json=silence, trust_env=False)
        ids.append(made.raise_for_status().json()["silenceID"])
    return ids[0]
