"""Which targets are scraped and which rule files are read: the part of a prometheus.yml that works on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from accelerapp.server.configfile import ConfigModel, Duration, RelativePath, expand_globs, read, validate
from accelerapp.server.configfile.document import Document
from accelerapp.server.ingest.scrape_job import ScrapeJob, Target
from accelerapp.server.signals import make_labels


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("an interval must be longer than 0s; write 15s, say")
    return seconds


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if "/" in text or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f'"{text}" is not an address of the form host:port')
    return text


Interval = Annotated[Duration, AfterValidator(_positive)]
Address = Annotated[str, AfterValidator(_address)]


class _Global(ConfigModel):
    scrape_interval: Interval = 60.0
    scrape_timeout: Interval | None = None
    evaluation_interval: Interval = 60.0
    external_labels: dict[str, str] = Field(default_factory=dict)


class _StaticConfig(ConfigModel):
    targets: list[Address] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)


class _ScrapeConfig(ConfigModel):
    job_name: str = Field(min_length=1)
    scrape_interval: Interval | None = None
    scrape_timeout: Interval | None = None
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    honor_labels: bool = False
    sample_limit: int = Field(0, ge=0)
    static_configs: list[_StaticConfig] = Field(default_factory=list)


class _File(ConfigModel):
    globals: _Global = Field(default_factory=_Global, alias="global")
    rule_files: list[RelativePath] = Field(default_factory=list)
    scrape_configs: list[_ScrapeConfig] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScrapeFile:
    """What a prometheus.yml asks for; times are seconds, already divided by the time factor."""

    jobs: list[ScrapeJob]
    rule_files: list[Path]
    scrape_interval: float
    evaluation_interval: float
    external_labels: Mapping[str, str]


def load_scrape_file(
    path: Path, *, overlay: Mapping[str, Any] | None = None, time_factor: float = 1.0
) -> ScrapeFile:
    """Read a prometheus.yml, with static targets only.

    The overlay's `scrape_configs` take the place of the jobs of the same name, or are added. `time_factor` divides
    every interval. Raises ConfigError naming line and column of what is wrong or not supported.
    """
    file = validate(read(path), _File)
    configs = {config.job_name: config for config in file.scrape_configs}
    if overlay:
        added = {"scrape_configs": overlay.get("scrape_configs", [])}
        merged = validate(Document(f"overlay of {path}", added, path.parent), _File)
        configs.update({config.job_name: config for config in merged.scrape_configs})
    return ScrapeFile(
        jobs=[_job(config, file.globals, time_factor) for config in configs.values()],
        rule_files=expand_globs(file.rule_files),
        scrape_interval=file.globals.scrape_interval / time_factor,
        evaluation_interval=file.globals.evaluation_interval / time_factor,
        external_labels=file.globals.external_labels,
    )


def _job(config: _ScrapeConfig, defaults: _Global, time_factor: float) -> ScrapeJob:
    interval = (config.scrape_interval or defaults.scrape_interval) / time_factor
    # A timeout is a bound on real work, which time's compression does not hasten: it only may not pass the interval.
    timeout = min(config.scrape_timeout or defaults.scrape_timeout or 10.0, interval)
    return ScrapeJob(
        name=config.job_name,
        targets=tuple(
            Target(address, make_labels(group.labels))
            for group in config.static_configs
            for address in group.targets
        ),
        interval_seconds=interval,
        timeout_seconds=timeout,
        metrics_path=config.metrics_path,
        scheme=config.scheme,
        honor_labels=config.honor_labels,
        sample_limit=config.sample_limit,
    )
