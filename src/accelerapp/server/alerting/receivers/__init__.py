"""The integrations, one module each, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable

from accelerapp.server.alerting.config import Config, Integration
from accelerapp.server.alerting.receivers.base import Deliverer, DeliveryError, Readiness, Reason
from accelerapp.server.alerting.receivers.email import Email
from accelerapp.server.alerting.receivers.pagerduty import Pagerduty
from accelerapp.server.alerting.receivers.slack import Slack
from accelerapp.server.alerting.receivers.webhook import Webhook
from accelerapp.server.alerting.settings import PagerdutySettings, SlackSettings, WebhookSettings

__all__ = ["Deliverer", "DeliveryError", "Readiness", "Reason", "make_deliverer"]


def make_deliverer(integration: Integration, config: Config, clock: Callable[[], float]) -> Deliverer:
    """Make the integration that the settings ask for; `clock` returns Unix seconds."""
    settings, top, templates = integration.settings, config.global_settings, config.templates
    if isinstance(settings, WebhookSettings):
        return Webhook(settings, settings.http_config or top.http_config, templates, clock=clock)
    if isinstance(settings, SlackSettings):
        return Slack(settings, top, templates, clock=clock)
    if isinstance(settings, PagerdutySettings):
        return Pagerduty(settings, top, templates, clock=clock)
    return Email(settings, top, templates, clock=clock)
