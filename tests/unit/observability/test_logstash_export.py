"""Logs to a Logstash TCP input: lines that arrive, connections that break, and a host that never waits."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accelerapp.monitoring import MetricsCollector, correlation_scope, get_logger
from accelerapp.observability import setup_observability
from accelerapp.observability.logstash import LogstashSender
from accelerapp.observability.shipping import QueueLimits, Shipper


class LogstashInput:
    """A TCP listener that keeps the lines it reads."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lines: list[dict[str, Any]] = []
        self.accepted = 0
        self._connections: list[socket.socket] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self.accepted += 1
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as file:
                for line in file:
                    with self._changed:
                        self.lines.append(json.loads(line))
                        self._changed.notify_all()
        except (OSError, ValueError):
            return

    def wait_for(self, condition: Callable[[list[dict[str, Any]]], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.lines), 20)

    def drop_connections(self) -> None:
        for connection in self._connections:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def close(self) -> None:
        self._listener.close()
        self.drop_connections()


@pytest.fixture
def logstash() -> Iterator[LogstashInput]:
    server = LogstashInput()
    yield server
    server.close()


@pytest.mark.usefixtures("root_logger")
def test_log_lines_arrive_with_their_fields(logstash: LogstashInput) -> None:
    environ = {"LOGSTASH_HOST": "127.0.0.1", "LOGSTASH_PORT": str(logstash.port)}
    handle = setup_observability("shop", log_level=None, environ=environ)
    try:
        with correlation_scope("req-9"):
            get_logger("app").error("broken\nline", extra={"extra_fields": {"board": "esp32"}})
        assert handle.flush(20)
        assert logstash.wait_for(lambda lines: len(lines) == 1)
    finally:
        handle.shutdown(5)
    (line,) = logstash.lines
    assert line["@timestamp"] == line["timestamp"]
    assert (line["service"], line["level"], line["message"]) == ("shop", "ERROR", "broken\nline")
    assert (line["correlation_id"], line["board"]) == ("req-9", "esp32")


def test_batches_share_a_connection(logstash: LogstashInput) -> None:
    sender = LogstashSender("127.0.0.1", logstash.port)
    for number in range(3):
        assert sender.send([json.dumps({"number": number})]) is None
    assert logstash.wait_for(lambda lines: len(lines) == 3)
    assert logstash.accepted == 1
    sender.close()


def test_a_broken_connection_is_made_anew(logstash: LogstashInput) -> None:
    sender = LogstashSender("127.0.0.1", logstash.port)
    assert sender.send(['{"n": 1}']) is None
    assert logstash.wait_for(lambda lines: len(lines) == 1)
    logstash.drop_connections()
    assert sender.send(['{"n": 2}', '{"n": 3}']) is None
    assert logstash.wait_for(lambda lines: [line["n"] for line in lines] == [1, 2, 3])
    sender.close()


def test_a_batch_waits_for_a_server_that_comes_back(refused_port: int) -> None:
    metrics = MetricsCollector()
    shipper = Shipper("logstash", LogstashSender("127.0.0.1", refused_port), metrics, QueueLimits(delay=0.01))
    shipper.put('{"n": 1}')
    assert not shipper.flush(0.1)
    with socket.create_server(("127.0.0.1", refused_port)) as listener:
        listener.settimeout(30)
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as file:
            assert file.readline() == b'{"n": 1}\n'
            assert shipper.flush(30)
            shipper.shutdown(1)
    assert metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason")).get() == 0


def test_nobody_listening_is_a_failure_that_may_pass(refused_port: int) -> None:
    failure = LogstashSender("127.0.0.1", refused_port).send(["{}"])
    assert failure is not None
    assert failure.transient
    assert "refused" in failure.reason


@pytest.mark.usefixtures("root_logger")
def test_the_host_does_not_wait_for_a_dead_logstash(refused_port: int) -> None:
    metrics = MetricsCollector()
    environ = {"LOGSTASH_HOST": "127.0.0.1", "LOGSTASH_PORT": str(refused_port)}
    handle = setup_observability(log_level=None, environ=environ, metrics_collector=metrics)
    began = time.monotonic()
    for number in range(3000):
        logging.getLogger("app").info("line %d", number)
    handle.shutdown(0.2)
    assert time.monotonic() - began < 15
    counter = metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason"))
    assert counter.labels(signal="logstash", reason="queue_full").get() > 0
    assert counter.get() == 3000
