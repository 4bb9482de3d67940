"""Spans that application code makes: names, nesting, status, and what goes through unchanged."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from accelerapp.monitoring import current_trace
from accelerapp.observability import current_span, get_tracer, trace_block, trace_operation


def test_the_decorator_works_without_parentheses_with_them_and_with_a_name(
    spans: InMemorySpanExporter,
) -> None:
    @trace_operation
    def bare() -> int:
        return 1

    @trace_operation()
    def empty() -> int:
        return 2

    @trace_operation("named")
    def other() -> int:
        return 3

    assert (bare(), empty(), other()) == (1, 2, 3)
    names = [span.name for span in spans.get_finished_spans()]
    assert [name.rpartition(".")[2] for name in names] == ["bare", "empty", "named"]


def test_the_decorated_function_keeps_its_name_and_its_kind() -> None:
    @trace_operation("x")
    async def coroutine() -> None:
        """Text."""

    assert coroutine.__name__ == "coroutine"
    assert coroutine.__doc__ == "Text."
    assert inspect.iscoroutinefunction(coroutine)


async def test_an_async_function_is_traced_to_its_end(spans: InMemorySpanExporter) -> None:
    @trace_operation("outer")
    async def outer() -> str:
        await asyncio.gather(inner(), inner())
        return "done"

    @trace_operation("inner")
    async def inner() -> None:
        await asyncio.sleep(0)

    assert await outer() == "done"
    *inners, last = spans.get_finished_spans()
    assert last.name == "outer"
    assert last.context is not None
    assert [span.parent.span_id for span in inners if span.parent] == [last.context.span_id] * 2


def test_an_exception_goes_through_unchanged_and_is_recorded_once(spans: InMemorySpanExporter) -> None:
    error = ValueError("no such board")

    @trace_operation("failing")
    def failing() -> None:
        raise error

    with pytest.raises(ValueError, match="no such board") as caught:
        failing()
    assert caught.value is error
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError: no such board"
    (event,) = span.events
    assert event.name == "exception"
    assert (event.attributes or {})["exception.type"] == "ValueError"


def test_what_is_no_failure_is_not_marked_as_one(spans: InMemorySpanExporter) -> None:
    with pytest.raises(KeyboardInterrupt), trace_block("interrupted"):
        raise KeyboardInterrupt
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


def test_a_generators_span_lasts_to_its_end_and_is_current_inside_only(spans: InMemorySpanExporter) -> None:
    inside: list[tuple[str, str] | None] = []

    @trace_operation("items")
    def items() -> Generator[int, int, None]:
        inside.append(current_trace())
        received = yield 1
        inside.append(current_trace())
        yield received * 2

    generator = items()
    assert current_trace() is None
    assert next(generator) == 1
    assert current_trace() is None
    assert spans.get_finished_spans() == ()
    assert generator.send(21) == 42
    with pytest.raises(StopIteration):
        next(generator)
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert inside == [(f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")] * 2


def test_a_generator_that_is_left_early_ends_its_span_and_cleans_up(spans: InMemorySpanExporter) -> None:
    cleaned = []

    @trace_operation("items")
    def items() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            cleaned.append(True)

    for _ in items():
        break
    assert cleaned == [True]
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


def test_an_exception_thrown_into_a_generator_arrives_there(spans: InMemorySpanExporter) -> None:
    @trace_operation("items")
    def items() -> Generator[str, None, None]:
        try:
            yield "first"
        except LookupError as exc:
            yield f"caught {exc}"

    generator = items()
    next(generator)
    assert generator.throw(LookupError("this")) == "caught this"


async def test_an_async_generator_is_traced(spans: InMemorySpanExporter) -> None:
    @trace_operation("chunks")
    async def chunks() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            with trace_block("chunk"):
                yield number

    assert [number async for number in chunks()] == [0, 1, 2]
    *inner, outer = spans.get_finished_spans()
    assert outer.name == "chunks"
    assert outer.context is not None
    assert {span.parent.span_id for span in inner if span.parent} == {outer.context.span_id}


def test_a_block_has_attributes_and_a_kind(spans: InMemorySpanExporter) -> None:
    values = {"text": "a", "number": 1, "many": [1, 2], "mixed": [1, "a"], "object": {"a": 1}, "none": None}
    with trace_block("work", values, kind="client") as span:
        assert current_span() is span
    (finished,) = spans.get_finished_spans()
    assert finished.kind is SpanKind.CLIENT
    assert finished.attributes == {
        "text": "a",
        "number": 1,
        "many": (1, 2),
        "mixed": "[1, 'a']",
        "object": "{'a': 1}",
        "none": "None",
    }


tracer_made_at_import = get_tracer("early")


def test_a_tracer_may_be_made_before_the_set_up(spans: InMemorySpanExporter) -> None:
    with tracer_made_at_import.start_as_current_span("late") as span:
        span.set_attribute("user_id", 123)
    (finished,) = spans.get_finished_spans()
    assert finished.attributes == {"user_id": 123}
    assert finished.instrumentation_scope is not None
    assert finished.instrumentation_scope.name == "early"
