"""Where telemetry goes, from arguments and the standard environment variables."""

from __future__ import annotations

import pytest

from accelerapp.observability.endpoints import (
    Endpoint,
    Signal,
    jaeger_endpoint,
    queue_limits,
    resolve_endpoint,
    sdk_disabled,
)

HTTP, GRPC = "http/protobuf", "grpc"


@pytest.mark.parametrize(
    ("signal", "given", "environ", "url", "protocol"),
    [
        ("traces", None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces", HTTP),
        ("logs", None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, "http://c:4318/v1/logs", HTTP),
        ("traces", None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c/otlp"}, "https://c/otlp/v1/traces", HTTP),
        ("traces", None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/x"}, "http://c:4318/x", HTTP),
        ("logs", None, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:1/y"}, "http://c:1/y", HTTP),
        (
            "traces",
            None,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b:1/t",
            },
            "http://b:1/t",
            HTTP,
        ),
        ("traces", None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "http://c:4317", GRPC),
        ("logs", None, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:4317"}, "http://c:4317", GRPC),
        (
            "traces",
            None,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "http://c:4317/v1/traces",
            HTTP,
        ),
        (
            "traces",
            None,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:9000", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "http://c:9000",
            GRPC,
        ),
        (
            "logs",
            None,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:9000",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
            },
            "http://c:9000/v1/logs",
            HTTP,
        ),
        (
            "traces",
            "http://arg:4318",
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://e:1"},
            "http://arg:4318/v1/traces",
            HTTP,
        ),
        ("traces", "http://arg:4318/v1/traces", {}, "http://arg:4318/v1/traces", HTTP),
        ("traces", "collector:4317", {}, "http://collector:4317", GRPC),
        ("traces", "http://[::1]:4318", {}, "http://[::1]:4318/v1/traces", HTTP),
    ],
)
def test_endpoints(
    signal: Signal, given: str | None, environ: dict[str, str], url: str, protocol: str
) -> None:
    found = resolve_endpoint(signal, given, environ)
    assert found is not None
    assert (found.url, found.protocol) == (url, protocol)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:4318"},
    ],
)
def test_nothing_is_configured(environ: dict[str, str]) -> None:
    assert resolve_endpoint("traces", None, environ) is None


@pytest.mark.parametrize(
    "url", ["ftp://c:21", "http://", "http://c:0", "http://c:99999", "http://c:port", "unix:///x"]
)
def test_a_malformed_endpoint_is_named(url: str) -> None:
    with pytest.raises(ValueError, match=r"must look like http://host:4318"):
        resolve_endpoint("traces", url, {})


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://jaeger-collector:14268/api/traces", "http://jaeger-collector:4318/v1/traces"),
        ("http://jaeger:14268", "http://jaeger:4318/v1/traces"),
        ("http://jaeger:4318", "http://jaeger:4318/v1/traces"),
    ],
)
def test_a_jaeger_gets_otlp(given: str, url: str) -> None:
    assert jaeger_endpoint(given) == Endpoint(url, "http/protobuf")


def test_a_jaeger_on_4317_gets_grpc() -> None:
    assert jaeger_endpoint("http://jaeger:4317") == Endpoint("http://jaeger:4317", "grpc")


def test_an_unknown_protocol_is_said_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    found = resolve_endpoint("traces", None, environ)
    assert found == Endpoint("http://c:4318/v1/traces", "http/protobuf")
    assert "'http/json' is not supported" in caplog.text


def test_batching_limits_come_from_the_environment(caplog: pytest.LogCaptureFixture) -> None:
    environ = {
        "OTEL_BSP_MAX_QUEUE_SIZE": "100",
        "OTEL_BSP_SCHEDULE_DELAY": "250",
        "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "ten",
    }
    limits = queue_limits("traces", environ)
    assert (limits.queue_size, limits.batch_size, limits.delay) == (100, 100, 0.25)
    assert queue_limits("logs", environ).batch_size == 512
    assert "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE='ten'" in caplog.text


@pytest.mark.parametrize(
    ("value", "disabled"), [("true", True), (" TRUE ", True), ("false", False), ("1", False)]
)
def test_the_sdk_is_disabled_by_true_alone(value: str, disabled: bool) -> None:
    assert sdk_disabled({"OTEL_SDK_DISABLED": value}) is disabled
