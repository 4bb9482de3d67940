"""The webhook integration, in the form of Alertmanager's webhook JSON, version 4."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers.base import DeliveryError, Readiness, readiness_of
from accelerapp.server.alerting.receivers.details import prepared, typed
from accelerapp.server.alerting.receivers.http import HttpClient, check
from accelerapp.server.alerting.settings import WebhookSettings
from accelerapp.server.alerting.templates import Rendering, TemplateError, Templates, render_all
from accelerapp.server.configfile import read_secret
from accelerapp.server.configfile.http import HttpSettings
from accelerapp.server.gotemplate import Struct, json_value


class Webhook:
    """Posts notifications to a URL, in Alertmanager's form or that of `payload`."""

    def __init__(
        self,
        settings: WebhookSettings,
        http: HttpSettings,
        templates: Templates,
        *,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._templates = templates
        self._clock = clock
        self._client = HttpClient(http, transport)
        self._payload = None if settings.payload is None else prepared(settings.payload, templates)

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        return readiness_of([self._settings.url_file, *self._client.files()])

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        url, body = await asyncio.to_thread(self._request, notice)
        check(await self._client.post(url, body, timeout_seconds, self._settings.timeout))

    def _request(self, notice: Notice) -> tuple[str, bytes]:
        kept = notice.alerts[: self._settings.max_alerts] if self._settings.max_alerts else notice.alerts
        data = message(notice, kept)
        render = Rendering(data, self._clock)
        try:
            given = self._settings.url
            if self._settings.url_file is not None:
                given = read_secret(self._settings.url_file)
            url = render(self._templates.text(given))
            content = (
                webhook_body(notice, data)
                if self._payload is None
                else render_all(self._payload, render, typed)
            )
        except TemplateError as error:
            raise DeliveryError(f"the template cannot be executed: {error}", retry=False) from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"a secret cannot be read: {error}", retry=True) from error
        if not url:
            raise DeliveryError("the URL is empty after its template was executed", retry=False)
        return url, orjson.dumps(content)


def webhook_body(notice: Notice, data: Struct) -> dict[str, Any]:
    """Return the body of a notification; `data` has as many of its alerts as are told."""
    return {
        **json_value(data),
        "version": "4",
        "groupKey": notice.group_key,
        "truncatedAlerts": len(notice.alerts) - len(data["Alerts"]),
    }
