"""Searches over one million spans: how long the ones that people ask for take, warm, in a folder of their own.

Run it with `python -m benchmarks.trace_search [FOLDER [SPANS]]`; a folder that is named is filled once and kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.patience import write_when_taken
from benchmarks.report import Searches, scratch, write
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from accelerapp.server.storage import SpanQuery, Storage, StorageSettings

SPANS = 1_000_000
SPANS_OF_A_TRACE = 10
TRACES_OF_A_REQUEST = 20
SERVICES = ("shop", "cart", "payment", "stock", "mail", "users", "search", "gateway")
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def request(first: int, chance: random.Random) -> bytes:
    """Return traces of ten spans over several services, numbered from `first`, ten milliseconds apart."""
    built = ExportTraceServiceRequest()
    scopes = {}
    for service in SERVICES:
        resource = built.resource_spans.add()
        for key, value in (
            ("service.name", service),
            ("host.name", f"{service}-1"),
            ("service.version", "1.4"),
        ):
            resource.resource.attributes.add(key=key).value.string_value = value
        scopes[service] = resource.scope_spans.add()
        scopes[service].scope.name = f"instrumentation.{service}"
    for number in range(first, first + TRACES_OF_A_REQUEST):
        trace_id = chance.randbytes(16)
        begin = START + number * 10_000_000
        above = b""
        for depth in range(SPANS_OF_A_TRACE):
            duration = int(chance.lognormvariate(15, 1))
            span = scopes[SERVICES[(number + depth // 2) % len(SERVICES)]].spans.add(
                trace_id=trace_id,
                span_id=chance.randbytes(8),
                parent_span_id=above,
                name=f"{chance.choice(('GET', 'POST'))} /v1/things/{depth}",
                kind=Span.SPAN_KIND_CLIENT if depth % 2 else Span.SPAN_KIND_SERVER,
                start_time_unix_nano=begin + depth * 1_000_000,
                end_time_unix_nano=begin + depth * 1_000_000 + duration,
            )
            above = span.span_id
            if chance.random() < 0.01:
                span.status.code = span.status.STATUS_CODE_ERROR
            texts = {
                "http.request.method": "GET",
                "url.path": f"/v1/things/{chance.randrange(1000)}",
                "user.id": f"user-{chance.randrange(100_000)}",
                "correlation_id": f"c-{number}",
                "server.address": "10.0.0.7",
            }
            for key, value in texts.items():
                span.attributes.add(key=key).value.string_value = value
            span.attributes.add(key="http.response.status_code").value.int_value = chance.choice(
                (200, 404, 500)
            )
    return built.SerializeToString()


async def fill(storage: Storage, spans: int) -> str:
    chance = random.Random(1)  # noqa: S311 - the same folder every time
    begin = time.perf_counter()
    traces = spans // SPANS_OF_A_TRACE
    for first in range(0, traces, TRACES_OF_A_REQUEST):
        await write_when_taken(storage, storage.write_traces, request(first, chance))
    await storage.wait_loaded()
    await storage.seal()
    return f"{spans:,} spans: {spans / (time.perf_counter() - begin):,.0f} a second made, accepted, loaded and sealed."


async def main(folder: Path, spans: int) -> None:
    there = (folder / "segments").is_dir()
    storage = Storage.open(folder, StorageSettings(retention_seconds=0, max_series=1000))
    filled = f"{spans:,} spans." if there else await fill(storage, spans)
    searches = Searches()
    reader = storage.spans
    last = START + spans // SPANS_OF_A_TRACE * 10_000_000

    def query(**conditions: Any) -> SpanQuery:
        return SpanQuery(**{"start_ns": 0, "end_ns": 2**62, **conditions})

    middle = spans // SPANS_OF_A_TRACE // 2
    (one,) = reader.search(query(attributes={"correlation_id": f"c-{middle}"}))
    searches.measure("a trace by its id", lambda: reader.trace(one.trace_id))
    searches.measure("an unknown trace", lambda: reader.trace("ab" * 16))
    searches.measure(
        "a rare attribute (one trace)", lambda: reader.search(query(attributes={"correlation_id": "c-77"}))
    )
    searches.measure(
        "an attribute of ten traces", lambda: reader.search(query(attributes={"user.id": "user-4711"}))
    )
    searches.measure(
        "an attribute that is not there", lambda: reader.search(query(attributes={"user.id": "nobody"}))
    )
    searches.measure(
        "a frequent attribute", lambda: reader.search(query(attributes={"http.request.method": "GET"}))
    )
    searches.measure("the newest traces", lambda: reader.search(query()))
    searches.measure("the newest of a service", lambda: reader.search(query(service="mail")))
    searches.measure(
        "the newest errors of an operation",
        lambda: reader.search(query(service="mail", name="GET /v1/things/4", status="error")),
    )
    searches.measure("the slowest", lambda: reader.search(query(min_duration_ns=200_000_000)))
    hour = query(start_ns=last - 3600 * SECOND)
    searches.measure("figures of everything", lambda: reader.figures(query()), lambda found: found.spans)
    searches.measure(
        "figures of a service", lambda: reader.figures(query(service="mail")), lambda found: found.spans
    )
    searches.measure(
        "figures of errors", lambda: reader.figures(query(status="error")), lambda found: found.spans
    )
    searches.measure("figures of the last hour", lambda: reader.figures(hour), lambda found: found.spans)
    searches.measure("who calls whom", lambda: reader.calls(0, 2**62))
    searches.measure("who calls whom in the last 100 s", lambda: reader.calls(last - 100 * SECOND, 2**62))
    searches.measure("services", reader.services)
    searches.measure("operations of a service", lambda: reader.operations("mail"))
    await storage.close()
    write("trace search", f"{filled}\n\n{searches.table()}")


def run(arguments: Sequence[str] = ()) -> None:
    """Measure in the folder that is named, or in one of its own."""
    spans = int(arguments[1]) if len(arguments) > 1 else SPANS
    with contextlib.ExitStack() as cleanup:
        folder = arguments[0] if arguments else cleanup.enter_context(scratch())
        asyncio.run(main(Path(folder), spans))


if __name__ == "__main__":
    run(sys.argv[1:])
