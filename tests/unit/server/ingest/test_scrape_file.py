"""Reading a prometheus.yml."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from accelerapp.server.configfile import ConfigError
from accelerapp.server.configfile.document import parse
from accelerapp.server.ingest import load_scrape_file
from accelerapp.server.ingest.scrape_job import ScrapeLimits, TargetGroup

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
    (job,) = load_scrape_file(path, overlay=parse(json.dumps(overlay), "overlay.yml", path.parent)).jobs
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


SHIPPED = Path(__file__).parents[4] / "deployment" / "observability"


def test_of_the_stacks_file_only_kubernetes_and_the_other_alertmanager_are_refused(tmp_path: Path) -> None:
    file = SHIPPED / "prometheus" / "prometheus.yml"
    lines = file.read_text().splitlines()
    with pytest.raises(ConfigError) as caught:
        load_scrape_file(file)
    refused = {(lines[problem.line - 1].strip().partition(":")[0]) for problem in caught.value.problems}
    assert refused == {"alerting", "kubernetes_sd_configs"}
    assert len(caught.value.problems) == 1 + sum("kubernetes_sd_configs:" in line for line in lines)
    document = YAML(typ="safe").load(file)
    del document["alerting"]
    document["scrape_configs"] = [
        job for job in document["scrape_configs"] if "kubernetes_sd_configs" not in job
    ]
    (tmp_path / "prometheus.yml").write_text(json.dumps(document))
    jobs = {job.name: job for job in load_scrape_file(tmp_path / "prometheus.yml").jobs}
    assert len(jobs) == len(document["scrape_configs"]) > 10
    assert jobs["ollama"].files == (tmp_path / "targets/ollama.yml", tmp_path / "backend/ollama.yml")
    assert jobs["otel-exported"].honor_labels


def test_what_the_global_section_gives_is_that_of_a_job_which_gives_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(
        "global: {scrape_interval: 5s, scrape_timeout: 3s, sample_limit: 7, body_size_limit: 1MB, "
        "label_limit: 9, scrape_protocols: [PrometheusText0.0.4], metric_name_escaping_scheme: dots}\n"
        "scrape_configs:\n"
        "  - {job_name: a}\n"
        "  - {job_name: b, scrape_interval: 2s, sample_limit: 8, body_size_limit: 0, label_limit: 1,\n"
        "     scrape_protocols: [OpenMetricsText1.0.0], metric_name_escaping_scheme: values}\n"
    )
    a, b = load_scrape_file(file).jobs
    assert (a.interval_seconds, a.timeout_seconds, a.protocols, a.escaping) == (
        *(5, 3),
        ("PrometheusText0.0.4",),
        "dots",
    )
    assert a.limits == ScrapeLimits(samples=7, body_size=2**20, labels=9)
    assert (b.interval_seconds, b.timeout_seconds, b.protocols, b.escaping) == (
        *(2, 2),
        ("OpenMetricsText1.0.0",),
        "values",
    )
    assert b.limits == ScrapeLimits(samples=8, body_size=0, labels=1)


def test_files_of_jobs_are_read_from_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "one.yml").write_text(
        "scrape_configs: [{job_name: one, file_sd_configs: [{files: [t.yml]}], basic_auth: {password_file: p}}]"
    )
    file = tmp_path / "prometheus.yml"
    file.write_text("scrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: main}]\n")
    main, one = load_scrape_file(file).jobs
    assert (main.name, one.name, one.files) == ("main", "one", (tmp_path / "jobs" / "t.yml",))
    assert one.http.basic_auth is not None
    assert one.http.basic_auth.password_file == tmp_path / "jobs" / "p"
    (tmp_path / "jobs" / "two.yml").write_text("scrape_configs:\n- job_name: main\n")
    with pytest.raises(ConfigError, match=r'two.yml:2:13: .*multiple scrape configs with job name "main"'):
        load_scrape_file(file)


def test_external_labels_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "here")
    monkeypatch.delenv("NOWHERE", raising=False)
    file = tmp_path / "prometheus.yml"
    file.write_text("global: {external_labels: {a: 'x-${CLUSTER}-$CLUSTER', b: '$$5', c: '${NOWHERE}'}}\n")
    assert load_scrape_file(file).external_labels == {"a": "x-here-here", "b": "$5", "c": ""}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("scrape_protocols: [PrometheusProto]", "PrometheusProto is not supported"),
        ("scrape_native_histograms: true", "is not supported"),
        ("http_sd_configs: [{url: http://a}]", "http discovery is not supported"),
        ("proxy_url: http://a", "is not supported"),
        ("oauth2: {}", "is not supported; use authorization or basic_auth"),
        ("body_size_limit: 10", '"10" is not a size'),
        ("file_sd_configs: [{files: [a.txt]}]", 'path name "a.txt" is not valid for file discovery'),
        ("file_sd_configs: [{files: []}]", "at least 1"),
        ("basic_auth: {username: a, username_file: b}", "at most one of basic_auth username & username_file"),
        ("bearer_token: a\n    basic_auth: {username: a}", "at most one of basic_auth, authorization"),
        ("authorization: {type: Basic}", 'use "basic_auth" instead'),
        ("tls_config: {cert_file: a}", "belong together"),
        ("relabel_configs: [{action: keepmaybe}]", "keepmaybe"),
        ("relabel_configs: [null]", "relabel_configs[0]"),
        ("metric_name_validation_scheme: legacy", "utf8"),
        ("sample_limits: 3", 'did you mean "sample_limit"?'),
    ],
)
def test_a_job_that_cannot_be_scraped_as_it_says_is_refused(tmp_path: Path, key: str, message: str) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(f"scrape_configs:\n  - job_name: a\n    {key}\n")
    with pytest.raises(ConfigError) as caught:
        load_scrape_file(file)
    assert f"{file}:" in str(caught.value)
    assert message in str(caught.value)
