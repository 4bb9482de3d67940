"""Sends: traces, logs and metrics of an application; does nothing where OpenTelemetry is not installed."""

from accelerapp.observability.metrics_exporter import (
    MetricsServer,
    PrometheusMetricsExporter,
    setup_metrics_export,
)
from accelerapp.observability.propagation import extract_context, inject_headers
from accelerapp.observability.setup import TelemetryHandle, setup_observability, setup_tracing
from accelerapp.observability.tracing import current_span, get_tracer, trace_block, trace_operation

__all__ = [
    "MetricsServer",
    "PrometheusMetricsExporter",
    "TelemetryHandle",
    "current_span",
    "extract_context",
    "get_tracer",
    "inject_headers",
    "setup_metrics_export",
    "setup_observability",
    "setup_tracing",
    "trace_block",
    "trace_operation",
]
