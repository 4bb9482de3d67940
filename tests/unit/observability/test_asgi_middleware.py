"""The ASGI middleware: span, metrics, correlation id and log line of each request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from accelerapp.monitoring import MetricsCollector, get_correlation_id
from accelerapp.observability.integrations.asgi import ObservabilityMiddleware

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


@pytest.fixture
async def client(metrics: MetricsCollector) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    inner = APIRouter(prefix="/inner")

    @app.get("/items/{item}")
    async def item(item: str) -> dict[str, str | None]:
        return {"correlation_id": get_correlation_id()}

    @inner.get("/things/{thing}")
    async def thing(thing: str) -> None:
        return None

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("broken")

    @app.get("/unavailable")
    async def unavailable() -> PlainTextResponse:
        return PlainTextResponse("later", 503)

    @app.get("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            raise RuntimeError("half way")

        return StreamingResponse(chunks())

    @app.get("/health")
    async def health() -> None:
        return None

    async def mounted(request: Any) -> PlainTextResponse:
        return PlainTextResponse("ok")

    app.include_router(inner, prefix="/api")
    app.router.routes.append(Mount("/mounted", routes=[Route("/{name}", mounted)]))
    app.add_middleware(
        ObservabilityMiddleware,
        metrics=metrics,
        expected=[("GET", "/fails", (200, 500)), ("GET", "/calm", (404,))],
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as made:
        yield made


def counted(metrics: MetricsCollector, name: str) -> dict[tuple[str, ...], float]:
    (family,) = [family for family in metrics.collect() if family.name == name]
    return {labels: value for labels, value in family.values if isinstance(value, float | int)}


def server_span(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    assert span.kind is SpanKind.SERVER
    return span


@pytest.mark.parametrize(
    ("method", "path", "route", "code"),
    [
        ("GET", "/items/1", "/items/{item}", 200),
        ("GET", "/items/2?secret=1", "/items/{item}", 200),
        ("POST", "/items/1", "/items/{item}", 405),
        ("GET", "/api/inner/things/1", "/api/inner/things/{thing}", 200),
        ("GET", "/mounted/x", "/{name}", 200),
        ("GET", "/docs", "/docs", 200),
        ("GET", "/wp-login.php", "unmatched", 404),
        ("GET", "/unavailable", "/unavailable", 503),
    ],
)
async def test_a_request_is_counted_by_its_route(
    client: httpx.AsyncClient, metrics: MetricsCollector, method: str, path: str, route: str, code: int
) -> None:
    assert (await client.request(method, path)).status_code == code
    assert counted(metrics, "requests_total")[route, method, str(code)] == 1
    errors = {labels: value for labels, value in counted(metrics, "errors_total").items() if value}
    assert errors == ({(route, method, "503"): 1} if code >= 500 else {})
    duration = metrics.histogram("request_duration_seconds", labelnames=("route", "method"))
    assert duration.labels(route=route, method=method).get()["count"] == 1


async def test_expected_children_exist_at_zero(client: httpx.AsyncClient, metrics: MetricsCollector) -> None:
    await client.get("/health")
    assert counted(metrics, "requests_total") == {
        ("/fails", "GET", "200"): 0,
        ("/fails", "GET", "500"): 0,
        ("/calm", "GET", "404"): 0,
    }
    assert counted(metrics, "errors_total") == {("/fails", "GET", "500"): 0}


async def test_probes_and_scrapes_are_neither_counted_nor_traced(
    client: httpx.AsyncClient, metrics: MetricsCollector, spans: InMemorySpanExporter
) -> None:
    for path in ("/health", "/ready", "/metrics"):
        response = await client.get(path)
        assert "x-correlation-id" not in response.headers
    assert sum(counted(metrics, "requests_total").values()) == 0
    assert spans.get_finished_spans() == ()


async def test_an_unhandled_exception_is_an_error_with_its_exception(
    client: httpx.AsyncClient, metrics: MetricsCollector, spans: InMemorySpanExporter
) -> None:
    assert (await client.get("/fails")).status_code == 500
    assert counted(metrics, "errors_total")["/fails", "GET", "500"] == 1
    assert counted(metrics, "requests_total")["/fails", "GET", "500"] == 1
    span = server_span(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "RuntimeError"
    assert [event.name for event in span.events] == ["exception"]


async def test_an_answer_that_breaks_off_is_an_error_under_the_code_it_began_with(
    client: httpx.AsyncClient, metrics: MetricsCollector
) -> None:
    await client.get("/breaks-off")
    assert counted(metrics, "errors_total")["/breaks-off", "GET", "200"] == 1


async def test_the_span_is_a_child_of_the_callers(
    client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.get("/items/1", headers={"traceparent": TRACEPARENT, "user-agent": "test"})
    span = server_span(spans)
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.name == "GET /items/{item}"
    told = dict(span.attributes or {})
    assert told["http.request.method"] == "GET"
    assert told["http.route"] == "/items/{item}"
    assert told["http.response.status_code"] == 200
    assert told["url.path"] == "/items/1"
    assert told["user_agent.original"] == "test"
    assert span.status.status_code is StatusCode.UNSET


async def test_a_5xx_without_exception_is_an_error_status(
    client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.get("/unavailable")
    span = server_span(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "503"


async def test_a_4xx_is_no_error(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await client.get("/nothing-here")
    span = server_span(spans)
    assert span.name == "GET"
    assert span.status.status_code is StatusCode.UNSET


async def test_a_sane_correlation_id_is_taken_over(client: httpx.AsyncClient) -> None:
    response = await client.get("/items/1", headers={"X-Correlation-ID": "req-456"})
    assert response.headers["x-correlation-id"] == "req-456"
    assert response.json() == {"correlation_id": "req-456"}


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>"])
async def test_another_correlation_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/items/1", headers={"X-Correlation-ID": given})
    made = response.headers["x-correlation-id"]
    assert made != given
    assert len(made) == 36
    assert response.json() == {"correlation_id": made}
    assert get_correlation_id() is None


async def test_each_request_is_logged_once(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "accelerapp.request")
    await client.get("/items/1")
    await client.get("/unavailable")
    await client.get("/health")
    lines = [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "accelerapp.request"]
    assert lines == [("INFO", "GET /items/1 200"), ("ERROR", "GET /unavailable 503")]
    fields = vars(caplog.records[0])["extra_fields"]
    assert fields["http.route"] == "/items/{item}"
    assert fields["duration_seconds"] >= 0


async def test_an_unknown_method_makes_no_label_of_its_own(
    client: httpx.AsyncClient, metrics: MetricsCollector
) -> None:
    await client.request("BREW", "/items/1")
    assert counted(metrics, "requests_total")["/items/{item}", "_OTHER", "405"] == 1
