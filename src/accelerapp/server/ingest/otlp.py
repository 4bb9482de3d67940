"""What OTLP's receivers have in common: a request of one signal taken, and the answer that it gets."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.otlp_intake import MetricIntake
from accelerapp.server.ingest.receiver import Account
from accelerapp.server.storage import Sink, without_invalid_spans

AnyMessage = TypeVar("AnyMessage", bound=Message)

#: The requests by signal.
REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


class OtlpSignals:
    """Takes requests of the three signals as protobuf bytes, and returns once their data is durable.

    Every method returns OTLP's response, with a partial success where a part was not kept, and raises ValueError for
    a request that cannot be read and StorageFullError where nothing was kept. What is taken and what is left out of it
    is counted on the account.
    """

    def __init__(self, sink: Sink, account: Account) -> None:
        self._sink = sink
        self._account = account
        self._metrics = MetricIntake(sink, account)
        self.take = {"traces": self.traces, "metrics": self.metrics, "logs": self.logs}

    async def traces(self, request: bytes, sender: str) -> Message:
        """Keep the spans that have valid ids; the others are a partial success.

        A span that is damaged in another way is only noticed when it is loaded, and is counted there: to decode every
        span before it is acknowledged would cost seventy times as much.
        """
        response = ExportTraceServiceResponse()
        request, invalid = await in_thread_if_large(len(request), without_invalid_spans, request)
        if invalid:
            reason = "a trace id has 16 bytes and a span id 8, not all of them zero"
            self._account.refused("malformed", reason, sender, invalid)
            response.partial_success.rejected_spans = invalid
            response.partial_success.error_message = f"{invalid} spans were left out: {reason}"
        self._account.accepted("traces", await self._sink.write_traces(request))
        return response

    async def logs(self, request: bytes, sender: str) -> Message:
        self._account.accepted("logs", await self._sink.write_logs(request))
        return ExportLogsServiceResponse()

    async def metrics(self, request: bytes, sender: str) -> Message:
        message = await in_thread_if_large(len(request), _decoded, request, ExportMetricsServiceRequest())
        return await self._metrics.take(message, len(request))


def _decoded(content: bytes, message: AnyMessage) -> AnyMessage:
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"the body is not an {message.DESCRIPTOR.name} in protobuf: {error}") from error
    return message
