"""The same spans in the real Jaeger and here, the same requests of its query API, and the same answers."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from tests.stack.programs import Program, Redirected, until

from accelerapp.server.storage import Storage, StorageSettings

pytestmark = pytest.mark.stack

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
#: Ten minutes ago: within what is asked for without a time, and within the dependencies of a day.
BEGIN = (int(time.time()) - 600) * 1_000_000_000
SECOND = 1_000_000_000


def attribute(key: str, value: Any) -> KeyValue:
    def any_value(one: Any) -> AnyValue:
        match one:
            case bool():
                return AnyValue(bool_value=one)
            case int():
                return AnyValue(int_value=one)
            case float():
                return AnyValue(double_value=one)
            case str():
                return AnyValue(string_value=one)
            case list():
                found = AnyValue()
                found.array_value.values.extend(any_value(each) for each in one)
                return found
            case dict():
                found = AnyValue()
                found.kvlist_value.values.extend(KeyValue(key=k, value=any_value(v)) for k, v in one.items())
                return found
        raise AssertionError(one)

    return KeyValue(key=key, value=any_value(value))


class Request:
    """A request that is built span by span; times are milliseconds after the beginning."""

    def __init__(self) -> None:
        self.built = ExportTraceServiceRequest()

    def scope(self, service: str | None, name: str = "", **resource: Any) -> ScopeSpans:
        resource_spans = self.built.resource_spans.add()
        if service is not None:
            resource_spans.resource.attributes.append(attribute("service.name", service))
        resource_spans.resource.attributes.extend(attribute(key, value) for key, value in resource.items())
        made = resource_spans.scope_spans.add()
        made.scope.name = name
        made.scope.version = "1.0" if name else ""
        return made

    @staticmethod
    def span(
        scope: ScopeSpans,
        trace: int,
        number: int,
        name: str,
        begin: float,
        took: float,
        *,
        parent: int = 0,
        kind: Span.SpanKind.ValueType = Span.SPAN_KIND_UNSPECIFIED,
        **attributes: Any,
    ) -> Span:
        return scope.spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=BEGIN + int(begin * 1_000_000),
            end_time_unix_nano=BEGIN + int((begin + took) * 1_000_000),
            attributes=[attribute(key.replace("__", "."), value) for key, value in attributes.items()],
        )


LONG = 0xABCDEF0123456789FEDCBA9876543210
SHORT = 0x123456789  # of 64 bits
#: Every trace is in time for itself, so that their order is the same everywhere.
TRACES = {
    "request": LONG,
    "failure": LONG + 1,
    "short": SHORT,
    "skewed": LONG + 2,
    "tidy": LONG + 3,
    "orphans": LONG + 4,
}


def spans() -> bytes:
    request = Request()
    shop = request.scope("shop", "web", host="a", number=7, ip=2130706433, parts=["x", 1])
    cart = request.scope("cart", "rpc", version="1.2")
    bare = request.scope(None)
    server, client = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT

    one = request.span(shop, LONG, 1, "GET /", 0, 100, kind=server, http__status_code=200, ok=True, ratio=0.5)
    one.attributes.extend(
        [attribute("big", 2**60), attribute("list", ["a", 2, False]), attribute("map", {"k": "v"})]
    )
    one.attributes.append(attribute("text", 'quoted "\n\t<&> ü'))
    event = one.events.add(time_unix_nano=BEGIN + 5_000_000, name="cached")
    event.attributes.extend([attribute("zone", "b"), attribute("age", 3)])
    one.events.add(time_unix_nano=BEGIN + 6_000_000).attributes.append(attribute("event", "own"))
    link = one.links.add(trace_id=TRACES["failure"].to_bytes(16, "big"), span_id=(9).to_bytes(8, "big"))
    link.attributes.append(attribute("why", "retry"))
    request.span(shop, LONG, 2, "call", 10, 60, parent=1, kind=client, peer__service="cart")
    request.span(cart, LONG, 3, "/Add", 20, 40, parent=2, kind=server, items=3)
    request.span(cart, LONG, 4, "store", 25, 10, parent=3, kind=Span.SPAN_KIND_INTERNAL)

    failed = request.span(shop, TRACES["failure"], 9, "GET /", 10_000, 5, kind=server, http__status_code=500)
    failed.status.code = failed.status.STATUS_CODE_ERROR
    failed.status.message = "broken"
    failed.trace_state = "vendor=1,other=2"
    fine = request.span(shop, TRACES["failure"], 10, "log", 10_001, 1, parent=9, kind=Span.SPAN_KIND_PRODUCER)
    fine.status.code = fine.status.STATUS_CODE_OK
    same = fine.links.add(trace_id=TRACES["failure"].to_bytes(16, "big"), span_id=(9).to_bytes(8, "big"))
    same.attributes.append(attribute("opentracing.ref_type", "follows_from"))

    request.span(bare, SHORT, 1, "nameless", 20_000, 3, kind=Span.SPAN_KIND_CONSUMER)
    request.span(cart, SHORT, 2, "tick", 20_001, 1, parent=1)

    request.span(cart, TRACES["skewed"], 1, "outer", 30_000, 20)
    request.span(cart, TRACES["skewed"], 2, "early", 29_990, 10, parent=1)
    request.span(cart, TRACES["skewed"], 3, "late", 30_015.5, 10, parent=1)
    request.span(cart, TRACES["skewed"], 4, "longer", 29_999, 30, parent=1)

    tidy = request.scope("mail", "smtp", zone="c")
    sent = request.span(tidy, TRACES["tidy"], 1, "send", 35_000, 20, kind=client, to=3, ok=False, size=1.5)
    sent.events.add(time_unix_nano=BEGIN + 35 * SECOND, name="queued").attributes.append(
        attribute("place", 2)
    )
    sent.status.code = sent.status.STATUS_CODE_ERROR
    sent.status.message = "bounced"
    request.span(tidy, TRACES["tidy"], 2, "inner", 35_001, 2, parent=1)

    request.span(cart, TRACES["orphans"], 1, "lost", 40_000, 20, parent=77)
    return request.built.SerializeToString()


@pytest.fixture(scope="module")
def jaeger(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The shipped Jaeger, which has the spans."""
    home = tmp_path_factory.mktemp("jaeger")
    file = Redirected(SHIPPED / "jaeger" / "jaeger.yaml")
    file.replace("/var/lib/jaeger", str(home))
    (home / "jaeger.yaml").write_text(file.text, encoding="utf-8")
    ready = f"http://127.0.0.1:{file.ports[13133]}/status"
    program = Program(
        [server_programs("jaeger") / "jaeger", "--config", home / "jaeger.yaml"], home / "log", ready
    )
    program.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{file.ports[16686]}", timeout=30) as client:
            headers = {"content-type": "application/x-protobuf"}
            url = f"http://127.0.0.1:{file.ports[4318]}/v1/traces"
            until(lambda: httpx.post(url, content=spans(), headers=headers).is_success, "Jaeger takes spans")
            path = f"/api/traces/{TRACES['orphans']:032x}"
            until(lambda: client.get(path).is_success, "Jaeger has the last trace")
            yield client
    finally:
        program.kill()


@pytest.fixture
async def ours(api: Open, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    storage = Storage.open(tmp_path / "data", StorageSettings(retention_seconds=0))
    await storage.write_traces(spans())
    await storage.seal()
    async with api(spans=storage.spans, clock=time.time) as client:
        yield client
    await storage.close()


def tags(**values: str) -> str:
    return json.dumps({name.replace("__", "."): value for name, value in values.items()})


WHOLE = {"start": str((BEGIN - 60 * SECOND) // 1000), "end": str((BEGIN + 60 * SECOND) // 1000)}
V3 = {
    f"query.start_time_{end}": datetime.fromtimestamp(int(WHOLE[name]) // 1_000_000, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    for end, name in (("min", "start"), ("max", "end"))
} | {"query.num_traces": "5"}
SEARCHES: list[tuple[str, Mapping[str, Any]]] = [
    ("/api/services", {}),
    ("/api/services/shop/operations", {}),
    ("/api/services/none/operations", {}),
    ("/api/operations", {"service": "shop"}),
    ("/api/operations", {"service": "none"}),
    ("/api/traces", {"service": "shop"}),
    ("/api/traces", {"service": "shop", **WHOLE}),
    ("/api/traces", {"service": "cart", **WHOLE, "limit": "2"}),
    ("/api/traces", {"service": "cart", **WHOLE, "lookback": "1h"}),
    ("/api/traces", {"service": "cart", "operation": "/Add", **WHOLE}),
    ("/api/traces", {"service": "cart", "operation": "none", **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(http__status_code="500"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(error="true"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tag": "ok:true", **WHOLE}),
    ("/api/traces", {"service": "shop", "tag": ["ratio:0.5", "host:a"], **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(host="b"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(zone="b", age="3"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(zone="c"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(span__kind="producer"), **WHOLE}),
    ("/api/traces", {"service": "shop", "tags": tags(otel__status_code="ERROR"), **WHOLE}),
    ("/api/traces", {"service": "shop", "minDuration": "6ms", **WHOLE}),
    ("/api/traces", {"service": "shop", "minDuration": "1ms", "maxDuration": "7ms", **WHOLE}),
    ("/api/traces", {"service": "cart", "start": str((BEGIN + 19 * SECOND) // 1000), "end": WHOLE["end"]}),
    ("/api/traces", {"service": "cart", "start": WHOLE["start"], "end": str((BEGIN + 19 * SECOND) // 1000)}),
    ("/api/traces", {"traceID": [f"{LONG:x}", f"{SHORT:x}"], **WHOLE}),
    ("/api/traces", {"traceID": [f"{LONG:x}", "77"], **WHOLE}),
    *((f"/api/traces/{trace:032x}", {}) for trace in TRACES.values()),
    (f"/api/traces/{LONG:X}", {}),
    (f"/api/traces/{SHORT:x}", {"prettyPrint": "true"}),
    (f"/api/traces/{LONG:x}", {"raw": "true"}),
    (f"/api/traces/{LONG:x}", {"start": WHOLE["start"], "end": WHOLE["end"]}),
    ("/api/dependencies", {"endTs": str(int(WHOLE["end"]) // 1000), "lookback": "3600000"}),
    ("/api/dependencies", {"endTs": str(int(WHOLE["end"]) // 1000)}),
    ("/api/dependencies", {"endTs": "1000000", "lookback": "1000"}),
    ("/api/v3/services", {}),
    ("/api/v3/operations", {"service": "cart"}),
    (f"/api/v3/traces/{TRACES['tidy']:032x}", {}),
    ("/api/v3/traces", {"query.service_name": "mail", "query.operation_name": "send", **V3}),
    ("/api/v3/traces", {"query.service_name": "mail", "query.duration_max": "1s", **V3}),
]
FAILURES: list[tuple[str, Mapping[str, Any]]] = [
    ("/api/operations", {}),
    ("/api/traces", {}),
    ("/api/traces", {"service": "shop", "start": "yesterday"}),
    ("/api/traces", {"service": "shop", "end": "1e9"}),
    ("/api/traces", {"service": "shop", "start": "9" * 20}),
    ("/api/traces", {"service": "shop", "limit": "many"}),
    ("/api/traces", {"service": "shop", "limit": "4294967296"}),
    ("/api/traces", {"service": "shop", "minDuration": "5"}),
    ("/api/traces", {"service": "shop", "minDuration": "5 ms"}),
    ("/api/traces", {"service": "shop", "maxDuration": "5 parsecs"}),
    ("/api/traces", {"service": "shop", "maxDuration": "soon"}),
    ("/api/traces", {"service": "shop", "minDuration": "5ms", "maxDuration": "4ms"}),
    ("/api/traces", {"service": "shop", "tag": "error"}),
    ("/api/traces", {"service": "shop", "tags": '{"a": 1}'}),
    ("/api/traces", {"service": "shop", "tags": '["a"]'}),
    ("/api/traces", {"service": "shop", "tags": "{"}),
    ("/api/traces", {"service": "shop", "raw": "perhaps"}),
    ("/api/traces", {"traceID": "xyz"}),
    ("/api/traces", {"traceID": "1" * 33}),
    ("/api/traces/xyz", {}),
    ("/api/traces/" + "1" * 33, {}),
    ("/api/traces/77", {}),
    ("/api/traces/77", {"start": "x"}),
    ("/api/dependencies", {"endTs": "x"}),
    ("/api/dependencies", {"lookback": "1h"}),
    ("/api/metrics/calls", {"service": "shop"}),
    ("/api/v3/traces/xyz", {}),
    ("/api/v3/traces/77", {}),
    ("/api/v3/traces/77", {"start_time": "x"}),
    ("/api/v3/traces/77", {"raw_traces": "x"}),
    ("/api/v3/traces", {"query.service_name": "shop"}),
    ("/api/v3/traces", {"query.start_time_min": "x", "query.start_time_max": "2026-01-01T00:00:00Z"}),
    (
        "/api/v3/traces",
        {
            "query.start_time_min": "2026-01-01T00:00:00Z",
            "query.start_time_max": "2026-01-01T00:00:01Z",
            "query.duration_min": "5",
        },
    ),
]


def named(case: tuple[str, Mapping[str, Any]]) -> str:
    """Name a case; times are left out, since they are other ones in each of pytest-xdist's processes."""
    path, parameters = case
    times = ("start", "end", "endTs", "query.start_time_min", "query.start_time_max")
    given = {key: value for key, value in parameters.items() if key not in times}
    return path + "?" + "&".join(f"{key}={value}" for key, value in given.items())


def comparable(content: Any) -> Any:
    """Return an answer without what Jaeger promises no order of: spans, processes, and lists of names."""
    if not isinstance(content, dict):
        return content
    for trace in content.get("data") or []:
        if isinstance(trace, dict) and "spans" in trace:
            processes = trace.pop("processes")
            for span in trace["spans"]:
                span["process"] = processes[span.pop("processID")]
            trace["spans"].sort(key=lambda span: span["spanID"])
    if isinstance(content.get("data"), list) and "spans" not in str(content["data"])[:200]:
        content["data"] = sorted(content["data"], key=str)
    for operation in [*(content.get("data") or []), *content.get("operations", [])]:
        if isinstance(operation, dict):
            # Jaeger on Badger, as it is shipped, keeps no kinds of operations.
            operation.pop("spanKind", None)
    for key in ("services", "operations"):
        if key in content:
            content[key] = sorted(content[key], key=str)
    for resource in content.get("result", {}).get("resourceSpans", []):
        for scope in resource["scopeSpans"]:
            scope["spans"].sort(key=lambda span: span["spanId"])
    if "result" in content:
        content["result"]["resourceSpans"].sort(key=str)
    return content


@pytest.mark.parametrize("case", SEARCHES, ids=named)
async def test_the_answers_are_the_same(
    ours: httpx.AsyncClient, jaeger: httpx.Client, case: tuple[str, Mapping[str, Any]]
) -> None:
    path, parameters = case
    mine, theirs = await ours.get(path, params=parameters), jaeger.get(path, params=parameters)
    assert mine.status_code == theirs.status_code == 200
    # The one who sends no name is called as OpenTelemetry's specification calls it.
    answer = json.loads(theirs.text.replace("missing-service-name", "unknown_service"))
    assert comparable(mine.json()) == comparable(answer)


@pytest.mark.parametrize("case", FAILURES, ids=named)
async def test_the_errors_are_the_same(
    ours: httpx.AsyncClient, jaeger: httpx.Client, case: tuple[str, Mapping[str, Any]]
) -> None:
    path, parameters = case
    mine, theirs = await ours.get(path, params=parameters), jaeger.get(path, params=parameters)
    assert (mine.status_code, mine.json()) == (theirs.status_code, theirs.json())
    if "/v3/" not in path:  # where Jaeger sends JSON without saying so
        assert mine.headers["content-type"] == theirs.headers["content-type"]
