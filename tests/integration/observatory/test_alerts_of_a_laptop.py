"""The shipped rules on a laptop: a healthy one fires nothing but Watchdog, an ill one every rule of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.stack.programs import LocalServer

from accelerapp.shipped import shipped

#: Divides every time: what fires after five minutes fires after five seconds.
FACTOR = 60
WATCHDOG = {("Watchdog", "monitoring")}
ILL = {
    ("HighCPUUsage", "node-exporter"),
    ("HighMemoryUsage", "node-exporter"),
    ("DiskSpaceLow", "node-exporter"),
    ("ServiceDown", "codegen"),
    ("LLMServiceUnavailable", "codegen"),
}


class Laptop(LocalServer):
    """A machine, an application and a model server, all well until they are told to be ill."""

    def __init__(self) -> None:
        self.ill = False
        self._idle = 0.0
        self._seen = time.monotonic()
        laptop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = laptop.answer(self.path)
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)

    def answer(self, path: str) -> tuple[int, str]:
        if path == "/machine":
            return 200, self._machine()
        if self.ill:
            return 500, ""
        return 200, '{"version": "0"}' if path == "/api/version" else "accelerapp_requests_total 1\n"

    def _machine(self) -> str:
        now = time.monotonic()
        passed, self._seen = now - self._seen, now
        self._idle += passed * (0.05 if self.ill else 0.95)
        free = 5 if self.ill else 50
        disk = '{device="/dev/sda1",fstype="ext4",mountpoint="/"}'
        return "\n".join(
            (
                f'node_cpu_seconds_total{{cpu="0",mode="idle"}} {self._idle}',
                f'node_cpu_seconds_total{{cpu="0",mode="user"}} {now - self._idle}',
                "node_memory_MemTotal_bytes 100",
                f"node_memory_MemAvailable_bytes {free}",
                f"node_filesystem_size_bytes{disk} 100",
                f"node_filesystem_avail_bytes{disk} {free}",
                f"node_filesystem_readonly{disk} 0",
                "",
            )
        )


@pytest.fixture
def laptop() -> Iterator[Laptop]:
    with Laptop() as served:
        yield served


def test_a_healthy_laptop_fires_nothing_and_an_ill_one_every_rule_of_its_own(
    laptop: Laptop,
    files: Path,
    start: Callable[..., Any],
    wait_until: Callable[[Callable[[], Any], str], Any],
) -> None:
    address = laptop.url.removeprefix("http://")

    def job(name: str, path: str, **labels: str) -> dict[str, Any]:
        group = {"targets": [address], "labels": labels}
        return {"job_name": name, "metrics_path": path, "static_configs": [group]}

    jobs = [
        job("node-exporter", "/machine", service="node-exporter"),
        job("accelerapp", "/metrics", service="codegen", optional="true"),
    ]
    (files / "overlay.yml").write_text(json.dumps({"scrape_configs": jobs}))
    observatory = start(
        *("--prometheus-file", shipped("observability") / "embedded" / "prometheus.yml"),
        *("--alertmanager-file", shipped("observability") / "prometheus" / "alertmanager.yml"),
        *("--overlay-file", str(files / "overlay.yml")),
        *("--ollama-url", laptop.url),
        *("--time-factor", str(FACTOR)),
    )

    def query(expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = observatory.get("/api/v1/query", query=expression)["data"]["result"]
        return found

    def firing() -> set[tuple[str, str]]:
        return {
            (one["metric"]["alertname"], one["metric"]["service"])
            for one in query('ALERTS{alertstate="firing"}')
        }

    def scraped(job: str) -> bool:
        """Tell whether a job was scraped for longer than the longest `for` and than processors are looked at."""
        times = f'timestamp(up{{job="{job}"}})[1h:1s]'
        return bool(query(f"max_over_time({times}) - min_over_time({times}) > 8"))

    for name in ("node-exporter", "accelerapp", "ollama", "observatory"):
        wait_until(partial(scraped, name), f"{name} was scraped for eight seconds")
    ever = query('max_over_time(ALERTS{alertstate="firing"}[1h])')
    assert {(one["metric"]["alertname"], one["metric"]["service"]) for one in ever} == WATCHDOG
    # One scrape may take too long on a machine with much to do; none did for so long that a rule noticed.
    up = {"accelerapp", "ollama", "observatory"}
    wait_until(lambda: {one["metric"]["job"] for one in query("up == 1")} >= up, f"these are up: {up}")
    laptop.ill = True
    wait_until(lambda: firing() == WATCHDOG | ILL, f"these fire: {ILL}")
    laptop.ill = False
    wait_until(lambda: firing() == WATCHDOG, "nothing fires any more")
