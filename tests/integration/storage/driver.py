"""Writes into a data folder, saying each id once it is acknowledged, until it kills itself or is killed.

Usage: driver.py FOLDER FIRST_ID STEP OCCURRENCE — the process ends with SIGKILL at that occurrence of that step;
the step `never` leaves the killing to the caller. With `http` as a fifth argument it serves OTLP instead, with
`retention` it keeps so little that segments go all the time.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
import time
from itertools import count

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accelerapp.server.signals import make_labels
from accelerapp.server.storage import Storage, StorageFullError, StorageSettings

# So small that within some hundred records files rotate, generations are sealed and journal files unlinked.
SETTINGS = StorageSettings(
    unsealed_bytes=20_000, journal_file_bytes=6_000, seal_interval_seconds=60, retention_seconds=0
)
KEPT_BYTES = 400_000
START_NS = 1_700_000_000_000_000_000


def trace(number: int) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for index in range(3):
        spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=(number * 10 + index + 1).to_bytes(8, "big"),
            name="operation",
            start_time_unix_nano=START_NS + number * 1000 + index,
            end_time_unix_nano=START_NS + number * 1000 + index + 1,
        )
    return request.SerializeToString()


def log(number: int) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=START_NS + number)
    record.body.string_value = str(number)
    return request.SerializeToString()


def say(text: str) -> None:
    os.write(
        1, f"{text}\n".encode()
    )  # one write, unbuffered: what was said is said even if the next step kills


async def write(storage: Storage, ids: count[int], series: str) -> None:
    labels = make_labels({"__name__": "ids", "writer": series})
    while True:
        number = next(ids)
        try:
            await storage.write_traces(trace(number))
            say(f"trace {number}")
            await storage.write_logs(log(number))
            say(f"log {number}")
            await storage.write_samples([(labels, number, float(number)), (labels, -number, -1.0)])
            say(f"sample {number}")
        except StorageFullError:  # sealing is behind, as it may be with limits this small
            await asyncio.sleep(0.01)


async def serve(storage: Storage) -> None:
    import uvicorn  # here, because the other runs are started often and do without

    from accelerapp.server.ingest import Account, otlp_app

    config = uvicorn.Config(
        otlp_app(storage, Account("otlp_http", "OTLP over HTTP", time.time)),
        port=0,
        log_level="warning",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    say(f"port {server.servers[0].sockets[0].getsockname()[1]}")
    await serving


async def main(folder: str, first_id: int, step: str, occurrence: int, mode: str = "") -> None:
    left = occurrence

    def kill_at(name: str) -> None:
        nonlocal left
        if name == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    settings = dataclasses.replace(SETTINGS, retention_bytes=KEPT_BYTES) if mode == "retention" else SETTINGS
    storage = Storage.open(folder, settings, step=kill_at)
    if mode == "http":
        await serve(storage)
    ids = count(first_id)
    await asyncio.gather(*(write(storage, ids, str(writer)) for writer in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), *sys.argv[5:]))
