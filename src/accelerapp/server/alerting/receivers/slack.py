"""Slack: one attachment a notification, by an incoming webhook or by chat.postMessage with a token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers.base import (
    DeliveryError,
    Readiness,
    Reason,
    readiness_of,
    truncated,
)
from accelerapp.server.alerting.receivers.http import Answer, HttpClient, check
from accelerapp.server.alerting.settings import GlobalSettings, SlackSettings
from accelerapp.server.alerting.templates import Rendering, TemplateError, Templates
from accelerapp.server.configfile import read_secret
from accelerapp.server.configfile.http import Authorization, HttpSettings
from accelerapp.server.gotemplate import Template

_MAX_TITLE: Final = 1024
_MARKDOWN_IN: Final = ["fallback", "pretext", "text"]
#: Fields of the attachment, each with the setting that it is made of.
_ATTACHMENT: Final = {
    "title": "title",
    "title_link": "title_link",
    "pretext": "pretext",
    "text": "text",
    "fallback": "fallback",
    "callback_id": "callback_id",
    "image_url": "image_url",
    "thumb_url": "thumb_url",
    "footer": "footer",
    "color": "color",
}
_MESSAGE: Final = {
    "channel": "channel",
    "username": "username",
    "icon_emoji": "icon_emoji",
    "icon_url": "icon_url",
    "text": "message_text",
}
#: Slack and Alertmanager leave these out where they are empty, and write the others.
_ALWAYS: Final = frozenset({"fallback", "text", "callback_id", "footer"})


class Slack:
    """Posts a message with the group's attachment to a channel."""

    def __init__(
        self,
        settings: SlackSettings,
        top: GlobalSettings,
        templates: Templates,
        *,
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._url, self._url_file, http = connection(settings, top)
        self._client = HttpClient(http, transport)
        texts = {*_ATTACHMENT.values(), *_MESSAGE.values()}
        self._texts = {name: templates.text(getattr(settings, name)) for name in texts}
        self._fields = [
            (
                {"title": templates.text(field.title), "value": templates.text(field.value)},
                settings.short_fields if field.short is None else field.short,
            )
            for field in settings.fields
        ]
        self._actions = [_action(action.model_dump(), templates) for action in settings.actions]

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        return readiness_of([self._url_file, *self._client.files()])

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        url, body = await asyncio.to_thread(self._request, notice)
        answer = await self._client.post(url, orjson.dumps(body), timeout_seconds, self._settings.timeout)
        try:
            check(answer)
            _check_body(answer)
        except DeliveryError as error:
            raise DeliveryError(
                f'channel "{body.get("channel", "")}": {error}', retry=error.retry, reason=error.reason
            ) from error

    def _request(self, notice: Notice) -> tuple[str, dict[str, Any]]:
        render = Rendering(message(notice), self._clock)
        try:
            url = read_secret(self._url_file) if self._url_file is not None else self._url
            return url, self._message(render)
        except TemplateError as error:
            raise DeliveryError(f"the template cannot be executed: {error}", retry=False) from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"a secret cannot be read: {error}", retry=False) from error

    def _message(self, render: Callable[[Template], str]) -> dict[str, Any]:
        attachment: dict[str, Any] = {name: render(self._texts[text]) for name, text in _ATTACHMENT.items()}
        attachment["title"] = truncated(attachment["title"], _MAX_TITLE)
        attachment = {name: text for name, text in attachment.items() if text or name in _ALWAYS}
        attachment["mrkdwn_in"] = list(self._settings.mrkdwn_in) or _MARKDOWN_IN
        if self._fields:
            attachment["fields"] = [
                {**{name: render(text) for name, text in texts.items()}, "short": short}
                for texts, short in self._fields
            ]
        if self._actions:
            attachment["actions"] = [_filled(action, render) for action in self._actions]
        texts = {name: render(self._texts[text]) for name, text in _MESSAGE.items()}
        made: dict[str, Any] = {name: text for name, text in texts.items() if text}
        if self._settings.link_names:
            made["link_names"] = True
        return {**made, "attachments": [attachment]}


def _action(given: dict[str, Any], templates: Templates) -> dict[str, Any]:
    """Return an action's texts as templates; one that opens a URL sends no message."""
    if given.get("url"):
        given.update(name="", value="", confirm=None)
    return {
        name: _action(text, templates) if isinstance(text, dict) else templates.text(text)
        for name, text in given.items()
        if text
    }


def _filled(texts: dict[str, Any], render: Callable[[Template], str]) -> dict[str, Any]:
    return {
        name: _filled(text, render) if isinstance(text, dict) else render(text)
        for name, text in texts.items()
    }


def _check_body(answer: Answer) -> None:
    """Slack says `ok`, or in JSON whether it is, also where the status is one of success."""
    if not answer.content_type.startswith("application/json"):
        if answer.body != b"ok":
            raise DeliveryError(f"Slack answers: {answer.said}", retry=False, reason=Reason.CLIENT)
        return
    try:
        said = orjson.loads(answer.body)
    except ValueError as error:
        raise DeliveryError(
            f"Slack's answer is no JSON: {answer.said}", retry=True, reason=Reason.CLIENT
        ) from error
    if not isinstance(said, dict) or said.get("ok") is not True:
        reason = said.get("error", "") if isinstance(said, dict) else answer.said
        raise DeliveryError(f"Slack answers: {reason}", retry=False, reason=Reason.CLIENT)


def connection(settings: SlackSettings, top: GlobalSettings) -> tuple[str, Path | None, HttpSettings]:
    """Return the URL, else the file that holds it, and how to connect: the receiver's before the file's global part."""
    http = settings.http_config or top.http_config
    own_url = settings.api_url or settings.api_url_file
    token, token_file = settings.app_token, settings.app_token_file
    own_authorization = settings.http_config is not None and settings.http_config.authorization is not None
    if not (token or token_file or own_authorization or settings.api_url):
        token, token_file = top.slack_app_token, top.slack_app_token_file
    if token or token_file:
        bearer = Authorization(credentials=token, credentials_file=token_file)
        return (
            settings.app_url or top.slack_app_url,
            None,
            http.model_copy(update={"authorization": bearer}),
        )
    if own_url:
        return settings.api_url, settings.api_url_file, http
    return top.slack_api_url, top.slack_api_url_file, http
