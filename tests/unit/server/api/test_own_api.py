"""The observatory's own endpoints: parameters, answers, errors, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from accelerapp.server.oncall import Playbooks
from accelerapp.server.rules import load_rule_files
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import (
    LogPage,
    LogQuery,
    Operation,
    OperationFigures,
    PeerCall,
    RawSpan,
    ServiceCall,
    ServiceFigures,
    ServiceShare,
    SpanFigures,
    SpanPoint,
    SpanQuery,
    TracePosition,
    TraceSummary,
)

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

PREFIX = "/api/accelerapp/v1"
SHIPPED = Path(__file__).parents[4] / "deployment" / "observability"
RULE_FILES = sorted((SHIPPED / "prometheus").glob("*rules.yml"))


class Spans:
    """One trace of a parent and a child, and the queries that were asked."""

    def __init__(self) -> None:
        self.asked: list[SpanQuery] = []

    def raw_trace(self, trace_id: str, limit: int) -> list[RawSpan]:
        if trace_id != "ab" * 16:
            return []
        resource = '{"host.name":"a"}'
        parent = RawSpan(
            *(trace_id, "01", "", "POST /x", "server", "shop", 2_000_000, 9_000_000, "error", "broken"),
            resource=resource,
            scope="web",
        )
        child = RawSpan(
            *(trace_id, "02", "01", "query", "client", "db", 3_000_000, 4_000_000, "unset"),
            attributes='{"rows":12345678901234567890}',
            resource=resource,
            events='[{"time_ns":3500000,"name":"exception","attributes":{"exception.type":"E"}}]',
            links='[{"trace_id":"cd","span_id":"03","attributes":{}}]',
        )
        lost = RawSpan(trace_id, "04", "05", "late", "internal", "db", 8_000_000, 8_000_000, "ok")
        return [child, parent, lost][:limit]

    def search(self, query: SpanQuery) -> list[TraceSummary]:
        self.asked.append(query)
        shares = (ServiceShare("db", 1, 0), ServiceShare("shop", 1, 1))
        position = TracePosition(3_000_000, "ab" * 16)
        return [TraceSummary(position, "shop", "POST /x", 2_000_000, 9_000_000, 2, 1, 0, shares)]

    def figures(self, query: SpanQuery, limit: int) -> SpanFigures:
        self.asked.append(query)
        operation = OperationFigures("shop", "POST /x", "server", 2, 1, 1e6, 2e6, 3e6, 4_000_000)
        return SpanFigures(2, 1, ((1_000_000, 2), (None, 0)), (operation,)[:limit], truncated=True)

    def points(self, query: SpanQuery, limit: int) -> list[SpanPoint]:
        self.asked.append(query)
        return [SpanPoint("ab" * 16, "01", "shop", "POST /x", 2_000_000, 7_000_000, "error")][:limit]

    def calls(self, start_ns: int, end_ns: int, limit: int) -> list[ServiceCall]:
        return [ServiceCall("shop", "db", 4, 1, 1_500_000.0, 2_000_000.0)][:limit]

    def service_figures(self, start_ns: int, end_ns: int, limit: int) -> list[ServiceFigures]:
        return [ServiceFigures("shop", 9, 4, 1, 1e6, 2e6, 3e6, 2, 5_000_000)][:limit]

    def peers(self, start_ns: int, end_ns: int, limit: int) -> list[PeerCall]:
        known = PeerCall("db", "shop", "external", 1, 0, 1e6, 2e6)
        return [PeerCall("shop", "orders", "database", 3, 0, 1e6, 2e6), known][:limit]

    def operations(self, service: str | None = None) -> list[Operation]:
        found = [Operation("db", "query", "client"), Operation("shop", "POST /x", "server")]
        return [*found, Operation("shop", "POST /x", "client")] if service is None else found[1:]


class Logs:
    def __init__(self) -> None:
        self.asked: list[LogQuery] = []

    def page(self, query: LogQuery) -> LogPage:
        self.asked.append(query)
        record = LogRecord(1_500_000, "ERROR", 17, "shop", "no", correlation_id="c", attributes={"a": 1})
        return LogPage([record], more=False)


async def test_a_trace_is_told_in_the_order_of_its_waterfall_relative_to_its_start(api: Open) -> None:
    async with api(spans=Spans()) as client:
        answer = (await client.get(f"{PREFIX}/traces/{'AB' * 16}")).json()
    assert answer == {
        "trace_id": "ab" * 16,
        "start_ms": 2,
        "duration_ms": 7,
        "services": ["db", "shop"],
        "resources": [{"host.name": "a"}, {}],
        "spans": [
            {
                "span_id": "01",
                "name": "POST /x",
                "kind": "server",
                "service": "shop",
                "scope": "web",
                "start_ms": 0,
                "duration_ms": 7,
                "status": "error",
                "status_message": "broken",
                "resource": 0,
                "depth": 0,
            },
            {
                "span_id": "02",
                "parent_span_id": "01",
                "name": "query",
                "kind": "client",
                "service": "db",
                "start_ms": 1,
                "duration_ms": 1,
                "status": "unset",
                "depth": 1,
                "attributes": {"rows": 12345678901234567890},
                "resource": 0,
                "events": [
                    {"time_ms": 1.5, "name": "exception", "attributes": {"exception.type": "E"}},
                ],
                "links": [{"trace_id": "cd", "span_id": "03", "attributes": {}}],
            },
            {
                "span_id": "04",
                "parent_span_id": "05",
                "name": "late",
                "kind": "internal",
                "service": "db",
                "start_ms": 6,
                "duration_ms": 0,
                "status": "ok",
                "depth": 0,
                "resource": 1,
                "orphan": True,
            },
        ],
        "truncated": False,
    }


async def test_every_condition_of_a_search_reaches_the_reader(api: Open) -> None:
    spans = Spans()
    given = {
        "service": "shop",
        "name": "POST /x",
        "status": "error",
        "kind": "server",
        "scope": "web",
        "caller": "web-shop",
        "min_duration_ms": "1.5",
        "max_duration_ms": "100",
        "attribute": ["http.route=/x=y", "k=v"],
        "start_ms": "1",
        "end_ms": "2",
        "limit": "1",
        "before": f"5-{'cd' * 16}",
    }
    async with api(spans=spans) as client:
        answer = (await client.get(f"{PREFIX}/traces", params=given)).json()
    assert answer["traces"][0]["duration_ms"] == 7
    assert spans.asked == [
        SpanQuery(
            start_ns=1_000_000,
            end_ns=2_000_000,
            service="shop",
            name="POST /x",
            kind="server",
            status="error",
            scope="web",
            caller="web-shop",
            min_duration_ns=1_500_000,
            max_duration_ns=100_000_000,
            attributes={"http.route": "/x=y", "k": "v"},
            limit=1,
            before=TracePosition(5, "cd" * 16),
        )
    ]
    assert answer["next"] == f"3000000-{'ab' * 16}"


async def test_the_longest_traces_are_one_page(api: Open) -> None:
    spans = Spans()
    async with api(spans=spans) as client:
        answer = (await client.get(f"{PREFIX}/traces?order=longest&limit=1")).json()
    assert [query.longest for query in spans.asked] == [True]
    assert (len(answer["traces"]), answer["next"]) == (1, None)


async def test_the_last_page_of_a_search_has_no_next_one(api: Open) -> None:
    async with api(spans=Spans()) as client:
        answer = (await client.get(f"{PREFIX}/traces", params={"limit": "2"})).json()
    assert len(answer["traces"]) == 1
    assert answer["next"] is None
    assert answer["traces"][0]["services"] == ["db", "shop"]


async def test_figures_are_told_in_milliseconds(api: Open) -> None:
    async with api(spans=Spans()) as client:
        answer = (await client.get(f"{PREFIX}/spans/figures", params={"service": "shop"})).json()
    operation = answer["operations"][0]
    assert (operation["p50_ms"], operation["p95_ms"], operation["p99_ms"], operation["max_ms"]) == (
        1,
        2,
        3,
        4,
    )
    assert answer["durations"] == [{"up_to_ms": 1, "spans": 2}, {"up_to_ms": None, "spans": 0}]
    assert (answer["spans"], answer["errors"], answer["truncated"]) == (2, 1, True)


async def test_spans_are_told_as_points(api: Open) -> None:
    spans = Spans()
    async with api(spans=spans) as client:
        answer = (await client.get(f"{PREFIX}/spans", params={"service": "shop", "root": "true"})).json()
        wrong = await client.get(f"{PREFIX}/spans", params={"root": "yes"})
    point = {"trace_id": "ab" * 16, "span_id": "01", "service": "shop", "name": "POST /x", "status": "error"}
    assert answer == {"spans": [{**point, "start_ms": 2, "duration_ms": 7}]}
    assert [(one.service, one.root) for one in spans.asked] == [("shop", True)]
    assert (wrong.status_code, wrong.json()["error"]) == (
        400,
        'parameter "root" must be one of true, false, not "yes"',
    )


async def test_the_service_graph_has_the_calls_and_tells_where_it_is_cut(api: Open) -> None:
    async with api(spans=Spans()) as client:
        answer = (await client.get(f"{PREFIX}/service-graph")).json()
        cut = (await client.get(f"{PREFIX}/service-graph", params={"limit": "1"})).json()
    edge = {"caller": "shop", "callee": "db", "calls": 4, "errors": 1, "p50_ms": 1.5, "p95_ms": 2}
    figures = {"service": "shop", "spans": 9, "requests": 4, "errors": 1, "p50_ms": 1, "p95_ms": 2}
    # A peer that sends spans itself is that service, and no other.
    peer = {"caller": "shop", "peer": "orders", "type": "database", "calls": 3, "errors": 0}
    assert answer == {
        "services": ["db", "shop"],
        "figures": [{**figures, "p99_ms": 3, "operations": 2, "last_ms": 5}],
        "edges": [edge],
        "peers": [{**peer, "p50_ms": 1, "p95_ms": 2}],
        "truncated": False,
    }
    assert cut["truncated"] is True


async def test_services_and_operations_are_told(api: Open) -> None:
    async with api(spans=Spans()) as client:
        services = (await client.get(f"{PREFIX}/services")).json()
        operations = (await client.get(f"{PREFIX}/operations", params={"service": "shop"})).json()
    assert services == {
        "services": [
            {"name": "db", "operations": ["query"]},
            {"name": "shop", "operations": ["POST /x"]},
        ]
    }
    assert operations == {"operations": [{"service": "shop", "name": "POST /x", "kind": "server"}]}


async def test_a_level_asks_for_it_and_what_is_graver(api: Open) -> None:
    logs = Logs()
    async with api(logs=logs) as client:
        answer = (await client.get(f"{PREFIX}/logs", params={"level": "warn", "text": "no"})).json()
    assert (logs.asked[0].min_severity, logs.asked[0].text) == (13, "no")
    assert answer["logs"][0]["time_ms"] == 1.5


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("traces?status=bad", 400, '"status" must be one of error, ok, unset'),
        ("traces?kind=bad", 400, '"kind" must be one of internal, server'),
        ("traces?order=oldest", 400, '"order" must be one of newest, longest'),
        (f"traces?order=longest&before=5-{'ab' * 16}", 400, '"before" does not go with "order=longest"'),
        ("traces?before=5", 400, '"next" of a search'),
        (f"traces?before={2**63}-{'ab' * 16}", 400, '"next" of a search'),
        ("traces?attribute=name", 400, "name=value"),
        ("traces?limit=0", 400, "whole number from 1 to 1000"),
        (f"traces?limit={'1' * 5000}", 400, "whole number from 1 to 1000"),
        ("traces?min_duration_ms=long", 400, '"min_duration_ms" must be a number'),
        ("traces?start_ms=2&end_ms=1", 400, '"end_ms" is before "start_ms"'),
        ("traces/cd", 404, f"no trace {'cd':0>32}"),
        ("traces/shop", 400, '1 to 32 hexadecimal digits; "shop" has not'),
        ("logs?level=loud", 400, '"level" must be one of TRACE'),
        ("logs?limit=5001", 400, "5000"),
        ("dashboards/none", 404, "no dashboard"),
        ("playbooks/none", 404, "no playbook"),
    ],
)
async def test_errors_say_what_was_wrong(
    api: Open, tmp_path: Path, path: str, status: int, message: str
) -> None:
    async with api(spans=Spans(), logs=Logs(), playbooks=Playbooks(tmp_path)) as client:
        answer = await client.get(f"{PREFIX}/{path}")
    assert answer.status_code == status
    assert message in answer.json()["error"]


async def test_the_links_of_the_shipped_alerts_lead_to_their_playbooks(api: Open) -> None:
    rules = load_rule_files(RULE_FILES, default_interval_seconds=15)
    links = [rule.annotations["runbook_url"].text for group in rules for rule in group.rules if rule.alerting]
    assert len(links) == 12
    async with api(playbooks=Playbooks(SHIPPED / "playbooks")) as client:
        for link in links:
            base, path = link.split("}}")
            assert base == "{{ $externalURL "
            answer = await client.get(path)
            assert answer.status_code == 200, link
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.text == (SHIPPED / "playbooks" / link.rpartition("/")[2]).read_text()
        assert (await client.get("/user/none.md")).status_code == 404


async def test_every_answer_carries_the_policy_that_keeps_foreign_things_out(api: Open) -> None:
    async with api() as client:
        for path in ("/-/healthy", "/api/v1/query?query=1", "/none", "/api/none"):
            answer = await client.get(path)
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1:9090", 200), ("localhost", 200), ("evil.example", 400)]
)
async def test_on_loopback_only_this_machine_may_be_named(api: Open, host: str, status: int) -> None:
    async with api(host=host) as client:
        assert (await client.get("/-/healthy")).status_code == status


async def test_listening_on_all_addresses_any_name_may_be_used(api: Open) -> None:
    async with api(host="observatory.example", loopback_only=False) as client:
        assert (await client.get("/-/healthy")).status_code == 200


async def test_an_unknown_path_below_the_api_is_no_page(api: Open) -> None:
    async with api() as client:
        answer = await client.get("/api/v2/none")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


async def test_a_sender_that_goes_away_is_no_failure_of_ours(api: Open) -> None:
    scope = {"type": "http", "method": "POST", "path": "/api/v1/query", "query_string": b""}
    headers = [(b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded")]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async with api() as client:
        transport = client._transport
        assert isinstance(transport, httpx.ASGITransport)
        app: Any = transport.app
        await app({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)
    assert sent[0]["status"] == 400


async def test_a_form_in_the_body_asks_as_the_address_does(api: Open) -> None:
    async with api() as client:
        by_form = await client.post("/api/v1/query", data={"query": "1 + 1", "time": "5"})
        by_address = await client.get("/api/v1/query", params={"query": "1 + 1", "time": "5"})
        both = await client.post("/api/v1/query?time=5", data={"query": "1 + 1"})
        assert by_form.json() == by_address.json() == both.json()
        assert by_form.json()["data"]["result"] == [5, "2"]
        large = await client.post("/api/v1/query", data={"query": "1" * (1 << 20)})
    assert (large.status_code, large.json()["errorType"]) == (400, "bad_data")
    assert "too large" in large.json()["error"]


@pytest.mark.parametrize("path", ["/federate?match[]=up", "/api/v1/write"])
async def test_what_prometheus_has_and_the_observatory_has_not_is_no_view_of_the_page(
    api: Open, path: str
) -> None:
    async with api() as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
