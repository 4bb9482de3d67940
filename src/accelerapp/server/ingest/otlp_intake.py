"""OTLP metrics taken in: translated, written, and answered for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.otlp_deltas import DeltaStreams
from accelerapp.server.ingest.otlp_metrics import Translated, has_deltas, translate
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink

#: Reasons that an answer and the account name.
_MOST_REASONS = 10


class MetricIntake:
    """Takes requests for metrics, those with delta temporality one after the other."""

    def __init__(self, sink: Sink, account: Account, clock: Clock = time.time) -> None:
        self._sink = sink
        self._account = account
        self._deltas = DeltaStreams(clock)
        self._lock = asyncio.Lock()

    async def take(self, request: ExportMetricsServiceRequest, size: int) -> ExportMetricsServiceResponse:
        """Keep a request's data points; `size` is that of the request in bytes.

        What is not kept is a partial success, with reasons that name the metrics. Raises StorageFullError where nothing
        was kept: the deltas of such a request do not count then, so that it can be sent again.
        """
        async with self._deltas_of(request) as deltas:
            translated = await in_thread_if_large(size, translate, request, deltas)
            written = len(translated.samples) + len(translated.histograms)
            kept = 0
            if translated.samples:
                kept += await self._sink.write_samples(translated.samples)
            if translated.histograms:
                kept += await self._sink.write_histograms(translated.histograms)
        if translated.exemplars:
            await self._sink.write_exemplars(translated.exemplars)
        self._sink.metadata.sent(translated.metadata)
        response = self._answer(translated, written - kept)
        rejected = response.partial_success.rejected_data_points
        self._account.accepted("metrics", translated.points - rejected)
        return response

    @contextlib.asynccontextmanager
    async def _deltas_of(self, request: ExportMetricsServiceRequest) -> AsyncIterator[DeltaStreams]:
        if not has_deltas(request):
            yield self._deltas  # which it does not use
            return
        async with self._lock:
            with self._deltas:
                yield self._deltas

    def _answer(self, translated: Translated, left_out: int) -> ExportMetricsServiceResponse:
        response = ExportMetricsServiceResponse()
        reasons = list(translated.reasons)
        if translated.rejected:
            self._account.refused("malformed", _joined(reasons), count=translated.rejected)
        if left_out:
            reason = f"{left_out} samples of new series were left out: too many series exist"
            self._account.refused("series_limit", reason, count=left_out)
            reasons.append(reason)
        if reasons:
            # A data point may be many samples, of which some were kept.
            rejected = min(translated.points, translated.rejected + left_out)
            response.partial_success.rejected_data_points = rejected
            response.partial_success.error_message = _joined(reasons)
        return response


def _joined(reasons: list[str]) -> str:
    more = len(reasons) - _MOST_REASONS
    return "; ".join(reasons[:_MOST_REASONS] + ([f"and {more} more"] if more > 0 else []))
