"""The normalised form of a dashboard, free of Grafana's layers of defaults and of its older forms.

`ui/src/api/dashboards.ts` describes the same form for the page, with the values that each field may have.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Grid:
    """A place on Grafana's grid: 24 columns, a row unit of 30 pixels, the origin at the top left of its section."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Link:
    """Where a panel or a value leads; both texts hold variables."""

    title: str
    url: str
    new_tab: bool


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """A search of traces, or the one trace that is shown where `trace_id` is not empty."""

    trace_id: str = ""
    service: str = ""
    operation: str = ""
    attributes: tuple[str, ...] = ()
    min_duration: str = ""
    max_duration: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel; `source` is None where it cannot be run, and the panel's `unsupported` says why."""

    ref_id: str
    source: str | None  # "prometheus", "logs" or "traces"
    expr: str  # as written, with variables
    legend_format: str = ""
    format: str = "time_series"  # or "table" or "heatmap"
    instant: bool = False
    exemplar: bool = False
    interval: str = ""
    interval_factor: float = 1
    logs: str = "lines"  # or "count"
    traces: TraceSearch | None = None


@dataclass(frozen=True, slots=True)
class Transformation:
    """A transformation of the results that the page knows, with its options as the file has them."""

    id: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Override:
    """What is set for the fields that a matcher finds; `set` is a part of the form of a panel's `field`."""

    matcher: dict[str, Any]
    set: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A panel is shown once for each chosen value of a variable, across ("h") or down ("v")."""

    variable: str
    direction: str
    max_per_row: int


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `unsupported` names each thing in the file that the page does not honour."""

    id: int
    type: str
    title: str
    description: str
    transparent: bool
    grid: Grid
    repeat: Repeat | None
    links: tuple[Link, ...]
    interval: str
    max_data_points: int | None
    time_from: str
    time_shift: str
    hide_time_override: bool
    targets: tuple[Target, ...]
    transformations: tuple[Transformation, ...]
    field: dict[str, Any]
    overrides: tuple[Override, ...]
    options: dict[str, Any]
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A row and the panels under it; what stands before the first row has no title."""

    id: int
    title: str | None
    collapsed: bool
    repeat: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class VariableOption:
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class VariableQuery:
    """What is asked for a variable's options."""

    kind: str  # "label_values", "label_names", "metrics", "query_result" or "series"
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """One of the dashboard's variables."""

    name: str
    label: str
    description: str
    type: str
    hide: str  # "", "label" or "all"
    multi: bool
    include_all: bool
    all_value: str
    query: VariableQuery | None
    options: tuple[VariableOption, ...]
    current: tuple[str, ...]
    regex: str
    sort: dict[str, Any]
    auto: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AnnotationQuery:
    """A query whose samples are marked over the charts of time."""

    name: str
    enable: bool
    hide: bool
    color: str
    expr: str
    step: str
    title_format: str
    text_format: str
    tag_keys: tuple[str, ...]
    value_is_time: bool
    panels: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class DashboardLink:
    """A link of the dashboard, or of type "dashboards" to each with all of its tags."""

    type: str
    title: str
    tooltip: str
    url: str
    tags: tuple[str, ...]
    as_dropdown: bool
    keep_time: bool
    keep_variables: bool
    new_tab: bool


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; `default_range_ms` and `refresh_ms` are milliseconds of real time.

    Durations in queries are as written: where time runs `time_factor` times faster, who runs them divides them.
    """

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    time_factor: float
    default_range_ms: int
    refresh_ms: int | None
    tooltip: str
    variables: tuple[Variable, ...]
    annotations: tuple[AnnotationQuery, ...]
    links: tuple[DashboardLink, ...]
    sections: tuple[Section, ...]
    unsupported: tuple[str, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels of all sections."""
        return tuple(panel for section in self.sections for panel in section.panels)

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
