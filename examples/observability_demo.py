"""Shows metrics, structured logs, nested spans, export and all of it together.

Alone it prints what it does and writes the metrics to a file; its log lines go to standard error. Into a
running observatory, or any other receiver of OTLP:

    OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 python examples/observability_demo.py
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from accelerapp.monitoring import (
    MetricsCollector,
    correlation_scope,
    current_trace,
    get_health_checker,
    get_logger,
    get_metrics,
)
from accelerapp.observability import (
    PrometheusMetricsExporter,
    get_tracer,
    setup_metrics_export,
    setup_observability,
    trace_block,
    trace_operation,
)

logger = get_logger("demo", component="observability_demo")
tracer = get_tracer("demo")


def heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def show_metrics() -> None:
    heading("Metrics: a counter, a gauge and a histogram, with labels")
    metrics = get_metrics()
    jobs = metrics.counter("demo_jobs_total", "Jobs done.", ("outcome",))
    queue = metrics.gauge("demo_queue_length", "Jobs that wait.")
    duration = metrics.histogram(
        "demo_job_duration_seconds", "Time of one job.", buckets=(0.1, 0.5, 1.0, 2.5)
    )
    rng = random.Random(7)  # noqa: S311 - plays jobs, guards nothing
    for waiting in range(20, 0, -1):
        queue.set(waiting)
        duration.observe(rng.expovariate(2))
        jobs.labels(outcome="failed" if rng.random() < 0.1 else "done").inc()
    queue.set(0)
    everything = metrics.get_all_metrics()
    for name, value in everything["counters"].items():
        print(f"  {name} = {value:g}")
    print(f"  demo_job_duration_seconds = {everything['histograms']['demo_job_duration_seconds']}")


def show_logs() -> None:
    heading("Structured logs: one JSON object a line, tied together by a correlation id")
    with correlation_scope() as correlation_id:
        print(f"  correlation id {correlation_id}", flush=True)
        logger.info("job accepted", extra={"extra_fields": {"job_id": 42, "priority": "high"}})
        try:
            int("forty-two")
        except ValueError:
            logger.exception("job refused", extra={"extra_fields": {"job_id": 42}})


@trace_operation("load firmware")
def load_firmware(size: int) -> bytes:
    time.sleep(0.02)
    return bytes(size)


@trace_operation
async def flash(board: str) -> str:
    with trace_block("erase", {"board": board}):
        await asyncio.sleep(0.01)
    with trace_block("write", {"board": board}) as span:
        await asyncio.sleep(0.02)
        span.add_event("page written", {"page": 1})
    return f"{board} flashed"


async def show_traces() -> None:
    heading("Spans: nested ones, in plain and async code")
    with tracer.start_as_current_span("update boards"):
        firmware = load_firmware(1024)
        print(f"  {len(firmware)} bytes loaded")
        for outcome in await asyncio.gather(flash("esp32"), flash("pico")):
            print(f"  {outcome}")
        trace = current_trace()
        print(f"  trace id {trace[0]}" if trace else "  no trace: OpenTelemetry is not installed")


def show_export(file: Path) -> None:
    heading("Export: metrics as a file and over HTTP")
    PrometheusMetricsExporter().export_to_file(file)
    print(f"  {file} has {len(file.read_text('utf-8').splitlines())} lines")
    with setup_metrics_export(port=0, host="127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.port}{server.path}"
        with urllib.request.urlopen(url) as response:
            print(f"  {url} answers {response.status}, {response.headers['Content-Type']}")


@trace_operation("generate firmware")
def generate(board: str, metrics: MetricsCollector) -> None:
    outcome = "done"
    started = time.perf_counter()
    try:
        with trace_block("render", {"board": board}):
            time.sleep(0.01)
            if board == "unknown":
                raise ValueError("no such board: unknown")
        logger.info("firmware generated", extra={"extra_fields": {"board": board}})
    except ValueError:
        outcome = "failed"
        logger.exception("firmware not generated", extra={"extra_fields": {"board": board}})
        raise
    finally:
        metrics.counter("demo_generations_total", "Generations.", ("outcome",)).labels(outcome=outcome).inc()
        metrics.histogram("demo_generation_duration_seconds", "Time of one.").observe(
            time.perf_counter() - started
        )


def show_workflow() -> None:
    heading("All together: a request that is counted, logged and traced under one correlation id")
    get_health_checker().register("disk", lambda: Path.cwd().is_dir(), description="whether there is a disk")
    print(f"  health: {get_health_checker().check_all()['status']}")
    for board in ("esp32", "pico", "unknown"):
        with (
            correlation_scope() as correlation_id,
            trace_block("handle request", {"correlation_id": correlation_id}),
        ):
            try:
                generate(board, get_metrics())
            except ValueError as exc:
                print(f"  {board}: {exc}; the span has it, and it went on to here unchanged", flush=True)
            else:
                print(f"  {board}: generated", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = Path(tempfile.gettempdir()) / "accelerapp-demo-metrics.txt"
    parser.add_argument("--metrics-file", type=Path, default=default, help="where the metrics are written")
    arguments = parser.parse_args()
    name = None if os.environ.get("OTEL_SERVICE_NAME") else "observability-demo"
    telemetry = setup_observability(name, environment="development")
    targets = ", ".join(endpoint.url for endpoint in telemetry.config.traces)
    print(f"Traces go to {targets}." if targets else "No OTLP endpoint: nothing is sent anywhere.")
    try:
        show_metrics()
        show_logs()
        asyncio.run(show_traces())
        show_workflow()
        show_export(arguments.metrics_file)
    finally:
        heading("The end: what is queued is sent")
        in_time = telemetry.flush(timeout=5)
        telemetry.shutdown(timeout=2)
        print("  done" if in_time else "  not all of it could be sent in time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
