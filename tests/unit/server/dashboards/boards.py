"""Dashboards of a few panels, read as a file would be."""

from __future__ import annotations

import json
from typing import Any

from accelerapp.server.dashboards import Dashboard, Panel, Target, read_dashboard


def board(*panels: dict[str, Any], factor: float = 1.0, **more: Any) -> Dashboard:
    document = {"uid": "u", "panels": list(panels), **more}
    return read_dashboard(json.dumps(document).encode(), "board.json", time_factor=factor)


def panel(**fields: Any) -> Panel:
    return board({"type": "timeseries", "title": "T", **fields}).panels[0]


def target(**fields: Any) -> tuple[Target, tuple[str, ...]]:
    found = panel(targets=[{"refId": "A", **fields}])
    return found.targets[0], found.unsupported


def field_config(*overrides: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": defaults, "overrides": list(overrides)}}


def override(matcher: str, options: Any, **properties: Any) -> dict[str, Any]:
    """Return an override; double underscores in the names of properties stand for dots."""
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }
