"""Fetches an exposition over HTTP, within limits."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from accelerapp.server.ingest.compression import BoundedBody, MalformedCompressionError, TooLargeError

ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=underscores;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
_REDIRECTS = 5
_NO_LIMIT = 2**62
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+")


class FetchError(Exception):
    """A target could not be scraped; the message says why."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """What a target answered."""

    text: str
    openmetrics: bool


def scrape_client() -> httpx.AsyncClient:
    """Make the HTTP client for scraping; it heeds no proxy settings and keeps connections."""
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        headers={"User-Agent": "accelerapp", "Accept": ACCEPT, "Accept-Encoding": "gzip"},
    )


async def fetch(
    client: httpx.AsyncClient, url: str, timeout_seconds: float, body_size_limit: int
) -> Exposition:
    """Fetch an exposition, following redirects on the target's own host only.

    `body_size_limit` is bytes, 0 for none. Raises FetchError.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _follow(client, url, timeout_seconds, body_size_limit or _NO_LIMIT)
    except TimeoutError:
        raise FetchError(f"no complete answer from {url} within {timeout_seconds:g}s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"cannot fetch {url}: {str(error) or type(error).__name__}") from error


async def _follow(client: httpx.AsyncClient, url: str, timeout_seconds: float, limit: int) -> Exposition:
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": f"{timeout_seconds:g}"}
    for _ in range(_REDIRECTS):
        async with client.stream("GET", url, headers=headers, timeout=timeout_seconds) as response:
            location = response.headers.get("location")
            if response.is_redirect and location:
                following = urljoin(url, location)
                if urlsplit(following).netloc != urlsplit(url).netloc:
                    raise FetchError(f"{url} redirects to another host: {following}")
                url = following
                continue
            if response.status_code != 200:
                raise FetchError(
                    f"{url} returned HTTP status {response.status_code} {response.reason_phrase}".rstrip()
                )
            openmetrics = is_openmetrics(response.headers.get("content-type", ""))
            return Exposition(await _read(response, limit), openmetrics)
    raise FetchError(f"{url} redirects more than {_REDIRECTS} times")


def is_openmetrics(content_type: str) -> bool:
    """Tell OpenMetrics from Prometheus text; raises FetchError for anything else, as Prometheus 3 does."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/openmetrics-text":
        return True
    if media_type == "text/plain":
        return False
    if not media_type:
        raise FetchError("the answer has no Content-Type: a target must say text/plain or OpenMetrics")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise FetchError(f"the Content-Type {content_type!r} cannot be read")
    raise FetchError(f"the Content-Type {content_type!r} is neither text/plain nor OpenMetrics")


async def _read(response: httpx.Response, limit: int) -> str:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise FetchError(f"the Content-Encoding {encoding!r} was not asked for")
    body = BoundedBody(limit, "gzip" if encoding == "gzip" else None)
    try:
        async for chunk in response.aiter_raw():
            body.add(chunk)
        return body.finish().decode("utf-8")
    except TooLargeError:
        raise FetchError(f"body size limit exceeded: more than {limit} bytes") from None
    except MalformedCompressionError as error:
        raise FetchError(str(error)) from error
    except UnicodeDecodeError as error:
        raise FetchError(f"the answer is not UTF-8: {error}") from error
