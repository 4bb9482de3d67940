"""The webhook integration, in the form of Alertmanager's webhook JSON, version 4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.receivers.base import DeliveryError, Notice, Readiness
from accelerapp.server.alerting.settings import HttpSettings, WebhookSettings
from accelerapp.server.configfile import read_secret
from accelerapp.server.signals import Alert, Labels
from accelerapp.server.times import rfc3339

_TIMEOUT: Final = 10.0
_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_MAX_ERROR: Final = 200


class Webhook:
    """Posts notifications to a URL; network errors, 5xx and 429 may be tried again, other answers not."""

    def __init__(self, settings: WebhookSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport

    @property
    def send_resolved(self) -> bool:
        return self._settings.send_resolved

    def readiness(self) -> tuple[Readiness, str]:
        for path in self._files():
            if not path.is_file():
                return Readiness.NOT_CONFIGURED, f"the file {path} is missing; put the secret there"
        return Readiness.READY, ""

    async def deliver(self, notice: Notice, timeout_seconds: float) -> None:
        body = orjson.dumps(webhook_body(notice, self._settings.max_alerts))
        timeout = min(self._settings.timeout or _TIMEOUT, timeout_seconds)
        try:
            url, auth = self._url(), self._credentials()
            # Proxies of the environment are not used, as in Alertmanager: a local webhook stays local.
            async with httpx.AsyncClient(
                transport=self._transport,
                timeout=timeout,
                follow_redirects=self._settings.http_config.follow_redirects,
                trust_env=False,
            ) as client:
                response = await client.post(
                    url, content=body, headers={"Content-Type": "application/json", **auth}
                )
        except (OSError, ValueError) as error:
            raise DeliveryError(f"a secret cannot be read: {error}", retry=True) from error
        except httpx.InvalidURL as error:
            raise DeliveryError(f"the URL is not valid: {error}", retry=False) from error
        except httpx.HTTPError as error:
            raise DeliveryError(f"{type(error).__name__}: {error or 'no answer'}", retry=True) from error
        if not response.is_success:
            said = response.text[:_MAX_ERROR].strip()
            retry = response.status_code >= 500 or response.status_code == 429
            raise DeliveryError(f"unexpected status code {response.status_code}: {said}", retry=retry)

    def _files(self) -> list[Path]:
        http = self._settings.http_config
        files = [self._settings.url_file, http.bearer_token_file]
        if http.authorization is not None:
            files.append(http.authorization.credentials_file)
        if http.basic_auth is not None:
            files += [http.basic_auth.username_file, http.basic_auth.password_file]
        return [path for path in files if path is not None]

    def _url(self) -> str:
        if self._settings.url_file is not None:
            return read_secret(self._settings.url_file)
        return str(self._settings.url)

    def _credentials(self) -> dict[str, str]:
        return credentials(self._settings.http_config)


def credentials(http: HttpSettings) -> dict[str, str]:
    """Return the Authorization header that the settings ask for; raises OSError, ValueError."""
    if http.basic_auth is not None:
        basic = http.basic_auth
        user = read_secret(basic.username_file) if basic.username_file else basic.username
        password = read_secret(basic.password_file) if basic.password_file else basic.password
        request = next(httpx.BasicAuth(user, password).auth_flow(httpx.Request("POST", "http://localhost")))
        return {"Authorization": request.headers["Authorization"]}
    if http.authorization is not None:
        given = http.authorization
        secret = read_secret(given.credentials_file) if given.credentials_file else given.credentials
        return {"Authorization": f"{given.type} {secret}"}
    if http.bearer_token_file is not None:
        return {"Authorization": f"Bearer {read_secret(http.bearer_token_file)}"}
    return {"Authorization": f"Bearer {http.bearer_token}"} if http.bearer_token else {}


def webhook_body(notice: Notice, max_alerts: int = 0) -> dict[str, Any]:
    """Return the body of a notification; more than `max_alerts` (0: no limit) are left out and counted."""
    kept = notice.alerts[:max_alerts] if max_alerts else notice.alerts
    return {
        # Alertmanager escapes the name for use in a regular expression.
        "receiver": _SPECIAL.sub(r"\\\g<0>", notice.receiver),
        "status": "firing" if any(not a.resolved(notice.now) for a in kept) else "resolved",
        "alerts": [_alert(alert, notice.now) for alert in kept],
        "notification_reason": notice.reason,
        "groupLabels": dict(notice.group_labels),
        "commonLabels": _common([alert.labels for alert in kept]),
        "commonAnnotations": _common([alert.annotations for alert in kept]),
        "routeLabels": {},
        "externalURL": notice.external_url,
        "version": "4",
        "groupKey": notice.group_key,
        "truncatedAlerts": len(notice.alerts) - len(kept),
    }


def _alert(alert: Alert, now: float) -> dict[str, Any]:
    resolved = alert.resolved(now)
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": rfc3339(alert.ends_at if resolved else None),
        "generatorURL": alert.generator_url,
        "fingerprint": fingerprint(alert.labels),
    }


def _common(sets: list[Labels]) -> Mapping[str, str]:
    if not sets:
        return {}
    shared = reduce(lambda first, second: first & second, (set(labels) for labels in sets))
    return dict(sorted(shared))
