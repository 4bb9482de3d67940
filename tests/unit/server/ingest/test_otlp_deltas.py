"""Delta temporality becomes cumulative, each stream on its own, and never counts a point twice."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.unit.server.ingest.conftest import KeepingSink

from accelerapp.server.ingest.otlp_deltas import DeltaStreams
from accelerapp.server.ingest.otlp_intake import MetricIntake
from accelerapp.server.ingest.otlp_json import parse_json
from accelerapp.server.ingest.otlp_metrics import Translated, translate
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.storage import StorageFullError

SECOND = 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def request(kind: str, *points: dict[str, Any], resource: str = "shop") -> ExportMetricsServiceRequest:
    """Make a request with delta points of one metric, given in OTLP JSON."""
    form: dict[str, Any] = {"isMonotonic": True} if kind == "sum" else {}
    metric = {"name": "m", kind: {**form, "aggregationTemporality": 1, "dataPoints": list(points)}}
    attributes = [{"key": "service.name", "value": {"stringValue": resource}}]
    document = {
        "resourceMetrics": [{"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": [metric]}]}]
    }
    return parse_json(json.dumps(document).encode(), ExportMetricsServiceRequest())


def point(start: int, end: int, user: str = "", **fields: Any) -> dict[str, Any]:
    attributes = [{"key": "user", "value": {"stringValue": user}}] if user else []
    return {
        "startTimeUnixNano": str(start * SECOND),
        "timeUnixNano": str(end * SECOND),
        "attributes": attributes,
        **fields,
    }


def take(streams: DeltaStreams, sent: ExportMetricsServiceRequest) -> Translated:
    with streams:
        return translate(sent, streams)


def values(translated: Translated) -> list[float]:
    return [value for _, _, value in translated.samples]


def test_points_are_added_up_by_stream() -> None:
    streams = DeltaStreams(Clock())
    assert values(take(streams, request("sum", point(0, 1, asInt="2"), point(0, 1, "u", asInt="5")))) == [
        2,
        5,
    ]
    assert values(take(streams, request("sum", point(1, 2, asInt="3"), point(1, 2, "u", asInt="1")))) == [
        5,
        6,
    ]
    assert values(take(streams, request("sum", point(0, 1, asInt="9"), resource="other"))) == [9]
    assert values(take(streams, request("sum", point(5, 6, asDouble=0.5)))) == [5.5]
    assert len(streams) == 3


@pytest.mark.parametrize(
    ("late", "reason"),
    [(point(1, 2, asInt="1"), "not newer"), (point(0, 9, asInt="1"), "begins before its stream")],
)
def test_a_point_that_is_counted_already_is_dropped_with_its_reason(
    late: dict[str, Any], reason: str
) -> None:
    streams = DeltaStreams(Clock())
    take(streams, request("sum", point(1, 2, asInt="2")))
    again = take(streams, request("sum", late))
    assert (values(again), again.rejected) == ([], 1)
    assert reason in again.reasons[0]
    assert "metric 'm'" in again.reasons[0]
    assert values(take(streams, request("sum", point(2, 3, asInt="1")))) == [3]


def test_classic_histograms_are_added_up_and_begin_anew_with_other_bounds() -> None:
    streams = DeltaStreams(Clock())

    def sent(at: int, bounds: list[float]) -> Translated:
        fields: dict[str, Any] = {
            "count": "3",
            "sum": 2.0,
            "bucketCounts": ["1", "2"],
            "explicitBounds": bounds,
        }
        return take(streams, request("histogram", point(at, at + 1, **fields)))

    assert values(sent(0, [1.0])) == [2.0, 3.0, 1.0, 3.0]
    assert values(sent(1, [1.0])) == [4.0, 6.0, 2.0, 6.0]
    assert values(sent(2, [5.0])) == [2.0, 3.0, 1.0, 3.0]


@given(seed=st.integers(0, 10_000))
def test_exponential_histograms_are_added_up_as_if_all_was_observed_at_once(seed: int) -> None:
    dice = random.Random(seed)
    streams = DeltaStreams(Clock())
    everything: dict[tuple[int, int], float] = {}
    count = 0
    for at in range(4):
        scale = dice.choice([0, 1, 3])
        sides: list[dict[str, Any]] = []
        for sign in (1, -1):
            offset, counts = dice.randrange(-20, 20), [dice.randrange(3) for _ in range(dice.randrange(5))]
            sides.append({"offset": offset, "bucketCounts": [str(one) for one in counts]})
            count += sum(counts)
            for i, one in enumerate(counts):
                # Scale 0 is the coarsest, to which all are brought once it has come.
                key = (sign, (offset + i) >> scale)
                everything[key] = everything.get(key, 0) + one
        own = sum(int(one) for side in sides for one in side["bucketCounts"])
        fields: dict[str, Any] = {
            "scale": scale,
            "count": str(own),
            "sum": 1.0,
            "positive": sides[0],
            "negative": sides[1],
        }
        result = take(streams, request("exponentialHistogram", point(at, at + 1, **fields)))
    ((_, _, histogram),) = result.histograms
    found: dict[tuple[int, int], float] = {}
    for sign, side in ((1, histogram.positive), (-1, histogram.negative)):
        for index, population in side:
            key = (sign, (index - 1) >> histogram.schema)
            found[key] = found.get(key, 0) + population
    assert found == {key: number for key, number in everything.items() if number}
    assert (histogram.count, histogram.sum) == (count, 4.0)


def test_a_sum_of_histograms_becomes_coarser_rather_than_wide() -> None:
    streams = DeltaStreams(Clock())
    for at, offset in enumerate((0, 1000)):
        fields: dict[str, Any] = {
            "scale": 5,
            "count": "1",
            "positive": {"offset": offset, "bucketCounts": ["1"]},
        }
        result = take(streams, request("exponentialHistogram", point(at, at + 1, **fields)))
    ((_, _, histogram),) = result.histograms
    assert histogram.schema == 2
    assert histogram.positive == ((1, 1.0), ((1000 >> 3) + 1, 1.0))


def test_a_stream_is_forgotten_after_five_minutes_and_then_begins_anew() -> None:
    clock = Clock()
    streams = DeltaStreams(clock)
    take(streams, request("sum", point(0, 1, asInt="2"), point(0, 1, "u", asInt="2")))
    clock.now = 299.0
    assert values(take(streams, request("sum", point(1, 2, asInt="1")))) == [3]
    clock.now = 301.0
    assert values(take(streams, request("sum", point(1, 2, "u", asInt="1")))) == [1]
    assert len(streams) == 2


def test_new_streams_beyond_the_limit_are_refused() -> None:
    streams = DeltaStreams(Clock(), max_streams=1)
    result = take(streams, request("sum", point(0, 1, asInt="2"), point(0, 1, "u", asInt="2")))
    assert (values(result), result.rejected) == ([2], 1)
    assert "1 streams of delta temporality" in result.reasons[0]


async def test_what_could_not_be_stored_does_not_count_and_can_be_sent_again(sink: KeepingSink) -> None:
    intake = MetricIntake(sink, Account("otlp", "OTLP", Clock()), Clock())
    await intake.take(request("sum", point(0, 1, asInt="2")), 0)
    sink.full = True
    for _ in range(2):
        with pytest.raises(StorageFullError):
            await intake.take(request("sum", point(1, 2, asInt="3"), point(1, 2, "u", asInt="1")), 0)
    sink.full = False
    answer = await intake.take(request("sum", point(1, 2, asInt="3"), point(1, 2, "u", asInt="1")), 0)
    assert answer.partial_success.rejected_data_points == 0
    assert [value for _, _, value in sink.samples] == [2, 5, 1]


async def test_what_the_series_limit_leaves_out_is_a_partial_success(sink: KeepingSink) -> None:
    class Limited(KeepingSink):
        async def write_samples(self, samples: Any) -> int:
            return len(samples) - 1

    account = Account("otlp", "OTLP", Clock())
    intake = MetricIntake(Limited(), account, Clock())
    answer = await intake.take(request("sum", point(0, 1, asInt="2"), point(0, 1, "u", asInt="2")), 0)
    assert answer.partial_success.rejected_data_points == 1
    assert "1 samples of new series were left out" in answer.partial_success.error_message
    status = account.status("")
    assert (status.accepted, status.refused) == ({"metrics": 1}, {"series_limit": 1})
