"""The one generated copy of the shipped files, in which times are short and addresses are those of recording servers.

Thresholds, expressions, labels, routes, inhibition and receivers stay as they are. Each receiver tells a webhook as
well, which has an alert's labels one by one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WAITS = ("group_wait", "group_interval", "repeat_interval")
#: The digest's day, which no test waits for, becomes this.
_LONGEST_GROUP_INTERVAL = 10_000


@dataclass(frozen=True)
class Receiving:
    """Where the copy's receivers send to: the base URL of what takes posts, and host and port of what takes mail."""

    web: str
    smarthost: str


def shortened(
    source: Path, target: Path, *, factor: int, windows: int, receiving: Receiving, without: Collection[str]
) -> None:
    """Copy the folder and divide its times.

    Args:
        source: deployment/observability.
        target: Where the copy goes; it must not exist.
        factor: What `for` and the waits of routes are divided by; scraping and evaluating are once a second.
        windows: What the ranges in the rules' expressions are divided by.
        receiving: Where notifications go.
        without: Services that are not run, whose targets are left out.
    """
    shutil.copytree(source, target)
    prometheus = target / "prometheus"
    shorten_rules(prometheus, factor, windows)
    scrape_every_second(prometheus / "prometheus.yml")
    for targets in (prometheus / "targets" / "compose").glob("*.yml"):
        hosts = {
            re.sub(r"^https?://", "", each).split(":")[0]
            for group in _load(targets)
            for each in group["targets"]
        }
        if hosts & set(without):
            targets.unlink()
    _redirect(target, factor, receiving)
    _without_elasticsearch(target / "otel" / "otel-collector-config.yaml")


def shorten_rules(folder: Path, factor: int, windows: int = 1) -> None:
    """Divide the times of a folder's rule files as `shortened` does."""
    for rules in folder.glob("*-rules.yml"):
        text = rules.read_text(encoding="utf-8")
        text = re.sub(
            r"^(\s+(?:for|keep_firing_for|interval): )(\w+)$",
            lambda match: match[1] + _divided(match[2], factor),
            text,
            flags=re.MULTILINE,
        )
        if windows > 1:
            text = re.sub(r"\[(\w+)\]", lambda match: f"[{_divided(match[1], windows)}]", text)
        rules.write_text(text, encoding="utf-8")


def scrape_every_second(file: Path) -> None:
    """Have a prometheus.yml scrape and evaluate once a second."""
    scraping = _load(file)
    for name in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
        scraping["global"][name] = "1s"
    _store(file, scraping)


def _redirect(target: Path, factor: int, receiving: Receiving) -> None:
    path = target / "prometheus" / "alertmanager.yml"
    routing = _load(path)
    _shorten_route(routing["route"], factor)
    routing["global"] |= {
        "smtp_smarthost": receiving.smarthost,
        "smtp_require_tls": False,
        "pagerduty_url": f"{receiving.web}/pagerduty",
    }
    for receiver in routing["receivers"]:
        if receiver["name"] != "heartbeat":
            url = f"{receiving.web}/webhook/{receiver['name']}"
            receiver["webhook_configs"] = [{"url": url, "send_resolved": True}]
    _store(path, routing)
    secrets = target / "secrets" / "laptop"
    (secrets / "slack-webhook-url").write_text(f"{receiving.web}/slack", encoding="utf-8")
    (secrets / "heartbeat-url").write_text(f"{receiving.web}/webhook/heartbeat", encoding="utf-8")


def _without_elasticsearch(path: Path) -> None:
    """Have the collector print log lines, since the Elasticsearch that they would go to is not run."""
    config = _load(path)
    del config["exporters"]["elasticsearch"]
    config["exporters"]["debug"] = None
    logs = config["service"]["pipelines"]["logs"]
    assert logs["exporters"] == ["elasticsearch"]
    logs["exporters"] = ["debug"]
    _store(path, config)


def on_a_machine_of_files(target: Path) -> Path:
    """Have Node Exporter look at a folder in place of the machine, and return that folder."""
    path, folder = target / "docker-compose.yml", target / "machine"
    text = path.read_text(encoding="utf-8")
    assert text.count("      - /:/host:ro\n") == 1
    path.write_text(text.replace("      - /:/host:ro\n", "      - ./machine:/host:ro\n"), encoding="utf-8")
    folder.mkdir()
    return folder


def _shorten_route(route: dict[str, Any], factor: int) -> None:
    for wait in _WAITS:
        # Alertmanager takes no interval of nothing, and nothing is faster than its own tick.
        if wait in route and route[wait] != "0s":
            longest = _LONGEST_GROUP_INTERVAL if wait == "group_interval" else None
            route[wait] = _divided(route[wait], factor, longest)
    for inner in route.get("routes", ()):
        _shorten_route(inner, factor)


def _divided(duration: str, factor: int, longest: int | None = None) -> str:
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", duration)
    total = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    short = max(total // factor, 100) if total else 0
    return f"{short if longest is None else min(short, longest)}ms"


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def _store(path: Path, content: Any) -> None:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(content, path)
