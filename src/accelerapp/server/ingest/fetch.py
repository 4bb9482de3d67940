"""Fetches an exposition over HTTP, within limits."""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpx

from accelerapp.server.configfile.http import request_headers, tls_context
from accelerapp.server.ingest.compression import BoundedBody, MalformedCompressionError, TooLargeError
from accelerapp.server.ingest.scrape_job import Protocol, ScrapeJob

_MEDIA_TYPES = {
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}
#: Those of which a target may be asked to write names in a certain way.
_ESCAPING = ("OpenMetricsText1.0.0", "PrometheusText1.0.0")
#: Prometheus' own, which knows two formats more.
_FIRST_WEIGHT = 7
_REDIRECTS = 10
_NO_LIMIT = 2**62
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")
#: Longer than nearly every interval, so that a connection serves many scrapes.
_IDLE_SECONDS = 300.0


class FetchError(Exception):
    """A target could not be scraped; the message says why."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """What a target answered, and in which format."""

    body: bytes
    openmetrics: bool


class ScrapeClient:
    """Fetches expositions as a job asks for them; heeds no proxy settings and keeps connections.

    The files of secrets are read at every request, those of certificates once.
    """

    def __init__(self, job: ScrapeJob) -> None:
        self._job = job
        self._plain = _http_client(verify=False)
        self._secure: httpx.AsyncClient | None = None
        self._securing = asyncio.Lock()
        self._headers = {
            "User-Agent": "accelerapp",
            "Accept": accept(job.protocols, job.escaping),
            "Accept-Encoding": "gzip" if job.compressed else "identity",
        }

    async def fetch(self, url: str, timeout_seconds: float) -> Exposition:
        """Fetch what a URL exposes; raises FetchError."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._follow(url, timeout_seconds)
        except TimeoutError:
            raise FetchError(f"no complete answer from {url} within {timeout_seconds:g}s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"cannot fetch {url}: {str(error) or type(error).__name__}") from error
        except (OSError, ValueError) as error:
            raise FetchError(f"a secret or certificate for {url} cannot be read: {error}") from error

    async def close(self) -> None:
        await self._plain.aclose()
        if self._secure is not None:
            await self._secure.aclose()

    async def _follow(self, url: str, timeout_seconds: float) -> Exposition:
        http = self._job.http
        headers = [
            *self._headers.items(),
            ("X-Prometheus-Scrape-Timeout-Seconds", f"{timeout_seconds:g}"),
            *request_headers(http),
        ]
        origin = urlsplit(url)[:2]
        for _ in range(_REDIRECTS + 1):
            response = await self._send(url, headers)
            try:
                location = response.headers.get("location")
                if http.follow_redirects and response.is_redirect and location:
                    url = urljoin(url, location)
                    if urlsplit(url)[:2] != origin:  # which is not to see what is meant for the target
                        headers = list(self._headers.items())
                    continue
                if response.status_code != 200:
                    status = f"{response.status_code} {response.reason_phrase}".rstrip()
                    raise FetchError(f"server returned HTTP status {status}")
                body = await self._read(response)
                if not body:
                    return Exposition(b"", openmetrics=False)
                content_type = response.headers.get("content-type", "")
                return Exposition(body, is_openmetrics(content_type, self._job.fallback_protocol))
            finally:
                await response.aclose()
        raise FetchError(f"stopped after {_REDIRECTS} redirects")

    async def _send(self, url: str, headers: list[tuple[str, str]]) -> httpx.Response:
        client = await self._client(url)
        name = self._job.http.tls_config.server_name
        extensions = {"sni_hostname": name} if name else {}
        request = client.build_request("GET", url, headers=headers, extensions=extensions)
        try:
            return await client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The target may close a kept connection at the moment at which it is used again.
            return await client.send(request, stream=True)

    async def _client(self, url: str) -> httpx.AsyncClient:
        if not url.startswith("https:"):
            return self._plain
        async with self._securing:
            if self._secure is None:
                context = await asyncio.to_thread(tls_context, self._job.http.tls_config)
                self._secure = _http_client(verify=context)
        return self._secure

    async def _read(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise FetchError(f"the Content-Encoding {encoding!r} was not asked for")
        limit = self._job.limits.body_size or _NO_LIMIT
        body = BoundedBody(limit, "gzip" if encoding == "gzip" else None)
        try:
            async for chunk in response.aiter_raw():
                body.add(chunk)
            return body.finish()
        except TooLargeError:
            raise FetchError(f"body size limit exceeded: more than {limit} bytes") from None
        except MalformedCompressionError as error:
            raise FetchError(str(error)) from error


def _http_client(*, verify: ssl.SSLContext | Literal[False]) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, keepalive_expiry=_IDLE_SECONDS)
    return httpx.AsyncClient(trust_env=False, verify=verify, limits=limits, timeout=None)  # noqa: S113


def accept(protocols: tuple[Protocol, ...], escaping: str) -> str:
    """Return the header by which a target chooses the format, the most wanted first, as Prometheus sends it."""
    weight = _FIRST_WEIGHT
    wanted = []
    for protocol in protocols:
        form = f";escaping={escaping}" if protocol in _ESCAPING else ""
        wanted.append(f"{_MEDIA_TYPES[protocol]}{form};q=0.{weight}")
        weight -= 1
    return ",".join([*wanted, f"*/*;q=0.{weight}"])


def is_openmetrics(content_type: str, fallback: Protocol | None = None) -> bool:
    """Tell OpenMetrics from Prometheus text; raises FetchError for anything else, unless there is a fallback."""
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    if media_type == "application/openmetrics-text" and "version=2." not in parameters:
        return True
    if media_type == "text/plain":
        return False
    if fallback is not None:
        return fallback.startswith("OpenMetrics")
    missing = "and no fallback_scrape_protocol specified for target"
    if not media_type:
        raise FetchError(f"non-compliant scrape target sending blank Content-Type {missing}")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise FetchError(f'cannot parse Content-Type "{content_type}" {missing}')
    raise FetchError(f'received unsupported Content-Type "{content_type}" {missing}')
