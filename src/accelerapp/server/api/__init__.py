"""HTTP: the query APIs of Prometheus and Jaeger, the observatory's own, and the page."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from accelerapp.server.api import (
    alertmanager,
    alerts,
    dashboards,
    jaeger,
    jaeger_v3,
    logs,
    own_metrics,
    page,
    prometheus,
    service_graph,
    silence_preview,
    status,
    storage,
    traces,
)
from accelerapp.server.api.own_health import OwnHealth
from accelerapp.server.api.page import SecurityHeaders
from accelerapp.server.api.query_threads import NamedRoute, QueryThreads, QueueFullError, QueueTimeoutError
from accelerapp.server.api.same_site import SameSite
from accelerapp.server.api.services import (
    Configuration,
    Exporter,
    FileInUse,
    ReloadError,
    Services,
    Setting,
    modified,
)

__all__ = [
    "Configuration",
    "Exporter",
    "FileInUse",
    "OwnHealth",
    "QueryThreads",
    "ReloadError",
    "Services",
    "Setting",
    "modified",
    "query_app",
]


#: What this machine is called by itself.
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")


def query_app(services: Services, *, loopback_only: bool, names: Iterable[str] = ()) -> Starlette:
    """Return the application behind the page's port.

    With `loopback_only` a request must name this machine in its Host header, by `localhost`, a loopback address or one
    of the `names`, so that a page from elsewhere cannot read the telemetry by pointing its own name here (DNS
    rebinding).
    """
    # The best compression makes long answers a sixth smaller than the fastest, and takes ten times as long.
    gzip = Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1)
    middleware = [Middleware(SecurityHeaders), Middleware(NamedRoute), gzip]
    if loopback_only:
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=[*_LOOPBACK_NAMES, *names]))
    middleware.append(Middleware(SameSite, services=services))
    return Starlette(
        routes=[
            *prometheus.routes(services),
            *alertmanager.routes(services),
            *alerts.routes(services),
            *silence_preview.routes(services),
            *dashboards.routes(services),
            *status.routes(services),
            *logs.routes(services),
            *traces.routes(services),
            *service_graph.routes(services),
            *jaeger.routes(services),
            *jaeger_v3.routes(services),
            *storage.routes(services),
            *own_metrics.routes(services),
            *page.routes(),
        ],
        middleware=middleware,
        exception_handlers={ClientDisconnect: _gone, QueueFullError: _later, QueueTimeoutError: _later},
    )


async def _gone(_: Request, __: Exception) -> Response:
    """Answer, which nobody reads, a request whose sender went away before its body was complete."""
    return Response(status_code=400)


async def _later(_: Request, error: Exception) -> Response:
    """Answer as Alertmanager does what cannot be answered now; other APIs have forms of their own."""
    return PlainTextResponse(f"{error}\n", 503)
