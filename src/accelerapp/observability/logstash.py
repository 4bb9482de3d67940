"""Log records to a Logstash TCP input with the `json_lines` codec.

Plain TCP acknowledges nothing to the application: what is in flight when Logstash goes away is lost. Where
that matters, logs go by OTLP.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence

from accelerapp.monitoring.logs import record_as_dict, to_json
from accelerapp.observability.shipping import Failure, Shipper, is_shipping_thread


class LogstashSender:
    """Writes lines to one TCP connection, which it makes anew after it has failed.

    Args:
        host: Name or address.
        port: TCP port.
        timeout: Seconds that connecting, or one write, may take.
    """

    def __init__(self, host: str, port: int, *, timeout: float = 5.0) -> None:
        self.target = f"{host}:{port}"
        self._address = (host, port)
        self._timeout = timeout
        self._connection: socket.socket | None = None

    def send(self, batch: Sequence[str]) -> Failure | None:
        payload = "".join(f"{line}\n" for line in batch).encode("utf-8", errors="replace")
        try:
            self._connected().sendall(payload)
        except OSError as exc:
            self._drop_connection()
            return Failure(str(exc), transient=True)
        return None

    def close(self) -> None:
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
