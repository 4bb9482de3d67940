"""OTLP over HTTP: the receiver of traces, metrics and logs, in protobuf and JSON."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, status_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.ingest.compression import BoundedBody, MalformedGzipError, TooLargeError
from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.otlp_metrics import translate
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.storage import Sink, StorageFullError

logger = logging.getLogger(__name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_INLINE_BYTES = 64 * 1024  # decoding more than this would hold up the event loop

AnyMessage = TypeVar("AnyMessage", bound=Message)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class RefusedError(Exception):
    """A request that is answered with an error; `code` is google.rpc's, `reason` what it is counted under."""

    def __init__(
        self, status: int, code: int, reason: str, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Body:
    content: bytes
    is_json: bool


def otlp_app(sink: Sink, account: Account, *, max_request_bytes: int = 32 * 1024 * 1024) -> Starlette:
    """Make the application that receives OTLP/HTTP on /v1/traces, /v1/metrics and /v1/logs.

    A request is answered once its data is durable. `max_request_bytes` limits a request both as sent and once
    decompressed. What is taken and refused is counted on `account`. Follows the OpenTelemetry Protocol
    specification 1.x.
    """
    receivers: dict[str, Callable[[_Body], Awaitable[Message]]] = {
        "traces": _Traces(sink, account).receive,
        "metrics": _Metrics(sink, account).receive,
        "logs": _Logs(sink, account).receive,
    }
    routes = [
        Route(f"/v1/{signal}", _endpoint(receive, account, max_request_bytes), methods=["POST"])
        for signal, receive in receivers.items()
    ]
    return Starlette(routes=routes)


class _Traces:
    def __init__(self, sink: Sink, account: Account) -> None:
        self._sink = sink
        self._account = account

    async def receive(self, body: _Body) -> Message:
        content = body.content
        if body.is_json:
            content = (
                await _decoded(body, trace_service_pb2.ExportTraceServiceRequest())
            ).SerializeToString()
        self._account.accepted("traces", await self._sink.write_traces(content))
        return trace_service_pb2.ExportTraceServiceResponse()


class _Logs:
    def __init__(self, sink: Sink, account: Account) -> None:
        self._sink = sink
        self._account = account

    async def receive(self, body: _Body) -> Message:
        content = body.content
        if body.is_json:
            content = (await _decoded(body, logs_service_pb2.ExportLogsServiceRequest())).SerializeToString()
        self._account.accepted("logs", await self._sink.write_logs(content))
        return logs_service_pb2.ExportLogsServiceResponse()


class _Metrics:
    def __init__(self, sink: Sink, account: Account) -> None:
        self._sink = sink
        self._account = account

    async def receive(self, body: _Body) -> Message:
        request = await _decoded(body, metrics_service_pb2.ExportMetricsServiceRequest())
        translated = await _maybe_in_thread(len(body.content), translate, request)
        if translated.samples:
            self._account.accepted("metrics", await self._sink.write_samples(translated.samples))
        response = metrics_service_pb2.ExportMetricsServiceResponse()
        if translated.rejected:
            response.partial_success.rejected_data_points = translated.rejected
            response.partial_success.error_message = "; ".join(translated.reasons)
        return response


def _endpoint(
    receive: Callable[[_Body], Awaitable[Message]], account: Account, limit: int
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        is_json = _media_type(request) == JSON
        try:
            body = await _read(request, limit)
            return _response(200, await receive(body), is_json=is_json)
        except RefusedError as error:
            refused = error
        except StorageFullError as error:
            refused = RefusedError(503, code_pb2.UNAVAILABLE, "storage_full", str(error), error.retry_after)
        except ValueError as error:
            refused = RefusedError(400, code_pb2.INVALID_ARGUMENT, "malformed", str(error))
        except ClientDisconnect:
            refused = RefusedError(
                400, code_pb2.CANCELLED, "cancelled", "the sender went away before the body was complete"
            )
        logger.debug("refused an OTLP request: %s", refused)
        account.refused(
            refused.reason, str(refused), request.client.host if request.client else "an unknown sender"
        )
        status = status_pb2.Status(code=refused.code, message=str(refused))
        response = _response(refused.status, status, is_json=is_json)
        if refused.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(refused.retry_after)))
        return response

    return endpoint


async def _read(request: Request, limit: int) -> _Body:
    """Read a request's body, decompressed, within the limit."""
    media_type = _media_type(request)
    if media_type not in (PROTOBUF, JSON):
        raise RefusedError(
            415,
            code_pb2.INVALID_ARGUMENT,
            "unsupported",
            f"Content-Type {media_type or '(none)'!r} is not OTLP: send {PROTOBUF} or {JSON}",
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise RefusedError(
            415,
            code_pb2.INVALID_ARGUMENT,
            "unsupported",
            f"Content-Encoding {encoding!r} is not supported: send gzip",
        )
    body = BoundedBody(limit, gzip=encoding == "gzip")
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                raise TooLargeError(f"the body is larger than {limit} bytes")
            body.add(chunk)
        return _Body(body.finish(), media_type == JSON)
    except TooLargeError as error:
        raise RefusedError(
            413, code_pb2.INVALID_ARGUMENT, "too_large", f"{error}: send smaller batches"
        ) from error
    except MalformedGzipError as error:
        raise RefusedError(400, code_pb2.INVALID_ARGUMENT, "malformed", str(error)) from error


async def _decoded(body: _Body, message: AnyMessage) -> AnyMessage:
    return await _maybe_in_thread(len(body.content), _decode, body, message)


def _decode(body: _Body, message: AnyMessage) -> AnyMessage:
    if body.is_json:
        return parse_json(body.content, message)
    try:
        message.ParseFromString(body.content)
    except DecodeError as error:
        raise ValueError(f"the body is not an {message.DESCRIPTOR.name} in protobuf: {error}") from error
    return message


async def _maybe_in_thread(
    size: int, function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    if size > _INLINE_BYTES:
        return await run_in_threadpool(function, *args, **kwargs)
    return function(*args, **kwargs)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _response(status: int, message: Message, *, is_json: bool) -> Response:
    """Answer in the request's own encoding, as OTLP demands also of errors."""
    if is_json:
        content = json_format.MessageToJson(message, indent=None).encode()
        return Response(content, status, media_type=JSON)
    return Response(message.SerializeToString(), status, media_type=PROTOBUF)
