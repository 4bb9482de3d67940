"""Searches over five million log lines: how long the ones that people ask for take, warm, in a folder of their own.

Run it with `python -m benchmarks.log_search [FOLDER [LINES]]`; a folder that is named is filled once and kept. Filling
tells how many lines a second were received, decoded, sealed and indexed, and what a line and its index take on disk.
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

import duckdb
from benchmarks.patience import write_when_taken
from benchmarks.report import Searches, scratch, write
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from accelerapp.server.logs import compile_field, compile_query, parse
from accelerapp.server.storage import LinePosition, LogQuery, Storage, StorageSettings, all_of

LINES = 5_000_000
LINES_OF_A_REQUEST = 1_000
SERVICES = ("shop", "cart", "payment", "stock", "mail", "users", "search", "gateway")
VERBS = ("handled", "accepted", "rendered", "validated", "cached", "retried", "stored", "refused")
NOUNS = (
    "request",
    "template",
    "firmware",
    "board",
    "sensor",
    "token",
    "session",
    "answer",
    "upload",
    "order",
)
LEVELS = ((5, "DEBUG"), (9, "INFO"), (9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR"))
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = 1_000_000  # nanoseconds between two lines


def request(first: int, chance: random.Random) -> bytes:
    """Return lines numbered from `first`, a millisecond apart, of one service: ten of each trace."""
    built = ExportLogsServiceRequest()
    service = chance.choice(SERVICES)
    resource_logs = built.resource_logs.add()
    for key, value in (("service.name", service), ("host.name", f"{service}-1"), ("service.version", "1.4")):
        resource_logs.resource.attributes.add(key=key).value.string_value = value
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = f"{service}.request"
    trace_id = b""
    for number in range(first, first + LINES_OF_A_REQUEST):
        if number % 10 == 0:
            trace_id = chance.randbytes(16)
        severity, level = chance.choice(LEVELS)
        record = scope_logs.log_records.add(
            time_unix_nano=START + number * STEP,
            severity_number=severity,
            severity_text=level,
            trace_id=trace_id,
            span_id=chance.randbytes(8),
        )
        milliseconds = int(chance.lognormvariate(3, 1))
        record.body.string_value = (
            f"{chance.choice(NOUNS)} {chance.choice(VERBS)} by {chance.choice(NOUNS)} {number} for "
            f"user-{chance.randrange(100_000)} in {milliseconds} ms"
        )
        texts = {
            "correlation_id": f"{chance.getrandbits(64):016x}" if number % 10 else f"c-{number}",
            "http.request.method": chance.choice(("GET", "POST")),
            "http.route": f"/v1/{chance.choice(NOUNS)}s",
        }
        for key, value in texts.items():
            record.attributes.add(key=key).value.string_value = value
        record.attributes.add(key="http.response.status_code").value.int_value = chance.choice(
            (200, 200, 404, 500)
        )
        record.attributes.add(key="duration_seconds").value.double_value = milliseconds / 1000
    return built.SerializeToString()


async def fill(storage: Storage, folder: Path, lines: int) -> str:
    """Write lines, a hundred requests made before they are sent, and return how quickly they were taken."""
    chance = random.Random(1)  # noqa: S311 - the same folder every time
    seconds = 0.0
    requests = [
        range(first, min(first + 100_000, lines), LINES_OF_A_REQUEST) for first in range(0, lines, 100_000)
    ]
    for several in requests:
        made = [request(first, chance) for first in several]
        begin = time.perf_counter()
        for one in made:
            await write_when_taken(storage, storage.write_logs, one)
        await storage.wait_loaded()
        seconds += time.perf_counter() - begin
    begin = time.perf_counter()
    await storage.seal()
    seconds += time.perf_counter() - begin
    used = sum(path.stat().st_size for path in (folder / "segments").glob("logs-*.duckdb"))
    return (
        f"{lines:,} lines: {lines / seconds:,.0f} a second accepted, loaded and sealed, "
        f"{used / lines:.0f} bytes a line, of which the index {_index_bytes(folder) / lines:.0f}."
    )


def _index_bytes(folder: Path) -> float:
    total = 0
    for path in (folder / "segments").glob("logs-*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as segment:
            row = segment.execute(
                "SELECT count(DISTINCT block_id) * (SELECT block_size FROM pragma_database_size()) "
                "FROM pragma_storage_info('words') WHERE block_id >= 0"
            ).fetchone()
            total += row[0] if row else 0
    return total


async def main(folder: Path, lines: int) -> None:
    there = (folder / "segments").is_dir()
    storage = Storage.open(folder, StorageSettings(retention_seconds=0, max_series=1000))
    filled = f"{lines:,} lines." if there else await fill(storage, folder, lines)
    searches = Searches()
    logs = storage.logs
    last = START + lines * STEP

    def query(language: str = "", **conditions: Any) -> LogQuery:
        condition = compile_query(parse(language), last / SECOND)
        return LogQuery(**{"start_ns": 0, "end_ns": 2**62, "condition": condition, **conditions})

    def search(what: str, asked: LogQuery) -> None:
        searches.measure(what, lambda: logs.search(asked))

    middle = lines // 20 * 10
    (line,) = logs.search(query(f"correlation_id: c-{middle}"))
    segments = storage.stats()["segments_logs"]
    search("a rare word", query(str(middle)))
    search("a rare word that is not there", query("xylophone"))
    search("a rare phrase", query(f'"{middle} for"'))
    search("a word of fifty lines", query("user-4711"))
    search("two common words, one line", query(f"request and {middle}"))
    search("a correlation id", query(f"correlation_id: c-{middle}"))
    search("a trace id", query(f"trace_id: {line.trace_id}"))
    search("a trace id that is not there", query(f"trace_id: {'ab' * 16}"))
    search("an attribute that is not there", query("http.route: /v1/nowhere"))
    search("the newest lines", query())
    search("the newest errors of a service", query("level: error and service: mail"))
    search("the newest with a common word", query("refused"))
    search("a number above a bound, the newest", query("duration_seconds >= 2"))
    search("the beginning of a word, the newest", query("refu*"))
    search("a text that is not there (no index)", query(text="xylophone"))
    search("a middle of a word that is not there (no index)", query("*ylophon*"))
    searches.measure("histogram of everything", lambda: logs.histogram(query(), 60 * SECOND))
    searches.measure("histogram of a common word", lambda: logs.histogram(query("refused"), 60 * SECOND))
    searches.measure("histogram of a rare word", lambda: logs.histogram(query(str(middle)), 60 * SECOND))
    hour = query(start_ns=last - 3600 * SECOND)
    searches.measure("histogram of the last hour", lambda: logs.histogram(hour, 60 * SECOND))
    searches.measure(
        "top values of the service", lambda: logs.top_values(query(), compile_field("service"), 10)
    )
    searches.measure(
        "top values of an attribute", lambda: logs.top_values(query(), compile_field("http.route"), 10)
    )
    searches.measure(
        "top values of an attribute in the last 1,000 s",
        lambda: logs.top_values(query(start_ns=last - 1000 * SECOND), compile_field("http.route"), 10),
    )
    position = LinePosition(line.time_ns, line.id)
    searches.measure("ten lines before and after one", lambda: logs.around(position, 10, 10, all_of([])))
    same = compile_query(parse("service: " + line.service), 0)
    searches.measure("the same of its service", lambda: logs.around(position, 10, 10, same))
    await storage.close()
    write("log search", f"{filled} {segments} segments.\n\n{searches.table()}")


def run(arguments: Sequence[str] = ()) -> None:
    """Measure in the folder that is named, or in one of its own."""
    lines = int(arguments[1]) if len(arguments) > 1 else LINES
    with contextlib.ExitStack() as cleanup:
        folder = arguments[0] if arguments else cleanup.enter_context(scratch())
        asyncio.run(main(Path(folder), lines))


if __name__ == "__main__":
    run(sys.argv[1:])
