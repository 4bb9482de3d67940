"""What an integration must say to be usable at all: Alertmanager refuses the file without it, and so do we."""

from __future__ import annotations

from accelerapp.server.alerting.settings import (
    EmailSettings,
    GlobalSettings,
    IntegrationSettings,
    PagerdutySettings,
    SlackSettings,
    WebhookSettings,
)


def lacking(entry: IntegrationSettings, top: GlobalSettings) -> str | None:
    """Return what an integration lacks and what to do, or None; `top` is the file's global part."""
    if isinstance(entry, WebhookSettings):
        if (entry.url is None) == (entry.url_file is None):
            return "a webhook needs either `url` or `url_file`; give one of them"
    elif isinstance(entry, SlackSettings):
        return _slack(entry, top)
    elif isinstance(entry, PagerdutySettings):
        keys = (entry.routing_key, entry.routing_key_file, entry.service_key, entry.service_key_file)
        if not any(keys):
            return "PagerDuty needs a key; name a file with `routing_key_file`, or with `service_key_file`"
    elif isinstance(entry, EmailSettings):
        return _email(entry, top)
    return None


def _slack(entry: SlackSettings, top: GlobalSettings) -> str | None:
    if entry.api_url and entry.api_url_file:
        return "Slack takes either `api_url` or `api_url_file`; remove one of them"
    if not (entry.api_url or entry.api_url_file or top.slack_api_url or top.slack_api_url_file):
        return "Slack needs a URL; name a file with `api_url_file`, or with `slack_api_url_file` under global"
    return None


def _email(entry: EmailSettings, top: GlobalSettings) -> str | None:
    if not entry.to:
        return "an e-mail needs `to`; add the address"
    if not (entry.smarthost or top.smtp_smarthost):
        return "an e-mail needs a server; add `smarthost`, or `smtp_smarthost` under global"
    if not (entry.from_ or top.smtp_from):
        return "an e-mail needs `from`; add it, or `smtp_from` under global"
    return None
