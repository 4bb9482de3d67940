"""A dashboard with every type of panel, and the telemetry that it shows: known values at known moments."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

STEP = 15
SAMPLES = 80
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
LINES = {"type": "elasticsearch", "uid": "elasticsearch"}
TRACES = {"type": "jaeger", "uid": "jaeger"}
ROWS = 600


@dataclass(frozen=True)
class Sent:
    """What was sent: the trace that the exemplars name, and the moment of the newest sample, in Unix seconds."""

    trace_id: str
    newest: int


def send(otlp_url: str) -> Sent:
    """Send twenty minutes of metrics that end now, a trace and two lines."""
    newest = int(time.time()) // STEP * STEP
    moments = [newest - STEP * (SAMPLES - 1 - i) for i in range(SAMPLES)]
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    resource = {"attributes": [_attribute("service.name", "shop")]}
    metrics = [
        _gauge("load", [(at, host, load) for at in moments for host, load in (("a", 0.25), ("b", 0.75))]),
        _gauge("used_bytes", [(at, host, 1.5 * 2**30) for at in moments for host in "ab"]),
        # The host b went down with its last twenty samples.
        _gauge(
            "alive",
            [
                (at, h, 0 if h == "b" and i >= SAMPLES - 20 else 1)
                for i, at in enumerate(moments)
                for h in "ab"
            ],
        ),
        _gauge("many", [(newest, f"host-{i:03}", i) for i in range(ROWS)]),
        _gauge("weird", [(newest, "a", 5)]),
        _classic(moments, trace_id, span_id),
        _exponential(moments),
    ]
    _post(
        otlp_url,
        "metrics",
        {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]},
    )
    nanoseconds = newest * 10**9
    span = {
        "traceId": trace_id,
        "spanId": span_id,
        "name": "place order",
        "kind": 2,
        "startTimeUnixNano": str(nanoseconds - 2_000_000_000),
        "endTimeUnixNano": str(nanoseconds - 500_000_000),
    }
    _post(otlp_url, "traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
    records = [
        {
            "timeUnixNano": str(nanoseconds - 10**9 * i),
            "severityText": level,
            "severityNumber": number,
            "body": {"stringValue": body},
        }
        for i, (level, number, body) in enumerate(
            (("ERROR", 17, "payment refused"), ("INFO", 9, "order taken"))
        )
    ]
    _post(
        otlp_url, "logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    )
    return Sent(trace_id, newest)


def _post(otlp_url: str, signal: str, body: dict[str, Any]) -> None:
    httpx.post(f"{otlp_url}/v1/{signal}", json=body, trust_env=False).raise_for_status()


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _gauge(name: str, points: list[tuple[int, str, float]]) -> dict[str, Any]:
    return {
        "name": name,
        "gauge": {
            "dataPoints": [
                {"timeUnixNano": str(at * 10**9), "asDouble": value, "attributes": [_attribute("host", host)]}
                for at, host, value in points
            ]
        },
    }


def _classic(moments: list[int], trace_id: str, span_id: str) -> dict[str, Any]:
    """Each step has three observations up to 0.1, one up to 0.5, none up to 1 and two over it."""
    points = [
        {
            "startTimeUnixNano": str((moments[0] - STEP) * 10**9),
            "timeUnixNano": str(at * 10**9),
            "count": str(6 * (i + 1)),
            "sum": 10.0 * (i + 1),
            "explicitBounds": [0.1, 0.5, 1.0],
            "bucketCounts": [str(n * (i + 1)) for n in (3, 1, 0, 2)],
            "exemplars": [
                {"timeUnixNano": str(at * 10**9), "asDouble": 0.3, "traceId": trace_id, "spanId": span_id}
            ]
            if i == SAMPLES - 10
            else [],
        }
        for i, at in enumerate(moments)
    ]
    return {"name": "latency", "histogram": {"aggregationTemporality": 2, "dataPoints": points}}


def _exponential(moments: list[int]) -> dict[str, Any]:
    """Each step has two observations in (1, 2] and three in (4, 8]."""
    points = [
        {
            "startTimeUnixNano": str((moments[0] - STEP) * 10**9),
            "timeUnixNano": str(at * 10**9),
            "count": str(5 * (i + 1)),
            "sum": 20.0 * (i + 1),
            "scale": 0,
            "zeroCount": "0",
            "positive": {"offset": 0, "bucketCounts": [str(n * (i + 1)) for n in (2, 0, 3)]},
        }
        for i, at in enumerate(moments)
    ]
    return {"name": "size", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": points}}


def _query(expr: str, legend: str = "{{host}}", **more: Any) -> dict[str, Any]:
    return {"refId": "A", "expr": expr, "legendFormat": legend, **more}


def _panel(kind: str, title: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "title": title, "datasource": PROMETHEUS, "targets": list(targets), **more}


_UP = [
    {
        "type": "value",
        "options": {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}},
    }
]
_STEPS = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, {"value": 0.5, "color": "red"}]}


def _defaults(**defaults: Any) -> dict[str, Any]:
    return {"defaults": defaults, "overrides": []}


def _override(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def panels() -> list[dict[str, Any]]:
    """Return the panels, each with its options that are not Grafana's defaults."""
    return [
        _panel(
            "timeseries",
            "Load",
            _query("load"),
            description="How much of each host is *used*.",
            links=[{"title": "Runbook", "url": "/status"}],
            fieldConfig={
                "defaults": {
                    "unit": "percentunit",
                    "thresholds": _STEPS,
                    "custom": {"fillOpacity": 10, "thresholdsStyle": {"mode": "line+area"}},
                },
                "overrides": [
                    _override(
                        "b",
                        displayName="host B",
                        color={"mode": "fixed", "fixedColor": "#73bf69"},
                        custom__lineStyle={"fill": "dash", "dash": [10, 10]},
                        links=[
                            {
                                "title": "Lines of ${__field.labels.host}",
                                "url": "/logs?query=${__field.labels.host}",
                            }
                        ],
                    )
                ],
            },
            options={
                "legend": {
                    "displayMode": "table",
                    "placement": "bottom",
                    "calcs": ["mean", "max"],
                    "showLegend": True,
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
        ),
        _panel(
            "timeseries",
            "Latency",
            _query("histogram_quantile(0.9, sum by (le) (rate(latency_bucket[1m])))", "p90", exemplar=True),
            fieldConfig=_defaults(unit="s"),
        ),
        _panel(
            "timeseries",
            "Shares",
            _query("load"),
            _query("used_bytes", "used by {{host}}") | {"refId": "B"},
            fieldConfig={
                "defaults": {"custom": {"drawStyle": "bars", "stacking": {"mode": "percent", "group": "A"}}},
                "overrides": [
                    {
                        "matcher": {"id": "byFrameRefID", "options": "B"},
                        "properties": [
                            {"id": "unit", "value": "bytes"},
                            {"id": "custom.axisPlacement", "value": "right"},
                            {"id": "custom.stacking", "value": {"mode": "none", "group": "A"}},
                            {"id": "custom.drawStyle", "value": "line"},
                            {"id": "custom.lineInterpolation", "value": "stepAfter"},
                        ],
                    }
                ],
            },
        ),
        _panel(
            "stat",
            "Hosts",
            _query("alive"),
            fieldConfig=_defaults(mappings=_UP),
            options={"colorMode": "background", "textMode": "value_and_name", "graphMode": "none"},
        ),
        _panel(
            "stat",
            "Growth",
            _query("sum(latency_count)", "observations"),
            fieldConfig=_defaults(unit="short", color={"mode": "fixed", "fixedColor": "blue"}),
            options={"showPercentChange": True, "graphMode": "area", "textMode": "name"},
        ),
        _panel(
            "gauge",
            "Gauges",
            _query("load"),
            fieldConfig=_defaults(unit="percentunit", min=0, max=1, thresholds=_STEPS),
        ),
        _panel(
            "bargauge",
            "Bars",
            _query("used_bytes"),
            fieldConfig=_defaults(unit="bytes", max=2**31, min=0),
            options={"displayMode": "lcd", "orientation": "horizontal"},
        ),
        _panel(
            "table",
            "Hosts in a table",
            _query("sum by (host, job) (load)", instant=True, format="table"),
            _query("sum by (host, job) (used_bytes)", instant=True, format="table") | {"refId": "B"},
            transformations=[
                {"id": "merge", "options": {}},
                {
                    "id": "organize",
                    "options": {
                        "excludeByName": {"Time": True, "__name__": True},
                        "indexByName": {"host": 0, "Value #A": 1, "Value #B": 2},
                        "renameByName": {"host": "Host", "Value #A": "Load", "Value #B": "Used"},
                    },
                },
            ],
            fieldConfig={
                "defaults": {},
                "overrides": [
                    _override(
                        "Load",
                        unit="percentunit",
                        thresholds=_STEPS,
                        custom__cellOptions={"type": "color-background"},
                    ),
                    _override("Used", unit="bytes"),
                    _override("Host", links=[{"title": "Lines", "url": "/logs?query=${__value.raw}"}]),
                    _override("job", custom__hidden=True),
                ],
            },
            options={
                "sortBy": [{"displayName": "Load", "desc": True}],
                "footer": {"show": True, "reducer": ["sum"], "fields": ""},
            },
        ),
        _panel(
            "table",
            "Many rows",
            _query("many", instant=True, format="table"),
            fieldConfig=_defaults(custom={"filterable": True}),
        ),
        _panel(
            "heatmap",
            "Classic buckets",
            _query("sum by (le) (increase(latency_bucket[1m]))", "{{le}}", format="heatmap"),
            options={"yAxis": {"unit": "s"}, "color": {"scheme": "Blues"}},
        ),
        _panel("heatmap", "Native buckets", _query("increase(size[1m])", "", format="heatmap")),
        _panel("state-timeline", "States", _query("alive"), fieldConfig=_defaults(mappings=_UP)),
        _panel(
            "status-history", "History", _query("alive"), fieldConfig=_defaults(mappings=_UP), interval="1m"
        ),
        _panel(
            "barchart",
            "Compared",
            _query("load", instant=True, format="table"),
            fieldConfig=_defaults(unit="percentunit"),
        ),
        _panel(
            "piechart",
            "Parts",
            _query("load"),
            options={"legend": {"values": ["percent"], "showLegend": True}},
        ),
        {
            "type": "text",
            "title": "Words",
            "options": {
                "mode": "markdown",
                "content": "See **[the logs](/logs)**, not <script>alert(1)</script>.",
            },
        },
        {
            "type": "logs",
            "title": "Lines",
            "datasource": LINES,
            "targets": [{"refId": "A", "query": "payment", "metrics": [{"type": "logs", "id": "1"}]}],
        },
        {
            "type": "traces",
            "title": "Orders",
            "datasource": TRACES,
            "targets": [{"refId": "A", "queryType": "search", "service": "shop", "operation": "All"}],
        },
        _panel("timeseries", "Shifted", _query("load"), timeFrom="5m", timeShift="1m"),
        _panel("stat", "Nothing", _query("no_such_metric"), fieldConfig=_defaults(noValue="not one")),
        _panel("stat", "Strange unit", _query("weird"), fieldConfig=_defaults(unit="lightyears")),
        _panel("geomap", "A map", _query("load")),
    ]


def dashboard() -> dict[str, Any]:
    """Return the dashboard: its panels side by side, three in a row."""
    placed = [
        panel | {"id": i + 1, "gridPos": {"x": i % 3 * 8, "y": i // 3 * 9, "w": 8, "h": 9}}
        for i, panel in enumerate(panels())
    ]
    return {
        "uid": "every-panel",
        "title": "Every panel",
        "schemaVersion": 39,
        "time": {"from": "now-20m", "to": "now"},
        "refresh": "5s",
        "panels": placed,
    }
