"""The checks, one module for each part of the troubleshooting chapter."""

from accelerapp.cli.doctor.checks import alerts, dashboards, logs, metrics, resources, traces

__all__ = ["alerts", "dashboards", "logs", "metrics", "resources", "traces"]
