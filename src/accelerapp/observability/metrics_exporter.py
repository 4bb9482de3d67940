"""Metrics for a Prometheus to scrape: as text, as a file, or from a small HTTP server of its own."""

from __future__ import annotations

import http.server
import os
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

from accelerapp.monitoring import FamilySnapshot, MetricsCollector, get_metrics
from accelerapp.observability.exposition import (
    OPENMETRICS_CONTENT_TYPE,
    TEXT_CONTENT_TYPE,
    prefers_openmetrics,
    render_openmetrics,
    render_text,
)


class PrometheusMetricsExporter:
    """Renders a collector's metrics; names get the prefix `accelerapp_` and no forced suffix.

    Args:
        metrics_collector: The process-wide one unless given.
    """

    def __init__(self, metrics_collector: MetricsCollector | None = None) -> None:
        self.metrics_collector = metrics_collector if metrics_collector is not None else get_metrics()

    def generate_prometheus_metrics(self) -> str:
        """Return all metrics in Prometheus' text exposition format 0.0.4."""
        return render_text(self._families())

    def generate_openmetrics(self) -> str:
        """Return all metrics in OpenMetrics 1.0."""
        return render_openmetrics(self._families())

    def render(self, accept: str | None = None) -> tuple[str, bytes]:
        """Return content type and body of the format that an Accept header asks for."""
        if prefers_openmetrics(accept):
            return OPENMETRICS_CONTENT_TYPE, self.generate_openmetrics().encode("utf-8", "replace")
        return TEXT_CONTENT_TYPE, self.generate_prometheus_metrics().encode("utf-8", "replace")

    def export_to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the text format to a file, in one step, so that no reader sees half of it.

        Raises:
            OSError: the folder does not exist or cannot be written.
        """
        target = Path(path)
        body = self.generate_prometheus_metrics().encode("utf-8", "replace")
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            # mkstemp makes it private to the owner; whoever collects the file is often someone else.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _families(self) -> list[FamilySnapshot]:
        collector = self.metrics_collector
        own = FamilySnapshot(
            "uptime_seconds",
            "accelerapp_uptime_seconds",
            "gauge",
            "Seconds since the metrics of this process began.",
            (),
            (),
            [((), collector.uptime_seconds)],
        )
        overflowed = [((family.name,), float(family.overflowed)) for family in collector.families()]
        refused = FamilySnapshot(
            "metric_series_overflow_total",
            "accelerapp_metric_series_overflow_total",
            "counter",
            "Label sets that went to the child __overflow__ because their metric was full.",
            ("metric",),
            (),
            [(key, value) for key, value in overflowed if value],
        )
        families = [own, *collector.collect()]
        return [*families, refused] if refused.values else families


class MetricsServer:
    """An HTTP server in a thread of its own that answers one path with the metrics; `close` ends it."""

    def __init__(self, exporter: PrometheusMetricsExporter, host: str, port: int, path: str) -> None:
        self._server = http.server.ThreadingHTTPServer((host, port), _handler(exporter, path))
        self._server.daemon_threads = True
        self.path = path
        self.host = str(self._server.server_address[0])
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="accelerapp-metrics",
            daemon=True,
        )
        self._thread.start()
        self._closed = False

    def close(self) -> None:
        """Stop answering and free the port; once is enough, more does no harm."""
        if self._closed:
            return
        self._closed = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _handler(exporter: PrometheusMetricsExporter, path: str) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds without a request, after which a connection is closed

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            if urlsplit(self.path).path == path:
                status, (content_type, body) = 200, exporter.render(self.headers.get("Accept"))
            else:
                status, content_type = 404, "text/plain; charset=utf-8"
                body = f"nothing here; the metrics are at {path}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            """Say nothing: a scrape every 15 s is no news."""

    return Handler


def setup_metrics_export(
    port: int = 8000,
    path: str = "/metrics",
    *,
    host: str = "127.0.0.1",
    metrics_collector: MetricsCollector | None = None,
) -> MetricsServer:
    """Serve the metrics over HTTP until the returned handle is closed.

    Args:
        port: TCP port; 0 takes a free one, which the handle's `port` tells.
        path: Where the metrics are, beginning with a slash.
        host: Address to listen on. The default keeps other machines out: where the scraper is another machine
            or container, name the address that it reaches, or "0.0.0.0" for all of them.
        metrics_collector: The process-wide one unless given.

    Raises:
        OSError: the port is taken; the message names the argument that changes it.
    """
    if not path.startswith("/"):
        raise ValueError(f"path {path!r} must begin with a slash")
    try:
        return MetricsServer(PrometheusMetricsExporter(metrics_collector), host, port, path)
    except OSError as exc:
        raise OSError(
            exc.errno, f"cannot serve metrics on {host}:{port} ({exc.strerror}); choose another port=…"
        ) from exc
