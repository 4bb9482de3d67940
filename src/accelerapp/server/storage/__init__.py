"""Where signals are kept: journal, head and segments, behind the protocols that all other packages use."""

from __future__ import annotations

from accelerapp.server.storage.backup import BackupError
from accelerapp.server.storage.conditions import Condition, Expression, all_of
from accelerapp.server.storage.contracts import (
    ExemplarReader,
    LinePosition,
    LogBucket,
    LogContext,
    LogPage,
    LogQuery,
    LogReader,
    LogTail,
    MetricReader,
    Operation,
    OperationFigures,
    PeerCall,
    RawSpan,
    ReadTimeoutError,
    ReadTooLargeError,
    ServiceCall,
    ServiceFigures,
    ServiceShare,
    Sink,
    SpanFigures,
    SpanPoint,
    SpanQuery,
    SpanReader,
    StorageFullError,
    TooManySamplesError,
    TopValues,
    TracePosition,
    TraceSummary,
)
from accelerapp.server.storage.folder import StorageLockedError
from accelerapp.server.storage.inventory import Inventory
from accelerapp.server.storage.logs import condition_of
from accelerapp.server.storage.metadata import MetricMetadata
from accelerapp.server.storage.otlp import MalformedRequestError, without_invalid_spans
from accelerapp.server.storage.retention import CAUSES
from accelerapp.server.storage.samples import Samples
from accelerapp.server.storage.segments import SegmentFormatError
from accelerapp.server.storage.series import InvalidMatcherError, acceptance
from accelerapp.server.storage.settings import StorageSettings
from accelerapp.server.storage.store import Storage
from accelerapp.server.storage.tables import SIGNALS

__all__ = [
    "CAUSES",
    "SIGNALS",
    "BackupError",
    "Condition",
    "ExemplarReader",
    "Expression",
    "InvalidMatcherError",
    "Inventory",
    "LinePosition",
    "LogBucket",
    "LogContext",
    "LogPage",
    "LogQuery",
    "LogReader",
    "LogTail",
    "MalformedRequestError",
    "MetricMetadata",
    "MetricReader",
    "Operation",
    "OperationFigures",
    "PeerCall",
    "RawSpan",
    "ReadTimeoutError",
    "ReadTooLargeError",
    "Samples",
    "SegmentFormatError",
    "ServiceCall",
    "ServiceFigures",
    "ServiceShare",
    "Sink",
    "SpanFigures",
    "SpanPoint",
    "SpanQuery",
    "SpanReader",
    "Storage",
    "StorageFullError",
    "StorageLockedError",
    "StorageSettings",
    "TooManySamplesError",
    "TopValues",
    "TracePosition",
    "TraceSummary",
    "acceptance",
    "all_of",
    "condition_of",
    "without_invalid_spans",
]
