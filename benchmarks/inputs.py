"""Measures every input of the observatory, each alone: what it accepts until it is durable, and what an item takes.

The same spans and log lines are sent in each protocol's own form, 512 a request, over four connections that each wait
for the answer; Logstash's TCP lines have none, so what the observatory counted is told. The load comes from the same
machine, and takes its part of it.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from benchmarks import telemetry
from benchmarks.load import CONNECTIONS
from benchmarks.report import Figure, note, table, write
from benchmarks.server import Served, observatory
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from tests.jaeger_batches import THRIFT, written

_SECONDS = 5.0
_RUNS = 3
_REQUESTS = 40
_ACCEPTED = "accelerapp_observatory_receiver_accepted_total"

#: Sends a request and returns once it is acknowledged.
Send = Callable[[bytes], None]


def main() -> None:
    spans, lines = telemetry.spans(_REQUESTS), telemetry.lines(_REQUESTS)
    events = [_events(request) for request in lines]
    loads: list[tuple[str, str, str, Sequence[bytes], Callable[[int], Iterator[Send]]]] = [
        ("OTLP over HTTP", "spans", "otlp_http", spans, _http("/v1/traces", "application/x-protobuf")),
        ("OTLP over gRPC", "spans", "otlp_grpc", spans, _grpc("trace.v1.TraceService")),
        ("Zipkin", "spans", "zipkin", [_zipkin(one) for one in spans], _http("/api/v2/spans")),
        (
            "Jaeger",
            "spans",
            "jaeger",
            [_jaeger(one) for one in spans],
            _http("/api/traces", "application/x-thrift"),
        ),
        ("OTLP over HTTP", "log lines", "otlp_http", lines, _http("/v1/logs", "application/x-protobuf")),
        ("OTLP over gRPC", "log lines", "otlp_grpc", lines, _grpc("logs.v1.LogsService")),
        ("Logstash over TCP", "log lines", "logstash_tcp", [b"\n".join(one) + b"\n" for one in events], _tcp),
        (
            "Logstash over HTTP",
            "log lines",
            "logstash_http",
            [b"[" + b",".join(one) + b"]" for one in events],
            _http("/"),
        ),
        ("Beats", "log lines", "beats", [_window(one) for one in events], _beats),
    ]
    rows: list[list[object]] = []
    for title, what, receiver, bodies, connect in loads:
        rates, micros = [], []
        for _ in range(_RUNS):
            note(f"{what} by {title}")
            with observatory(receiver) as served:
                rate, taken = _measure(served, bodies, contextmanager(connect), served.ports[receiver])
            rates.append(rate)
            micros.append(taken)
        rows.append([title, what, Figure(rates, ""), Figure(micros, "")])
    write("inputs", table(["Input", "Load", "Accepted a second", "Processor, µs an item"], rows))


def _measure(
    served: Served, bodies: Sequence[bytes], connect: Callable[[int], object], port: int
) -> tuple[float, float]:
    """Return items accepted a second, and the microseconds of processor time that one took in the end."""
    ends = time.monotonic() + _SECONDS

    def work(number: int) -> None:
        with connect(port) as send:  # type: ignore[attr-defined]
            while time.monotonic() < ends:
                send(bodies[number % len(bodies)])
                number += CONNECTIONS

    before, cpu, began = served.metric(_ACCEPTED), served.cpu_seconds(), time.perf_counter()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    items, passed = served.metric(_ACCEPTED) - before, time.perf_counter() - began
    served.settle()
    return items / passed, (served.cpu_seconds() - cpu) / (served.metric(_ACCEPTED) - before) * 1e6


def _http(path: str, media_type: str = "application/json") -> Callable[[int], Iterator[Send]]:
    def connect(port: int) -> Iterator[Send]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def send(body: bytes) -> None:
            connection.request("POST", path, body, {"Content-Type": media_type})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                time.sleep(0.05)

        yield send
        connection.close()

    return connect


def _grpc(service: str) -> Callable[[int], Iterator[Send]]:
    def connect(port: int) -> Iterator[Send]:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
            call: Any = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export")

            def send(body: bytes) -> None:
                try:
                    call(body)
                except grpc.RpcError:
                    time.sleep(0.05)

            yield send

    return connect


def _tcp(port: int) -> Iterator[Send]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        yield connection.sendall


def _beats(port: int) -> Iterator[Send]:
    with socket.create_connection(("127.0.0.1", port)) as connection:

        def send(body: bytes) -> None:
            connection.sendall(body)
            while struct.unpack(">2sI", connection.recv(6, socket.MSG_WAITALL))[1] != telemetry.ITEMS:
                pass

        yield send


def _zipkin(request: bytes) -> bytes:
    return json.dumps(
        [
            {
                "traceId": span.trace_id.hex(),
                "id": span.span_id.hex(),
                "parentId": span.parent_span_id.hex() or None,
                "name": span.name,
                "kind": "SERVER",
                "timestamp": span.start_time_unix_nano // 1000,
                "duration": (span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
                "localEndpoint": {"serviceName": "shop", "ipv4": "10.0.0.7"},
                "tags": {pair.key: str(_plain(pair)) for pair in span.attributes},
            }
            for resourced in ExportTraceServiceRequest.FromString(request).resource_spans
            for scoped in resourced.scope_spans
            for span in scoped.spans
        ]
    ).encode()


def _jaeger(request: bytes) -> bytes:
    spans = [
        THRIFT.Span(
            traceIdHigh=int.from_bytes(span.trace_id[:8], "big", signed=True),
            traceIdLow=int.from_bytes(span.trace_id[8:], "big", signed=True),
            spanId=int.from_bytes(span.span_id, "big", signed=True),
            parentSpanId=int.from_bytes(span.parent_span_id, "big", signed=True),
            operationName=span.name,
            flags=1,
            startTime=span.start_time_unix_nano // 1000,
            duration=(span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
            tags=[THRIFT.Tag(key=pair.key, vType=0, vStr=str(_plain(pair))) for pair in span.attributes],
        )
        for resourced in ExportTraceServiceRequest.FromString(request).resource_spans
        for scoped in resourced.scope_spans
        for span in scoped.spans
    ]
    return written(THRIFT.Batch(process=THRIFT.Process(serviceName="shop"), spans=spans))


def _events(request: bytes) -> list[bytes]:
    """Return the records of a request as lines of JSON, as Logstash's senders write them."""
    return [
        json.dumps(
            {
                "@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.123456Z", time.gmtime()),
                "service": "shop",
                "level": record.severity_text,
                "logger": "application",
                "message": record.body.string_value,
                "trace_id": record.trace_id.hex(),
                "span_id": record.span_id.hex(),
                **{pair.key: _plain(pair) for pair in record.attributes},
            }
        ).encode()
        for resourced in ExportLogsServiceRequest.FromString(request).resource_logs
        for scoped in resourced.scope_logs
        for record in scoped.log_records
    ]


def _window(events: Sequence[bytes]) -> bytes:
    frames = b"".join(
        struct.pack(">2sII", b"2J", number + 1, len(event)) + event for number, event in enumerate(events)
    )
    packed = zlib.compress(frames, 3)
    return struct.pack(">2sI2sI", b"2W", len(events), b"2C", len(packed)) + packed


def _plain(pair: KeyValue) -> str | int:
    return pair.value.string_value or pair.value.int_value


if __name__ == "__main__":
    main()
