"""The observatory's settings: one table of name, environment variable, default, unit and meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from accelerapp.shipped import shipped

ENVIRONMENT_PREFIX = "ACCELERAPP_"


def default_data_dir() -> Path:
    """Return the user's data folder for the observatory (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "accelerapp" / "observatory"


def default_targets_dir() -> Path:
    """Return the user's folder of targets to scrape (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "accelerapp" / "targets.d"


def _shipped_file(*parts: str) -> Path:
    return shipped("observability").joinpath(*parts)


def _unit(unit: str) -> dict[str, Any]:
    return {"unit": unit}


def _off(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "off":
        return None
    if not value.strip().isdecimal():
        raise ValueError("give the number of a port, 0 for a free one, or off")
    return value


def _http(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("give a URL that begins with http:// or https://")
    urlsplit(value)  # which says what is wrong with an address in brackets
    return value


def _no_file(value: Path) -> Path:
    if value.is_file():
        raise ValueError("give a folder")
    return value


def _folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("give a folder that is there")
    return value


ExistingFolder = Annotated[Path, AfterValidator(_folder)]
Url = Annotated[str, AfterValidator(_http)]
Port = Annotated[int, Field(ge=0, le=65535)]
#: A receiver's port: 0 takes a free one, `off` (None) opens none.
ReceiverPort = Annotated[Port | None, BeforeValidator(_off)]


def _receives(what: str) -> str:
    return f"Port that receives {what}; 0 takes a free one, off opens none."


class Settings(BaseSettings):
    """Every setting of `accelerapp up`; each is read from the environment as ACCELERAPP_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address that every port listens on; loopback unless changed.")
    port: Port = Field(9090, description="Port of the page and the query APIs; 0 takes a free one.")
    otlp_http_port: ReceiverPort = Field(4318, description=_receives("OTLP over HTTP"))
    otlp_grpc_port: ReceiverPort = Field(4317, description=_receives("OTLP over gRPC"))
    zipkin_port: ReceiverPort = Field(9411, description=_receives("Zipkin's spans, JSON version 2"))
    jaeger_port: ReceiverPort = Field(14268, description=_receives("Jaeger's spans, Thrift over HTTP"))
    logstash_tcp_port: ReceiverPort = Field(
        5000, description=_receives("log lines as JSON, one a line, over TCP")
    )
    logstash_http_port: ReceiverPort = Field(8080, description=_receives("log lines as JSON over HTTP"))
    beats_port: ReceiverPort = Field(5044, description=_receives("log lines of Beats (Lumberjack version 2)"))
    data_dir: Annotated[Path, AfterValidator(_no_file)] = Field(
        default_factory=default_data_dir,
        description="Folder that holds everything stored; owned by one process.",
    )
    prometheus_file: Path = Field(
        default_factory=lambda: _shipped_file("embedded", "prometheus.yml"),
        description="What is scraped, and which rule files are evaluated, in Prometheus' form.",
    )
    alertmanager_file: Path = Field(
        default_factory=lambda: _shipped_file("prometheus", "alertmanager.yml"),
        description="Routes and receivers, in Alertmanager's form.",
    )
    targets_dir: Annotated[Path, AfterValidator(_no_file)] = Field(
        default_factory=default_targets_dir,
        description="Folder of your own targets (*.yml, *.yaml, *.json), in the form of Prometheus' file discovery.",
    )
    ollama_url: Url = Field(
        "", description="URL of Ollama, whose /api/version is probed; nothing is probed where empty."
    )
    overlay_file: Path | None = Field(
        None, description="Scrape jobs, receivers and routes merged into the two files above."
    )
    dashboards_dir: ExistingFolder = Field(
        default_factory=lambda: _shipped_file("grafana"),
        description="Folder of Grafana dashboards (*.json, also in folders below).",
    )
    playbooks_dir: ExistingFolder = Field(
        default_factory=lambda: _shipped_file("playbooks"), description="Folder of playbooks (*.md)."
    )
    external_url: Url = Field(
        "",
        description="URL under which people reach the page, whose host it then answers to; the page's own where empty.",
    )
    revision: str = Field("unknown", description="Revision that accelerapp_build_info tells.")
    time_factor: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="Divides every time in rules, routes, dashboards and scraping; above 1 only to demonstrate.",
    )
    query_timeout: float = Field(
        30.0, gt=0, description="Longest time a query may take.", json_schema_extra=_unit("seconds")
    )
    query_max_samples: int = Field(
        50_000_000, gt=0, description="Samples one query may load.", json_schema_extra=_unit("samples")
    )
    query_concurrency: int = Field(2, gt=0, le=32, description="Queries answered at once; the others wait.")
    query_max_waiting: int = Field(
        200,
        ge=0,
        description="Queries that may wait, each as long as a query may take; the others are refused.",
    )
    max_request_bytes: int = Field(
        16 * 1024 * 1024,
        gt=0,
        description="Largest request that a receiver takes, as sent and as decompressed.",
        json_schema_extra=_unit("bytes"),
    )
    max_line_bytes: int = Field(
        1024 * 1024,
        gt=0,
        description="Longest line of a log that is taken over TCP.",
        json_schema_extra=_unit("bytes"),
    )
    max_connections: int = Field(
        1000, gt=0, description="Connections that each receiver, and the page, holds at once."
    )
    max_series: int = Field(
        1_000_000, gt=0, description="Series kept; samples of further ones are refused, and counted."
    )
    max_exemplars: int = Field(
        100_000, ge=0, description="Exemplars held in memory; the oldest goes first, 0 keeps none."
    )
    max_unsealed_bytes: int = Field(
        64 * 1024 * 1024,
        gt=0,
        description="Journal that may wait to be sealed into segments.",
        json_schema_extra=_unit("bytes"),
    )
    seal_interval: float = Field(
        6 * 3600.0,
        gt=0,
        description="Longest time data waits to be sealed.",
        json_schema_extra=_unit("seconds"),
    )
    retention: float = Field(
        30 * 86400.0,
        gt=0,
        description="Age at which segments are removed.",
        json_schema_extra=_unit("seconds"),
    )
    retention_bytes: int = Field(
        10 * 1024**3,
        ge=0,
        description="Size of segments and journal above which the oldest segments go, of the signal that holds most "
        "first; 0 for no limit.",
        json_schema_extra=_unit("bytes"),
    )


#: The receivers, by the names of their settings without `_port`.
RECEIVERS = tuple(name.removesuffix("_port") for name in Settings.model_fields if name.endswith("_port"))
