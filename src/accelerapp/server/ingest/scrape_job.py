"""What is scraped: jobs, the targets that relabelling makes of what is discovered, and how their scrapes went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

from accelerapp.server.configfile.http import HttpSettings
from accelerapp.server.ingest.relabel import RelabelConfig, relabel
from accelerapp.server.signals import Labels, make_labels
from accelerapp.server.times import format_duration, parse_duration

Health = Literal["up", "down", "unknown"]
Protocol = Literal[
    "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"
]

PROTOCOLS: tuple[Protocol, ...] = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
_ADDRESS, _PATH, _SCHEME = "__address__", "__metrics_path__", "__scheme__"
_INTERVAL, _TIMEOUT = "__scrape_interval__", "__scrape_timeout__"
_PARAMETER, _META, _RESERVED = "__param_", "__meta_", "__"


class TargetError(ValueError):
    """What relabelling made of a target cannot be scraped; the message says why."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Addresses that have labels in common; `source` says where the group is from."""

    addresses: tuple[str, ...]
    labels: Labels = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class ScrapeLimits:
    """What one scrape may bring, and one job may have; 0 means no limit. `body_size` is bytes, decompressed."""

    body_size: int = 64 * 1024 * 1024
    samples: int = 0
    targets: int = 0
    labels: int = 0
    label_name_length: int = 0
    label_value_length: int = 0
    dropped_targets: int = 0


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """Targets that are scraped alike, as a `scrape_config` of Prometheus; `files` are patterns of file discovery."""

    name: str
    groups: tuple[TargetGroup, ...] = ()
    files: tuple[Path, ...] = ()
    interval_seconds: float = 60.0
    timeout_seconds: float = 10.0
    metrics_path: str = "/metrics"
    scheme: str = "http"
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    protocols: tuple[Protocol, ...] = PROTOCOLS
    fallback_protocol: Protocol | None = None
    escaping: str = "allow-utf-8"
    compressed: bool = True
    http: HttpSettings = field(default_factory=HttpSettings)
    limits: ScrapeLimits = ScrapeLimits()
    relabel: tuple[RelabelConfig, ...] = ()
    metric_relabel: tuple[RelabelConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to scrape: its labels after relabelling, those that begin with two underscores among them."""

    url: str
    all_labels: Labels
    interval_seconds: float
    timeout_seconds: float

    @property
    def labels(self) -> Labels:
        """Return the labels that every sample gets."""
        return tuple(pair for pair in self.all_labels if not pair[0].startswith(_RESERVED))


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How the last scrape of a target went; times are Unix seconds and seconds, 0 before the first scrape."""

    job: str
    labels: Labels
    discovered_labels: Labels
    scrape_url: str
    health: Health
    last_error: str
    last_scrape: float
    last_scrape_duration_seconds: float
    interval_seconds: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class DroppedTarget:
    """A target that relabelling left out, with the labels that it was discovered with."""

    job: str
    discovered_labels: Labels


def discovered_labels(job: ScrapeJob, group: TargetGroup, address: str) -> Labels:
    """Return the labels that a target has before relabelling."""
    found = {
        "job": job.name,
        _INTERVAL: format_duration(job.interval_seconds),
        _TIMEOUT: format_duration(job.timeout_seconds),
        _PATH: job.metrics_path,
        _SCHEME: job.scheme,
        **{_PARAMETER + name: values[0] for name, values in job.params.items() if values},
    }
    found |= {name: value for name, value in group.labels if value}
    return make_labels({**found, _ADDRESS: address})


def make_target(job: ScrapeJob, discovered: Labels) -> Target | None:
    """Relabel what was discovered; None where it is dropped. Raises TargetError."""
    labels = dict(discovered)
    if not relabel(job.relabel, labels):
        return None
    address = labels.get(_ADDRESS, "")
    if not address:
        raise TargetError("no address")
    if "/" in address:
        raise TargetError(f'"{address}" is not a valid hostname')
    interval = _duration(labels, _INTERVAL, "interval", job.interval_seconds)
    timeout = _duration(labels, _TIMEOUT, "timeout", job.timeout_seconds)
    if timeout > interval:
        raise TargetError(
            "scrape timeout cannot be greater than scrape interval "
            f'("{labels[_TIMEOUT]}" > "{labels[_INTERVAL]}")'
        )
    labels = {name: value for name, value in labels.items() if not name.startswith(_META)}
    labels.setdefault("instance", address)
    return Target(_url(job, labels), make_labels(labels), interval, timeout)


def _duration(labels: Mapping[str, str], name: str, what: str, configured: float) -> float:
    text = labels.get(name, "")
    if text == format_duration(configured):
        return configured  # which the text may have rounded
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise TargetError(f"error parsing scrape {what}: {error}") from error
    if not seconds:
        raise TargetError(f"scrape {what} cannot be 0")
    return seconds


def _url(job: ScrapeJob, labels: Mapping[str, str]) -> str:
    parameters = {name: list(values) for name, values in job.params.items()}
    for label, value in labels.items():
        if label.startswith(_PARAMETER):
            name = label.removeprefix(_PARAMETER)
            parameters[name] = [value, *parameters.get(name, [])[1:]]
    path = quote(labels.get(_PATH, ""), safe="$&+,/:;=@")
    if path and not path.startswith("/"):
        path = f"/{path}"
    query = urlencode(sorted(parameters.items()), doseq=True)
    return f"{labels.get(_SCHEME, '')}://{labels[_ADDRESS]}{path}" + (f"?{query}" if query else "")
