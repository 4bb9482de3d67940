"""What is shown of the scrape file: as it is written, without its secrets."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from accelerapp.server.config import Settings
from accelerapp.server.configuration import read_files

TEXT = """
global:
  external_labels: {day: 2026-99-99, kept: !mine shown, release: "1.10"}
scrape_configs:
  - job_name: a
    sample_limit: 10
    basic_auth: {username: shown, password: hidden-1}
    http_headers: {X-Token: {secrets: [hidden-2], values: [shown]}}
    static_configs: [{targets: ['localhost:9']}]
"""


def test_a_file_that_can_be_read_is_shown_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(TEXT)
    shown = read_files(Settings.model_validate({"prometheus_file": path})).yaml
    assert "hidden" not in shown
    assert "day: 2026-99-99" in shown
    (job,) = YAML(typ="safe", pure=True).load(shown.replace("2026-99-99", "one"))["scrape_configs"]
    assert job["basic_auth"] == {"username": "shown", "password": "<secret>"}
    assert job["http_headers"]["X-Token"] == {"secrets": ["<secret>"], "values": ["shown"]}
    assert job["sample_limit"] == 10
