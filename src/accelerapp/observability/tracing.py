"""Spans: the tracer, the decorator and the `with` block that application code uses.

Without OpenTelemetry installed all of it works and does nothing.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from accelerapp.monitoring import set_current_trace
from accelerapp.observability.noop import NoOpSpan, NoOpTracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

try:
    from opentelemetry import trace as _trace
except ImportError:
    HAVE_OPENTELEMETRY = False
else:
    HAVE_OPENTELEMETRY = True

P = ParamSpec("P")
R = TypeVar("R")

_ATTRIBUTE_TYPES = (str, bool, int, float, bytes)

#: The provider and its tracers by name: it makes one anew each time that it is asked, which costs as much as a
#: span. Both in one tuple, so that no thread pairs the tracers of one provider with another.
_in_force: tuple[TracerProvider | None, dict[str, Tracer]] = (None, {})


def use_provider(provider: TracerProvider | None) -> None:
    """Make `provider` the one that `get_tracer` uses; None goes back to OpenTelemetry's global one."""
    global _in_force
    _in_force = (provider, {})
    set_current_trace(current_span_ids if provider is not None else None)


def current_span_ids() -> tuple[str, str] | None:
    """Return trace and span id of the current span as lower-case hexadecimal, or None outside of one."""
    if not HAVE_OPENTELEMETRY:
        return None
    context = _trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def get_tracer(name: str = __name__) -> Tracer:
    """Return a tracer, which may be had before tracing is set up.

    Args:
        name: The instrumentation scope, usually the module's `__name__`.
    """
    if not HAVE_OPENTELEMETRY:
        return cast("Tracer", NoOpTracer())
    from accelerapp.observability.late_tracer import LateTracer

    return LateTracer(lambda: _tracer(name))


def _tracer(name: str) -> Tracer:
    """Return the tracer of the provider that is in force now."""
    if not HAVE_OPENTELEMETRY:
        return cast("Tracer", NoOpTracer())
    provider, tracers = _in_force
    if provider is None:
        return _trace.get_tracer(name)
    tracer = tracers.get(name)
    if tracer is None:
        tracer = tracers[name] = provider.get_tracer(name)
    return tracer


def current_span() -> Span:
    """Return the span that is current here; one that keeps nothing where there is none."""
    return _trace.get_current_span() if HAVE_OPENTELEMETRY else cast("Span", NoOpSpan())


def mark_error(span: Span, exception: BaseException) -> None:
    """Record an exception on a span and set the span's status to error."""
    span.record_exception(exception)
    set_error_status(span, f"{type(exception).__name__}: {exception}")


def set_error_status(span: Span, description: str) -> None:
    """Set the span's status to error, for a failure that is no exception."""
    if HAVE_OPENTELEMETRY:
        span.set_status(_trace.Status(_trace.StatusCode.ERROR, description))


@contextlib.contextmanager
def _activate(span: Span) -> Iterator[None]:
    """Make `span` current without ending it and without recording exceptions."""
    if not HAVE_OPENTELEMETRY:
        yield
        return
    with _trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield


def to_attribute(value: Any) -> Any:
    """Return `value` where a span attribute may hold it, its text otherwise."""
    if isinstance(value, _ATTRIBUTE_TYPES):
        return value
    if isinstance(value, list | tuple) and value:
        kind = type(value[0])
        if kind in _ATTRIBUTE_TYPES and all(type(item) is kind for item in value):
            return value
    return str(value)


@contextlib.contextmanager
def trace_block(
    name: str,
    attributes: Mapping[str, Any] | None = None,
    *,
    kind: str = "internal",
    context: Any = None,
) -> Iterator[Span]:
    """Trace what runs in the `with` block as one span, in plain and in async code.

    An exception that leaves the block is recorded, sets the status to error, and goes on unchanged.

    Args:
        name: Name of the span; of few distinct values.
        attributes: Set at the start; values that a span cannot hold are set as their text.
        kind: internal, server, client, producer or consumer.
        context: OpenTelemetry context of the parent; the current one unless given.
    """
    if not HAVE_OPENTELEMETRY:
        yield cast("Span", NoOpSpan())
        return
    span = _tracer("accelerapp").start_span(
        name,
        context=context,
        kind=_trace.SpanKind[kind.upper()],
        attributes={key: to_attribute(value) for key, value in (attributes or {}).items()},
    )
    try:
        with _activate(span):
            yield span
    except Exception as exc:
        mark_error(span, exc)
        raise
    finally:
        span.end()


@overload
def trace_operation(name: Callable[P, R]) -> Callable[P, R]: ...
@overload
def trace_operation(name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def trace_operation(name: Callable[..., Any] | str | None = None) -> Any:
    """Trace each call of a function as one span: `@trace_operation`, or `@trace_operation("name")`.

    Works on plain and async functions and on generators of both kinds, whose span lasts from the first item
    to the end and is current only while their own code runs. Arguments are not recorded, for they may hold
    secrets. Exceptions go through unchanged, recorded on the span.

    Args:
        name: Name of the span; the function's qualified name unless given.
    """
    if callable(name):
        return _traced(name, name.__qualname__)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return _traced(function, name or function.__qualname__)

    return decorate


def _traced(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    attributes = {"code.function.name": f"{function.__module__}.{function.__qualname__}"}
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        def over_async_generator(*args: Any, **kwargs: Any) -> Any:
            return _drive_async(function(*args, **kwargs), name, attributes)

        return over_async_generator
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def over_generator(*args: Any, **kwargs: Any) -> Any:
            return _drive(function(*args, **kwargs), name, attributes)

        return over_generator
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def over_coroutine(*args: Any, **kwargs: Any) -> Any:
            with trace_block(name, attributes):
                return await function(*args, **kwargs)

        return over_coroutine

    @functools.wraps(function)
    def over_call(*args: Any, **kwargs: Any) -> Any:
        with trace_block(name, attributes):
            return function(*args, **kwargs)

    return over_call


def _drive(
    inner: Generator[Any, Any, Any], name: str, attributes: dict[str, Any]
) -> Generator[Any, Any, Any]:
    """Run a generator step by step, its span current during each step only."""
    span = _tracer("accelerapp").start_span(name, attributes=attributes)
    resume: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - rebound at each step
    try:
        while True:
            with _activate(span):
                try:
                    item = resume()
                except StopIteration as stop:
                    return stop.value
            try:
                sent = yield item
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as exc:  # noqa: BLE001 - handed into the generator, as `yield from` does
                resume = functools.partial(inner.throw, exc)
            else:
                resume = functools.partial(inner.send, sent)
    except Exception as exc:
        mark_error(span, exc)
        raise
    finally:
        span.end()


async def _drive_async(
    inner: AsyncGenerator[Any, Any], name: str, attributes: dict[str, Any]
) -> AsyncGenerator[Any, Any]:
    """Run an async generator step by step, its span current during each step only."""
    span = _tracer("accelerapp").start_span(name, attributes=attributes)
    resume: Callable[[], Any] = inner.__anext__
    try:
        while True:
            with _activate(span):
                try:
                    item = await resume()
                except StopAsyncIteration:
                    return
            try:
                sent = yield item
            except GeneratorExit:
                await inner.aclose()
                raise
            except BaseException as exc:  # noqa: BLE001 - handed into the generator
                resume = functools.partial(inner.athrow, exc)
            else:
                resume = functools.partial(inner.asend, sent)
    except Exception as exc:
        mark_error(span, exc)
        raise
    finally:
        span.end()
