"""What stands in for OpenTelemetry's tracer and span where it is not installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class NoOpSpan:
    """Takes what a span takes and keeps nothing."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Do nothing."""

    def set_attributes(self, attributes: Any) -> None:
        """Do nothing."""

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Do nothing."""

    def add_link(self, context: Any, attributes: Any = None) -> None:
        """Do nothing."""

    def update_name(self, name: str) -> None:
        """Do nothing."""

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Do nothing."""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Do nothing."""

    def is_recording(self) -> bool:
        return False

    def end(self, end_time: int | None = None) -> None:
        """Do nothing."""

    def __enter__(self) -> NoOpSpan:
        return self

    def __exit__(self, *_: object) -> None:
        """Let exceptions through."""


class NoOpTracer:
    """Makes spans that keep nothing."""

    def start_span(self, name: str, *_: Any, **__: Any) -> NoOpSpan:
        return NoOpSpan()

    @contextlib.contextmanager
    def start_as_current_span(self, name: str, *_: Any, **__: Any) -> Iterator[NoOpSpan]:
        yield NoOpSpan()
