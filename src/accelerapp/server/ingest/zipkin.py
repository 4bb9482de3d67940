"""Zipkin's spans, version 2 in JSON, at POST /api/v2/spans."""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.http_request import Body, endpoint
from accelerapp.server.ingest.receiver import Account, RefusedError
from accelerapp.server.ingest.zipkin_spans import translate
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink

_JSON = ("application/json", "")


def zipkin_app(
    sink: Sink, account: Account, *, max_request_bytes: int = 16 * 1024 * 1024, clock: Clock = time.time
) -> Starlette:
    """Make the application that receives Zipkin's spans; 202 says that they are durable.

    `max_request_bytes` limits a request both as sent and once decompressed. Version 1 and the protobuf form are
    refused by name. Follows Zipkin's API, version 2.
    """

    async def version_2(body: Body) -> Response:
        if body.media_type not in _JSON:
            raise RefusedError(
                "unsupported",
                f"Content-Type {body.media_type!r} is not taken: send spans as application/json",
            )
        request = await in_thread_if_large(
            len(body.content), translate, body.content, received_ns=int(clock() * 1e9)
        )
        account.accepted("traces", await sink.write_traces(request))
        return Response(status_code=202)

    async def version_1(body: Body) -> Response:
        raise RefusedError("unsupported", "Zipkin's version 1 is not taken: send version 2 to /api/v2/spans")

    return Starlette(
        routes=[
            Route("/api/v2/spans", endpoint(version_2, account, max_request_bytes), methods=["POST"]),
            Route("/api/v1/spans", endpoint(version_1, account, max_request_bytes), methods=["POST"]),
        ]
    )
