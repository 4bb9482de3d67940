"""Requests of receivers: credentials, TLS, and which failures may be tried again."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from accelerapp.server.alerting.receivers.base import DeliveryError, Reason
from accelerapp.server.configfile.http import HttpSettings, request_headers, tls_context

_TIMEOUT: Final = 10.0
_MAX_ANSWER: Final = 64 << 10
_MAX_ERROR: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: its status, its type, and as much of its body as is read."""

    status: int
    content_type: str
    body: bytes

    @property
    def said(self) -> str:
        return self.body[:_MAX_ERROR].decode("utf-8", "replace").strip()


class HttpClient:
    """Posts JSON as the settings ask; network errors, 429 and 5xx may be tried again, other failures not.

    Proxies of the environment are not used: a local webhook stays local.
    """

    def __init__(self, settings: HttpSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._tls: ssl.SSLContext | None = None

    def files(self) -> list[Path]:
        """Return the files that must be there before a request can be made."""
        http, tls = self._settings, self._settings.tls_config
        found = [http.bearer_token_file, tls.ca_file, tls.cert_file, tls.key_file]
        if http.authorization is not None:
            found.append(http.authorization.credentials_file)
        if http.basic_auth is not None:
            found += [http.basic_auth.username_file, http.basic_auth.password_file]
        found += [path for header in http.http_headers.values() for path in header.files]
        return [path for path in found if path is not None]

    async def post(self, url: str, body: bytes, timeout_seconds: float, own_timeout: float = 0.0) -> Answer:
        """Post a body of JSON; raises DeliveryError.

        `timeout_seconds` is the time that is left, `own_timeout` what the receiver's settings allow (0: 10 seconds).
        """
        try:
            return await asyncio.wait_for(
                self._post(url, body), min(own_timeout or _TIMEOUT, timeout_seconds)
            )
        except TimeoutError as error:
            raise DeliveryError("no answer in time", retry=True, reason=Reason.DEADLINE) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise DeliveryError(f"the URL is not valid: {error}", retry=False) from error
        except httpx.HTTPError as error:
            raise DeliveryError(f"{type(error).__name__}: {str(error) or 'no answer'}", retry=True) from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"a secret or certificate cannot be read: {error}", retry=True) from error

    async def _post(self, url: str, body: bytes) -> Answer:
        headers = [("Content-Type", "application/json"), *request_headers(self._settings)]
        if url.startswith("https:") and self._tls is None:
            self._tls = await asyncio.to_thread(tls_context, self._settings.tls_config)
        name = self._settings.tls_config.server_name
        async with (
            httpx.AsyncClient(
                transport=self._transport,
                timeout=None,  # noqa: S113 - the caller's covers all of it
                follow_redirects=self._settings.follow_redirects,
                verify=self._tls or False,
                trust_env=False,
            ) as client,
            client.stream(
                "POST",
                url,
                content=body,
                headers=headers,
                extensions={"sni_hostname": name} if name else {},
            ) as response,
        ):
            read = b""
            async for part in response.aiter_bytes():
                read += part
                if len(read) > _MAX_ANSWER:
                    break
            return Answer(response.status_code, response.headers.get("content-type", ""), read[:_MAX_ANSWER])


def check(answer: Answer, details: str = "") -> None:
    """Raise DeliveryError where the answer is not one of success, with what it says or `details`."""
    if 200 <= answer.status < 300:
        return
    said = details or answer.said
    raise DeliveryError(
        f"unexpected status code {answer.status}" + (f": {said}" if said else ""),
        retry=answer.status >= 500 or answer.status == 429,
        reason=_reason(answer.status),
    )


def _reason(status: int) -> Reason:
    if status in (401, 403):
        return Reason.AUTH
    if status == 429:
        return Reason.RATE_LIMITED
    if 400 <= status < 500:
        return Reason.CLIENT
    return Reason.SERVER if status >= 500 else Reason.OTHER
