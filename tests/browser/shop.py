"""A shop that is instrumented as the documentation says, some of whose orders wait long for a lock.

`python shop.py PORT` serves it; `OTEL_EXPORTER_OTLP_ENDPOINT` says where its spans and lines go.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accelerapp.monitoring import get_logger
from accelerapp.observability import PrometheusMetricsExporter, setup_observability, trace_block
from accelerapp.observability.integrations.asgi import ObservabilityMiddleware

#: One order in this many waits; the 95th percentile is one that did.
_SLOW_EVERY = 4
_SLOW_SECONDS = 1.4

_log = get_logger("shop.orders")
_orders = itertools.count(1)
_exporter = PrometheusMetricsExporter()


async def order(_: Request) -> Response:
    number = next(_orders)
    with trace_block("price the basket", {"order.number": number}):
        await asyncio.sleep(0.002)
    with trace_block("lock the stock", {"order.number": number}):
        if number % _SLOW_EVERY == 0:
            await asyncio.sleep(_SLOW_SECONDS)
            _log.warning("waited %.1f s for the lock on the stock", _SLOW_SECONDS)
    return JSONResponse({"order": number})


async def metrics(request: Request) -> Response:
    media_type, text = _exporter.render(request.headers.get("accept"))
    return Response(text, media_type=media_type)


def main() -> None:
    setup_observability(service_name="shop")
    app = Starlette(routes=[Route("/orders", order, methods=["POST"]), Route("/metrics", metrics)])
    app.add_middleware(ObservabilityMiddleware)
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)


if __name__ == "__main__":
    main()
