"""ASGI middleware: a server span, metrics, a correlation id and one log line for each HTTP request.

Span names and attributes follow OpenTelemetry's semantic conventions for HTTP; the parent comes from W3C
Trace Context headers. Starlette's and FastAPI's routers tell the route; requests that no route matched share
one label value, since raw paths are without bound.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accelerapp.monitoring import (
    MetricsCollector,
    generate_correlation_id,
    get_logger,
    get_metrics,
    is_acceptable_correlation_id,
    reset_correlation_id,
    set_correlation_id,
)
from accelerapp.observability.propagation import extract_context
from accelerapp.observability.tracing import mark_error, set_error_status, trace_block

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

CORRELATION_HEADER = "X-Correlation-ID"
UNMATCHED = "unmatched"

#: Probes and scrapes: neither counted, traced nor logged.
EXCLUDED_PATHS = frozenset({"/health", "/ready", "/metrics"})

#: Status of a request whose client went away before the answer, as nginx has it.
CLIENT_CLOSED_REQUEST = 499

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})

_logger = get_logger("accelerapp.request")


class HttpMetrics:
    """The counters and the histogram of HTTP requests; their labels are a contract.

    An error is an answer of 500 and above or an unhandled exception.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        labels = ("route", "method", "code")
        self._requests = metrics.counter("requests_total", "HTTP requests answered.", labels)
        self._errors = metrics.counter(
            "errors_total", "HTTP requests that ended in a 5xx or an unhandled exception.", labels
        )
        self._duration = metrics.histogram(
            "request_duration_seconds", "Time from an HTTP request to the end of its answer.", labels[:2]
        )

    def declare(self, route: str, method: str, codes: Iterable[int]) -> None:
        """Make the children that these answers will count in, at 0, so that `rate` sees the first of them."""
        self._duration.labels(route=route, method=method)
        for code in codes:
            self._requests.labels(route=route, method=method, code=code)
            if code >= 500:
                self._errors.labels(route=route, method=method, code=code)

    def record(self, route: str, method: str, code: int, seconds: float, *, failed: bool) -> None:
        """Count one request."""
        self._requests.labels(route=route, method=method, code=code).inc()
        if failed:
            self._errors.labels(route=route, method=method, code=code).inc()
        self._duration.labels(route=route, method=method).observe(seconds)


@dataclass(slots=True)
class _Exchange:
    """What is known of one request while it is answered."""

    scope: Scope
    method: str
    correlation_id: str
    started: float = field(default_factory=time.perf_counter)
    status: int | None = None
    exception: Exception | None = None
    abandoned: bool = False

    @property
    def code(self) -> int:
        if self.status is not None:
            return self.status
        return CLIENT_CLOSED_REQUEST if self.abandoned else 500

    @property
    def failed(self) -> bool:
        # A 4xx is never an error, also where an exception ends what is left of the request after it:
        # Starlette refuses a body that is too large in this way.
        refused = self.status is not None and 400 <= self.status < 500
        return self.code >= 500 or (self.exception is not None and not refused)


class ObservabilityMiddleware:
    """Wraps an ASGI application.

    Newer releases of FastAPI trace requests themselves; `FastAPI(telemetry={"tracing": False, …})` keeps
    them from being traced twice.

    Args:
        app: The application.
        metrics: Where requests are counted; the process-wide collector unless given.
        excluded_paths: Paths that are passed through untouched.
        expected: (method, route, status codes) whose metrics exist at 0 from the start.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: MetricsCollector | None = None,
        excluded_paths: Iterable[str] = EXCLUDED_PATHS,
        expected: Iterable[tuple[str, str, Sequence[int]]] = (),
    ) -> None:
        self._app = app
        self._metrics = HttpMetrics(metrics or get_metrics())
        self._excluded = frozenset(excluded_paths)
        for method, route, codes in expected:
            self._metrics.declare(route, method, codes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._excluded:
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        exchange = _Exchange(scope, method, _correlation_id(headers))
        token = set_correlation_id(exchange.correlation_id)
        try:
            with trace_block(
                method,
                _request_attributes(scope, headers, method),
                kind="server",
                context=extract_context(headers),
            ) as span:
                span.set_attribute("correlation_id", exchange.correlation_id)
                await self._answer(exchange, span, receive, send)
        finally:
            reset_correlation_id(token)
        if exchange.exception is not None:
            raise exchange.exception

    async def _answer(self, exchange: _Exchange, span: Span, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                kept = [
                    (name, value)
                    for name, value in message.get("headers", ())
                    if name.lower() != CORRELATION_HEADER.lower().encode()
                ]
                kept.append((CORRELATION_HEADER.lower().encode(), exchange.correlation_id.encode()))
                message["headers"] = kept
            await send(message)

        try:
            await self._app(exchange.scope, receive, send_with_id)
        except Exception as exc:  # noqa: BLE001 - raised again once the span has ended
            exchange.exception = exc
        except BaseException:
            exchange.abandoned = True
            raise
        finally:
            self._finish(exchange, span)

    def _finish(self, exchange: _Exchange, span: Span) -> None:
        seconds = time.perf_counter() - exchange.started
        route = route_template(exchange.scope)
        code, failed = exchange.code, exchange.failed
        self._metrics.record(route, exchange.method, code, seconds, failed=failed)
        if route != UNMATCHED:
            span.update_name(f"{exchange.method} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", code)
        if failed and exchange.exception is not None:
            span.set_attribute("error.type", type(exchange.exception).__qualname__)
            mark_error(span, exchange.exception)
        elif failed:
            span.set_attribute("error.type", str(code))
            set_error_status(span, f"HTTP {code}")
        _logger.log(
            logging.ERROR if failed else logging.INFO,
            "%s %s %d",
            exchange.method,
            exchange.scope["path"],
            code,
            extra={
                "extra_fields": {
                    "http.request.method": exchange.method,
                    "http.route": route,
                    "http.response.status_code": code,
                    "duration_seconds": round(seconds, 6),
                }
            },
        )


def route_template(scope: Scope) -> str:
    """Return the path template of the route that a request was matched to, or `unmatched`."""
    # FastAPI keeps the path with the prefixes of included routers apart from the route.
    effective = getattr(scope.get("fastapi", {}).get("effective_route_context"), "path", None)
    path = effective or getattr(scope.get("route"), "path", None)
    if path is None and scope.get("endpoint") is not None:
        routes = getattr(scope.get("app"), "routes", ())
        matching = [route for route in routes if getattr(route, "endpoint", None) is scope["endpoint"]]
        path = getattr(matching[0], "path", None) if matching else None
    return path if isinstance(path, str) and path else UNMATCHED


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _correlation_id(headers: dict[str, str]) -> str:
    given = headers.get(CORRELATION_HEADER.lower(), "")
    return given if is_acceptable_correlation_id(given) else generate_correlation_id()


def _request_attributes(scope: Scope, headers: dict[str, str], method: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    if method == "_OTHER":
        attributes["http.request.method_original"] = scope["method"]
    if scope.get("server"):
        attributes["server.address"], port = scope["server"]
        if port is not None:
            attributes["server.port"] = port
    if scope.get("client"):
        attributes["client.address"] = scope["client"][0]
    if "user-agent" in headers:
        attributes["user_agent.original"] = headers["user-agent"]
    return attributes
