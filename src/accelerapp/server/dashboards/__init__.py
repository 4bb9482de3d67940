"""Reads Grafana dashboard files and gives the panels that the page draws, naming what it cannot draw."""

from accelerapp.server.dashboards.load import (
    DashboardError,
    dashboard_files,
    load_dashboard,
    load_dashboards,
    read_dashboard,
)
from accelerapp.server.dashboards.model import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    Grid,
    Link,
    Override,
    Panel,
    Repeat,
    Section,
    Target,
    TraceSearch,
    Transformation,
    Variable,
    VariableOption,
    VariableQuery,
)

__all__ = [
    "AnnotationQuery",
    "Dashboard",
    "DashboardError",
    "DashboardLink",
    "Grid",
    "Link",
    "Override",
    "Panel",
    "Repeat",
    "Section",
    "Target",
    "TraceSearch",
    "Transformation",
    "Variable",
    "VariableOption",
    "VariableQuery",
    "dashboard_files",
    "load_dashboard",
    "load_dashboards",
    "read_dashboard",
]
