"""Log records to a Logstash TCP input with the `json_lines` codec.

Plain TCP acknowledges nothing to the application: what is in flight when Logstash goes away is lost. Where
that matters, logs go by OTLP.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from collections.abc import Sequence

from accelerapp.monitoring.logs import record_as_dict, to_json
from accelerapp.observability.shipping import Shipper, is_shipping_thread, within


class LogstashSender:
    """Writes lines to one TCP connection, which it makes anew with growing pauses when it fails.

    Args:
        host: Name or address.
        port: TCP port.
        patience: Seconds for which a batch is tried before it is given up.
        timeout: Seconds that connecting, or one write, may take.
    """

    def __init__(self, host: str, port: int, *, patience: float = 10.0, timeout: float = 5.0) -> None:
        self.target = f"{host}:{port}"
        self._address = (host, port)
        self._patience = patience
        self._timeout = timeout
        self._connection: socket.socket | None = None
        self._closing = threading.Event()

    def send(self, batch: Sequence[str]) -> str | None:
        payload = "".join(f"{line}\n" for line in batch).encode("utf-8", errors="replace")
        deadline = time.monotonic() + self._patience
        pause = 0.25
        while True:
            try:
                self._connected().sendall(payload)
            except OSError as exc:
                self._drop_connection()
                jittered = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads attempts, guards nothing
                if within(deadline) <= jittered or self._closing.wait(jittered):
                    return str(exc)
                pause = min(pause * 2, 5.0)
            else:
                return None

    def close(self) -> None:
        self._closing.set()
        self._drop_connection()

    def _connected(self) -> socket.socket:
        if self._connection is not None and _peer_has_closed(self._connection):
            self._drop_connection()
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=self._timeout)
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _peer_has_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has ended the connection: the first write after that would seem to work."""
    timeout = connection.gettimeout()
    # With a timeout of its own a socket waits for so long, whatever flags recv has.
    connection.setblocking(False)
    try:
        return connection.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(timeout)


class LogstashHandler(logging.Handler):
    """Queues each record as one line of JSON, with `@timestamp` and the service's name."""

    def __init__(self, shipper: Shipper[str], service_name: str) -> None:
        super().__init__()
        self._shipper = shipper
        self._service_name = service_name

    def emit(self, record: logging.LogRecord) -> None:
        if is_shipping_thread():
            return
        try:
            fields = record_as_dict(record)
            line = {
                "@timestamp": fields["timestamp"],
                "@version": "1",
                "service": self._service_name,
                **fields,
            }
            self._shipper.put(to_json(line))
        except Exception:  # noqa: BLE001 - as all handlers of the standard library do
            self.handleError(record)
