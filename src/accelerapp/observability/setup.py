"""One call that sets up tracing, log export and metrics from arguments and the standard environment."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from accelerapp.monitoring import MetricsCollector, get_metrics, setup_logging
from accelerapp.observability import tracing
from accelerapp.observability.endpoints import (
    Endpoint,
    Signal,
    queue_limits,
    resolve_endpoint,
    sdk_disabled,
)
from accelerapp.observability.endpoints import (
    jaeger_endpoint as resolve_jaeger,
)
from accelerapp.observability.logstash import LogstashHandler, LogstashSender
from accelerapp.observability.metrics_exporter import MetricsServer, setup_metrics_export
from accelerapp.observability.shipping import Shipper, within

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

S = TypeVar("S")

_logger = logging.getLogger("accelerapp.observability")

DEFAULT_SERVICE_NAME = "accelerapp"
DEFAULT_SERVICE_VERSION = "1.0.0"
DEFAULT_ENVIRONMENT = "production"

#: Seconds that the end of the process may wait for telemetry to leave.
SHUTDOWN_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """All that decides what is sent where."""

    service_name: str
    service_version: str
    environment: str
    traces: tuple[Endpoint, ...] = ()
    logs: Endpoint | None = None
    logstash: tuple[str, int] | None = None
    disabled: bool = False


@dataclass(slots=True)
class TelemetryHandle:
    """What a set-up made, so that it can be flushed and taken down again."""

    config: TelemetryConfig
    metrics_server: MetricsServer | None = None
    _shippers: list[Shipper[Any]] = field(default_factory=list)
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _closed: bool = False

    def flush(self, timeout: float = SHUTDOWN_TIMEOUT) -> bool:
        """Wait until what was recorded so far has left; False where that took more than `timeout` seconds."""
        deadline = time.monotonic() + timeout
        delivered = [shipper.flush(within(deadline)) for shipper in self._shippers]
        return all(delivered)

    def shutdown(self, timeout: float = SHUTDOWN_TIMEOUT) -> None:
        """Send what is left, for at most about `timeout` seconds, then stop; more calls do no harm."""
        global _installed
        with _lock:
            if self._closed:
                return
            self._closed = True
            if _installed is self:
                _installed = None
        for undo in reversed(self._undo):
            undo()
        deadline = time.monotonic() + timeout
        # All at once, so that one endpoint that hangs leaves the others their time.
        threads = [
            threading.Thread(target=shipper.shutdown, args=(within(deadline),), daemon=True)
            for shipper in self._shippers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(within(deadline) + 0.5)
        if self.metrics_server is not None:
            self.metrics_server.close()


_lock = threading.Lock()
_installed: TelemetryHandle | None = None


@atexit.register
def _shutdown_at_exit() -> None:
    if _installed is not None:
        _installed.shutdown()


def setup_observability(
    service_name: str | None = None,
    service_version: str | None = None,
    environment: str | None = None,
    *,
    otlp_endpoint: str | None = None,
    jaeger_endpoint: str | None = None,
    metrics_port: int | None = None,
    log_level: str | int | None = "INFO",
    structured_logs: bool = True,
    log_file: str | Path | None = None,
    metrics_collector: MetricsCollector | None = None,
    environ: Mapping[str, str] | None = None,
) -> TelemetryHandle:
    """Set up logging, tracing, log export and, where asked for, a metrics server.

    Where no endpoint is configured nothing is sent, and spans still give logs their trace ids. A second call
    with the same outcome returns the first one's handle; one with another replaces it.

    Args:
        service_name: Goes before `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`; "accelerapp" without any.
        service_version: Goes before `OTEL_RESOURCE_ATTRIBUTES`.
        environment: Value of `deployment.environment.name`.
        otlp_endpoint: Base URL for traces and logs; goes before `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin.
            Port 4317 without `OTEL_EXPORTER_OTLP_PROTOCOL` means gRPC.
        jaeger_endpoint: A Jaeger that gets the traces as well, by OTLP.
        metrics_port: Serve `/metrics` on this port; None serves nothing. OTEL_EXPORTER_PROMETHEUS_HOST names the
            address, loopback by default (OpenTelemetry's environment variable specification).
        log_level: For `setup_logging`; None leaves logging as it is, records below the root logger's level
            are then not exported either.
        structured_logs: JSON lines on standard error, or lines for people.
        log_file: Where log lines go as well.
        metrics_collector: For the metrics server and the count of dropped telemetry.
        environ: The environment; `os.environ` unless given. `LOGSTASH_HOST` and `LOGSTASH_PORT` (5000) send
            logs to Logstash, `OTEL_SDK_DISABLED=true` turns OpenTelemetry off.

    Raises:
        ValueError: an endpoint or a port is malformed.
        OSError: the metrics port is taken, or the log file cannot be opened.
    """
    env = os.environ if environ is None else environ
    config = TelemetryConfig(
        *_identity(service_name, service_version, environment, env),
        traces=_trace_endpoints(otlp_endpoint, jaeger_endpoint, env),
        logs=resolve_endpoint("logs", otlp_endpoint, env),
        logstash=_logstash_address(env),
        disabled=sdk_disabled(env),
    )
    if log_level is not None:
        setup_logging(log_level, structured_logs, log_file)
    handle = _install(config, metrics_collector or get_metrics(), env)
    if metrics_port is not None and handle.metrics_server is None:
        host = env.get("OTEL_EXPORTER_PROMETHEUS_HOST") or "127.0.0.1"
        handle.metrics_server = setup_metrics_export(
            metrics_port, host=host, metrics_collector=metrics_collector
        )
    return handle


def setup_tracing(
    service_name: str = DEFAULT_SERVICE_NAME,
    service_version: str = DEFAULT_SERVICE_VERSION,
    otlp_endpoint: str | None = None,
    jaeger_endpoint: str | None = None,
    environment: str = DEFAULT_ENVIRONMENT,
) -> TelemetryHandle:
    """Set up tracing alone.

    Args:
        service_name: As in `setup_observability`; so are the others. What has its default value here gives
            way to the environment.
        service_version: Version of the service.
        otlp_endpoint: Base URL; `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin unless given.
        jaeger_endpoint: A Jaeger that gets the traces as well, by OTLP.
        environment: Value of `deployment.environment.name`.

    Raises:
        ValueError: an endpoint is malformed.
    """
    env = os.environ
    identity = _identity(
        None if service_name == DEFAULT_SERVICE_NAME else service_name,
        None if service_version == DEFAULT_SERVICE_VERSION else service_version,
        None if environment == DEFAULT_ENVIRONMENT else environment,
        env,
    )
    config = TelemetryConfig(
        *identity, traces=_trace_endpoints(otlp_endpoint, jaeger_endpoint, env), disabled=sdk_disabled(env)
    )
    return _install(config, get_metrics(), env)


def _identity(
    name: str | None, version: str | None, environment: str | None, env: Mapping[str, str]
) -> tuple[str, str, str]:
    resource = dict(
        pair.partition("=")[::2] for pair in env.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if "=" in pair
    )
    return (
        name or env.get("OTEL_SERVICE_NAME") or resource.get("service.name") or DEFAULT_SERVICE_NAME,
        version or resource.get("service.version") or DEFAULT_SERVICE_VERSION,
        environment or resource.get("deployment.environment.name") or DEFAULT_ENVIRONMENT,
    )


def _trace_endpoints(otlp: str | None, jaeger: str | None, env: Mapping[str, str]) -> tuple[Endpoint, ...]:
    endpoint = resolve_endpoint("traces", otlp, env)
    found = [endpoint] if endpoint is not None else []
    if jaeger:
        found.append(resolve_jaeger(jaeger))
    return tuple(dict.fromkeys(found))


def _logstash_address(env: Mapping[str, str]) -> tuple[str, int] | None:
    host = env.get("LOGSTASH_HOST", "").strip()
    if not host:
        return None
    text = env.get("LOGSTASH_PORT", "").strip() or "5000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"LOGSTASH_PORT={text!r} must be a port number between 1 and 65535")
    return host, int(text)


def _install(config: TelemetryConfig, metrics: MetricsCollector, env: Mapping[str, str]) -> TelemetryHandle:
    global _installed
    if _installed is not None:
        if _installed.config == config:
            return _installed
        _installed.shutdown()
    handle = TelemetryHandle(config)
    if tracing.HAVE_OPENTELEMETRY and not config.disabled:
        _install_opentelemetry(handle, metrics, env)
    elif (config.traces or config.logs) and not config.disabled:
        _logger.warning(
            "an OTLP endpoint is configured, but OpenTelemetry is not installed: nothing is sent; run "
            "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
        )
    if config.logstash is not None:
        shipper: Shipper[str] = Shipper("logstash", LogstashSender(*config.logstash), metrics)
        handle._shippers.append(shipper)
        _add_root_handler(handle, LogstashHandler(shipper, config.service_name))
    with _lock:
        _installed = handle
    return handle


def _install_opentelemetry(
    handle: TelemetryHandle, metrics: MetricsCollector, env: Mapping[str, str]
) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.trace import TracerProvider

    from accelerapp.observability import otlp

    config = handle.config
    resource = _resource(config)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for endpoint in config.traces:
        span_sender = _make_sender("traces", endpoint, otlp.span_sender)
        if span_sender is not None:
            spans = Shipper("traces", span_sender, metrics, queue_limits("traces", env))
            provider.add_span_processor(otlp.ShippingSpanProcessor(spans))
            handle._shippers.append(spans)
    if config.logs is not None:
        log_sender = _make_sender("logs", config.logs, otlp.log_sender)
        if log_sender is not None:
            logs = Shipper("logs", log_sender, metrics, queue_limits("logs", env))
            logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
            logger_provider.add_log_record_processor(otlp.ShippingLogProcessor(logs))
            handle._shippers.append(logs)
            _add_root_handler(handle, otlp.OtlpLogHandler(logger_provider))
    tracing.use_provider(provider)
    handle._undo.append(lambda: tracing.use_provider(None))
    # OpenTelemetry takes a global provider once in a process: instrumentation of third parties uses the first.
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(provider)


def _make_sender(signal: Signal, endpoint: Endpoint, make: Callable[[Endpoint], S]) -> S | None:
    try:
        return make(endpoint)
    except ImportError:
        extra = "grpc" if endpoint.protocol == "grpc" else "all"
        _logger.warning(
            "%s cannot be sent to %s by OTLP over %s: install accelerapp[%s], or use port 4318 with "
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            signal,
            endpoint.url,
            endpoint.protocol,
            extra,
        )
        return None


def _resource(config: TelemetryConfig) -> Resource:
    from opentelemetry.sdk.resources import Resource

    return Resource.create(
        {
            "service.name": config.service_name,
            "service.version": config.service_version,
            "deployment.environment.name": config.environment,
        }
    )


def _add_root_handler(handle: TelemetryHandle, handler: logging.Handler) -> None:
    root = logging.getLogger()
    root.addHandler(handler)

    def remove() -> None:
        with contextlib.suppress(ValueError):
            root.removeHandler(handler)
        handler.close()

    handle._undo.append(remove)
