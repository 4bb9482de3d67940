"""Spans and log records over OTLP, on the exporters of opentelemetry-sdk; imported only where it is there."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from accelerapp.monitoring.logs import extra_fields_of, stamp
from accelerapp.observability.endpoints import Endpoint
from accelerapp.observability.shipping import Failure, Shipper, is_shipping_thread

if TYPE_CHECKING:
    from accelerapp.observability.http_session import WatchedSession

_EXPORTER_LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
)

#: What gRPC calls failures after which OTLP asks to try again.
_TRY_AGAIN = frozenset(
    (
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNAVAILABLE",
        "DATA_LOSS",
    )
)


class _KeepLastMessage(logging.Filter):
    """Holds back what the exporters log in our sending threads: the shipper says it once, not each time."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()

    @property
    def last(self) -> str:
        """What the exporter last said in this thread."""
        return getattr(self._local, "last", "")

    @property
    def status(self) -> str | None:
        """The status of gRPC with which the exporter gave up in this thread."""
        return getattr(self._local, "status", None)

    def forget(self) -> None:
        self._local.last = ""
        self._local.status = None

    def filter(self, record: logging.LogRecord) -> bool:
        if not is_shipping_thread():
            return True
        # The first line of an attempt says why; those after it, that it was repeated or given up.
        if record.levelno >= logging.WARNING and not self.last:
            self._local.last = _why(record)
        if record.levelno >= logging.ERROR:
            self._local.status = _grpc_status(record)
        return False


def _grpc_status(record: logging.LogRecord) -> str | None:
    """Return the name of a record's `grpc.StatusCode`, by the name of its class: gRPC need not be installed."""
    given: tuple[Any, ...] = record.args if isinstance(record.args, tuple) else ()
    return next((str(code.name) for code in given if type(code).__name__ == "StatusCode"), None)


def _why(record: logging.LogRecord) -> str:
    """Return what went wrong; of an exception what began it, for HTTP libraries wrap one three times over."""
    given = record.args if isinstance(record.args, tuple) else ()
    cause = next((argument for argument in given if isinstance(argument, BaseException)), None)
    if cause is None:
        return record.getMessage()
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    strerror = cause.strerror if isinstance(cause, OSError) else None
    return strerror or str(cause) or type(cause).__name__


_kept = _KeepLastMessage()


def _hush_exporters() -> None:
    for name in _EXPORTER_LOGGERS:
        logger = logging.getLogger(name)
        if _kept not in logger.filters:
            # The first: an exporter's own filter holds back what was said within 20 s, and the status with it.
            logger.filters.insert(0, _kept)


class _OtlpSender:
    """What the senders of both signals have in common: telling a failure that passes from one that stays."""

    def __init__(self, target: str, session: WatchedSession | None) -> None:
        self.target = target
        self._session = session

    def _begin(self) -> None:
        _kept.forget()
        if self._session is not None:
            self._session.forget()

    def _failure(self) -> Failure:
        reason = _kept.last or "the receiver did not take them"
        if self._session is not None:
            return Failure(reason, self._session.transient, self._session.retry_after)
        return Failure(reason, _kept.status in _TRY_AGAIN)


class SpanSender(_OtlpSender):
    """Delivers spans with an exporter of OpenTelemetry, which tries again itself within its time-out."""

    def __init__(self, exporter: SpanExporter, target: str, session: WatchedSession | None) -> None:
        super().__init__(target, session)
        self._exporter = exporter

    def send(self, batch: Sequence[ReadableSpan]) -> Failure | None:
        self._begin()
        return None if self._exporter.export(batch) is SpanExportResult.SUCCESS else self._failure()

    def close(self) -> None:
        self._exporter.shutdown()


class LogSender(_OtlpSender):
    """Delivers log records with an exporter of OpenTelemetry, which tries again itself within its time-out."""

    def __init__(self, exporter: LogRecordExporter, target: str, session: WatchedSession | None) -> None:
        super().__init__(target, session)
        self._exporter = exporter

    def send(self, batch: Sequence[ReadableLogRecord]) -> Failure | None:
        self._begin()
        return None if self._exporter.export(batch) is LogRecordExportResult.SUCCESS else self._failure()

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _watched_session() -> WatchedSession | None:
    """Return a session that tells why a request failed; None where the operator has a provider of sessions."""
    if any(
        name.startswith("OTEL_PYTHON_EXPORTER_OTLP_HTTP_") and name.endswith("CREDENTIAL_PROVIDER")
        for name in os.environ
    ):
        return None
    from accelerapp.observability.http_session import WatchedSession

    return WatchedSession()


def span_sender(endpoint: Endpoint) -> SpanSender:
    """Return a sender of spans; headers, TLS, time-outs and compression come from `OTEL_EXPORTER_OTLP_…`.

    Raises:
        ImportError: gRPC is asked for and the extra `accelerapp[grpc]` is not installed.
    """
    _hush_exporters()
    if endpoint.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return SpanSender(GrpcExporter(endpoint=endpoint.url), endpoint.url, None)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    session = _watched_session()
    return SpanSender(OTLPSpanExporter(endpoint=endpoint.url, session=session), endpoint.url, session)


def log_sender(endpoint: Endpoint) -> LogSender:
    """Return a sender of log records; as `span_sender`."""
    _hush_exporters()
    if endpoint.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter

        return LogSender(GrpcExporter(endpoint=endpoint.url), endpoint.url, None)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    session = _watched_session()
    return LogSender(OTLPLogExporter(endpoint=endpoint.url, session=session), endpoint.url, session)


class ShippingSpanProcessor(SpanProcessor):
    """Queues each sampled span that ends."""

    def __init__(self, shipper: Shipper[ReadableSpan]) -> None:
        self._shipper = shipper

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing happens before a span ends."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled and not is_shipping_thread():
            self._shipper.put(span)

    def shutdown(self) -> None:
        self._shipper.shutdown(5.0)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._shipper.flush(timeout_millis / 1000)


class ShippingLogProcessor(LogRecordProcessor):
    """Queues each log record."""

    def __init__(self, shipper: Shipper[ReadableLogRecord]) -> None:
        self._shipper = shipper

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        # The context is only needed to fill in the trace, and would keep whatever it holds alive.
        log_record.log_record.context = Context()
        self._shipper.put(
            ReadableLogRecord(
                log_record=log_record.log_record,
                resource=log_record.resource or Resource.create({}),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        self._shipper.shutdown(5.0)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._shipper.flush(timeout_millis / 1000)


class OtlpLogHandler(logging.Handler):
    """Turns records of the standard logging module into OpenTelemetry's log data model.

    The correlation id and all extra fields become attributes, exceptions `exception.type`, `.message` and
    `.stacktrace`; trace and span id are those of the span that is current where the record is made.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        if is_shipping_thread():
            return
        try:
            stamp(record)
            self._provider.get_logger(record.name).emit(_translate(record))
        except Exception:  # noqa: BLE001 - as all handlers of the standard library do
            self.handleError(record)


def _translate(record: logging.LogRecord) -> LogRecord:
    number, text = _severity(record.levelno)
    return LogRecord(
        timestamp=int(record.created * 1_000_000_000),
        observed_timestamp=time.time_ns(),
        severity_number=number,
        severity_text=text if record.levelname in logging.getLevelNamesMapping() else record.levelname,
        body=_text(record.getMessage()),
        attributes=_attributes(record),
    )


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "code.file.path": record.pathname,
        "code.function.name": record.funcName,
        "code.line.number": record.lineno,
    }
    correlation_id = getattr(record, "correlation_id", None)
    if correlation_id:
        attributes["correlation_id"] = correlation_id
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__qualname__
        attributes["exception.message"] = _text(str(record.exc_info[1]))
        attributes["exception.stacktrace"] = _text("".join(traceback.format_exception(*record.exc_info)))
    for key, value in extra_fields_of(record).items():
        attributes.setdefault(key, _any_value(value))
    return attributes


def _any_value(value: Any, depth: int = 6) -> Any:
    """Return `value` as OTLP's AnyValue can hold it."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | float | bytes):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if depth and isinstance(value, Mapping):
        return {str(key): _any_value(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_any_value(item, depth - 1) for item in value]
    return _text(str(value))


def _text(value: str) -> str:
    """Return `value` without lone surrogates, which UTF-8 and so protobuf cannot hold."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
    (logging.DEBUG, SeverityNumber.DEBUG, "DEBUG"),
)


def _severity(level: int) -> tuple[SeverityNumber, str]:
    for threshold, number, text in _SEVERITIES:
        if level >= threshold:
            return number, text
    return SeverityNumber.TRACE, "TRACE"
