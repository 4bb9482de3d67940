"""examples/observability_demo.py runs, alone and into a receiver."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parents[3] / "examples" / "observability_demo.py"


def run(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    command = [sys.executable, str(DEMO), "--metrics-file", str(tmp_path / "metrics.txt")]
    return subprocess.run(
        command, env={**clean, **environ}, capture_output=True, text=True, timeout=60, check=True
    )


def test_alone_it_prints_and_writes_its_metrics(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert "No OTLP endpoint" in done.stdout
    assert "accelerapp_demo_jobs_total" in (tmp_path / "metrics.txt").read_text("utf-8")
    assert done.stdout.rstrip().endswith("done")


def test_with_an_endpoint_its_spans_and_logs_arrive(tmp_path: Path, receiver: Any) -> None:
    run(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    spans = receiver.spans()
    by_name = {span.name: span for span in spans}
    assert {
        "update boards",
        "load firmware",
        "flash",
        "erase",
        "handle request",
        "generate firmware",
    } <= by_name.keys()
    assert by_name["load firmware"].parent_span_id == by_name["update boards"].span_id
    logs = receiver.logs()
    assert {"job accepted", "firmware generated", "firmware not generated"} <= {
        r.body.string_value for r in logs
    }
    traced = {record.trace_id for record in logs if record.body.string_value == "firmware generated"}
    assert traced <= {span.trace_id for span in spans}
