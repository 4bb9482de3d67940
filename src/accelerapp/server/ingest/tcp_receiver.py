"""Receivers whose protocol is a stream of bytes: connections bounded in number, read only when there is room."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

from accelerapp.server.ingest.receiver import MAX_CONNECTIONS, Account, RefusedError, Room
from accelerapp.server.serving import GRACE_SECONDS, listen
from accelerapp.server.storage import StorageFullError

logger = logging.getLogger(__name__)

_READ_BYTES = 256 * 1024
_SEND_SECONDS = 30.0
_RETRY_SECONDS = 1.0


class Connection:
    """One sender's connection.

    What is not read stays in the system's buffers, whose being full makes the sender wait.
    """

    def __init__(self, socket_: socket.socket, sender: str) -> None:
        self.sender = sender
        self._socket = socket_
        self._reading: asyncio.Future[bytes] | None = None
        self._ending = False

    async def read(self, seconds: float | None = None) -> bytes:
        """Return what comes next, nothing at the end; raises RefusedError where nothing comes within `seconds`."""
        if self._ending:
            return self._at_once()
        loop = asyncio.get_running_loop()
        self._reading = loop.create_task(loop.sock_recv(self._socket, _READ_BYTES))
        try:
            async with asyncio.timeout(seconds):
                return await self._reading
        except TimeoutError as error:
            raise RefusedError("too_slow", f"nothing more came within {seconds:g} s") from error
        except asyncio.CancelledError:
            if not self._ending:
                raise
            return self._at_once()
        finally:
            self._reading = None

    async def send(self, data: bytes) -> None:
        """Send; raises TimeoutError where the other side takes nothing."""
        async with asyncio.timeout(_SEND_SECONDS):
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def end(self) -> None:
        """Let reads return what has come already, and then the end."""
        self._ending = True
        if self._reading is not None:
            self._reading.cancel()

    def _at_once(self) -> bytes:
        try:
            return self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return b""


class TcpReceiver(ABC):
    """A receiver whose connections are served by `converse`; those beyond `max_connections` are closed, and counted.

    `room` is the memory that connections may hold; each leaves it when it ends.
    """

    def __init__(self, account: Account, *, room: Room, max_connections: int = MAX_CONNECTIONS) -> None:
        self.account = account
        self.room = room
        self._max_connections = max_connections
        self._listening: socket.socket | None = None
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._stopping = asyncio.Event()

    @abstractmethod
    async def converse(self, connection: Connection) -> None:
        """Serve a connection to its end.

        RefusedError is counted and closes it; that the other side went away closes it.
        """

    async def start(self, host: str, port: int) -> int:
        self._listening = listen(host, port)
        self._listening.setblocking(False)
        self._accept_when_ready()
        bound: int = self._listening.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Take in what has come already, and close every connection."""
        self._stopping.set()
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for connection in self._open.values():
            connection.end()
        if self._open:
            _, pending = await asyncio.wait(self._open, timeout=GRACE_SECONDS)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def keep(self, write: Callable[[], Awaitable[int]], sender: str) -> int:
        """Write until the storage has room, which makes the sender wait; that is counted as `storage_full`.

        Raises StorageFullError where the receiver stops before.
        """
        waited = False
        while True:
            try:
                return await write()
            except StorageFullError as error:
                if self._stopping.is_set():
                    raise
                if not waited:
                    self.account.refused("storage_full", f"{error}; the sender waits", sender)
                waited = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(error.retry_after, _RETRY_SECONDS)):
                        await self._stopping.wait()

    def _accept_when_ready(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        assert self._listening is not None
        try:
            accepted, address = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            # It stays ready until a file is closed somewhere.
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listening)
            loop.call_later(_RETRY_SECONDS, self._accept_when_ready)
            return
        if len(self._open) >= self._max_connections:
            message = f"more than {self._max_connections} connections are open"
            self.account.refused("too_many", message, address[0])
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = Connection(accepted, address[0])
        task = asyncio.create_task(self._serve(connection, accepted))
        self._open[task] = connection
        task.add_done_callback(self._open.pop)

    async def _serve(self, connection: Connection, accepted: socket.socket) -> None:
        try:
            await self.converse(connection)
        except RefusedError as error:
            self.account.refused(error.reason, str(error), connection.sender)
        except (OSError, TimeoutError) as error:
            logger.debug("%s: %s went away: %s", self.account.title, connection.sender, error)
        except Exception:
            logger.exception("%s: a connection of %s ended", self.account.title, connection.sender)
        finally:
            self.room.leave(connection)
            accepted.close()
