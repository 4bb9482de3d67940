"""No traces: the collector, then Jaeger."""

from __future__ import annotations

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.checks.metrics import or_through_prometheus
from accelerapp.cli.doctor.stack import Part, Stack, samples_told

_COLLECTOR = (
    "docker compose ps otel-collector, then its log; elsewhere name its OTLP over HTTP by --collector-url"
)
_JAEGER = "docker compose ps jaeger, then its log; elsewhere name it by --jaeger-url"
_PROMETHEUS = "docker compose logs prometheus"
_ITEMS = ("spans", "metric_points", "log_records")
_FULL = 0.8


@check(Symptom.TRACES, "OTLP is taken", mend=_COLLECTOR)
def otlp(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.COLLECTOR)) is not None:
        return told
    # An empty request: it is taken like any other, and stores nothing.
    answer = stack.ask(Part.COLLECTOR, "/v1/traces", post=b"", content_type="application/x-protobuf")
    address = stack.addresses[Part.COLLECTOR]
    if answer.status == 200:
        return ok(f"over HTTP at {address}")
    if answer.status in {429, 503}:
        return failed(
            f"{address} refuses with HTTP {answer.status}: its memory or its queue is at the limit",
            "raise the memory limit and GOMEMLIMIT together, or sample more; see who sends so much",
        )
    return failed(
        f"{address} answers an empty request for /v1/traces with HTTP {answer.status}",
        "is that the port of OTLP over HTTP (4318), and not that of gRPC (4317) or of a proxy?",
    )


def _rate(stack: Stack, metric: str, label: str) -> str:
    """Return what a counter of the collector grew by; its names have no _total, by the shipped file."""
    each = " or ".join(
        f'label_replace(sum by ({label}) (increase({metric}_{item}[15m])), "item", "{item}", "", "") > 0'
        for item in _ITEMS
    )
    return samples_told(stack.query(each), label, "item")


def _scraped(stack: Stack) -> bool:
    stack.has(Part.COLLECTOR)
    return bool(stack.query("count({__name__=~'otelcol_process_uptime.*'})"))


@check(Symptom.TRACES, "The collector refuses nothing", mend=_PROMETHEUS, on=On.STACK)
def refused(stack: Stack) -> Finding:
    if not _scraped(stack):
        return skipped("Prometheus has no metrics of the collector")
    if found := _rate(stack, "otelcol_receiver_refused", "receiver"):
        return failed(
            f"refused within 15 minutes: {found}",
            "its memory is at the limit: raise the limit and GOMEMLIMIT together, or see who sends so much",
        )
    return ok("within 15 minutes")


@check(Symptom.TRACES, "The collector sends on what it took", mend=_PROMETHEUS, on=On.STACK)
def sent(stack: Stack) -> Finding:
    if not _scraped(stack):
        return skipped("Prometheus has no metrics of the collector")
    lost = _rate(stack, "otelcol_exporter_enqueue_failed", "exporter")
    if lost:
        return failed(
            f"the queue was full within 15 minutes, and this is lost: {lost}",
            "mend the server behind that exporter first; then sending_queue.queue_size",
        )
    if refused_there := _rate(stack, "otelcol_exporter_send_failed", "exporter"):
        return failed(
            f"not taken by the other side within 15 minutes: {refused_there}",
            "docker compose logs otel-collector says what was answered: address, password, or a full disk there",
        )
    full = stack.query(
        f"max by (exporter) (otelcol_exporter_queue_size / (otelcol_exporter_queue_capacity > 0)) > {_FULL}"
    )
    if full:
        return failed(
            f"a queue is nearly full: {samples_told(full, 'exporter')}",
            "the server behind that exporter is slow or away; what waits is on disk, and is sent afterwards",
        )
    return ok("within 15 minutes, and no queue is four fifths full")


@check(Symptom.TRACES, "Tail sampling decides on whole traces", mend=_PROMETHEUS, on=On.STACK)
def sampling(stack: Stack) -> Finding:
    if not _scraped(stack):
        return skipped("Prometheus has no metrics of the collector")
    early = stack.number(
        "sum(increase(otelcol_processor_tail_sampling_sampling_trace_dropped_too_early[15m])) > 0"
    )
    if early:
        return failed(
            f"{early:.0f} traces were decided too early within 15 minutes",
            "num_traces of tail_sampling, and the memory with it",
        )
    return ok("within 15 minutes")


@check(Symptom.TRACES, "Jaeger has traces", mend=_JAEGER, on=On.STACK)
def jaeger(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.JAEGER)) is not None:
        return told
    services = stack.get(Part.JAEGER, "/api/services")["data"] or []
    others = [name for name in services if name != "jaeger"]
    if not others:
        return warning(
            "it answers, and knows no service",
            "call the application a few times: one trace of ten is kept, and every one with an error; "
            "then the checks above",
        )
    return ok(f"of {', '.join(others[:4])}" + (f", and {len(others) - 4} more" if len(others) > 4 else ""))


@check(Symptom.TRACES, "The observatory has traces", mend=_PROMETHEUS, on=On.OBSERVATORY)
def stored(stack: Stack) -> Finding:
    services = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/services")["services"]
    if not services:
        return warning(
            "it knows no service", "OTEL_EXPORTER_OTLP_ENDPOINT of the application: the address of OTLP above"
        )
    return ok(f"of {', '.join(str(each['name']) for each in services[:4])}")
