"""The integrations, one module each, and the choice among them."""

from __future__ import annotations

from accelerapp.server.alerting.config import Integration
from accelerapp.server.alerting.receivers.base import Deliverer, DeliveryError, Notice, Readiness
from accelerapp.server.alerting.receivers.declared import Declared
from accelerapp.server.alerting.receivers.webhook import Webhook, webhook_body
from accelerapp.server.alerting.settings import GlobalSettings, WebhookSettings

__all__ = ["Deliverer", "DeliveryError", "Notice", "Readiness", "make_deliverer", "webhook_body"]


def make_deliverer(integration: Integration, global_settings: GlobalSettings) -> Deliverer:
    """Make the integration that the settings ask for."""
    if isinstance(integration.settings, WebhookSettings):
        return Webhook(integration.settings)
    return Declared(integration.type, integration.settings, global_settings)
