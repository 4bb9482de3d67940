"""Receivers whose protocol is HTTP: connections are bounded in number, and each must say in time what it wants."""

from __future__ import annotations

import asyncio

import h11
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from accelerapp.server.ingest.receiver import MAX_CONNECTIONS, Account
from accelerapp.server.serving import HttpServer, listen

_HEADER_SECONDS = 20.0
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
)


class HttpReceiver:
    """A receiver that is an application on a port of its own.

    A connection beyond `max_connections` is answered 503 and closed; one that does not send a whole request line and
    headers within `header_seconds` is closed. Both are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        account: Account,
        *,
        max_connections: int = MAX_CONNECTIONS,
        header_seconds: float = _HEADER_SECONDS,
    ) -> None:
        self.account = account
        self._app = app
        self._protocol = _bounded(account, max_connections, header_seconds)
        self._server: HttpServer | None = None

    async def start(self, host: str, port: int) -> int:
        self._server = HttpServer(self._app, listen(host, port), self._protocol)
        await self._server.start()
        return self._server.port

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()


def _bounded(account: Account, max_connections: int, header_seconds: float) -> type[H11Protocol]:
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
            account.refused(reason, message, self.client[0] if self.client else "")

    return BoundedProtocol
