"""PagerDuty's Events API, version 2: a trigger while a group fires, a resolution when nothing of it does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
import orjson

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers.base import (
    DeliveryError,
    Readiness,
    readiness_of,
    truncated,
)
from accelerapp.server.alerting.receivers.details import prepared, typed
from accelerapp.server.alerting.receivers.http import Answer, HttpClient, check
from accelerapp.server.alerting.settings import GlobalSettings, PagerdutySettings
from accelerapp.server.alerting.templates import Rendering, TemplateError, Templates, render_all
from accelerapp.server.configfile import read_secret

log = logging.getLogger(__name__)

_MAX_EVENT: Final = 512_000
_MAX_SUMMARY: Final = 1024
_DEFAULT_DETAILS: Final = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}
_TOO_LARGE: Final = (
    "Custom details have been removed because the original event exceeds the maximum size of 512KB"
)
_TEXTS: Final = ("client", "client_url", "description", "severity", "class_", "component", "group")


class Pagerduty:
    """Sends an event with the group's key as the one by which PagerDuty knows its incident."""

    def __init__(
        self,
        settings: PagerdutySettings,
        top: GlobalSettings,
        templates: Templates,
        *,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._url = settings.url or top.pagerduty_url
        self._clock = clock
        self._client = HttpClient(settings.http_config or top.http_config, transport)
        self._templates = templates
        self._texts = {name: templates.text(getattr(settings, name)) for name in _TEXTS}
        self._texts["severity"] = templates.text(settings.severity or "error")
        self._texts["source"] = templates.text(settings.source or settings.client)
        self._details = prepared({**_DEFAULT_DETAILS, **settings.details}, templates)
        self._images = [_texts(image.model_dump(), templates) for image in settings.images]
        self._links = [_texts(link.model_dump(), templates) for link in settings.links]

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        return readiness_of([self._settings.routing_key_file, *self._client.files()])

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        body = await asyncio.to_thread(self._request, notice)
        answer = await self._client.post(self._url, body, timeout_seconds, self._settings.timeout)
        check(answer, _said(answer))

    def _request(self, notice: Notice) -> bytes:
        render = Rendering(message(notice), self._clock)
        try:
            event = self._event(notice, render)
        except TemplateError as error:
            raise DeliveryError(f"the template cannot be executed: {error}", retry=False) from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the routing key cannot be read: {error}", retry=False) from error
        if not event["routing_key"]:
            raise DeliveryError("the routing key is empty; write it into its file", retry=False)
        body = orjson.dumps(event)
        if len(body) > _MAX_EVENT:
            log.warning(
                "the event about %s has %d bytes; its details are left out", notice.group_key, len(body)
            )
            event["payload"]["custom_details"] = {"error": _TOO_LARGE}
            body = orjson.dumps(event)
        return body

    def _event(self, notice: Notice, render: Rendering) -> dict[str, Any]:
        key = self._settings.routing_key
        if not key and self._settings.routing_key_file is not None:
            key = read_secret(self._settings.routing_key_file)
        texts = {name: render(text) for name, text in self._texts.items()}
        images = [{name: render(text) for name, text in image.items()} for image in self._images]
        links = [{name: render(text) for name, text in link.items()} for link in self._links]
        payload = {
            "summary": truncated(texts["description"], _MAX_SUMMARY),
            "source": texts["source"],
            "severity": texts["severity"],
            "custom_details": render_all(self._details, render, typed),
            **_given({"class": texts["class_"], "component": texts["component"], "group": texts["group"]}),
        }
        return {
            "routing_key": render(self._templates.text(key)),
            "dedup_key": notice.key_hash,
            "event_action": "resolve" if notice.status == "resolved" else "trigger",
            "payload": payload,
            **_given(
                {
                    "client": texts["client"],
                    "client_url": texts["client_url"],
                    "images": [image for image in images if image["src"]],
                    "links": [link for link in links if link["href"]],
                }
            ),
        }


def _texts(given: dict[str, str], templates: Templates) -> dict[str, Any]:
    return {name: templates.text(text) for name, text in given.items()}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _said(answer: Answer) -> str:
    """Return what PagerDuty says is wrong with an event."""
    if answer.status != 400:
        return ""
    try:
        body = orjson.loads(answer.body)
        return f"{body['message']}: {','.join(body.get('errors', []))}"
    except (ValueError, KeyError, TypeError):
        return ""
