"""The one generated copy of the shipped files whose times are shortened, so that alerts fire while a test waits.

Thresholds, expressions, labels, routes and inhibition stay as they are; receivers become webhooks that record.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WAITS = ("group_wait", "group_interval", "repeat_interval")


def shortened(source: Path, target: Path, *, factor: int, webhook: str, without: Collection[str]) -> None:
    """Copy the folder and divide its times.

    Args:
        source: deployment/observability.
        target: Where the copy goes; it must not exist.
        factor: What `for`, the waits of routes and the intervals of scraping are divided by.
        webhook: Base URL; each receiver posts to its own name below it.
        without: Services that are not run, whose targets are left out.
    """
    shutil.copytree(source, target)
    # Folders and files of others may be missing where nothing that is run mounts them.
    prometheus = target / "prometheus"
    for rules in prometheus.glob("*-rules.yml"):
        text = rules.read_text(encoding="utf-8")
        text = re.sub(
            r"^(\s+(?:for|keep_firing_for|interval): )(\w+)$",
            lambda match: match[1] + _divided(match[2], factor),
            text,
            flags=re.MULTILINE,
        )
        rules.write_text(text, encoding="utf-8")
    scraping = _load(prometheus / "prometheus.yml")
    for name in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
        scraping["global"][name] = "1s"
    _store(prometheus / "prometheus.yml", scraping)
    for targets in (prometheus / "targets" / "compose").glob("*.yml"):
        hosts = {
            re.sub(r"^https?://", "", each).split(":")[0]
            for group in _load(targets)
            for each in group["targets"]
        }
        if hosts & set(without):
            targets.unlink()
    routing = _load(prometheus / "alertmanager.yml")
    _shorten_route(routing["route"], factor)
    for receiver in routing["receivers"]:
        for key in [key for key in receiver if key != "name"]:
            del receiver[key]
        receiver["webhook_configs"] = [{"url": f"{webhook}/{receiver['name']}", "send_resolved": True}]
    _store(prometheus / "alertmanager.yml", routing)


def _shorten_route(route: dict[str, Any], factor: int) -> None:
    for wait in _WAITS:
        if wait in route:
            # Alertmanager takes no interval of nothing, and nothing is faster than its own tick.
            route[wait] = route[wait] if route[wait] == "0s" else _divided(route[wait], factor)
    for inner in route.get("routes", ()):
        _shorten_route(inner, factor)


def _divided(duration: str, factor: int) -> str:
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", duration)
    total = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    return f"{max(total // factor, 100) if total else 0}ms"


def _load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def _store(path: Path, content: Any) -> None:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump(content, path)
