"""Jaeger's spans, Thrift over HTTP, at POST /api/traces."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.http_request import Body, endpoint
from accelerapp.server.ingest.jaeger_spans import translate
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.storage import Sink

_THRIFT = ("application/x-thrift", "application/vnd.apache.thrift.binary")


def jaeger_app(sink: Sink, account: Account, *, max_request_bytes: int = 16 * 1024 * 1024) -> Starlette:
    """Make the application that receives batches in Thrift's binary protocol; 202 says that they are durable.

    `max_request_bytes` limits a request both as sent and once decompressed. Follows Jaeger's jaeger.thrift and its
    collector's /api/traces.
    """

    async def batch(body: Body) -> Response:
        request = await in_thread_if_large(len(body.content), translate, body.content)
        account.accepted("traces", await sink.write_traces(request))
        return Response(status_code=202)

    handler = endpoint(batch, account, max_request_bytes, media_types=_THRIFT)
    return Starlette(routes=[Route("/api/traces", handler, methods=["POST"])])
