"""The building blocks of the dashboards: panels that ask Prometheus, in one look."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import common, dashboard, gauge, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import Dashboard as DashboardModel
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    Threshold,
    ValueMap,
    ValueMappingResult,
)

#: The data source of deployment/observability/grafana/datasource.yml, by its fixed uid.
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")

Queries = Mapping[str, str]
#: (from, colour), the first from None on.
Steps = tuple[tuple[float | None, str], ...]


def number(
    title: str,
    description: str,
    expression: str,
    unit: str,
    *,
    span: int = 6,
    steps: Steps = ((None, "text"),),
    nothing: str = "–",
    decimals: int | None = None,
    words: Mapping[str, tuple[str, str]] | None = None,
    curve: bool = False,
) -> stat.Panel:
    """Return a panel that shows one value now; `words` has a text and its colour for single values."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value(nothing)
        .height(5)
        .span(span)
        .thresholds(_thresholds(steps))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA if curve else BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(expression, "", "A", exemplars=False))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    if words:
        told = {
            value: ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(words.items())
        }
        panel = panel.mappings([ValueMap(options=told)])
    return panel


def dial(
    title: str,
    description: str,
    expression: str,
    *,
    span: int = 6,
    steps: Steps,
    nothing: str,
) -> gauge.Panel:
    """Return a gauge of a part of a whole."""
    return (
        gauge.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit("percentunit")
        .decimals(1)
        .min(0)
        .max(1)
        .no_value(nothing)
        .height(5)
        .span(span)
        .thresholds(_thresholds(steps))
        .show_threshold_markers(True)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(expression, "", "A", exemplars=False))
    )


def graph(
    title: str,
    description: str,
    queries: Queries,
    unit: str,
    *,
    span: int = 12,
    exemplars: bool = False,
    at_most: float | None = None,
    alert_above: float | None = None,
    nothing: str = "No data",
) -> timeseries.Panel:
    """Return a panel of lines over time; `queries` gives the legend of each expression's lines."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value(nothing)
        .min(0)
        .height(9)
        .span(span)
        .line_width(2)
        .fill_opacity(0)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .calcs(["lastNotNull"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if at_most is not None:
        panel = panel.max(at_most)
    if alert_above is not None:
        line = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)
        steps = _thresholds(((None, "transparent"), (alert_above, "red")))
        panel = panel.decimals(1).fill_opacity(10).thresholds(steps).thresholds_style(line)
    for reference, (legend, expression) in zip("ABCDEFGH", queries.items(), strict=False):
        panel = panel.with_target(_query(expression, legend, reference, exemplars=exemplars))
    return panel


def board(
    uid: str,
    title: str,
    description: str,
    *panels: stat.Panel | gauge.Panel | timeseries.Panel,
    refresh: str = "30s",
) -> DashboardModel:
    """Return a dashboard of panels in the order given, with links to the others and a mark at every deployment."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["accelerapp"])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Accelerapp")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["accelerapp"])
            .as_dropdown(True)
            .keep_time(True)
        )
        .annotation(
            dashboard.AnnotationQuery()
            .name("Deployments")
            .datasource(PROMETHEUS)
            .enable(True)
            .icon_color("blue")
            .expr("accelerapp_build_info unless accelerapp_build_info offset 1m")
            .title_format("{{service}} {{version}}")
            .text_format("revision {{revision}}")
        )
    )
    for panel in panels:
        built = built.with_panel(panel)
    made = built.build()
    for index, placed in enumerate(made.panels or [], start=1):
        placed.id_val = index
        # No panel is repeated; left away, so that no reader has to know the direction.
        if isinstance(placed, Panel):
            placed.repeat_direction = None
    return made


def _query(expression: str, legend: str, reference: str, *, exemplars: bool) -> prometheus.Dataquery:
    query = (
        prometheus.Dataquery()
        .datasource(PROMETHEUS)
        .expr(expression)
        .legend_format(legend or "__auto")
        .range()
        .ref_id(reference)
    )
    return query.exemplar(True) if exemplars else query


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().steps([Threshold(value=value, color=color) for value, color in steps])
