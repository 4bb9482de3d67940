"""What became of the last request over HTTP, of which OpenTelemetry's exporters tell success or failure alone."""

from __future__ import annotations

from typing import Any

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

#: Statuses after which OTLP asks to try again; no other says that it may help.
_TRY_AGAIN = frozenset((429, 502, 503, 504))


class WatchedSession(requests.Session):
    """A session that remembers whether what it sent last failed for a while only, and how long it was told to wait.

    OpenTelemetry Protocol specification, "Failures" and "OTLP/HTTP Throttling".
    """

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        """Begin anew; a batch that is not sent at all, since it cannot be encoded, will not fit later either."""
        self.transient = False
        self.retry_after: float | None = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.forget()
        try:
            response = super().request(*args, **kwargs)
        except (requests.ConnectionError, requests.Timeout):
            self.transient = True
            raise
        self.transient = response.status_code in _TRY_AGAIN
        if self.transient:
            self.retry_after = _seconds(response.headers.get("Retry-After"))
        return response


def _seconds(retry_after: str | None) -> float | None:
    """Return what a Retry-After header asks for, in seconds; None where it is missing or no one can tell."""
    if retry_after is None:
        return None
    try:
        return Retry().parse_retry_after(retry_after)
    except InvalidHeader:
        return None
