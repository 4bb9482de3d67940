"""The jobs that need no file: the observatory itself, its machine, Ollama, and the user's own targets."""

from __future__ import annotations

import platform
from collections.abc import Collection
from pathlib import Path

from accelerapp.server.ingest.relabel import RelabelConfig
from accelerapp.server.ingest.scrape_job import ScrapeJob, TargetGroup
from accelerapp.server.signals import make_labels

_TIMEOUT_SECONDS = 10.0
_PATTERNS = ("*.yml", "*.yaml", "*.json")
#: Alerts are grouped and told by `service`: a target that names none is the service of its job's name.
_WITH_SERVICE = RelabelConfig(
    source_labels=("service", "job"), regex=";(.+)", target_label="service", replacement="$1"
)


def own_jobs(
    address: str, interval_seconds: float, targets: Path, probed: str, defined: Collection[str]
) -> list[ScrapeJob]:
    """Return the jobs, but for those whose names a file has defined.

    `address` is host:port of the page, `targets` the folder of the user's targets, `probed` the URL of Ollama's probe,
    empty where there is none. Jobs, services and instances are named as in the stack, so that rules mean the same.
    """
    timeout = min(_TIMEOUT_SECONDS, interval_seconds)

    def job(name: str, path: str, service: str, instance: str = "") -> ScrapeJob:
        labels = make_labels({"service": service, "instance": instance})
        return ScrapeJob(
            name,
            (TargetGroup((address,), labels),),
            interval_seconds=interval_seconds,
            timeout_seconds=timeout,
            metrics_path=path,
        )

    jobs = [
        job("observatory", "/metrics", "observatory"),
        # Metrics of a machine are told by the machine's name.
        job("node-exporter", "/metrics/node", "node-exporter", platform.node()),
        ScrapeJob(
            "targets",
            files=tuple(targets / pattern for pattern in _PATTERNS),
            interval_seconds=interval_seconds,
            timeout_seconds=timeout,
            relabel=(_WITH_SERVICE,),
        ),
    ]
    if probed:
        # The service is the one that needs the model, so that its alert mutes those of failed generations.
        jobs.append(job("ollama", "/metrics/ollama", "codegen", probed))
    return [one for one in jobs if one.name not in defined]
