"""What the files of the settings say, read together: one that is wrong leaves what runs as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accelerapp.server.alerting import Config, is_secret, load_alertmanager
from accelerapp.server.api import FileInUse, modified
from accelerapp.server.config import Settings
from accelerapp.server.configfile import ConfigError, Document, read, written
from accelerapp.server.dashboards import Dashboard, dashboard_files, load_dashboards
from accelerapp.server.ingest import ScrapeFile, load_scrape_file
from accelerapp.server.rules import Group, load_rule_files
from accelerapp.server.times import format_duration

#: Prometheus' look-back for an instant selector, in seconds.
LOOKBACK = 300.0
#: Keys whose value is not shown, in the scrape file.
_SECRETS = frozenset(
    {"password", "credentials", "bearer_token", "client_secret", "secret_key", "secrets", "access_key", "key"}
)


@dataclass(frozen=True, slots=True)
class Files:
    """The files as they were read; `yaml` is the scrape file and `overlay` the overlay, both without their secrets."""

    scrape: ScrapeFile
    routes: Config
    groups: Sequence[Group]
    dashboards: Mapping[str, Dashboard]
    yaml: str
    overlay: str
    in_use: tuple[FileInUse, ...]


def read_files(settings: Settings) -> Files:
    """Read the scrape file, the rules, the routes and the dashboards; this blocks.

    Raises ConfigError, DashboardError or OSError naming the file and the place.
    """
    factor, overlay = settings.time_factor, _overlay(settings)
    scrape = load_scrape_file(settings.prometheus_file, overlay=overlay, time_factor=factor)
    in_use = _in_use(settings, scrape)
    return Files(
        scrape=scrape,
        routes=load_alertmanager(settings.alertmanager_file, overlay=overlay, time_factor=factor),
        groups=load_rule_files(
            scrape.rule_files,
            default_interval_seconds=scrape.evaluation_interval * factor,
            time_factor=factor,
        ),
        dashboards=load_dashboards(settings.dashboards_dir, time_factor=factor),
        yaml=written(read(settings.prometheus_file).data, _secret_of_scraping),
        overlay="" if overlay is None else written(overlay.data, _secret_of_either),
        in_use=in_use,
    )


def flags(settings: Settings, external_url: str) -> dict[str, str]:
    """Return the settings under the names that Prometheus' flags have, for what both have."""
    return {
        "config.file": str(settings.prometheus_file),
        "query.lookback-delta": format_duration(LOOKBACK / settings.time_factor),
        "query.max-concurrency": str(settings.query_concurrency),
        "query.max-samples": str(settings.query_max_samples),
        "query.timeout": format_duration(settings.query_timeout),
        "storage.tsdb.path": str(settings.data_dir),
        "storage.tsdb.retention.time": format_duration(settings.retention),
        "web.enable-admin-api": "false",
        "web.enable-lifecycle": "true",
        "web.external-url": external_url,
        "web.listen-address": f"{settings.host}:{settings.port}",
    }


def _in_use(settings: Settings, scrape: ScrapeFile) -> tuple[FileInUse, ...]:
    """Return the files that are about to be read, and when each was written."""
    overlay = () if settings.overlay_file is None else (settings.overlay_file,)
    found = (
        ("scrape", (settings.prometheus_file,)),
        ("routes", (settings.alertmanager_file,)),
        ("overlay", overlay),
        ("rules", scrape.rule_files),
        ("dashboard", dashboard_files(settings.dashboards_dir)),
    )
    return tuple(FileInUse(role, str(path), modified(path)) for role, paths in found for path in paths)


def _secret_of_scraping(keys: tuple[str, ...]) -> bool:
    return not _SECRETS.isdisjoint(keys[-1:])


def _secret_of_either(keys: tuple[str, ...]) -> bool:
    """Tell whether a text of an overlay, which has parts of both files, is a secret."""
    return _secret_of_scraping(keys) or is_secret(keys)


def _overlay(settings: Settings) -> Document | None:
    if settings.overlay_file is None:
        return None
    document = read(settings.overlay_file)
    if document.data is None:
        return None
    if not isinstance(document.data, dict):
        raise ConfigError([document.problem((), "must be a mapping; see the how-to for its form")])
    known = ("scrape_configs", "receivers", "route")
    unknown = [
        document.problem((key,), f"unknown key; an overlay has {', '.join(known)}", of_key=True)
        for key in document.data
        if key not in known
    ]
    if unknown:
        raise ConfigError(unknown)
    return document
