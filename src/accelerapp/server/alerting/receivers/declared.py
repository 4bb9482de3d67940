"""Integrations that the file may declare and this version does not deliver: said openly, never ignored."""

from __future__ import annotations

from pathlib import Path

from accelerapp.server.alerting.receivers.base import DeliveryError, Notice, Readiness
from accelerapp.server.alerting.settings import (
    EmailSettings,
    GlobalSettings,
    IntegrationSettings,
    PagerdutySettings,
    SlackSettings,
)


class Declared:
    """An integration whose keys are checked and whose secret is looked for, and which delivers nothing."""

    def __init__(self, kind: str, settings: IntegrationSettings, global_settings: GlobalSettings) -> None:
        self._kind = kind
        self._settings = settings
        self._inline, self._file = _secret(settings, global_settings)

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        if not self._inline:
            if self._file is None:
                return Readiness.NOT_CONFIGURED, f"{self._kind} has no secret; name a file with it"
            if not self._file.is_file():
                return Readiness.NOT_CONFIGURED, f"the file {self._file} is missing; put the secret there"
        reason = f"{self._kind} is not delivered by this version; use a webhook, or Alertmanager itself"
        return Readiness.NOT_SUPPORTED, reason

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        raise DeliveryError(self.readiness()[1], retry=False)


def _secret(settings: IntegrationSettings, top: GlobalSettings) -> tuple[str, Path | None]:
    """Return the secret that stands in the file itself, and the file that holds it."""
    if isinstance(settings, SlackSettings):
        if settings.api_url or settings.api_url_file:
            return settings.api_url, settings.api_url_file
        return top.slack_api_url, top.slack_api_url_file
    if isinstance(settings, PagerdutySettings):
        return (
            settings.routing_key or settings.service_key,
            settings.routing_key_file or settings.service_key_file,
        )
    if isinstance(settings, EmailSettings):
        own = settings.auth_password or settings.auth_secret
        if own or settings.auth_password_file:
            return own, settings.auth_password_file
        return top.smtp_auth_password or top.smtp_auth_secret, top.smtp_auth_password_file
    return "", None
