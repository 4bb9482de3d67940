"""What an integration must say to be usable at all: Alertmanager refuses the file without it, and so do we."""

from __future__ import annotations

from urllib.parse import urlsplit

from accelerapp.server.alerting.settings import (
    EmailSettings,
    GlobalSettings,
    IntegrationSettings,
    PagerdutySettings,
    SlackSettings,
    WebhookSettings,
)
from accelerapp.server.alerting.smarthost import smarthost


def lacking(entry: IntegrationSettings, top: GlobalSettings) -> str | None:
    """Return what an integration lacks and what to do, or None; `top` is the file's global part."""
    if isinstance(entry, WebhookSettings):
        if bool(entry.url) == (entry.url_file is not None):
            return "a webhook needs either `url` or `url_file`; give one of them"
        return None if not entry.url else _url("url", entry.url)
    if isinstance(entry, SlackSettings):
        return _slack(entry, top)
    if isinstance(entry, PagerdutySettings):
        if not (entry.routing_key or entry.routing_key_file):
            return "PagerDuty needs a key; name a file with `routing_key_file`"
        if entry.routing_key and entry.routing_key_file:
            return "PagerDuty takes either `routing_key` or `routing_key_file`; remove one of them"
        return _url("url", entry.url or top.pagerduty_url)
    if isinstance(entry, EmailSettings):
        return _email(entry, top)
    return None


def _url(key: str, text: str) -> str | None:
    """Say what is wrong with a URL that has no template in it."""
    if "{{" in text:
        return None
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    return None if valid else f"`{key}` must be a URL that begins with http:// or https://; correct it"


def _slack(entry: SlackSettings, top: GlobalSettings) -> str | None:
    if entry.api_url and entry.api_url_file:
        return "Slack takes either `api_url` or `api_url_file`; remove one of them"
    if entry.app_token and entry.app_token_file:
        return "Slack takes either `app_token` or `app_token_file`; remove one of them"
    token, url = entry.app_token or entry.app_token_file, entry.api_url or entry.api_url_file
    if token and url:
        return "Slack takes either a URL or a token; remove `api_url`, or `app_token`"
    http = entry.http_config or top.http_config
    if token and http.authorization is not None:
        return "Slack is given its token as authorization; remove `authorization` from `http_config`"
    top_token = top.slack_app_token or top.slack_app_token_file
    if not (token or url or top.slack_api_url or top.slack_api_url_file or top_token):
        return "Slack needs a URL; name a file with `api_url_file`, or with `slack_api_url_file` under global"
    given = entry.api_url or ("" if url or token else top.slack_api_url)
    return _url("api_url", given) if given else None


def _email(entry: EmailSettings, top: GlobalSettings) -> str | None:
    if not entry.to:
        return "an e-mail needs `to`; add the address"
    server = entry.smarthost or top.smtp_smarthost
    if not server:
        return "an e-mail needs a server; add `smarthost`, or `smtp_smarthost` under global"
    try:
        smarthost(server)
    except ValueError as error:
        return f"`smarthost`: {error}"
    if not (entry.from_ or top.smtp_from):
        return "an e-mail needs `from`; add it, or `smtp_from` under global"
    names = [name.lower() for name in entry.headers]
    if len(set(names)) < len(names):
        return "`headers` has one name twice, in different letters; remove one"
    if entry.threading.enabled:
        if {"references", "in-reply-to"} & set(names):
            return "`threading` sets the headers References and In-Reply-To; remove them from `headers`"
        if entry.threading.thread_by_date not in ("none", "daily"):
            return "`threading.thread_by_date` must be none or daily; correct it"
    return None
