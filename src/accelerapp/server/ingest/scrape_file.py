"""Reading a prometheus.yml: which targets are scraped, and which rule files are evaluated."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from accelerapp.server.configfile import ConfigError, expand_globs, read, validate
from accelerapp.server.configfile.document import Document
from accelerapp.server.configfile.http import HttpSettings
from accelerapp.server.ingest.scrape_config import (
    GlobalConfig,
    PrometheusFile,
    ScrapeConfig,
    ScrapeConfigFile,
)
from accelerapp.server.ingest.scrape_job import PROTOCOLS, ScrapeJob, ScrapeLimits, TargetGroup
from accelerapp.server.signals import make_labels

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 60.0
_TIMEOUT_SECONDS = 10.0
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class ScrapeFile:
    """What a prometheus.yml asks for; times are seconds, already divided by the time factor."""

    jobs: list[ScrapeJob]
    rule_files: list[Path]
    scrape_interval: float
    evaluation_interval: float
    external_labels: Mapping[str, str]


def load_scrape_file(path: Path, *, overlay: Document | None = None, time_factor: float = 1.0) -> ScrapeFile:
    """Read a prometheus.yml and the files that its `scrape_config_files` name.

    The overlay's `scrape_configs` take the place of the jobs of the same name, or are added. `time_factor` divides
    every interval. Raises ConfigError naming line and column of what is wrong or not supported.
    """
    document = read(path)
    file = validate(document, PrometheusFile)
    configs: dict[str, ScrapeConfig] = {}
    _add(configs, file.scrape_configs, document)
    for other in expand_globs(file.scrape_config_files):
        further = read(other)
        _add(configs, validate(further, ScrapeConfigFile).scrape_configs, further)
    if overlay:
        added = {"scrape_configs": overlay.data.get("scrape_configs", [])}
        merged = validate(replace(overlay, data=added, directory=path.parent), ScrapeConfigFile)
        configs.update({config.job_name: config for config in merged.scrape_configs})
    return ScrapeFile(
        jobs=[_job(config, file.globals, time_factor) for config in configs.values()],
        rule_files=expand_globs(file.rule_files),
        scrape_interval=(file.globals.scrape_interval or _INTERVAL_SECONDS) / time_factor,
        evaluation_interval=file.globals.evaluation_interval / time_factor,
        external_labels={name: _expanded(text) for name, text in file.globals.external_labels.items()},
    )


def _add(configs: dict[str, ScrapeConfig], further: tuple[ScrapeConfig, ...], document: Document) -> None:
    for index, config in enumerate(further):
        if config.job_name in configs:
            message = f'found multiple scrape configs with job name "{config.job_name}"; rename one'
            raise ConfigError([document.problem(("scrape_configs", index, "job_name"), message)])
        configs[config.job_name] = config


def _job(config: ScrapeConfig, defaults: GlobalConfig, time_factor: float) -> ScrapeJob:
    interval = (config.scrape_interval or defaults.scrape_interval or _INTERVAL_SECONDS) / time_factor
    # A timeout is a bound on real work, which time's compression does not hasten: it only may not pass the interval.
    timeout = min(config.scrape_timeout or defaults.scrape_timeout or _TIMEOUT_SECONDS, interval)
    return ScrapeJob(
        name=config.job_name,
        groups=tuple(
            TargetGroup(group.targets, make_labels(group.labels), str(index))
            for index, group in enumerate(config.static_configs)
        ),
        files=tuple(pattern for one in config.file_sd_configs for pattern in one.files),
        interval_seconds=interval,
        timeout_seconds=timeout,
        metrics_path=config.metrics_path,
        scheme=config.scheme,
        params=config.params,
        honor_labels=config.honor_labels,
        honor_timestamps=config.honor_timestamps,
        track_timestamps_staleness=config.track_timestamps_staleness,
        protocols=config.scrape_protocols or defaults.scrape_protocols or PROTOCOLS,
        fallback_protocol=config.fallback_scrape_protocol,
        escaping=config.metric_name_escaping_scheme or defaults.metric_name_escaping_scheme or "allow-utf-8",
        compressed=config.enable_compression,
        http=HttpSettings.model_construct(
            **{name: getattr(config, name) for name in HttpSettings.model_fields}
        ),
        limits=_limits(config, defaults),
        relabel=config.relabel_configs,
        metric_relabel=config.metric_relabel_configs,
    )


def _limits(config: ScrapeConfig, defaults: GlobalConfig) -> ScrapeLimits:
    sizes = (config.body_size_limit, defaults.body_size_limit, ScrapeLimits().body_size)
    return ScrapeLimits(
        body_size=next(size for size in sizes if size is not None),
        samples=config.sample_limit or defaults.sample_limit,
        targets=config.target_limit or defaults.target_limit,
        labels=config.label_limit or defaults.label_limit,
        label_name_length=config.label_name_length_limit or defaults.label_name_length_limit,
        label_value_length=config.label_value_length_limit or defaults.label_value_length_limit,
        dropped_targets=config.keep_dropped_targets or defaults.keep_dropped_targets,
    )


def _expanded(text: str) -> str:
    """Fill in `${NAME}` and `$NAME` from the environment, as Prometheus does in external labels; `$$` is a dollar."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        if name not in os.environ:
            logger.warning("external_labels: the environment variable %s is not set", name)
        return os.environ.get(name, "")

    return _VARIABLE.sub(value, text)
