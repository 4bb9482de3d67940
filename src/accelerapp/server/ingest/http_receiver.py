"""Receivers whose protocol is HTTP."""

from __future__ import annotations

from starlette.types import ASGIApp

from accelerapp.server.ingest.receiver import MAX_CONNECTIONS, Account
from accelerapp.server.serving import HEADER_SECONDS, HttpServer, listen


class HttpReceiver:
    """A receiver that is an application on a port of its own; connections are bounded as HttpServer bounds them."""

    def __init__(
        self,
        app: ASGIApp,
        account: Account,
        *,
        max_connections: int = MAX_CONNECTIONS,
        header_seconds: float = HEADER_SECONDS,
    ) -> None:
        self.account = account
        self._app = app
        self._max_connections = max_connections
        self._header_seconds = header_seconds
        self._server: HttpServer | None = None

    async def start(self, host: str, port: int) -> int:
        self._server = HttpServer(
            self._app,
            listen(host, port),
            self.account.refused,
            max_connections=self._max_connections,
            header_seconds=self._header_seconds,
        )
        await self._server.start()
        return self._server.port

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
