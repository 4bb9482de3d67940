"""What is scraped, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerapp.server.signals import Labels, make_labels

Health = Literal["up", "down", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """One address, host:port, and the labels that its samples get."""

    address: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """Targets that are scraped alike, as a `scrape_config` of Prometheus.

    A `sample_limit` or `body_size_limit` (bytes, decompressed) of 0 means none.
    """

    name: str
    targets: tuple[Target, ...]
    interval_seconds: float = 60.0
    timeout_seconds: float = 10.0
    metrics_path: str = "/metrics"
    scheme: str = "http"
    honor_labels: bool = False
    sample_limit: int = 0
    body_size_limit: int = 64 * 1024 * 1024

    def url(self, target: Target) -> str:
        return f"{self.scheme}://{target.address}{self.metrics_path}"

    def labels(self, target: Target) -> Labels:
        """Return the labels that every sample of a target gets."""
        return make_labels({"job": self.name, "instance": target.address, **dict(target.labels)})

    def discovered_labels(self, target: Target) -> Labels:
        """Return the labels that the target has before relabelling, as Prometheus shows them."""
        return make_labels(
            {
                "__address__": target.address,
                "__metrics_path__": self.metrics_path,
                "__scheme__": self.scheme,
                "__scrape_interval__": f"{self.interval_seconds:g}s",
                "__scrape_timeout__": f"{self.timeout_seconds:g}s",
                "job": self.name,
                **dict(target.labels),
            }
        )


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
