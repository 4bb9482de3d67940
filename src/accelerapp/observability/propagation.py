"""Trace context across processes: the headers `traceparent` and `tracestate` (W3C Trace Context)."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from accelerapp.observability.tracing import HAVE_OPENTELEMETRY

if HAVE_OPENTELEMETRY:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    _propagator = TraceContextTextMapPropagator()


def extract_context(headers: Mapping[str, str]) -> Any:
    """Return the OpenTelemetry context that lower-case headers name, an empty one where they name none.

    None where OpenTelemetry is not installed.
    """
    return _propagator.extract(headers, Context()) if HAVE_OPENTELEMETRY else None


def inject_headers(headers: MutableMapping[str, str]) -> None:
    """Add the headers that make the receiver's spans children of the current span."""
    if HAVE_OPENTELEMETRY:
        _propagator.inject(headers)
