"""Where telemetry goes: arguments and the standard environment variables, resolved to endpoints.

OpenTelemetry specification, "OpenTelemetry Protocol Exporter" and "Environment Variable Specification".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from accelerapp.observability.shipping import QueueLimits

Protocol = Literal["http/protobuf", "grpc"]
Signal = Literal["traces", "logs"]

_GRPC_PORT = 4317
_JAEGER_THRIFT_PORT = 14268

_logger = logging.getLogger("accelerapp.observability")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One OTLP receiver for one signal; `url` has its path for HTTP and none for gRPC."""

    url: str
    protocol: Protocol


def sdk_disabled(environ: Mapping[str, str]) -> bool:
    """Tell whether `OTEL_SDK_DISABLED` is true."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def resolve_endpoint(signal: Signal, given: str | None, environ: Mapping[str, str]) -> Endpoint | None:
    """Return where a signal goes, or None where nothing is configured.

    Args:
        signal: traces or logs.
        given: A base URL from code, which goes before the environment.
        environ: The environment.

    Raises:
        ValueError: an endpoint is no http or https URL.
    """
    exporter = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower()
    if exporter == "none":
        return None
    protocol = _protocol(signal, environ)
    if given:
        return _from_base(signal, given, protocol)
    own = environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    if own:
        parts = _split(own)
        chosen = protocol or _guess(parts.port)
        return Endpoint(_root(own) if chosen == "grpc" else urlunsplit(parts), chosen)
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return _from_base(signal, base, protocol) if base else None


def jaeger_endpoint(given: str) -> Endpoint:
    """Return the OTLP endpoint of a Jaeger; one named by its Thrift port means the same host's port 4318."""
    parts = _split(given)
    if parts.port == _JAEGER_THRIFT_PORT or parts.path.rstrip("/") == "/api/traces":
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        url = f"{parts.scheme}://{host}:4318/v1/traces"
        _logger.warning("Jaeger takes OTLP, not Thrift, from here: sending to %s in place of %s", url, given)
        return Endpoint(url, "http/protobuf")
    return _from_base("traces", given, None)


def queue_limits(signal: Signal, environ: Mapping[str, str]) -> QueueLimits:
    """Return the batching limits that `OTEL_BSP_…` (traces) or `OTEL_BLRP_…` (logs) set."""
    prefix = "OTEL_BSP" if signal == "traces" else "OTEL_BLRP"
    default = QueueLimits()
    queue_size = _positive(environ, f"{prefix}_MAX_QUEUE_SIZE", default.queue_size)
    batch_size = _positive(environ, f"{prefix}_MAX_EXPORT_BATCH_SIZE", default.batch_size)
    delay = _positive(environ, f"{prefix}_SCHEDULE_DELAY", round(default.delay * 1000))
    return QueueLimits(queue_size, min(batch_size, queue_size), delay / 1000)


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    _logger.warning("%s=%r is no positive whole number; using %d", name, text, default)
    return default


def _protocol(signal: Signal, environ: Mapping[str, str]) -> Protocol | None:
    for name in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        value = environ.get(name, "").strip().lower()
        if value == "grpc":
            return "grpc"
        if value == "http/protobuf":
            return "http/protobuf"
        if value:
            _logger.warning("%s=%r is not supported here; using http/protobuf", name, value)
            return "http/protobuf"
    return None


def _from_base(signal: Signal, base: str, protocol: Protocol | None) -> Endpoint:
    parts = _split(base)
    chosen = protocol or _guess(parts.port)
    if chosen == "grpc":
        return Endpoint(_root(base), chosen)
    path = parts.path.rstrip("/")
    suffix = f"/v1/{signal}"
    if not path.endswith(suffix):
        path += suffix
    return Endpoint(urlunsplit(parts._replace(path=path)), chosen)


def _guess(port: int | None) -> Protocol:
    # The specification's default is http/protobuf, which a receiver on 4317 does not speak.
    return "grpc" if port == _GRPC_PORT else "http/protobuf"


def _split(url: str) -> SplitResult:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise ValueError(f"OTLP endpoint {url!r} must look like http://host:4318")
    return parts


def _root(url: str) -> str:
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}"
