"""Reading a prometheus.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.configfile import ConfigError
from accelerapp.server.ingest import load_scrape_file
from accelerapp.server.ingest.scrape_job import TargetGroup

FILE = """\
global:
  scrape_interval: 15s
  evaluation_interval: 30s
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    scrape_timeout: 2s
    static_configs:
      - targets: ["localhost:8000", "localhost:8001"]
        labels: {service: shop}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "prometheus.yml"
    file.write_text(FILE)
    return file


def test_targets_labels_and_times_are_read(path: Path) -> None:
    file = load_scrape_file(path)
    (job,) = file.jobs
    assert job.groups == (TargetGroup(("localhost:8000", "localhost:8001"), (("service", "shop"),), "0"),)
    assert (job.interval_seconds, job.timeout_seconds, file.evaluation_interval) == (15, 2, 30)
    assert file.rule_files == [path.parent / "rules.yml"]


def test_a_rule_file_of_a_folder_beside_has_one_name(path: Path) -> None:
    path.write_text(FILE.replace("rules.yml", "../rules/./all.yml"))
    assert load_scrape_file(path).rule_files == [path.parent.parent / "rules" / "all.yml"]


def test_the_time_factor_divides_intervals_and_leaves_the_timeout_within_them(path: Path) -> None:
    file = load_scrape_file(path, time_factor=20)
    assert (file.jobs[0].interval_seconds, file.jobs[0].timeout_seconds) == (0.75, 0.75)
    assert file.evaluation_interval == 1.5


def test_the_overlay_takes_the_place_of_the_job_of_its_name(path: Path) -> None:
    overlay = {"scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": ["localhost:9"]}]}]}
    (job,) = load_scrape_file(path, overlay=overlay).jobs
    assert job.groups == (TargetGroup(("localhost:9",), (), "0"),)
    assert job.interval_seconds == 15


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('"localhost:8000"', "http://localhost:8000/metrics", ":6:", "is not a valid hostname"),
        ("scrape_timeout: 2s", "kubernetes_sd_configs: []", ":7:", "kubernetes discovery is not supported"),
        ("scrape_interval: 15s", "scrape_interval: 0s", ":2:", "longer than 0s"),
    ],
)
def test_what_is_wrong_or_not_supported_is_named_with_its_line(
    path: Path, old: str, new: str, place: str, message: str
) -> None:
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_scrape_file(path)
    assert place in str(caught.value)
    assert message in str(caught.value)
