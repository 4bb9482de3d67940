"""Who calls whom, and how each service does, as the page's map of services asks for it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import json_response, own
from accelerapp.server.api.parameters import limit, parameters, period_ns
from accelerapp.server.api.services import Services
from accelerapp.server.storage import PeerCall, ServiceCall, ServiceFigures

_NS_PER_MS = 1_000_000


def routes(services: Services) -> list[Route]:
    """Return the route of the map of services."""

    async def service_graph(request: Request) -> Any:
        values = await parameters(request)
        most = limit(values, 1000, 10_000)
        start, end = period_ns(values)

        def read() -> Any:
            spans = services.spans
            calls, peers = spans.calls(start, end, most), spans.peers(start, end, most)
            figures = spans.service_figures(start, end, most)
            named = {one.service for one in figures}
            # A call whose answer has not come yet, or was sampled out, is of the service all the same.
            foreign = [one for one in peers if one.peer not in named]
            return json_response(
                {
                    "services": sorted(named | {name for one in calls for name in (one.caller, one.callee)}),
                    "figures": [_figures(one) for one in figures],
                    "edges": [_edge(one) for one in calls],
                    "peers": [_peer(one) for one in foreign],
                    "truncated": most in (len(calls), len(peers), len(figures)),
                }
            )

        return await services.in_query_thread(read)

    return [Route("/api/accelerapp/v1/service-graph", own(service_graph))]


def _figures(one: ServiceFigures) -> dict[str, Any]:
    return {
        "service": one.service,
        "spans": one.spans,
        "requests": one.requests,
        "errors": one.errors,
        "p50_ms": _ms(one.p50_ns),
        "p95_ms": _ms(one.p95_ns),
        "p99_ms": _ms(one.p99_ns),
        "operations": one.operations,
        "last_ms": _ms(one.last_ns),
    }


def _edge(one: ServiceCall) -> dict[str, Any]:
    return {
        "caller": one.caller,
        "callee": one.callee,
        "calls": one.calls,
        "errors": one.errors,
        "p50_ms": _ms(one.p50_ns),
        "p95_ms": _ms(one.p95_ns),
    }


def _peer(one: PeerCall) -> dict[str, Any]:
    return {
        "caller": one.caller,
        "peer": one.peer,
        "type": one.type,
        "calls": one.calls,
        "errors": one.errors,
        "p50_ms": _ms(one.p50_ns),
        "p95_ms": _ms(one.p95_ns),
    }


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _NS_PER_MS
