"""Running the service: a socket, uvicorn, telemetry, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn

import accelerapp
from accelerapp.codegen.limiter import Limiter
from accelerapp.codegen.service import create_app
from accelerapp.codegen.settings import CodegenSettings
from accelerapp.monitoring import get_logger
from accelerapp.observability import setup_observability

_logger = get_logger("accelerapp.codegen")

#: Seconds between two hand-overs of the interpreter. Each line that a request logs lets another thread in, and the
#: one that encodes telemetry then keeps the request waiting for a whole interval, 5 ms unless it is set.
_SWITCH_INTERVAL = 0.0005

#: The name under which scrapes, alerts, traces and logs find the service.
SERVICE_NAME = "codegen"


class PortError(OSError):
    """The address cannot be listened on; the message says what to do."""


class _Server(uvicorn.Server):
    """Ends on SIGINT and SIGTERM without raising them anew, so that a wanted end is exit code 0.

    The first signal begins the draining: nothing new is begun, and what was begun is finished in the time that is set.
    """

    def __init__(self, config: uvicorn.Config, limiter: Limiter) -> None:
        super().__init__(config)
        self._limiter = limiter

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self._limiter.draining:
            _logger.info("stopping: what was begun is finished first")
            self._limiter.drain()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM)
        for number in caught:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        PortError: the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it; without it the end of an answer waits 40 ms for its beginning to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise PortError(exc.errno, f"port {port} on {host} is taken; choose another with --port") from exc
        raise PortError(exc.errno, f"cannot listen on {host} port {port}: {exc.strerror}") from exc
    return listener


def serve(settings: CodegenSettings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        PortError: the port cannot be had.
        ValueError: a telemetry endpoint in the environment is malformed.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    with contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(bind(settings.host, settings.port))
        telemetry = setup_observability(
            # An operator may name the service otherwise by OTEL_SERVICE_NAME.
            None if os.environ.get("OTEL_SERVICE_NAME") else SERVICE_NAME,
            accelerapp.__version__,
            log_level=settings.log_level,
        )
        cleanup.callback(telemetry.shutdown)
        # One line for each request to the model would say what the span and our own line say.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        app = create_app(settings)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.shutdown_timeout,
            ),
            app.state.limiter,
        )
        host, port = listener.getsockname()[:2]
        _logger.info(
            "listening on http://%s:%d, backend %s",
            f"[{host}]" if ":" in host else host,
            port,
            settings.backend,
        )
        server.run(sockets=[listener])
