"""HTTP applications served on sockets of ours, one way for the page and for every receiver."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

#: What is being received or answered may take so long to end when its server stops.
GRACE_SECONDS = 5
# Longer than the pause between two exports of a usual sender, which would else meet a connection that is just closing.
_KEEP_ALIVE_SECONDS = 75


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the process's signals to the observatory."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves an application on a socket that listens already, on the running event loop."""

    def __init__(
        self, app: ASGIApp, listening: socket.socket, protocol: type[asyncio.Protocol] = H11Protocol
    ) -> None:
        self._listening = listening
        self._server = _Server(
            uvicorn.Config(
                app,
                http=protocol,
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
