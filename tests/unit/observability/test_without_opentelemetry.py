"""Where OpenTelemetry is not installed everything imports and runs, and does nothing."""

from __future__ import annotations

import subprocess
import sys
import textwrap

_BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Blocker())
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", _BLOCKED + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_spans_are_no_ops_and_results_and_exceptions_go_through() -> None:
    done = run(
        """
        import asyncio
        from accelerapp.monitoring import current_trace
        from accelerapp.observability import *

        handle = setup_observability("none", log_level=None, environ={})
        setup_tracing("none")

        @trace_operation
        def plain(x):
            return x + 1

        @trace_operation("named")
        async def coroutine(x):
            with trace_block("inner", {"a": object()}) as span:
                span.set_attribute("k", 1)
                span.add_event("e")
                span.record_exception(ValueError("v"))
            return x + 1

        @trace_operation()
        def generator():
            got = yield 1
            return got

        @trace_operation
        def failing():
            raise KeyError("k")

        assert plain(1) == 2 and asyncio.run(coroutine(2)) == 3
        steps = generator()
        next(steps)
        try:
            steps.send(5)
        except StopIteration as stop:
            assert stop.value == 5
        try:
            failing()
        except KeyError as exc:
            assert exc.args == ("k",)
        with get_tracer("t").start_as_current_span("s", attributes={"a": 1}) as span:
            span.set_attribute("user_id", 1)
        assert current_trace() is None
        headers = {}
        inject_headers(headers)
        assert headers == {}
        assert handle.flush() is True
        handle.shutdown()
        print("ran")
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ran\n", "", 0)


def test_metrics_and_the_middleware_work_without_it() -> None:
    done = run(
        """
        import asyncio, httpx
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route
        from accelerapp.monitoring import MetricsCollector
        from accelerapp.observability import PrometheusMetricsExporter
        from accelerapp.observability.integrations.asgi import ObservabilityMiddleware

        async def item(request):
            return PlainTextResponse("ok")

        async def main():
            metrics = MetricsCollector()
            app = ObservabilityMiddleware(Starlette(routes=[Route("/items/{item}", item)]), metrics=metrics)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://s") as client:
                answer = await client.get("/items/1")
                assert answer.status_code == 200 and len(answer.headers["x-correlation-id"]) == 36
            text = PrometheusMetricsExporter(metrics).generate_prometheus_metrics()
            assert 'accelerapp_requests_total{route="/items/{item}",method="GET",code="200"} 1' in text

        asyncio.run(main())
        print("ran")
        """
    )
    assert (done.stdout, done.returncode) == ("ran\n", 0), done.stderr


def test_a_configured_endpoint_is_said_to_be_of_no_use() -> None:
    done = run(
        """
        from accelerapp.observability import setup_observability
        setup_observability(log_level=None, otlp_endpoint="http://127.0.0.1:4318").shutdown()
        """
    )
    assert done.returncode == 0
    assert (
        done.stderr
        == "an OTLP endpoint is configured, but OpenTelemetry is not installed: nothing is sent; run "
        "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http\n"
    )
