"""A load of all three signals that costs its sender little: requests are encoded once, and numbered by replacing bytes.

Every item says of which request it is, and which one in it, so that what is stored can be compared with what was
acknowledged.
"""

from __future__ import annotations

import http.client
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.integration.storage.contents import opened, table, undamaged

SPANS, LINES, SAMPLES = 100, 100, 500  # in a request
#: Requests a second: 5,000 spans, 10,000 lines, 20,000 samples.
RATES = {"traces": 50, "logs": 100, "metrics": 40}
ITEMS = {"traces": SPANS, "logs": LINES, "metrics": SAMPLES}
METRIC = "load_sent"
_NUMBER = 0x5A5B5C5D5E5F6061  # stands for the request's number
_TEXT = "@@@@@@@@@@@@"  # the same in a line
_START_MS = int(time.time() * 1000)  # what is old would not be kept
_START_NS = _START_MS * 1_000_000


def _traces() -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "load"
    spans = resource_spans.scope_spans.add().spans
    for index in range(SPANS):
        span = spans.add(
            trace_id=struct.pack(">QQ", _NUMBER, 1),
            span_id=struct.pack(">Q", index + 1),
            name=f"operation {index % 7}",
            kind=2,
            start_time_unix_nano=_START_NS + index,
            end_time_unix_nano=_START_NS + 1000 + index,
        )
        span.attributes.add(key="http.route").value.string_value = "/v1/generate"
    return request.SerializeToString()


def _logs() -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "load"
    records = resource_logs.scope_logs.add().log_records
    for index in range(LINES):
        record = records.add(time_unix_nano=_START_NS + index, severity_number=9)
        record.body.string_value = f"{_TEXT} {index} and what else a line says of a request that was answered"
    return request.SerializeToString()


def _metrics() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=METRIC)
    for index in range(SAMPLES):
        point = metric.gauge.data_points.add(as_double=1.0, time_unix_nano=_NUMBER)
        point.attributes.add(key="index").value.string_value = str(index)
    return request.SerializeToString()


TEMPLATES = {"traces": _traces(), "logs": _logs(), "metrics": _metrics()}


def request(signal: str, number: int) -> bytes:
    """Return a request whose items all have its number; samples have it as their milliseconds since the start."""
    if signal == "traces":
        return TEMPLATES[signal].replace(struct.pack(">Q", _NUMBER), struct.pack(">Q", number))
    if signal == "logs":
        return TEMPLATES[signal].replace(_TEXT.encode(), f"{number:012d}".encode())
    return TEMPLATES[signal].replace(
        struct.pack("<Q", _NUMBER), struct.pack("<Q", (_START_MS + number) * 1_000_000)
    )


class Load:
    """Sends all signals, each at its rate or as fast as is answered, until it is ended or nobody answers.

    `acknowledged` has the numbers of the requests that were answered with 200, by signal; `refused` counts the others,
    which must be answered with 503 and when to try again.
    """

    def __init__(self, otlp: str, numbers: count[int], clock: Callable[[], float] = time.monotonic) -> None:
        self.acknowledged: dict[str, set[int]] = {signal: set() for signal in RATES}
        self.refused: Counter[str] = Counter()
        self._address = urlsplit(otlp)
        self._numbers = numbers
        self._clock = clock
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(signal,)) for signal in RATES]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def total(self) -> int:
        return sum(ITEMS[signal] * len(numbers) for signal, numbers in self.acknowledged.items())

    def reaches(self, items: int) -> Callable[[], bool]:
        """Return the test whether so many spans, lines and samples were acknowledged in all."""
        return lambda: self.total() >= items

    def _send(self, signal: str) -> None:
        connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=20)
        headers = {"Content-Type": "application/x-protobuf"}
        due = self._clock()
        try:
            while not self._ended.is_set():
                number = next(self._numbers)
                connection.request("POST", f"/v1/{signal}", request(signal, number), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    self.acknowledged[signal].add(number)
                else:
                    assert answer.status == 503, answer.status
                    assert int(answer.headers["Retry-After"]) >= 1
                    self.refused[signal] += 1
                due = max(due + 1 / RATES[signal], self._clock() - 1)
                self._ended.wait(max(0.0, due - self._clock()))
        except (OSError, http.client.HTTPException):
            return  # it was killed
        finally:
            connection.close()


async def stored(folder: Path) -> dict[str, set[int]]:
    """Return the numbers of the requests that a data folder has.

    Asserts that each of them is there wholly and once, and that nothing is damaged.
    """
    storage = opened(folder)
    try:
        spans = table(
            storage, "traces", "SELECT trace_id, count(*), count(DISTINCT span_id) FROM {} GROUP BY 1"
        )
        lines = table(
            storage,
            "logs",
            "SELECT split_part(body, ' ', 1), count(*), count(DISTINCT split_part(body, ' ', 2)) FROM {} GROUP BY 1",
        )
        samples = storage.metrics.select([], 0, 2**62)
        assert undamaged(storage)
    finally:
        await storage.close()
    owned = samples.offsets[1:] - samples.offsets[:-1]
    ours = [("__name__", METRIC) in labels for labels in samples.labels]
    times: Counter[int] = Counter()
    for index, (mine, rows) in enumerate(zip(ours, owned.tolist(), strict=True)):
        if mine:
            begin = int(samples.offsets[index])
            times.update(samples.timestamps[begin : begin + rows].tolist())
    assert {(rows, distinct) for _, rows, distinct in spans} <= {(SPANS, SPANS)}
    assert {(rows, distinct) for _, rows, distinct in lines} <= {(LINES, LINES)}
    assert set(times.values()) <= {SAMPLES}
    return {
        "traces": {int(trace_id[:16], 16) for trace_id, _, _ in spans},
        "logs": {int(number) for number, _, _ in lines},
        "metrics": {at - _START_MS for at in times},
    }
