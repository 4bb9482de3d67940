"""Writes the reference pages that follow from the code: settings, the command, metrics, alerts.

`--check` only compares.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import typer.main
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings
from ruamel.yaml import YAML
from starlette.applications import Starlette
from starlette.types import ASGIApp

from accelerapp.cli.command import app
from accelerapp.codegen import CodegenSettings, create_app
from accelerapp.monitoring import DEFAULT_BUCKETS, MetricsCollector
from accelerapp.observability.shipping import dropped_counter
from accelerapp.server.alerting import Counts, Load
from accelerapp.server.api import OwnHealth, Services, own_metrics
from accelerapp.server.config import Settings
from accelerapp.server.rules import Group, GroupStatus
from accelerapp.shipped import shipped

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate.py; change the code instead and run `make generate`. -->\n"


def settings_page() -> str:
    """Return the table of every setting."""
    parts = [
        "# Settings",
        _NOTE,
        "Each is read from the environment; an option of the command, where there is one, comes before it.",
    ]
    for title, model in (("The observatory", Settings), ("The code-generation service", CodegenSettings)):
        parts += [
            f"\n## {title}\n",
            "| Setting | Environment variable | Default | Unit | Meaning |",
            "|---|---|---|---|---|",
        ]
        parts += [_setting(model, name, field) for name, field in model.model_fields.items()]
    return "\n".join(parts) + "\n"


def _setting(model: type[BaseSettings], name: str, field: FieldInfo) -> str:
    prefix = model.model_config.get("env_prefix", "")
    extra = field.json_schema_extra
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return f"| `{name}` | `{prefix}{name.upper()}` | {_default(field)} | {unit} | {field.description} |"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == "":
        return "none"
    if isinstance(value, Path):
        for base, label in ((shipped("observability"), "shipped: "), (Path.home(), "~/")):
            if value.is_relative_to(base):
                return (
                    f"{label}`{value.relative_to(base)}`"
                    if label.endswith(" ")
                    else f"`{label}{value.relative_to(base)}`"
                )
    return f"`{value}`"


def command_page() -> str:
    """Return what every command and option does."""
    lines = ["# The command", _NOTE]

    def tell(command: Any, name: str) -> None:
        lines.extend([f"## `{name}`\n", (command.help or "").strip() + "\n"])
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        if options:
            lines.extend(["| Option | Default | Meaning |", "|---|---|---|"])
            for option in options:
                told = getattr(option, "show_default", None)
                default = told if isinstance(told, str) else option.default
                shown = "" if default is None or callable(default) or default is False else f"`{default}`"
                meaning = getattr(option, "help", None) or ""
                lines.append(f"| `{', '.join(option.opts)}` | {shown} | {meaning} |")
            lines.append("")
        for child_name, child in getattr(command, "commands", {}).items():
            tell(child, f"{name} {child_name}")

    tell(typer.main.get_command(app), "accelerapp")
    return "\n".join(lines).rstrip() + "\n"


def alerts_page() -> str:
    """Return the table of the shipped alerts."""
    folder = shipped("observability") / "prometheus"
    files = [YAML(typ="safe").load(folder / name) for name in ("alert-rules.yml", "meta-rules.yml")]
    lines = [
        "# Alerts",
        _NOTE,
        "| Alert | Fires after | Severity | Meaning | Playbook |",
        "|---|---|---|---|---|",
    ]
    for group in (group for file in files for group in file["groups"]):
        for rule in group["rules"]:
            if "alert" in rule:
                playbook = rule["annotations"]["runbook_url"].rpartition("/")[2]
                link = f"[{playbook}](../../deployment/observability/playbooks/{playbook})"
                lines.append(
                    f"| `{rule['alert']}` | {rule.get('for', '0s')} | {rule['labels']['severity']} "
                    f"| `{_in_a_cell(rule['expr'])}` | {link} |"
                )
    return "\n".join(lines) + "\n"


def _in_a_cell(expression: str) -> str:
    """Return an expression on one line: without its comments, and with the bars that would end a cell marked."""
    lines = (line for line in expression.splitlines() if not line.lstrip().startswith("#"))
    return " ".join(" ".join(lines).split()).replace("|", "\\|")


def metrics_page() -> str:
    """Return the tables of every metric that the service and the observatory expose."""
    service = "\n".join(_table(asyncio.run(_exposed(_code_generation(), "/ready", "/metrics"))))
    observatory = "\n".join(_table(asyncio.run(_exposed(_observatory(), "/metrics"))))
    buckets = ", ".join(f"{bound:g}" for bound in DEFAULT_BUCKETS)
    return _METRICS.format(note=_NOTE, service=service, observatory=observatory, buckets=buckets)


_METRICS = """\
# Metrics
{note}
Names and labels are a contract: rules and dashboards are written against them. Each process serves its metrics at
`/metrics` in Prometheus' text format; the code-generation service in OpenMetrics too, where the scraper asks for it.

## The code-generation service

{service}

- **An error** is an answer with status 5xx or an unhandled exception, never a 4xx: a client's mistake is no failure
  of the service. A request whose client went away before the answer counts with the code 499.
- **Not counted** are `/health`, `/ready` and `/metrics`: probes and scrapes would thin out the error ratio.
- **`route`** is the path template, such as `/v1/generate`; it is `unmatched` where no route matched, since raw paths
  are without bound.
- **Buckets** of `accelerapp_request_duration_seconds`, in seconds: {buckets}, +Inf.
- **Children that rules divide by** exist at 0 from the start; else `rate` would miss the first failure.
- **A metric holds at most 1000 label sets.** Those beyond it share one whose values are `__overflow__`, and
  `accelerapp_metric_series_overflow_total`, which appears with the first of them, counts them.
- **`accelerapp_telemetry_dropped_total`** appears where an endpoint for traces or logs is configured.
- **`gen_ai_…`** follow OpenTelemetry's semantic conventions, with the names as Prometheus writes them. They appear
  with the Ollama backend.

## The observatory

{observatory}

## Written by the observatory

As Prometheus does, it adds series of its own to what it stores:

| Metric | Labels | Meaning |
|---|---|---|
| `up` | those of the target | 1 where the last scrape of a target succeeded, otherwise 0. |
| `scrape_duration_seconds` | those of the target | How long it took. |
| `scrape_samples_scraped` | those of the target | How many samples it brought. |
| `scrape_samples_post_metric_relabeling` | those of the target | How many of them were kept. |
| `scrape_series_added` | those of the target | How many series it brought that were not there before. |
| `ALERTS` | `alertname`, `alertstate`, those of the alert | 1 while an alert is pending or firing. |
| `ALERTS_FOR_STATE` | `alertname`, those of the alert | Since when, in Unix seconds. |

The machine's metrics, at `/metrics/node`, have the names and labels of node_exporter: `node_cpu_seconds_total`,
`node_memory_*`, `node_filesystem_*`, `node_network_*`, `node_disk_*`, `node_load1` and so on. Those of the probe of
Ollama, at `/metrics/ollama`, have the names of blackbox_exporter: `probe_success`, `probe_duration_seconds`,
`probe_http_*`.
"""


@dataclass(slots=True)
class _Family:
    """One metric as its exposition tells it."""

    type: str = ""
    meaning: str = ""
    labels: dict[str, None] = field(default_factory=dict)


def _code_generation() -> ASGIApp:
    # One label set a metric, so that the count of those beyond it is exposed as well.
    metrics = MetricsCollector(max_series_per_metric=1)
    dropped_counter(metrics).labels(signal="traces", reason="queue_full")
    refusing = httpx.MockTransport(lambda request: httpx.Response(503))
    return create_app(CodegenSettings(backend="ollama"), metrics=metrics, transport=refusing)


def _observatory() -> ASGIApp:
    services = SimpleNamespace(
        storage_stats=lambda: defaultdict(int),
        receivers=list,
        engine=SimpleNamespace(refused=lambda: {"samples": 0}),
        query_threads=SimpleNamespace(refused=dict, waiting=0, ended=0, seconds=0.0),
        health=OwnHealth(),
        account=SimpleNamespace(status=lambda _: SimpleNamespace(refused={"cross_site": 0})),
        alertmanager=SimpleNamespace(
            load=lambda: Load(0, 0, 0, 0),
            alerts=list,
            quiet=lambda: None,
            silences=SimpleNamespace(all=list),
            counts=Counts(),
            receivers=lambda: [SimpleNamespace(name="", integrations=[SimpleNamespace(type="webhook")])],
        ),
        rules=SimpleNamespace(groups=lambda: [_group()]),
        scraper=SimpleNamespace(
            left_out=lambda: {"duplicate": 0},
            dropped_counts=lambda: {"": 0},
            unreadable_files=lambda: 0,
        ),
        configuration=lambda: SimpleNamespace(error="", read_at=0.0),
        clock=lambda: 0.0,
        version="",
        revision="",
    )
    return Starlette(routes=own_metrics.routes(cast("Services", services)))


def _group() -> GroupStatus:
    group = Group(
        name="",
        file="",
        interval_seconds=1.0,
        interval_seconds_as_written=1.0,
        query_offset_seconds=0.0,
        limit=0,
        rules=(),
        time_factor=1.0,
    )
    return GroupStatus(group=group, rules=(), evaluation_time_seconds=0.0, last_evaluation=None)


async def _exposed(app: ASGIApp, *paths: str) -> dict[str, _Family]:
    """Ask for each path and return the metrics that the last one answers with."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        for path in paths:
            response = await client.get(path)
    families: dict[str, _Family] = defaultdict(_Family)
    name = ""
    for line in response.raise_for_status().text.splitlines():
        if line.startswith("#"):
            _, kind, name, text = line.split(" ", 3)
            setattr(families[name], {"HELP": "meaning", "TYPE": "type"}[kind], text)
        else:
            families[name].labels |= dict.fromkeys(re.findall(r'(\w+)="', line))
    return families


def _table(families: dict[str, _Family]) -> list[str]:
    rows = ["| Metric | Type | Labels | Meaning |", "|---|---|---|---|"]
    for name, family in families.items():
        labels = ", ".join(f"`{label}`" for label in family.labels if label != "le")
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.meaning} |")
    return rows


PAGES = {
    "settings.md": settings_page,
    "command.md": command_page,
    "metrics.md": metrics_page,
    "alerts.md": alerts_page,
}


def main() -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.is_file() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if "--check" in sys.argv and stale:
        sys.exit(f"docs/reference is behind the code: {', '.join(stale)}; run `make generate`")
    return 0


if __name__ == "__main__":
    main()
