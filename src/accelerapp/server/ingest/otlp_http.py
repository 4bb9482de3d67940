"""OTLP over HTTP: the receiver of traces, metrics and logs, in protobuf and JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.http_request import Body, Handle, endpoint
from accelerapp.server.ingest.otlp import REQUESTS, OtlpSignals
from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.receiver import Account, RefusedError
from accelerapp.server.storage import Sink

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_CODES = {
    "malformed": code_pb2.INVALID_ARGUMENT,
    "unsupported": code_pb2.INVALID_ARGUMENT,
    "too_large": code_pb2.INVALID_ARGUMENT,
    "too_slow": code_pb2.DEADLINE_EXCEEDED,
    "cancelled": code_pb2.CANCELLED,
    "storage_full": code_pb2.UNAVAILABLE,
    "too_many": code_pb2.UNAVAILABLE,
}


def otlp_app(sink: Sink, account: Account, *, max_request_bytes: int = 16 * 1024 * 1024) -> Starlette:
    """Make the application that receives OTLP/HTTP on /v1/traces, /v1/metrics and /v1/logs.

    A request is answered once its data is durable. `max_request_bytes` limits a request both as sent and once
    decompressed. What is taken and refused is counted on `account`. Follows the OpenTelemetry Protocol
    specification 1.x.
    """
    signals = OtlpSignals(sink, account)
    routes = [
        Route(
            f"/v1/{signal}",
            endpoint(
                _handle(signal, take),
                account,
                max_request_bytes,
                media_types=(PROTOBUF, JSON),
                refuse=_refuse,
            ),
            methods=["POST"],
        )
        for signal, take in signals.take.items()
    ]
    return Starlette(routes=routes, exception_handlers={404: _no_such_route, 405: _no_such_route})


def _handle(signal: str, take: Callable[[bytes, str], Awaitable[Message]]) -> Handle:
    async def handle(body: Body) -> Response:
        content = body.content
        if body.media_type == JSON:
            content = await in_thread_if_large(len(content), _from_json, content, REQUESTS[signal]())
        return _response(200, await take(content, body.sender), body.media_type)

    return handle


def _from_json(content: bytes, message: Message) -> bytes:
    return parse_json(content, message).SerializeToString()


def _refuse(error: RefusedError, status: int, media_type: str) -> Response:
    return _response(status, status_pb2.Status(code=_CODES[error.reason], message=str(error)), media_type)


async def _no_such_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    message = f"{request.method} {request.url.path} is not OTLP: POST to /v1/traces, /v1/metrics or /v1/logs"
    content = status_pb2.Status(code=code_pb2.UNIMPLEMENTED, message=message)
    headers = error.headers if isinstance(error, HTTPException) else None
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    response = _response(status, content, media_type)
    response.headers.update(headers or {})
    return response


def _response(status: int, message: Message, media_type: str) -> Response:
    """Answer in the request's own encoding, as OTLP demands also of errors."""
    if media_type == JSON:
        content = json_format.MessageToJson(message, indent=None).encode()
        return Response(content, status, media_type=JSON)
    return Response(message.SerializeToString(), status, media_type=PROTOBUF)
