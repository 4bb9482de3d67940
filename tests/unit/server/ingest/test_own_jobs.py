"""The jobs that the observatory has without a file."""

from __future__ import annotations

import platform
from pathlib import Path

from accelerapp.server.ingest import ScrapeJob, own_jobs
from accelerapp.server.ingest.scrape_job import TargetGroup, discovered_labels, make_target


def jobs(probed: str = "", defined: tuple[str, ...] = ()) -> dict[str, ScrapeJob]:
    return {job.name: job for job in own_jobs("127.0.0.1:9090", 15.0, Path("/t"), probed, defined)}


def labels_of(job: ScrapeJob, group: TargetGroup) -> dict[str, str]:
    target = make_target(job, discovered_labels(job, group, group.addresses[0]))
    assert target is not None
    return dict(target.labels)


def test_the_machine_is_told_under_its_own_name_and_ollama_only_where_it_is_named() -> None:
    machine = jobs()["node-exporter"]
    assert labels_of(machine, machine.groups[0]) == {
        "job": "node-exporter",
        "service": "node-exporter",
        "instance": platform.node(),
    }
    assert "ollama" not in jobs()
    probe = jobs(probed="http://localhost:11434/api/version")["ollama"]
    assert labels_of(probe, probe.groups[0]) == {
        "job": "ollama",
        "service": "codegen",
        "instance": "http://localhost:11434/api/version",
    }


def test_a_job_of_the_file_takes_the_place_of_ours() -> None:
    assert "node-exporter" not in jobs(defined=("node-exporter",))


def test_a_target_without_a_service_is_the_service_of_its_job() -> None:
    targets = jobs()["targets"]
    assert labels_of(targets, TargetGroup(("a:1",), (("job", "shop"),)))["service"] == "shop"
    assert (
        labels_of(targets, TargetGroup(("a:1",), (("job", "shop"), ("service", "till"))))["service"] == "till"
    )
