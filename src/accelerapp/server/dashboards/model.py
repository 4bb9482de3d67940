"""The normalised form of a dashboard, free of Grafana's layers of defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Grid:
    """A place on Grafana's grid: 24 columns, a row unit of 30 pixels, the origin at the top left."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """The colour from `value` upward; `value` is None for the base colour."""

    value: float | None
    color: str


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """The text and colour shown in place of one exact value."""

    value: str
    text: str | None
    color: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel; `query` is None where it cannot be run, and the panel's `unsupported` says why."""

    ref_id: str
    expr: str
    query: str | None
    legend_format: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `unsupported` names each thing in the file that the page does not honour."""

    id: int
    title: str
    description: str
    type: str
    grid: Grid
    unit: str
    decimals: int | None
    min: float | None
    max: float | None
    thresholds: tuple[Threshold, ...]
    threshold_style: str  # "off", "line", "area" or "line+area", in a time series only
    legend: bool
    stack: bool
    line_width: float
    fill_opacity: float  # percent
    sparkline: bool
    mappings: tuple[ValueMapping, ...]
    no_value: str | None
    calc: str
    content: str  # of a text panel, as written
    targets: tuple[Target, ...]
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `default_range_ms` and `refresh_ms` are milliseconds of real time."""

    uid: str
    title: str
    description: str
    default_range_ms: int
    refresh_ms: int | None
    panels: tuple[Panel, ...]
    unsupported: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the dashboard as the page's API gives it: plain dicts, lists, strings and numbers."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
