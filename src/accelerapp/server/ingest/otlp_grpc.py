"""OTLP over gRPC: the receiver of traces, metrics and logs as raw messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.any_pb2 import Any as AnyProto
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from accelerapp.server.ingest.compression import MalformedCompressionError, TooLargeError, decompressed
from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.otlp import OtlpSignals
from accelerapp.server.ingest.receiver import (
    MAX_CONNECTIONS,
    REQUESTS_AT_ONCE,
    Account,
    RefusedError,
    Room,
    refusal,
)
from accelerapp.server.serving import GRACE_SECONDS, listen
from accelerapp.server.storage import Sink, StorageFullError

_SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}
_CODES = {
    "malformed": grpc.StatusCode.INVALID_ARGUMENT,
    "too_large": grpc.StatusCode.INVALID_ARGUMENT,
    "too_slow": grpc.StatusCode.DEADLINE_EXCEEDED,
    "cancelled": grpc.StatusCode.CANCELLED,
    # With RetryInfo OTLP's senders try again, as after HTTP's 503.
    "storage_full": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "too_many": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
# No protobuf message of OTLP begins so: it would be field 3 of a wire type that there is not.
_GZIP = b"\x1f\x8b"
_MESSAGE_SECONDS = 20.0
_LONGEST_DETAILS = 1000  # gRPC sends them in a header, whose size senders limit

Take = Callable[[bytes, str], Awaitable[Message]]


class OtlpGrpcReceiver:
    """Receives OTLP over gRPC; a call is answered once its data is durable.

    `max_request_bytes` limits a message both as sent and once decompressed, and eight times that what all calls hold.
    At most `max_calls` messages are held at once: other calls wait unread, and those beyond ten times as many are
    refused. Follows the OpenTelemetry Protocol specification 1.x.
    """

    def __init__(
        self,
        sink: Sink,
        account: Account,
        *,
        max_request_bytes: int = 16 * 1024 * 1024,
        max_connections: int = MAX_CONNECTIONS,
        max_calls: int = 64,
    ) -> None:
        self.account = account
        self._signals = OtlpSignals(sink, account)
        self._limit = max_request_bytes
        self._max_connections = max_connections
        self._max_waiting = 10 * max_calls
        self._calls = 0
        self._held = asyncio.Semaphore(max_calls)
        self._room = Room(REQUESTS_AT_ONCE * max_request_bytes)
        self._server: grpc.aio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen on an address; raises OSError where it cannot be had."""
        # gRPC says neither why it cannot listen nor to whom it belongs; a socket of ours does, and is quiet.
        listen(host, port).close()
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", self._limit),
                # gRPC would decompress a message of any size: it is done here, within the limit.
                ("grpc.per_message_decompression", 0),
                ("grpc.compression_enabled_algorithms_bitset", 1 << 0 | 1 << 2),  # identity and gzip
                ("grpc.max_allowed_incoming_connections", self._max_connections),
            ]
        )
        for signal, service in _SERVICES.items():
            # A stream on this side alone: so a message is only read when there is room for it.
            method: grpc.RpcMethodHandler[bytes, Message] = grpc.stream_unary_rpc_method_handler(
                self._handler(self._signals.take[signal]), response_serializer=_serialized
            )
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {"Export": method}),)
            )
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound: int = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        await self._server.start()
        return bound

    async def stop(self) -> None:
        if self._server is not None:
            # gRPC promises to end within its grace; it is not waited for without end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * GRACE_SECONDS):
                    await self._server.stop(GRACE_SECONDS)

    def _handler(self, take: Take) -> Callable[[AsyncIterator[bytes], Any], Awaitable[Message]]:
        async def export(
            messages: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
        ) -> Message:
            self._calls += 1
            try:
                if self._calls > self._max_waiting:
                    raise RefusedError(
                        "too_many", f"more than {self._max_waiting} calls wait", retry_after=1.0
                    )
                async with self._held:
                    try:
                        return await take(await self._message(messages), _host(context.peer()))
                    finally:
                        self._room.leave(messages)
            except (RefusedError, StorageFullError, ValueError) as error:
                refused = refusal(error)
            finally:
                self._calls -= 1
            self.account.refused(refused.reason, str(refused), _host(context.peer()))
            await _abort(context, refused)
            raise AssertionError("abort raises")

        return export

    async def _message(self, messages: AsyncIterator[bytes]) -> bytes:
        content: bytes | None = None
        try:
            async with asyncio.timeout(_MESSAGE_SECONDS):
                # To its end: a call that is answered before it has ended may be seen as cancelled.
                async for message in messages:
                    content = message
        except TimeoutError as error:
            raise RefusedError(
                "too_slow", f"the message did not come within {_MESSAGE_SECONDS:g} s"
            ) from error
        if content is None:
            # gRPC has answered by itself where a message is too large, and hands nothing on.
            raise RefusedError(
                "too_large", f"no message, or one larger than {self._limit} bytes: send smaller batches"
            )
        self._room.take(messages, len(content))
        if not content.startswith(_GZIP):
            return content
        try:
            content = await in_thread_if_large(8 * len(content), decompressed, content, "gzip", self._limit)
            self._room.take(messages, len(content))
            return content
        except TooLargeError as error:
            raise RefusedError("too_large", f"{error}: send smaller batches") from error
        except MalformedCompressionError as error:
            raise RefusedError("malformed", str(error)) from error


def _host(peer: str) -> str:
    """Return the address of a peer such as `ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


async def _abort(context: grpc.aio.ServicerContext[Any, Any], refused: RefusedError) -> None:
    code, message = _CODES[refused.reason], str(refused)[:_LONGEST_DETAILS]
    status = status_pb2.Status(code=code.value[0], message=message)
    if refused.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(round(refused.retry_after * 1000))
        packed = AnyProto()
        packed.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        status.details.append(packed)
    details = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, message, details)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()
