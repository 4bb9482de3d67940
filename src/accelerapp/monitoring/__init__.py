"""Measures: metrics, structured logs and health checks; the standard library only, and no sockets."""

from accelerapp.monitoring.audit import AUDIT_LOGGER, audit
from accelerapp.monitoring.children import CounterChild, GaugeChild, HistogramChild, HistogramSummary
from accelerapp.monitoring.correlation import (
    correlation_scope,
    generate_correlation_id,
    get_correlation_id,
    is_acceptable_correlation_id,
    reset_correlation_id,
    set_correlation_id,
)
from accelerapp.monitoring.families import DEFAULT_BUCKETS, Counter, FamilySnapshot, Gauge, Histogram
from accelerapp.monitoring.health import (
    CheckResult,
    HealthChecker,
    HealthReport,
    HealthStatus,
    get_health_checker,
)
from accelerapp.monitoring.logs import ContextLogger, JsonFormatter, TextFormatter, get_logger, setup_logging
from accelerapp.monitoring.metrics import AllMetrics, MetricsCollector, get_metrics
from accelerapp.monitoring.trace_context import current_trace, set_current_trace

__all__ = [
    "AUDIT_LOGGER",
    "DEFAULT_BUCKETS",
    "AllMetrics",
    "CheckResult",
    "ContextLogger",
    "Counter",
    "CounterChild",
    "FamilySnapshot",
    "Gauge",
    "GaugeChild",
    "HealthChecker",
    "HealthReport",
    "HealthStatus",
    "Histogram",
    "HistogramChild",
    "HistogramSummary",
    "JsonFormatter",
    "MetricsCollector",
    "TextFormatter",
    "audit",
    "correlation_scope",
    "current_trace",
    "generate_correlation_id",
    "get_correlation_id",
    "get_health_checker",
    "get_logger",
    "get_metrics",
    "is_acceptable_correlation_id",
    "reset_correlation_id",
    "set_correlation_id",
    "set_current_trace",
    "setup_logging",
]
