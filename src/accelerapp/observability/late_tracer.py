"""A tracer that asks at each span which provider is in force, so that it may be made before the set-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import trace


class LateTracer(trace.Tracer):
    """Delegates to the tracer that `resolve` returns at the time of the call."""

    def __init__(self, resolve: Callable[[], trace.Tracer]) -> None:
        self._resolve = resolve

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> trace.Span:
        return self._resolve().start_span(name, *args, **kwargs)

    # The base class wraps its generator so that the result serves as a decorator too; so does the delegate's.
    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._resolve().start_as_current_span(name, *args, **kwargs)
