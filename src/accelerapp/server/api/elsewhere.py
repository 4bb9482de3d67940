"""Alerts that no rule of this observatory has raised: other programs have sent them to Alertmanager's API."""

from __future__ import annotations

from collections.abc import Iterable

from accelerapp.server.api.services import Services
from accelerapp.server.rules import GroupStatus
from accelerapp.server.signals import Alert


def from_elsewhere(services: Services, groups: Iterable[GroupStatus]) -> list[Alert]:
    """Return those that fire now; `groups` are the rules as they stand."""
    now = services.clock()
    rules = [status for group in groups for status in group.rules if status.rule.alerting]
    names = {status.rule.name for status in rules}
    known = {services.rules.as_sent(alert.labels) for status in rules for alert in status.alerts}

    def just_resolved(alert: Alert) -> bool:
        """Tell whether a rule here has raised it, and has yet to tell that it is over."""
        here = alert.generator_url.startswith(f"{services.external_url}/")
        return here and dict(alert.labels).get("alertname") in names

    return [
        alert
        for alert in services.alertmanager.alerts()
        if alert.labels not in known and not alert.resolved(now) and not just_resolved(alert)
    ]
