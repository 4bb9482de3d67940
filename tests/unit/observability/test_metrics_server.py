"""Metrics as a file and over HTTP."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from accelerapp.monitoring import MetricsCollector
from accelerapp.observability import PrometheusMetricsExporter, setup_metrics_export


@pytest.fixture
def metrics() -> MetricsCollector:
    collector = MetricsCollector()
    collector.counter("jobs_total").inc(3)
    return collector


def test_the_metrics_are_served_until_closed(metrics: MetricsCollector) -> None:
    with setup_metrics_export(port=0, host="127.0.0.1", metrics_collector=metrics) as server:
        url = f"http://127.0.0.1:{server.port}"
        answer = httpx.get(f"{url}/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "accelerapp_jobs_total 3" in answer.text
        head = httpx.head(f"{url}/metrics")
        assert (head.status_code, head.content) == (200, b"")
        assert httpx.get(f"{url}/metrics?x=1").status_code == 200
        other = httpx.get(f"{url}/")
        assert (other.status_code, "/metrics" in other.text) == (404, True)
        openmetrics = httpx.get(f"{url}/metrics", headers={"Accept": "application/openmetrics-text"})
        assert openmetrics.text.endswith("# EOF\n")
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/metrics")
    assert "accelerapp-metrics" not in {thread.name for thread in threading.enumerate()}


def test_a_taken_port_is_named_with_what_changes_it(metrics: MetricsCollector) -> None:
    with (
        setup_metrics_export(port=0, host="127.0.0.1", metrics_collector=metrics) as server,
        pytest.raises(OSError, match=rf"{server.port} .*choose another port=…"),
    ):
        setup_metrics_export(port=server.port, host="127.0.0.1", metrics_collector=metrics)


def test_a_path_must_begin_with_a_slash() -> None:
    with pytest.raises(ValueError, match="must begin with a slash"):
        setup_metrics_export(port=0, path="metrics")


def test_the_file_is_replaced_in_one_step(metrics: MetricsCollector, tmp_path: Path) -> None:
    file = tmp_path / "metrics.prom"
    exporter = PrometheusMetricsExporter(metrics)
    exporter.export_to_file(file)
    metrics.counter("jobs_total").inc()
    exporter.export_to_file(str(file))
    assert "accelerapp_jobs_total 4\n" in file.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.prom"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_missing_folder_is_an_error_that_leaves_nothing(metrics: MetricsCollector, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PrometheusMetricsExporter(metrics).export_to_file(tmp_path / "none" / "metrics.prom")
