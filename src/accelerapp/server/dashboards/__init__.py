"""Reads Grafana dashboard files and gives the panels that the page draws, naming what it cannot draw."""

from accelerapp.server.dashboards.load import DashboardError, load_dashboard
from accelerapp.server.dashboards.model import Dashboard, Grid, Panel, Target, Threshold, ValueMapping

__all__ = [
    "Dashboard",
    "DashboardError",
    "Grid",
    "Panel",
    "Target",
    "Threshold",
    "ValueMapping",
    "load_dashboard",
]
