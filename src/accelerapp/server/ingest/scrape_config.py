"""What a prometheus.yml may say of scraping, as Prometheus' configuration reference has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accelerapp.server.configfile import ConfigModel, Duration, RelativePath
from accelerapp.server.configfile.http import HttpSettings
from accelerapp.server.ingest.relabel import RelabelConfig
from accelerapp.server.ingest.scrape_job import Protocol

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGTPE]?)i?B|0")
_FILE_PATTERN = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")
_OTHER_DISCOVERIES = frozenset(
    """
    aws azure consul digitalocean dns docker dockerswarm ec2 ecs elasticache eureka gce hetzner http ionos kubernetes
    kuma lightsail linode marathon msk nerve nomad openstack outscale ovhcloud puppetdb rds scaleway serverset stackit
    triton uyuni vultr
    """.split()  # noqa: SIM905 - a list of them would fill the screen
)
_NO_NATIVE = "is not supported: only the text formats are scraped, which have no native histograms"
_NO_LOG = "is not supported; the last error of each target is on the page and in /api/v1/targets"


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("an interval must be longer than 0s; write 15s, say")
    return seconds


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError(f'"{value}" is not a size; write a number with its unit, such as 10MB')
    return int(float(match[1]) * 1024 ** ("KMGTPE".index(match[2]) + 1 if match[2] else 0)) if match[1] else 0


def _no_protobuf(value: object) -> object:
    if value == "PrometheusProto":
        raise ValueError("PrometheusProto is not supported; name text protocols, or none for all of them")
    return value


def _pattern(path: object) -> object:
    if isinstance(path, str) and not _FILE_PATTERN.fullmatch(path):
        raise ValueError(f'path name "{path}" is not valid for file discovery')
    return path


def _not_done(value: bool) -> bool:
    if value:
        raise ValueError("is not supported; remove it")
    return value


Interval = Annotated[Duration, AfterValidator(_positive)]
Size = Annotated[int, BeforeValidator(_size)]
Limit = Annotated[int, Field(ge=0)]
Protocols = tuple[Annotated[Protocol, BeforeValidator(_no_protobuf)], ...]
Escaping = Literal["allow-utf-8", "underscores", "dots", "values"]
NotDone = Annotated[bool, AfterValidator(_not_done)]
Rules = tuple[RelabelConfig, ...]


class _Common(ConfigModel):
    """The keys of a job that the global section may give for all of them."""

    scrape_interval: Interval | None = None
    scrape_timeout: Interval | None = None
    scrape_protocols: Protocols | None = Field(default=None, min_length=1)
    body_size_limit: Size | None = None
    sample_limit: Limit = 0
    target_limit: Limit = 0
    label_limit: Limit = 0
    label_name_length_limit: Limit = 0
    label_value_length_limit: Limit = 0
    keep_dropped_targets: Limit = 0
    metric_name_validation_scheme: Literal["utf8"] = "utf8"
    metric_name_escaping_scheme: Escaping | None = None
    # What is not done may be said not to be done.
    scrape_native_histograms: NotDone = False
    convert_classic_histograms_to_nhcb: NotDone = False
    always_scrape_classic_histograms: bool = False
    extra_scrape_metrics: NotDone = False


class GlobalConfig(_Common):
    not_supported: ClassVar[Mapping[str, str]] = {
        "rule_query_offset": "is not supported; give the rule groups a query_offset, or remove it",
        "query_log_file": "is not supported; remove it",
        "query_max_series": "is not supported; remove it",
        "query_max_samples_read": "is not supported; the setting query_max_samples is like it",
        "query_max_duration": "is not supported; the setting query_timeout is like it",
        "scrape_failure_log_file": _NO_LOG,
    }

    evaluation_interval: Interval = 60.0
    external_labels: dict[str, str] = Field(default_factory=dict)


class StaticConfig(ConfigModel):
    targets: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class FileDiscoveryConfig(ConfigModel):
    """Files with target groups; they are looked at every second, so that `refresh_interval` is always kept."""

    files: tuple[Annotated[RelativePath, BeforeValidator(_pattern)], ...] = Field(min_length=1)
    refresh_interval: Duration = 300.0


class ScrapeConfig(_Common, HttpSettings):
    not_supported: ClassVar[Mapping[str, str]] = {
        **HttpSettings.not_supported,
        **{
            f"{name}_sd_configs": f"{name} discovery is not supported; list the targets in files (file_sd_configs)"
            for name in _OTHER_DISCOVERIES
        },
        "scrape_failure_log_file": _NO_LOG,
        "native_histogram_bucket_limit": _NO_NATIVE,
        "native_histogram_min_bucket_factor": _NO_NATIVE,
    }

    job_name: str = Field(min_length=1)
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    params: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    metrics_path: str = "/metrics"
    scheme: Literal["http", "https"] = "http"
    enable_compression: bool = True
    fallback_scrape_protocol: Annotated[Protocol, BeforeValidator(_no_protobuf)] | None = None
    static_configs: tuple[StaticConfig, ...] = ()
    file_sd_configs: tuple[FileDiscoveryConfig, ...] = ()
    relabel_configs: Rules = ()
    metric_relabel_configs: Rules = ()

    @model_validator(mode="after")
    def _addresses(self) -> ScrapeConfig:
        addresses = [address for group in self.static_configs for address in group.targets]
        wrong = [address for address in addresses if "/" in address]
        if wrong and not self.relabel_configs:
            raise ValueError(f'"{wrong[0]}" is not a valid hostname; write host:port')
        return self


class ScrapeConfigFile(ConfigModel):
    """A file that `scrape_config_files` names."""

    scrape_configs: tuple[ScrapeConfig, ...] = ()


class PrometheusFile(ConfigModel):
    not_supported: ClassVar[Mapping[str, str]] = {
        "alerting": "is not supported: alerts go to the observatory's own Alertmanager; remove it",
        "remote_write": "is not supported; what is to be kept elsewhere is scraped or sent there as well",
        "remote_read": "is not supported; remove it",
        "storage": "is not supported; how much is kept are settings of the observatory",
        "tracing": "is not supported; remove it",
        "otlp": "is not supported; OTLP is translated as Prometheus does by default",
        "runtime": "is not supported; remove it",
    }

    globals: GlobalConfig = Field(default_factory=GlobalConfig, alias="global")
    rule_files: tuple[RelativePath, ...] = ()
    scrape_config_files: tuple[RelativePath, ...] = ()
    scrape_configs: tuple[ScrapeConfig, ...] = ()
