"""HTTP applications served on sockets of ours, one way for the page and for every receiver.

Connections are bounded in number, and each must say in time what it wants.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import h11
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Told of what is refused: the reason, a message, and the address of who sent it.
Refused = Callable[[str, str, str], None]

#: How long a request's line and headers may take to come.
HEADER_SECONDS = 20.0
#: What is being received or answered may take so long to end when its server stops.
GRACE_SECONDS = 5
# Longer than the pause between two exports of a usual sender, which would else meet a connection that is just closing.
_KEEP_ALIVE_SECONDS = 75
# How long a body is read that nobody wants, so that its sender comes to read the answer.
_DRAIN_SECONDS = 20.0
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the process's signals to the observatory."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves an application on a socket that listens already, on the running event loop.

    A connection beyond `max_connections` is answered 503 and closed; one that does not send a whole request line and
    headers within `header_seconds` is closed. `refused` is told of both, and of what is no HTTP.
    """

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        refused: Refused,
        *,
        max_connections: int,
        header_seconds: float = HEADER_SECONDS,
    ) -> None:
        self._listening = listening
        self._server = _Server(
            uvicorn.Config(
                _Drained(app),
                http=_bounded(refused, max_connections, header_seconds),
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to answer; raises OSError where the server ends at once."""
        self._serving = asyncio.create_task(self._server.serve([self._listening]))
        while not self._server.started:
            if self._serving.done():
                raise OSError(f"the server ended at once: {self._serving.exception() or 'without an error'}")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Answer what is being asked, and close the socket."""
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)
        self._listening.close()


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=512)
    # Connections inherit it. asyncio sets it only where the socket names its protocol, which this one does not; without
    # it the end of every answer waits 40 ms for the acknowledgement of its beginning.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _bounded(refused: Refused, max_connections: int, header_seconds: float) -> type[H11Protocol]:
    class BoundedProtocol(H11Protocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                message = f"more than {max_connections} connections are open"
                self._count("too_many", message)
                transport.write(_REFUSAL % (len(message), message.encode()))
                transport.close()
            else:
                self._wait()

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            super().data_received(data)
            # h11 is idle until it has all of a request's headers. A body may also go on after it was refused.
            answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
            if self.conn.their_state is not h11.IDLE and not answered:
                self._wait_no_more()
            elif self._waiting is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._waiting = self.loop.call_later(header_seconds, self._give_up)

        def _wait_no_more(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _give_up(self) -> None:
            self._count("too_slow", f"no whole request came within {header_seconds:g} s")
            self.transport.close()

        def send_400_response(self, msg: str) -> None:
            self._count("malformed", "what came is no HTTP/1.1 request")
            super().send_400_response(msg)

        def _count(self, reason: str, message: str) -> None:
            refused(reason, message, self.client[0] if self.client else "")

    return BoundedProtocol


class _Drained:
    """ASGI middleware that reads a body to its end before the connection is closed behind its answer.

    Else what is on its way would meet a closed socket, and the sender a reset instead of the answer. Where the
    connection is kept the protocol reads on by itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        closes = scope["type"] == "http" and (
            scope["http_version"] == "1.0" or (b"connection", b"close") in scope["headers"]
        )
        if not closes:
            await self._app(scope, receive, send)
            return
        ended = False

        async def receive_noting() -> Message:
            nonlocal ended
            message = await receive()
            ended = ended or not message.get("more_body", False)
            return message

        async def send_drained(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False) and not ended:
                await send({**message, "more_body": True})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_DRAIN_SECONDS):
                        while not ended:
                            await receive_noting()
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive_noting, send_drained)
